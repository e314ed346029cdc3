#pragma once

#include <string>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace stegpass::bench {

/// Runs a program without output; its exit code, or -1.
inline int run_program(const std::string& program, const std::vector<std::string>& arguments) {
  std::vector<char*> argv = {const_cast<char*>(program.c_str())};
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO})
    posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  int status = 0;
  const bool ran =
      posix_spawn(&child, program.c_str(), &actions, nullptr, argv.data(), environ) == 0 && waitpid(child, &status, 0) == child;
  posix_spawn_file_actions_destroy(&actions);
  return ran && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace stegpass::bench
