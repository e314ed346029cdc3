#include <algorithm>

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/index_proof.hpp>

// The file that carries an index proof: schemas/ledger-index.cddl.
namespace stegpass::credential {
namespace {

constexpr std::string_view kVersion = "stegpass.index-proof.v1";
constexpr std::size_t kMaxBytes = std::size_t{1} << 30, kMaxNoteBytes = 64 * 1024;

Error bad(const std::string& what) { return {Errc::malformed, "index proof: " + what}; }

Cbor hashes_to_cbor(const std::vector<Digest32>& hashes) {
  CborArray items;
  for (const auto& hash : hashes) items.push_back(Cbor::bytes(hash));
  return Cbor::array(std::move(items));
}

Cbor range_to_cbor(const IndexRange& range) {
  CborArray shown;
  for (const auto& record : range.shown) shown.push_back(Cbor::bytes(record));
  return Cbor::array({Cbor::unsigned_integer(range.records), Cbor::unsigned_integer(range.first), Cbor::array(std::move(shown)),
                      hashes_to_cbor(range.hashes)});
}

/// The items of an array of a fixed length, or of any.
const CborArray* items_of(const Cbor& item, std::size_t count = 0) {
  const auto* items = item.as_array();
  return items && (count == 0 || items->size() == count) ? items : nullptr;
}

template <std::size_t N>
Result<std::vector<std::array<std::uint8_t, N>>> octets_of(const Cbor& item, const char* what) {
  const auto* items = items_of(item);
  if (!items) return bad(std::string(what) + " are not an array");
  std::vector<std::array<std::uint8_t, N>> out;
  for (const auto& one : *items) {
    const auto* octets = one.as_bytes();
    if (!octets || octets->size() != N) return bad(std::string(what) + " that have not " + std::to_string(N) + " bytes");
    std::copy(octets->begin(), octets->end(), out.emplace_back().begin());
  }
  return out;
}

Result<IndexRange> range_from_cbor(const Cbor& item) {
  const auto* items = items_of(item, 4);
  const auto *records = items ? (*items)[0].as_unsigned() : nullptr, *first = items ? (*items)[1].as_unsigned() : nullptr;
  if (!records || !first) return bad("a block that is not [records, first, shown, hashes]");
  STEGPASS_TRY(shown, octets_of<kIndexRecordBytes>((*items)[2], "records"));
  STEGPASS_TRY(hashes, octets_of<32>((*items)[3], "hashes"));
  return IndexRange{*records, *first, std::move(shown), std::move(hashes)};
}

Result<IndexedEntry> entry_from_cbor(const Cbor& item) {
  const auto* items = items_of(item, 2);
  const auto* octets = items ? (*items)[0].as_bytes() : nullptr;
  if (!octets) return bad("an entry that is not [octets, path]");
  STEGPASS_TRY(path, octets_of<32>((*items)[1], "hashes"));
  return IndexedEntry{*octets, std::move(path)};
}

Result<IndexKey> key_from_cbor(const Cbor& kind, const Cbor& digest) {
  const auto* number = kind.as_unsigned();
  const auto* octets = digest.as_bytes();
  if (!number || *number < 1 || *number > 3 || !octets || octets->size() != 32)
    return bad("no key of a known kind with 32 bytes");
  IndexKey key{static_cast<IndexKind>(*number), {}};
  std::ranges::copy(*octets, key.digest.begin());
  return key;
}

}  // namespace

Bytes encode_index_proof(const IndexProof& proof) {
  CborArray blocks, entries;
  for (const auto& range : proof.blocks) blocks.push_back(range_to_cbor(range));
  for (const auto& entry : proof.entries) entries.push_back(Cbor::array({Cbor::bytes(entry.octets), hashes_to_cbor(entry.path)}));
  return encode_cbor(Cbor::array(
      {Cbor::text(kVersion), Cbor::text(proof.checkpoint), Cbor::unsigned_integer(static_cast<std::uint64_t>(proof.key.kind)),
       Cbor::bytes(proof.key.digest), Cbor::array(std::move(blocks)), Cbor::array(std::move(entries))}));
}

Result<IndexProof> decode_index_proof(ByteView bytes) {
  if (bytes.size() > kMaxBytes) return {Errc::unsupported, "index proof: over 1 GiB"};
  STEGPASS_TRY(item, decode_cbor(bytes));
  const auto* items = items_of(item);
  const auto* version = items && !items->empty() ? items->front().as_text() : nullptr;
  if (!version) return bad("no version, expected " + std::string(kVersion));
  if (*version != kVersion) return {Errc::unsupported, "index proof: another version, expected " + std::string(kVersion)};
  const auto* note = items->size() == 6 ? (*items)[1].as_text() : nullptr;
  const auto *blocks = note ? (*items)[4].as_array() : nullptr, *entries = note ? (*items)[5].as_array() : nullptr;
  if (!blocks || !entries || note->size() > kMaxNoteBytes)
    return bad("expected version, checkpoint, kind, digest, blocks, entries");
  IndexProof proof{*note, {}, {}, {}};
  STEGPASS_TRY(key, key_from_cbor((*items)[2], (*items)[3]));
  proof.key = key;
  for (const auto& block : *blocks) {
    STEGPASS_TRY(range, range_from_cbor(block));
    proof.blocks.push_back(std::move(range));
  }
  for (const auto& entry : *entries) {
    STEGPASS_TRY(indexed, entry_from_cbor(entry));
    proof.entries.push_back(std::move(indexed));
  }
  return proof;
}

}  // namespace stegpass::credential
