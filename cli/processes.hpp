#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/secret_bytes.hpp>

#include "model_part.hpp"

namespace stegpass::cli {

/// What a launcher says in RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT; one process where they are absent.
/// Errors  usage when one of them is no number in its range.
Result<Processes> processes_from_environment();

/// Other processes of this command, started by this one, which is rank 0 among them. They get this process's arguments and the
/// passphrase over a pipe, where there is one, and print nothing. Those that still run when this is destroyed are stopped.
class Companions {
 public:
  Companions() = default;
  /// Starts size - 1 processes that meet this one by a file in a temporary folder of their own; `at` says where. Errors  io.
  static Result<Companions> start(int size, const credential::SecretBytes& passphrase, Processes& at) {
    return start(size, &passphrase, at);
  }
  static Result<Companions> start_without_passphrase(int size, Processes& at) { return start(size, nullptr, at); }
  Companions(Companions&& other) noexcept { *this = std::move(other); }
  Companions& operator=(Companions&& other) noexcept {
    std::swap(children_, other.children_);
    std::swap(folder_, other.folder_);
    return *this;
  }
  ~Companions();
  /// Waits for all. Errors  internal when one ended otherwise than this process does.
  Status finish();

 private:
  static Result<Companions> start(int size, const credential::SecretBytes* passphrase, Processes& at);
  std::vector<pid_t> children_;
  std::string folder_;
};

}  // namespace stegpass::cli
