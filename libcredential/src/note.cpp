#include <stegpass/credential/note.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <optional>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "utf8.hpp"

namespace stegpass::credential {
namespace {

constexpr std::size_t kMaxSignatures = 100;  // C2SP asks for at least 16
constexpr std::string_view kDash = "\xe2\x80\x94 ";

// White space of Unicode beyond ASCII, as UTF-8 (property White_Space).
constexpr std::array<std::string_view, 20> kSpaces = {"\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80",
                                                      "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84",
                                                      "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
                                                      "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9",
                                                      "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80", " "};

Error bad(std::string detail) { return {Errc::malformed, "note: " + std::move(detail)}; }

bool is_name(std::string_view name) {
  const bool spaced =
      std::any_of(kSpaces.begin(), kSpaces.end(), [&](std::string_view space) { return name.find(space) != name.npos; });
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) { return c > 0x20 && c != '+'; });
  return !name.empty() && !spaced && plain && is_utf8(name);
}

std::uint32_t read_key_id(ByteView bytes) {
  return (std::uint32_t{bytes[0]} << 24) | (std::uint32_t{bytes[1]} << 16) | (std::uint32_t{bytes[2]} << 8) | bytes[3];
}

Bytes typed_key(const PublicKey& key, NoteKind kind) {
  Bytes typed;
  typed.reserve(1 + key.x().size());
  typed.push_back(static_cast<std::uint8_t>(kind));
  append(typed, key.x());
  return typed;
}

std::string key_id_hex(std::uint32_t id) {
  Bytes bytes;
  append_big_endian(bytes, id, 4);
  return to_hex(bytes);
}

constexpr int kStampBytes = 8;

// What a witness signs (C2SP tlog-cosignature): its time, and the whole text of the note.
std::string cosigned_text(const Note& note, std::uint64_t time) {
  return "cosignature/v1\ntime " + std::to_string(time) + "\n" + note.text;
}

Result<NoteSignature> parse_signature(std::string_view line) {
  if (line.substr(0, kDash.size()) != kDash) return bad("signature line does not start with a dash and a space");
  line.remove_prefix(kDash.size());
  const auto space = line.find(' ');
  if (space == line.npos || !is_name(line.substr(0, space))) return bad("signature line without a proper name");
  STEGPASS_TRY(blob, parse_base64(line.substr(space + 1)));
  if (blob.size() < 5) return bad("signature of " + std::to_string(blob.size()) + " bytes, expected a key id and more");
  return NoteSignature{std::string(line.substr(0, space)), read_key_id(blob), Bytes(blob.begin() + 4, blob.end())};
}

}  // namespace

Result<NoteVerifier> NoteVerifier::parse(std::string_view vkey, NoteKind kind) {
  const auto first = vkey.find('+');
  const auto second = first == vkey.npos ? first : vkey.find('+', first + 1);
  if (second == vkey.npos) return bad("verifier key is not name+id+key");
  const std::string_view name = vkey.substr(0, first);
  if (!is_name(name)) return bad("verifier key without a proper name");
  STEGPASS_TRY(id, parse_hex(vkey.substr(first + 1, second - first - 1)));
  STEGPASS_TRY(typed, parse_base64(vkey.substr(second + 1)));
  if (id.size() != 4 || typed.empty()) return bad("verifier key of an id of 4 bytes and a key expected");
  const auto expected = static_cast<std::uint8_t>(kind);
  if (typed[0] != expected) {
    return Error{Errc::unsupported, "note: verifier key of type " + std::to_string(typed[0]) + ", expected " +
                                        std::to_string(expected) + (kind == NoteKind::log ? " (a log's)" : " (a witness's)")};
  }
  STEGPASS_TRY(key, PublicKey::create_ed25519(ByteView(typed).subspan(1)));
  NoteVerifier verifier{std::string(name), std::move(key), kind};
  if (verifier.key_id() != read_key_id(id)) return bad("verifier key whose id is not that of name and key");
  return verifier;
}

std::string NoteVerifier::to_vkey() const {
  assert(key.type() == KeyType::ed25519 && is_name(name));
  return name + "+" + key_id_hex(key_id()) + "+" + to_base64(typed_key(key, kind));
}

std::uint32_t NoteVerifier::key_id() const {
  Bytes named = to_bytes(std::string_view(name));
  named.push_back('\n');
  append(named, typed_key(key, kind));
  return read_key_id(fast_sha256(named));
}

