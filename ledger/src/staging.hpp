#pragma once

#include <filesystem>

#include <stegpass/credential/core/result.hpp>

// Folders that appear whole: made under another name beside their own, then moved there.
namespace stegpass::ledger {

/// Whether a folder may be made: absent, or empty. Errors exists; io.
Status check_new(const std::filesystem::path& folder);

/// Absolute, and with a last name that is not empty.
std::filesystem::path without_trailing_slash(const std::filesystem::path& folder);

/// A folder that is removed with all that is in it unless it was moved to its own name. Requires a name without a trailing slash.
class Staging {
 public:
  explicit Staging(const std::filesystem::path& final_name);
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  ~Staging();
  const std::filesystem::path& folder() const { return folder_; }
  Status make() const;
  /// Returns when the disk has the name. Errors io.
  Status move_to(const std::filesystem::path& final_name);

 private:
  std::filesystem::path folder_;
};

}  // namespace stegpass::ledger
