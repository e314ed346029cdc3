#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <stegpass/credential/core/result.hpp>

namespace stegpass::ledger {

/// `cosigned`, the file beside the database: the checkpoint that witnesses cosigned last, with their lines. None where there is
/// no such file. Errors  malformed (over 64 KiB); io.
Result<std::optional<std::string>> read_cosigned(const std::filesystem::path& ledger_folder);
/// Replaces the file as a whole, and returns when the disk has it. Errors io.
Status replace_cosigned(const std::filesystem::path& ledger_folder, const std::string& note);

/// Whether two notes say the same, whoever signed them.
bool same_text(std::string_view note, std::string_view other);
/// `note`, or the file's note when that says the same and so has cosignatures as well. Errors as of reading.
Result<std::string> with_cosignatures(const std::filesystem::path& ledger_folder, const std::string& note);

}  // namespace stegpass::ledger
