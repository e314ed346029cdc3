#include "index.hpp"

#include <algorithm>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/merkle.hpp>

#include "layout.hpp"

namespace stegpass::ledger {
namespace {

using namespace credential;

constexpr std::size_t kKeyBytes = 33, kPage = 256;  // records of a page

/// The records of one entry as the database keeps them: kind and digest of each key.
Bytes encode_keys(const std::vector<IndexKey>& keys) {
  Bytes value;
  for (const auto& key : keys) {
    value.push_back(static_cast<std::uint8_t>(key.kind));
    append(value, key.digest);
  }
  return value;
}

Bytes encode_block(const IndexBlock& block) {
  Bytes value = layout::number_value(block.records);
  append(value, block.root);
  return value;
}

Result<IndexBlock> decode_block(ByteView value) {
  if (value.size() != 40)
    return {Errc::malformed, "a block of the index has " + std::to_string(value.size()) + " bytes, expected 40"};
  IndexBlock block{layout::parse_number(value.subspan(0, 8)), {}};
  std::ranges::copy(value.subspan(8), block.root.begin());
  return block;
}

Result<IndexBlock> read_block(const Database& database, const IndexSpan& span) {
  const bool large = span.end - span.first == kLargeBlock;
  STEGPASS_TRY(value, database.get(layout::index_block(large, span.first / (span.end - span.first))));
  if (!value) return {Errc::malformed, "the block of the index at entry " + std::to_string(span.first) + " is missing"};
  return decode_block(*value);
}

/// The records of entries [first, end), unsorted.
Result<std::vector<IndexRecord>> read_records(const Database& database, const IndexSpan& span) {
  std::vector<IndexRecord> records;
  std::uint64_t next = span.first;
  const auto visit = [&](ByteView key, ByteView value) -> Result<bool> {
    if (next == span.end) return false;
    if (key.size() != 9 || layout::parse_number(key.subspan(1)) != next || value.empty() || value.size() % kKeyBytes != 0)
      return Error{Errc::malformed, "the index lacks entry " + std::to_string(next)};
    for (std::size_t i = 0; i < value.size(); i += kKeyBytes) {
      auto& record = records.emplace_back(index_record({}, next));
      std::copy_n(value.begin() + static_cast<std::ptrdiff_t>(i), kKeyBytes, record.begin());
    }
    ++next;
    return next < span.end;
  };
  if (span.first < span.end) STEGPASS_CHECK_OK(database.for_each_from(layout::index_entry(span.first), 1, visit));
  if (next != span.end) return {Errc::malformed, "the index ends before entry " + std::to_string(next)};
  return records;
}

Digest32 root_of(const std::vector<IndexRecord>& records, std::size_t first, std::size_t count) {
  std::vector<Digest32> leaves;
  for (std::size_t i = first; i < first + count; ++i) leaves.push_back(merkle_leaf(records[i]));
  return merkle_root(leaves);
}

/// The first of sorted records that is not before the key's, and the first after them.
std::pair<std::size_t, std::size_t> bounds(const std::vector<IndexRecord>& records, const IndexKey& key) {
  const auto first = std::ranges::partition_point(records, [&](const auto& record) { return compare(record, key) < 0; });
  const auto last = std::ranges::partition_point(records, [&](const auto& record) { return compare(record, key) <= 0; });
  return {static_cast<std::size_t>(first - records.begin()), static_cast<std::size_t>(last - records.begin())};
}

/// A block that is searched: its records by position, and the roots of its subtrees.
class Block {
 public:
  static Result<Block> open(const Database& database, const IndexSpan& span) {
    Block block(database);
    if (span.end - span.first < kLargeBlock) {
      STEGPASS_TRY(records, read_records(database, span));
      std::ranges::sort(records);
      block.count_ = records.size();
      block.page_ = std::move(records);
      return block;
    }
    block.number_ = span.first / kLargeBlock;
    STEGPASS_CHECK_OK(block.open_directory());
    return block;
  }

  std::uint64_t count() const { return count_; }

  /// Positions [first, last) of the key's records.
  Result<std::pair<std::uint64_t, std::uint64_t>> find(const IndexKey& key) {
    if (!number_) return std::pair<std::uint64_t, std::uint64_t>(bounds(page_, key));
    // The key's records begin in the last page that starts before them, or with the next one, and so does what comes after them.
    const auto [first_page, last_page] = bounds(starts_, key);
    std::pair<std::uint64_t, std::uint64_t> found{first_page * kPage, std::min<std::uint64_t>(last_page * kPage, count_)};
    if (first_page > 0) {
      STEGPASS_CHECK_OK(turn_to(first_page - 1));
      found.first = (first_page - 1) * kPage + bounds(page_, key).first;
    }
    if (last_page > 0) {
      STEGPASS_CHECK_OK(turn_to(last_page - 1));
      found.second = (last_page - 1) * kPage + bounds(page_, key).second;
    }
    return found;
  }

