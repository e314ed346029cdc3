#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/note.hpp>

// The verifiable index of a log: which entries speak of a model, a licensee or an issuer, and that no others do. Every checkpoint
// signs the root of it. Schema: schemas/ledger-index.md.
//
// An entry gives one record for each key that it goes by. Records are kept in sorted blocks: one for each 65,536 entries, then
// one for each 256 of those left, then one for the rest. A block's root is a Merkle tree over its records, so that neighbours in
// it show that nothing lies between them; the index root is a hash over the blocks' counts and roots. Blocks never change: the
// index of every older size is made of the same ones. Source  sorted Merkle trees whose adjacent leaves prove absence: Kocher, On
// certificate revocation and validation, 1998; blocks of
//         growing size: Bentley and Saxe, Decomposable searching problems, 1980.
namespace stegpass::credential {

enum class IndexKind : std::uint8_t { model = 1, licensee = 2, issuer = 3 };
std::string_view index_kind_name(IndexKind kind);

/// What statements are looked up by: SHA-256 of a registered model's file, or a thumbprint of a key.
struct IndexKey {
  IndexKind kind = IndexKind::model;
  Digest32 digest{};
  friend auto operator<=>(const IndexKey&, const IndexKey&) = default;
};

/// Kind (1 byte), digest (32), number of the entry (8, most significant first): in order as octets are.
inline constexpr std::size_t kIndexRecordBytes = 41;
using IndexRecord = std::array<std::uint8_t, kIndexRecordBytes>;
IndexRecord index_record(const IndexKey& key, std::uint64_t entry);
std::uint64_t entry_of(const IndexRecord& record);
/// Whether the record is of this key: less than 0 for one that stands before all of them, 0 for one of them.
int compare(const IndexRecord& record, const IndexKey& key);

inline constexpr std::uint64_t kSmallBlock = 256, kLargeBlock = 65'536;  ///< entries

/// The entries [first, end) of a block.
struct IndexSpan {
  std::uint64_t first = 0, end = 0;
  friend bool operator==(const IndexSpan&, const IndexSpan&) = default;
};
/// The blocks of the index of a log with `size` entries, in order.
std::vector<IndexSpan> index_spans(std::uint64_t size);

/// What the index root says of a block.
struct IndexBlock {
  std::uint64_t records = 0;
  Digest32 root{};  ///< RFC 9162 tree over the records, sorted
  friend bool operator==(const IndexBlock&, const IndexBlock&) = default;
};
/// Requires sorted records.
IndexBlock index_block(const std::vector<IndexRecord>& records);
/// Requires one block for each span of `size`.
Digest32 index_root(std::uint64_t size, const std::vector<IndexBlock>& blocks);

/// Consecutive records of a block, with the hashes of all that lies beside them.
struct IndexRange {
  std::uint64_t records = 0;  ///< in the whole block
  std::uint64_t first = 0;    ///< position of the first one shown
  std::vector<IndexRecord> shown;
  std::vector<Digest32> hashes;  ///< of the largest subtrees beside them, from left to right
};
/// Root of subtree [start, start + count) of a block's tree.
using SubtreeReader = std::function<Result<Digest32>(std::uint64_t start, std::uint64_t count)>;
/// Fills in `hashes`. Requires at least one record shown, within the block.
Status add_range_hashes(IndexRange& range, const SubtreeReader& read);
/// Errors  malformed: hashes too many or too few, nothing shown.
Result<Digest32> root_of_range(const IndexRange& range);

/// An entry with the path to the log's root.
struct IndexedEntry {
  Bytes octets;
  std::vector<Digest32> path;
};

/// All entries of one key at a checkpoint, with all that a verifier without the database needs.
struct IndexProof {
  std::string checkpoint;  ///< signed note
  IndexKey key;
  std::vector<IndexRange> blocks;
  std::vector<IndexedEntry> entries;
};
/// At most 1 GiB.
Bytes encode_index_proof(const IndexProof& proof);
/// Errors  malformed; unsupported (another version).
Result<IndexProof> decode_index_proof(ByteView bytes);

/// What a proof shows: these entries go by the key, and no others of the checkpoint's log.
struct IndexAnswer {
  Note note;  ///< the checkpoint as it was signed
  Checkpoint checkpoint;
  IndexKey key;
  std::vector<std::pair<std::uint64_t, Bytes>> entries;  ///< number and octets, in order
};
/// Checks the checkpoint's signature, every block against the index root that it signs, that nothing of the key lies outside what
/// is shown, and every entry's path. That the log sorted its records right, and left out none, is what its audit shows. Errors
/// malformed, with what is wrong; unsupported when the checkpoint signs no index.
Result<IndexAnswer> verify_index_proof(const IndexProof& proof, const NoteVerifier& log);

}  // namespace stegpass::credential
