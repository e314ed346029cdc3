#include <stegpass/credential/index_proof.hpp>

#include <algorithm>
#include <bit>
#include <cassert>

#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/merkle.hpp>

namespace stegpass::credential {
namespace {

constexpr std::string_view kDomain = "stegpass.ledger-index.v1";

Error bad(const std::string& detail) { return {Errc::malformed, "index proof: " + detail}; }

/// Walks a block's tree as RFC 9162 splits it, and calls `beside` for each largest subtree without a record shown, `within` for
/// each record shown; joins what they give.
template <class Beside, class Within>
Result<Digest32> walk(std::uint64_t start, std::uint64_t count, const IndexRange& range, const Beside& beside,
                      const Within& within) {
  const auto end = range.first + range.shown.size();
  if (start + count <= range.first || start >= end) return beside(start, count);
  if (count == 1) return within(start - range.first);
  const auto left = std::bit_floor(count - 1);
  STEGPASS_TRY(left_root, walk(start, left, range, beside, within));
  STEGPASS_TRY(right_root, walk(start + left, count - left, range, beside, within));
  return merkle_node(left_root, right_root);
}

Status check_shown(const IndexRange& range) {
  const auto shown = range.shown.size();
  if (shown == 0) return bad("a block without a record shown");
  if (range.first >= range.records || shown > range.records - range.first)
    return bad("records " + std::to_string(range.first) + " and on, " + std::to_string(shown) + " of them, in a block of " +
               std::to_string(range.records));
  return Done{};
}

/// Whether what is shown of a block are all of the key's records in it: sorted, of the block's entries, with a neighbour on
/// either side.
Status check_range(const IndexRange& range, const IndexSpan& span, const IndexKey& key) {
  const auto of_block = [&](const IndexRecord& record) { return entry_of(record) >= span.first && entry_of(record) < span.end; };
  if (!std::ranges::all_of(range.shown, of_block)) return bad("a record of an entry outside its block");
  if (std::ranges::adjacent_find(range.shown, std::ranges::greater_equal{}) != range.shown.end())
    return bad("records out of order");
  if (range.first > 0 && compare(range.shown.front(), key) >= 0)
    return bad("nothing shows that the key has no earlier record in its block");
  if (range.first + range.shown.size() < range.records && compare(range.shown.back(), key) <= 0)
    return bad("nothing shows that the key has no later record in its block");
  return Done{};
}

/// The numbers of the key's entries. Errors malformed: the blocks are not those of the index root.
Result<std::vector<std::uint64_t>> check_blocks(const IndexProof& proof, const Checkpoint& checkpoint) {
  if (checkpoint.tree_size / kLargeBlock > proof.blocks.size()) return bad("too few blocks for the checkpoint's size");
  const auto spans = index_spans(checkpoint.tree_size);
  if (proof.blocks.size() != spans.size())
    return bad(std::to_string(proof.blocks.size()) + " blocks, expected " + std::to_string(spans.size()));
  std::vector<IndexBlock> blocks;
  std::vector<std::uint64_t> entries;
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const auto& range = proof.blocks[i];
    STEGPASS_TRY(root, root_of_range(range));
    STEGPASS_CHECK_OK(check_range(range, spans[i], proof.key));
    blocks.push_back({range.records, root});
    for (const auto& record : range.shown)
      if (compare(record, proof.key) == 0) entries.push_back(entry_of(record));
  }
  if (index_root(checkpoint.tree_size, blocks) != *checkpoint.index_root)
    return bad("the blocks are not those of the checkpoint's index");
  return entries;
}

}  // namespace

std::string_view index_kind_name(IndexKind kind) {
  return kind == IndexKind::model ? "model" : kind == IndexKind::licensee ? "licensee" : "issuer";
}

IndexRecord index_record(const IndexKey& key, std::uint64_t entry) {
  IndexRecord record;
  record[0] = static_cast<std::uint8_t>(key.kind);
  std::ranges::copy(key.digest, record.begin() + 1);
  for (std::size_t i = 0; i < 8; ++i) record[33 + i] = static_cast<std::uint8_t>(entry >> (56 - 8 * i));
  return record;
}