  Result<IndexRecord> record(std::uint64_t position) {
    if (!number_) return page_[position];
    STEGPASS_CHECK_OK(turn_to(position / kPage));
    return page_[position % kPage];
  }

  Result<Digest32> subtree(std::uint64_t start, std::uint64_t count) {
    if (!number_) return root_of(page_, start, count);
    if (count >= kPage) {
      const auto begin = roots_.begin() + static_cast<std::ptrdiff_t>(start / kPage);
      return merkle_root({begin, begin + static_cast<std::ptrdiff_t>((count + kPage - 1) / kPage)});
    }
    STEGPASS_CHECK_OK(turn_to(start / kPage));
    return root_of(page_, start % kPage, count);
  }

 private:
  explicit Block(const Database& database) : database_(&database) {}

  Status open_directory() {
    constexpr std::size_t kItem = 32 + kIndexRecordBytes;
    STEGPASS_TRY(block, read_block(*database_, {*number_ * kLargeBlock, (*number_ + 1) * kLargeBlock}));
    count_ = block.records;
    STEGPASS_TRY(directory, database_->get(layout::index_directory(*number_)));
    const auto pages = (count_ + kPage - 1) / kPage;
    if (!directory || directory->size() != pages * kItem)
      return {Errc::malformed, "the directory of block " + std::to_string(*number_) + " of the index is missing or cut off"};
    for (std::size_t at = 0; at < directory->size(); at += kItem) {
      const auto item = directory->begin() + static_cast<std::ptrdiff_t>(at);
      std::copy_n(item, 32, roots_.emplace_back().begin());
      std::copy_n(item + 32, kIndexRecordBytes, starts_.emplace_back().begin());
    }
    return Done{};
  }

  Status turn_to(std::uint64_t page) {
    if (page_number_ == page) return Done{};
    STEGPASS_TRY(value, database_->get(layout::index_page(*number_, page)));
    const auto records = std::min<std::uint64_t>(kPage, count_ - page * kPage);
    if (!value || value->size() != records * kIndexRecordBytes)
      return {Errc::malformed,
              "page " + std::to_string(page) + " of block " + std::to_string(*number_) + " of the index is missing or cut off"};
    page_.assign(records, {});
    for (std::size_t i = 0; i < records; ++i)
      std::copy_n(value->begin() + static_cast<std::ptrdiff_t>(i * kIndexRecordBytes), kIndexRecordBytes, page_[i].begin());
    page_number_ = page;
    return Done{};
  }

  const Database* database_;
  std::optional<std::uint64_t> number_;  // of a large block
  std::uint64_t count_ = 0;
  std::vector<Digest32> roots_;      // of a large block's pages
  std::vector<IndexRecord> starts_;  // their first records
  std::vector<IndexRecord> page_;    // the page turned to, or all records of a smaller block
  std::optional<std::uint64_t> page_number_;
};

/// Collects a statement's keys.
class KeyFinder {
 public:
  KeyFinder(const RegistrationPolicy& state, std::uint64_t index) : state_(state), index_(index) {}

  std::vector<IndexKey> keys(const Statement& statement) && {
    add(IndexKind::issuer, statement.kid());
    std::visit([this](const auto& body) { about(body); }, statement.body());
    std::ranges::sort(keys_);
    keys_.erase(std::unique(keys_.begin(), keys_.end()), keys_.end());
    return std::move(keys_);
  }

 private:
  void add(IndexKind kind, const Digest32& digest) { keys_.push_back({kind, digest}); }
  void model(const RegistrationState* registration) {
    if (registration) add(IndexKind::model, registration->registration.model_digest);
  }
  void license(ByteView id) {
    const auto* registration = state_.registration_of_license(id);
    model(registration);
    if (registration) add(IndexKind::licensee, registration->licenses.at(to_hex(id)).license.licensee.thumbprint());
  }

  void about(const LedgerPolicy&) {}
  void about(const Registration& body) { add(IndexKind::model, body.model_digest); }
  void about(const License& body) { license(body.id); }
  void about(const StatusList& body) { model(state_.registration(body.registration_id)); }
  void about(const Transfer& body) {
    license(body.license_id);
    license(body.successor_id);
  }
  void about(const KeyRotation&) {
    for (const auto& [id, registration] : state_.registrations())
      if (!registration.rotations.empty() && registration.rotations.back() == index_) model(&registration);
  }
  void about(const DisputeClaim& body) { model(state_.registration(body.registration_id)); }
  void about(const DisputeEvidence& body) { model(state_.registration_of_dispute(body.dispute_id)); }
  void about(const DisputeFinding& body) { model(state_.registration_of_dispute(body.dispute_id)); }
  template <class Change>
  void about(const Change& body) {
    license(body.license_id);
  }

