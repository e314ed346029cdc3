#include "cosigned.hpp"

#include <algorithm>

#include <stegpass/ledger/witness.hpp>

#include "ledger_parts.hpp"
#include "tile_source.hpp"
#include "tree.hpp"
#include "whole_file.hpp"

namespace stegpass::ledger {
namespace {

namespace fs = std::filesystem;
using credential::Note, credential::NoteSignature, credential::NoteVerifier, credential::WitnessRequest;

constexpr std::size_t kMaxNoteBytes = 64 * 1024;

fs::path cosigned_path(const fs::path& ledger_folder) { return ledger_folder / "cosigned"; }

Head head_of(const Ledger& ledger) {
  const auto& log = LedgerParts::of(ledger);
  const std::lock_guard lock(log.mutex);
  return log.head;
}

/// Puts a witness's line into a note, in place of an older one by the same witness.
Status put_line(Note& note, const NoteSignature& line, const std::vector<NoteVerifier>& witnesses, std::uint64_t size) {
  const auto by = std::find_if(witnesses.begin(), witnesses.end(), [&](const NoteVerifier& witness) {
    return witness.name == line.name && witness.key_id() == line.key_id;
  });
  if (by == witnesses.end()) return {Errc::refused, "a cosignature by " + line.name + ", whose key was not given"};
  std::erase_if(note.signatures, [&](const NoteSignature& old) { return old.name == line.name && old.key_id == line.key_id; });
  note.signatures.push_back(line);
  if (auto fits = verify_cosignature(note, *by); !fits)
    return {Errc::refused, "the cosignature by " + line.name + " does not fit the newest checkpoint, of size " +
                               std::to_string(size) + ": it is bad, or the log has grown since the request"};
  return Done{};
}

}  // namespace

Result<std::optional<std::string>> read_cosigned(const fs::path& ledger_folder) {
  auto content = read_whole_file(cosigned_path(ledger_folder), kMaxNoteBytes);
  if (content) return std::optional(std::string(as_text(*content)));
  if (content.error().code == Errc::not_found) return std::optional<std::string>{};
  return content.error();
}

Status replace_cosigned(const fs::path& ledger_folder, const std::string& note) {
  return write_whole_file(cosigned_path(ledger_folder), as_bytes(note), true);
}

bool same_text(std::string_view note, std::string_view other) {
  const auto text = [](std::string_view whole) { return whole.substr(0, whole.rfind("\n\n")); };
  return text(note) == text(other);
}

Result<std::string> with_cosignatures(const fs::path& ledger_folder, const std::string& note) {
  STEGPASS_TRY(cosigned, read_cosigned(ledger_folder));
  return cosigned && same_text(*cosigned, note) ? *cosigned : note;
}

Result<std::string> cosigned_checkpoint(const Ledger& ledger) {
  const auto& log = LedgerParts::of(ledger);
  STEGPASS_TRY(note, with_cosignatures(log.folder, head_of(ledger).note));
  if (auto checked = check_note(note, log.verifier); !checked)
    return {Errc::malformed, cosigned_path(log.folder).string() + ": " + checked.error().detail};
  return note;
}

Result<std::string> add_cosignatures(const Ledger& ledger, const std::vector<NoteSignature>& signatures,
                                     const std::vector<NoteVerifier>& witnesses) {
  STEGPASS_TRY(text, cosigned_checkpoint(ledger));
  STEGPASS_TRY(note, credential::parse_note(text));
  STEGPASS_TRY(checkpoint, credential::parse_checkpoint(note.text));
  for (const auto& line : signatures) STEGPASS_CHECK_OK(put_line(note, line, witnesses, checkpoint.tree_size));
  const auto whole = encode_note(note);
  if (auto readable = credential::parse_note(whole); !readable) return readable.error();  // at most 100 lines
  STEGPASS_CHECK_OK(replace_cosigned(LedgerParts::of(ledger).folder, whole));
  return whole;
}

Result<WitnessRequest> witness_request(const Ledger& ledger, std::uint64_t old_size) {
  const auto head = head_of(ledger);
  WitnessRequest request{old_size, {}, head.note};
  if (old_size == 0) return request;
  STEGPASS_TRY(proof, ledger.consistency_proof(old_size, head.checkpoint.tree_size));
  request.proof = std::move(proof.path);
  return request;
}

Result<WitnessRequest> witness_request(const fs::path& tiles, const credential::VerifierMemory& memory) {
  STEGPASS_TRY(source, TileSource::open(tiles));
  const auto seen = memory.newest.find(source->checkpoint().origin);
  WitnessRequest request{seen == memory.newest.end() ? 0 : seen->second.tree_size, {}, source->note()};
  if (request.old_size == 0 || request.old_size >= source->checkpoint().tree_size) return request;
  STEGPASS_TRY(path, consistency_path(node_reader(*source), request.old_size, source->checkpoint().tree_size));
  request.proof = std::move(path);
  return request;
}

}  // namespace stegpass::ledger
