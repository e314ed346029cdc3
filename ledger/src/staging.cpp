#include "staging.hpp"

#include <unistd.h>

#include <string>

#include "whole_file.hpp"

namespace stegpass::ledger {

namespace fs = std::filesystem;

Status check_new(const fs::path& folder) {
  std::error_code error;
  const auto status = fs::status(folder, error);
  if (status.type() == fs::file_type::not_found) return Done{};
  if (status.type() == fs::file_type::directory && fs::is_empty(folder, error)) return Done{};
  if (error) return {Errc::io, folder.string() + ": " + error.message()};
  return {Errc::exists, folder.string() + ": is there already, expected a new or an empty folder"};
}

fs::path without_trailing_slash(const fs::path& folder) {
  const auto whole = fs::absolute(folder).lexically_normal();
  return whole.has_filename() ? whole : whole.parent_path();
}

Staging::Staging(const fs::path& final_name) : folder_(final_name.string() + ".new-" + std::to_string(::getpid())) {}

Staging::~Staging() {
  std::error_code ignored;
  if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

Status Staging::make() const {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) return {Errc::io, folder_.string() + ": cannot create: " + error.message()};
  return Done{};
}

Status Staging::move_to(const fs::path& final_name) {
  std::error_code error;
  fs::rename(folder_, final_name, error);
  if (error) return {Errc::io, final_name.string() + ": cannot create: " + error.message()};
  folder_.clear();
  return sync_folder(final_name.parent_path());
}

}  // namespace stegpass::ledger