Result<Note> parse_note(std::string_view note) {
  if (!is_utf8(note)) return bad("not UTF-8");
  if (std::any_of(note.begin(), note.end(), [](unsigned char c) { return c < 0x20 && c != '\n'; })) {
    return bad("control character other than a line feed");
  }
  const auto split = note.rfind("\n\n");
  if (split == note.npos) return bad("no empty line before the signatures");
  Note parsed{std::string(note.substr(0, split + 1)), {}};
  STEGPASS_TRY(signatures, parse_note_signatures(note.substr(split + 2)));
  parsed.signatures = std::move(signatures);
  return parsed;
}

Result<std::vector<NoteSignature>> parse_note_signatures(std::string_view lines) {
  if (lines.empty() || lines.back() != '\n') return bad("signatures missing or not ended by a line feed");
  std::vector<NoteSignature> out;
  while (!lines.empty()) {
    if (out.size() == kMaxSignatures) return bad("more than 100 signatures");
    const auto end = lines.find('\n');
    STEGPASS_TRY(signature, parse_signature(lines.substr(0, end)));
    out.push_back(std::move(signature));
    lines.remove_prefix(end + 1);
  }
  return out;
}

std::string encode_note(const Note& note) { return note.text + "\n" + encode_note_signatures(note.signatures); }

std::string encode_note_signatures(const std::vector<NoteSignature>& signatures) {
  std::string out;
  for (const NoteSignature& line : signatures) {
    Bytes blob;
    append_big_endian(blob, line.key_id, 4);
    append(blob, line.signature);
    out.append(kDash).append(line.name).append(" ").append(to_base64(blob)).append("\n");
  }
  return out;
}

void sign_note(Note& note, std::string_view name, const PrivateKey& key) {
  assert(key.public_key().type() == KeyType::ed25519 && is_name(name) && !note.text.empty() && note.text.back() == '\n');
  const NoteVerifier verifier{std::string(name), key.public_key()};
  note.signatures.push_back({verifier.name, verifier.key_id(), key.sign(as_bytes(note.text))});
}

Status verify_note(const Note& note, const NoteVerifier& verifier) {
  assert(verifier.kind == NoteKind::log);
  const std::uint32_t id = verifier.key_id();
  bool found = false;
  for (const NoteSignature& line : note.signatures) {
    if (line.name != verifier.name || line.key_id != id) continue;
    found = true;
    if (!verifier.key.verify(as_bytes(note.text), line.signature)) return bad("signature by " + verifier.name + " is bad");
  }
  if (!found) return Error{Errc::not_found, "note: no signature by " + verifier.name + "+" + key_id_hex(id)};
  return Done{};
}

void cosign_note(Note& note, std::string_view name, const PrivateKey& key, std::int64_t time) {
  assert(key.public_key().type() == KeyType::ed25519 && is_name(name) && time >= 0);
  const NoteVerifier witness{std::string(name), key.public_key(), NoteKind::witness};
  Bytes stamped;
  append_big_endian(stamped, static_cast<std::uint64_t>(time), kStampBytes);
  append(stamped, key.sign(as_bytes(cosigned_text(note, static_cast<std::uint64_t>(time)))));
  note.signatures.push_back({witness.name, witness.key_id(), std::move(stamped)});
}

Result<std::int64_t> verify_cosignature(const Note& note, const NoteVerifier& witness) {
  assert(witness.kind == NoteKind::witness);
  const std::uint32_t id = witness.key_id();
  std::optional<std::int64_t> newest;
  for (const NoteSignature& line : note.signatures) {
    if (line.name != witness.name || line.key_id != id) continue;
    const ByteView stamped = line.signature;
    if (stamped.size() != kStampBytes + 64)
      return bad("cosignature by " + witness.name + " of " + std::to_string(stamped.size()) + " bytes, expected 72");
    std::uint64_t time = 0;
    for (const auto byte : stamped.first(kStampBytes)) time = time << 8 | byte;
    if (time > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return bad("cosignature of a time past 2^63");
    if (!witness.key.verify(as_bytes(cosigned_text(note, time)), stamped.subspan(kStampBytes)))
      return bad("cosignature by " + witness.name + " is bad");
    newest = std::max(newest.value_or(0), static_cast<std::int64_t>(time));
  }
  if (!newest) return Error{Errc::not_found, "note: no cosignature by " + witness.name + "+" + key_id_hex(id)};
  return *newest;
}

}  // namespace stegpass::credential