std::uint64_t entry_of(const IndexRecord& record) {
  std::uint64_t entry = 0;
  for (std::size_t i = 33; i < record.size(); ++i) entry = entry << 8 | record[i];
  return entry;
}

int compare(const IndexRecord& record, const IndexKey& key) {
  const auto first = index_record(key, 0);
  const auto order =
      std::lexicographical_compare_three_way(record.begin(), record.begin() + 33, first.begin(), first.begin() + 33);
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

std::vector<IndexSpan> index_spans(std::uint64_t size) {
  std::vector<IndexSpan> spans;
  for (std::uint64_t first = 0; first < size;) {
    const auto left = size - first;
    const auto entries = left >= kLargeBlock ? kLargeBlock : std::min(left, kSmallBlock);
    spans.push_back({first, first + entries});
    first += entries;
  }
  return spans;
}

IndexBlock index_block(const std::vector<IndexRecord>& records) {
  std::vector<Digest32> leaves;
  leaves.reserve(records.size());
  for (const auto& record : records) leaves.push_back(merkle_leaf(record));
  return {records.size(), merkle_root(leaves)};
}

Digest32 index_root(std::uint64_t size, const std::vector<IndexBlock>& blocks) {
  Bytes content = to_bytes(kDomain);
  append_big_endian(content, size, 8);
  for (const auto& block : blocks) {
    append_big_endian(content, block.records, 8);
    append(content, block.root);
  }
  return fast_sha256(content);
}

Status add_range_hashes(IndexRange& range, const SubtreeReader& read) {
  STEGPASS_CHECK_OK(check_shown(range));
  const auto beside = [&](std::uint64_t start, std::uint64_t count) -> Result<Digest32> {
    STEGPASS_TRY(hash, read(start, count));
    range.hashes.push_back(hash);
    return hash;
  };
  STEGPASS_TRY(root, walk(0, range.records, range, beside, [](std::uint64_t) { return Result<Digest32>(Digest32{}); }));
  static_cast<void>(root);
  return Done{};
}

Result<Digest32> root_of_range(const IndexRange& range) {
  STEGPASS_CHECK_OK(check_shown(range));
  std::size_t used = 0;
  const auto beside = [&](std::uint64_t, std::uint64_t) -> Result<Digest32> {
    if (used == range.hashes.size()) return bad("too few hashes for a block");
    return range.hashes[used++];
  };
  const auto within = [&](std::uint64_t i) { return Result<Digest32>(merkle_leaf(range.shown[i])); };
  STEGPASS_TRY(root, walk(0, range.records, range, beside, within));
  if (used != range.hashes.size()) return bad("too many hashes for a block");
  return root;
}

Result<IndexAnswer> verify_index_proof(const IndexProof& proof, const NoteVerifier& log) {
  STEGPASS_TRY(note, parse_note(proof.checkpoint));
  STEGPASS_CHECK_OK(verify_note(note, log));
  STEGPASS_TRY(checkpoint, parse_checkpoint(note.text));
  if (checkpoint.origin != log.name) return bad("a checkpoint of log " + checkpoint.origin + ", expected " + log.name);
  if (!checkpoint.index_root) return {Errc::unsupported, "index proof: the checkpoint signs no index"};
  STEGPASS_TRY(numbers, check_blocks(proof, checkpoint));
  if (proof.entries.size() != numbers.size())
    return bad(std::to_string(proof.entries.size()) + " entries, expected " + std::to_string(numbers.size()));
  IndexAnswer answer{note, checkpoint, proof.key, {}};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto& entry = proof.entries[i];
    STEGPASS_TRY(root, root_from_inclusion(merkle_leaf(entry.octets), {checkpoint.tree_size, numbers[i], entry.path}));
    if (root != checkpoint.root) return bad("entry " + std::to_string(numbers[i]) + " is not in the checkpoint's tree");
    answer.entries.emplace_back(numbers[i], entry.octets);
  }
  return answer;
}

}  // namespace stegpass::credential
