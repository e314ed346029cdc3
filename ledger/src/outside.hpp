#pragma once

#include <filesystem>
#include <string>

#include <stegpass/credential/core/result.hpp>

namespace stegpass::ledger {

/// `checkpoint`, the file beside the database that holds the newest signed note: what a rolled-back database cannot take back
/// with it.
std::filesystem::path outside_checkpoint_path(const std::filesystem::path& ledger_folder);

/// Errors  malformed when it is absent or over 64 KiB; io.
Result<std::string> read_outside_checkpoint(const std::filesystem::path& ledger_folder);

/// Replaces the file as a whole, and returns when the disk has it: temporary file, fsync, rename, fsync of the folder. Errors io.
Status replace_outside_checkpoint(const std::filesystem::path& ledger_folder, const std::string& note);

}  // namespace stegpass::ledger