  const RegistrationPolicy& state_;
  std::uint64_t index_;
  std::vector<IndexKey> keys_;
};

}  // namespace

std::vector<IndexKey> index_keys(const RegistrationPolicy& state, const Statement& statement, std::uint64_t index) {
  return KeyFinder(state, index).keys(statement);
}

Result<IndexBuilder> IndexBuilder::load(const Database& database, std::uint64_t size) {
  IndexBuilder builder;
  builder.size_ = size;
  for (const auto& span : index_spans(size)) {
    const auto entries = span.end - span.first;
    if (entries >= kSmallBlock) {
      STEGPASS_TRY(block, read_block(database, span));
      (entries == kLargeBlock ? builder.large_ : builder.small_).push_back(block);
    }
    if (entries == kLargeBlock) continue;
    STEGPASS_TRY(records, read_records(database, span));
    if (entries == kSmallBlock)
      builder.records_.insert(builder.records_.end(), records.begin(), records.end());
    else
      for (const auto& record : records) builder.rest_.emplace(record, merkle_leaf(record));
  }
  return builder;
}

void IndexBuilder::add(const std::vector<IndexKey>& keys, WriteSet& writes) {
  writes.emplace_back(layout::index_entry(size_), encode_keys(keys));
  for (const auto& key : keys) {
    const auto record = index_record(key, size_);
    rest_.emplace(record, merkle_leaf(record));
  }
  ++size_;
  if (size_ % kSmallBlock == 0) end_small_block(writes);
  if (size_ % kLargeBlock == 0) end_large_block(writes);
}

void IndexBuilder::end_small_block(WriteSet& writes) {
  std::vector<Digest32> leaves;
  for (const auto& [record, leaf] : rest_) {
    records_.push_back(record);
    leaves.push_back(leaf);
  }
  small_.push_back({leaves.size(), merkle_root(leaves)});
  writes.emplace_back(layout::index_block(false, size_ / kSmallBlock - 1), encode_block(small_.back()));
  rest_.clear();
}

void IndexBuilder::end_large_block(WriteSet& writes) {
  const auto number = size_ / kLargeBlock - 1;
  std::ranges::sort(records_);
  std::vector<Digest32> roots;
  Bytes directory;
  for (std::size_t at = 0; at < records_.size(); at += kPage) {
    const auto end = std::min(at + kPage, records_.size());
    Bytes page;
    for (std::size_t i = at; i < end; ++i) append(page, records_[i]);
    roots.push_back(root_of(records_, at, end - at));
    append(directory, roots.back());
    append(directory, records_[at]);
    writes.emplace_back(layout::index_page(number, at / kPage), std::move(page));
  }
  large_.push_back({records_.size(), merkle_root(roots)});
  writes.emplace_back(layout::index_directory(number), std::move(directory));
  writes.emplace_back(layout::index_block(true, number), encode_block(large_.back()));
  records_ = {};
  small_.clear();
}

Digest32 IndexBuilder::root() const {
  auto blocks = large_;
  blocks.insert(blocks.end(), small_.begin(), small_.end());
  if (!rest_.empty()) {
    std::vector<Digest32> leaves;
    for (const auto& [record, leaf] : rest_) leaves.push_back(leaf);
    blocks.push_back({leaves.size(), merkle_root(leaves)});
  }
  return index_root(size_, blocks);
}

Result<std::vector<std::uint64_t>> find_in_index(const Database& database, const IndexKey& key, std::uint64_t size) {
  std::vector<std::uint64_t> entries;
  for (const auto& span : index_spans(size)) {
    STEGPASS_TRY(block, Block::open(database, span));
    STEGPASS_TRY(found, block.find(key));
    for (auto position = found.first; position < found.second; ++position) {
      STEGPASS_TRY(record, block.record(position));
      entries.push_back(entry_of(record));
    }
  }
  return entries;
}

Result<std::vector<IndexRange>> prove_in_index(const Database& database, const IndexKey& key, std::uint64_t size) {
  std::vector<IndexRange> ranges;
  for (const auto& span : index_spans(size)) {
    STEGPASS_TRY(block, Block::open(database, span));
    STEGPASS_TRY(found, block.find(key));
    const auto first = found.first > 0 ? found.first - 1 : 0, end = std::min(found.second + 1, block.count());
    IndexRange range{block.count(), first, {}, {}};
    for (auto position = first; position < end; ++position) {
      STEGPASS_TRY(record, block.record(position));
      range.shown.push_back(record);
    }
    STEGPASS_CHECK_OK(
        add_range_hashes(range, [&](std::uint64_t start, std::uint64_t count) { return block.subtree(start, count); }));
    ranges.push_back(std::move(range));
  }
  return ranges;
}

}  // namespace stegpass::ledger
