#include "outside.hpp"

#include "whole_file.hpp"

namespace stegpass::ledger {
namespace {

constexpr std::size_t kMaxNoteBytes = 64 * 1024;

}  // namespace

std::filesystem::path outside_checkpoint_path(const std::filesystem::path& ledger_folder) { return ledger_folder / "checkpoint"; }

Result<std::string> read_outside_checkpoint(const std::filesystem::path& ledger_folder) {
  const auto path = outside_checkpoint_path(ledger_folder);
  auto content = read_whole_file(path, kMaxNoteBytes);
  if (content) return std::string(as_text(*content));
  if (content.error().code == Errc::not_found)
    return {Errc::malformed, path.string() + ": absent, so that a rolled-back database could not be told from a whole one"};
  if (content.error().code == Errc::malformed)
    return {Errc::malformed, content.error().detail + ", expected a signed checkpoint"};
  return content.error();
}

Status replace_outside_checkpoint(const std::filesystem::path& ledger_folder, const std::string& note) {
  return write_whole_file(outside_checkpoint_path(ledger_folder), as_bytes(note),
                          true);  // there is one writer, so one temporary name serves
}

}  // namespace stegpass::ledger
