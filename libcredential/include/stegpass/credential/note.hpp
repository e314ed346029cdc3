#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/key.hpp>

namespace stegpass::credential {

/// What an Ed25519 key signs notes as: with plain signatures, as logs do, or with cosignature/v1 (C2SP tlog-cosignature), as
/// witnesses do.
enum class NoteKind : std::uint8_t { log = 0x01, witness = 0x04 };

/// An Ed25519 key that signs notes: `name+hex(key id)+base64(kind || key)` (C2SP signed-note).
struct NoteVerifier {
  std::string name;
  PublicKey key;
  NoteKind kind = NoteKind::log;

  /// Errors  malformed; unsupported for a key of another type than `kind`.
  static Result<NoteVerifier> parse(std::string_view vkey, NoteKind kind = NoteKind::log);
  std::string to_vkey() const;
  std::uint32_t key_id() const;
};

struct NoteSignature {
  std::string name;
  std::uint32_t key_id = 0;
  Bytes signature;
};

/// A signed note: text ending in a line feed, and its signature lines.
struct Note {
  std::string text;
  std::vector<NoteSignature> signatures;
};

/// Errors  malformed (C2SP signed-note v1.0.0).
Result<Note> parse_note(std::string_view note);
std::string encode_note(const Note& note);
/// Signature lines alone, as a witness answers (C2SP tlog-witness). Errors malformed.
Result<std::vector<NoteSignature>> parse_note_signatures(std::string_view lines);
std::string encode_note_signatures(const std::vector<NoteSignature>& signatures);
/// Adds a signature line. Requires an Ed25519 key and a name without spaces or '+'.
void sign_note(Note& note, std::string_view name, const PrivateKey& key);
/// Requires a verifier of kind log. Errors  not_found when there is no signature by it; malformed when there is one and it is
/// bad.
Status verify_note(const Note& note, const NoteVerifier& verifier);

/// Adds the signature line of a witness who saw this checkpoint as the largest of its log at `time`, seconds since 1970.
/// Requires as `sign_note`, and time >= 0. Source  C2SP tlog-cosignature, Ed25519 (cosignature/v1).
void cosign_note(Note& note, std::string_view name, const PrivateKey& key, std::int64_t time);
/// The time that a witness's cosignature carries; of several good ones the newest. Requires a verifier of kind witness.
/// Errors  as verify_note; a time over 2^63 - 1 is malformed.
Result<std::int64_t> verify_cosignature(const Note& note, const NoteVerifier& witness);

/// The body of a log's checkpoint (C2SP tlog-checkpoint): origin, size, root, extension lines.
/// We write two extension lines: `time <seconds>`, since every verdict says "as of", and `index <base64>`, the root of the
/// verifiable index (index_proof.hpp).
struct Checkpoint {
  std::string origin;
  std::uint64_t tree_size = 0;
  Digest32 root{};
  std::int64_t time = 0;                 ///< seconds since 1970; 0 when the note does not say
  std::optional<Digest32> index_root{};  ///< none when the note does not say

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

Result<Checkpoint> parse_checkpoint(std::string_view note_text);
std::string encode_checkpoint(const Checkpoint& checkpoint);

}  // namespace stegpass::credential
