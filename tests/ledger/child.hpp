#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include <stegpass/credential/key.hpp>

namespace stegpass::ledger::test {

/// The program `ledger_writer` as a child process, its answers read line by line; killed at the latest when this object goes.
/// A process of its own, since a forked copy would lack RocksDB's threads.
class Child {
 public:
  /// `environment` is added to ours.
  explicit Child(std::vector<std::string> arguments, const std::map<std::string, std::string>& environment = {});
  /// As above, with the keys to append with: their secrets follow the arguments in hexadecimal.
  Child(std::vector<std::string> arguments, const credential::PrivateKey& log_key, const credential::PrivateKey& owner,
        const std::map<std::string, std::string>& environment = {});
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  /// The next line without its end; empty when the child says no more.
  std::string read_line();
  /// Kills at once, and waits.
  void kill();
  /// Waits for the end; the exit code, or -1 after a signal.
  int wait();

 private:
  pid_t pid_ = -1;
  int pipe_ = -1;
  std::string buffer_;
};

}  // namespace stegpass::ledger::test
