#pragma once

#include <string>

#include "program.hpp"

namespace stegpass::test {

/// What a run of the program let out of itself, seen from outside with ptrace.
struct Traced {
  int code = -1;
  std::string
      written;         ///< every byte that any thread gave to write and its kin, whatever the file: output, logs, temporary files
  std::string memory;  ///< all that was readable in the process when it ended, after its destructors: what a core dump would hold
  std::string arguments;  ///< argument list and environment as /proc shows them
};

/// Runs the program with these arguments and without a terminal.
Traced run_traced(const Args& args);

/// Starts a command, waits until it sleeps in a read of the descriptor `fd`, and ends it with SIGABRT. Whether a core was dumped.
bool dumps_core_while_reading(const Args& command, int fd);

}  // namespace stegpass::test
