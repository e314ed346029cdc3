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

/// An Ed25519 key that signs notes: `name+hex(key id)+base64(01 || key)` (C2SP signed-note).
struct NoteVerifier {
  std::string name;
  PublicKey key;

  /// Errors  malformed; unsupported for key types other than Ed25519 (01).
  static Result<NoteVerifier> parse(std::string_view vkey);
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
/// Adds a signature line. Requires an Ed25519 key and a name without spaces or '+'.
void sign_note(Note& note, std::string_view name, const PrivateKey& key);
/// Errors  not_found when there is no signature by this verifier; malformed when there is one and it is bad.
Status verify_note(const Note& note, const NoteVerifier& verifier);

/// The body of a log's checkpoint (C2SP tlog-checkpoint): origin, size, root, extension lines.
/// We write two extension lines: `time <seconds>`, since every verdict says "as of", and `index <base64>`, the root of the
/// verifiable index (index_proof.hpp).
struct Checkpoint {
  std::string origin;
  std::uint64_t tree_size = 0;
  Digest32 root{};
  std::int64_t time = 0;  ///< seconds since 1970; 0 when the note does not say
  std::optional<Digest32> index_root{};  ///< none when the note does not say

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

Result<Checkpoint> parse_checkpoint(std::string_view note_text);
std::string encode_checkpoint(const Checkpoint& checkpoint);

}  // namespace stegpass::credential
