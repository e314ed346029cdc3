#include "database.hpp"

#include <cstdarg>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/slice.h>
#include <rocksdb/status.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

namespace stegpass::ledger {
namespace {

/// RocksDB's own log of what it does, dropped: nothing in it is ours, and readers must be able to open a folder that they may not
/// write.
class SilentLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::Slice slice(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
ByteView view(const rocksdb::Slice& slice) { return {reinterpret_cast<const std::uint8_t*>(slice.data()), slice.size()}; }

constexpr std::size_t kCacheBytes = 48u << 20, kBlockBytes = 16u << 10;

/// Memory does not grow with the log: indices and filters of the files are cached blocks like any other.
rocksdb::BlockBasedTableOptions table_options() {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(kCacheBytes);
  table.block_size = kBlockBytes;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.cache_index_and_filter_blocks = true;
  table.pin_top_level_index_and_filter = true;
  // Most statements are new, which a filter tells without a look at the disk.
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  return table;
}

/// Tuned for short runs over small logs: one background thread, small buffers, no periodic statistics, nothing compressed
/// (digests and signatures do not compress).
rocksdb::Options options_for(Database::Mode mode) {
  rocksdb::Options options;
  options.create_if_missing = options.error_if_exists = mode == Database::Mode::create;
  options.create_missing_column_families = mode == Database::Mode::create;
  options.info_log = std::make_shared<SilentLog>();
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = 8u << 20;
  // New ids are looked up before they are written: a filter over what is not in a file yet, too, says at once that they are new.
  options.memtable_whole_key_filtering = true;
  options.memtable_prefix_bloom_size_ratio = 0.05;
  options.max_background_jobs = 2;
  options.max_open_files = 256;
  options.max_file_opening_threads = 1;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  options.skip_checking_sst_file_sizes_on_db_open = true;
  // Every open replays the write-ahead log, so it stays short.
  options.max_total_wal_size = 8u << 20;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options()));
  // A torn end of the write-ahead log is what a power cut leaves; whatever it takes away that was acknowledged, the outside
  // checkpoint tells.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  return options;
}

/// Files of keys that grow at their end do not overlap. Merging them by size keeps them few, where moving them down a level as
/// they are would leave one for every time that the log was opened.
std::vector<rocksdb::ColumnFamilyDescriptor> families(const rocksdb::Options& options) {
  std::vector<rocksdb::ColumnFamilyDescriptor> all{{rocksdb::kDefaultColumnFamilyName, options}};
  rocksdb::ColumnFamilyOptions growing(options);
  growing.compaction_style = rocksdb::kCompactionStyleUniversal;
  for (const char kind : Database::kFamilies) all.emplace_back(std::string(1, kind), growing);
  return all;
}

bool says(const rocksdb::Status& status, std::string_view part) { return status.ToString().find(part) != std::string::npos; }

Error to_error(const rocksdb::Status& status, const std::filesystem::path& folder) {
  const std::string words = status.ToString();
  if (status.IsBusy() ||
      (status.IsIOError() && (says(status, "While lock file") || says(status, "lock hold by current process"))))
    return {Errc::busy, folder.string() + ": another writer has this ledger open; wait for it to end, or open for reading"};
  if (status.IsCorruption()) return {Errc::malformed, folder.string() + ": the database is damaged: " + words};
  if (says(status, "No such file") || says(status, "does not exist"))
    return {Errc::malformed, folder.string() + ": the database lacks one of its files: " + words};
  return {Errc::io, folder.string() + ": " + words};
}

}  // namespace

struct Database::Impl {
  std::filesystem::path folder;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;  // the default one, then those of kFamilies

  Impl(std::filesystem::path its_folder, rocksdb::DB* its_db, std::vector<rocksdb::ColumnFamilyHandle*> its_handles)
      : folder(std::move(its_folder)), db(its_db), handles(std::move(its_handles)) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  }

  Error error(const rocksdb::Status& status) const { return to_error(status, folder); }
  /// Where keys with this beginning are.
  rocksdb::ColumnFamilyHandle* family(ByteView key) const {
    const auto at = kFamilies.find(static_cast<char>(key[0]));
    return handles[at == kFamilies.npos ? 0 : at + 1];
  }
};

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const std::filesystem::path& folder, Mode mode) {
  const auto options = options_for(mode);
  rocksdb::DB* db = nullptr;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  const auto status = mode == Mode::read
                          ? rocksdb::DB::OpenForReadOnly(options, folder.string(), families(options), &handles, &db)
                          : rocksdb::DB::Open(options, folder.string(), families(options), &handles, &db);
  if (says(status, "Column family not found"))
    return {Errc::unsupported, folder.string() +
                                   ": a database of the format stegpass.ledger.v1; export its tiles with the version "
                                   "that wrote it, and import them"};
  if (!status.ok()) return to_error(status, folder);
  return Database(std::make_unique<Impl>(folder, db, std::move(handles)));
}

Result<std::optional<PinnedValue>> Database::pin(ByteView key) const {
  auto value = std::make_shared<rocksdb::PinnableSlice>();
  const auto status = impl_->db->Get({}, impl_->family(key), slice(key), value.get());
  if (status.IsNotFound()) return std::optional<PinnedValue>{};
  if (!status.ok()) return impl_->error(status);
  PinnedValue pinned;
  pinned.bytes_ = view(*value);
  pinned.owner_ = std::move(value);
  return std::optional(std::move(pinned));
}

Result<std::optional<Bytes>> Database::get(ByteView key) const {
  rocksdb::PinnableSlice value;
  const auto status = impl_->db->Get({}, impl_->family(key), slice(key), &value);
  if (status.IsNotFound()) return std::optional<Bytes>{};
  if (!status.ok()) return impl_->error(status);
  return std::optional<Bytes>(to_bytes(view(value)));
}

Result<std::vector<std::optional<Bytes>>> Database::get_all(const std::vector<Bytes>& keys) const {
  std::vector<std::optional<Bytes>> found(keys.size());
  if (keys.empty()) return found;
  const std::vector<rocksdb::Slice> slices = [&] {
    std::vector<rocksdb::Slice> made;
    for (const auto& key : keys) made.push_back(slice(key));
    return made;
  }();
  std::vector<rocksdb::PinnableSlice> values(keys.size());
  std::vector<rocksdb::Status> statuses(keys.size());
  impl_->db->MultiGet({}, impl_->family(keys[0]), keys.size(), slices.data(), values.data(), statuses.data());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (statuses[i].ok())
      found[i] = to_bytes(view(values[i]));
    else if (!statuses[i].IsNotFound())
      return impl_->error(statuses[i]);
  }
  return found;
}

Status Database::write(const WriteSet& writes) {
  rocksdb::WriteBatch batch;
  for (const auto& [key, value] : writes)
    if (const auto status = batch.Put(impl_->family(key), slice(key), slice(value)); !status.ok()) return impl_->error(status);
  rocksdb::WriteOptions options;
  options.sync = true;
  if (const auto status = impl_->db->Write(options, &batch); !status.ok()) return impl_->error(status);
  return Done{};
}

Status Database::for_each(ByteView prefix, const std::function<Status(ByteView, ByteView)>& visit) const {
  const std::unique_ptr<rocksdb::Iterator> at(impl_->db->NewIterator({}, impl_->family(prefix)));
  for (at->Seek(slice(prefix)); at->Valid() && at->key().starts_with(slice(prefix)); at->Next())
    STEGPASS_CHECK_OK(visit(view(at->key()), view(at->value())));
  if (!at->status().ok()) return impl_->error(at->status());
  return Done{};
}

Status Database::for_each_from(ByteView first, std::size_t prefix_bytes,
                               const std::function<Result<bool>(ByteView, ByteView)>& visit) const {
  const std::unique_ptr<rocksdb::Iterator> at(impl_->db->NewIterator({}, impl_->family(first)));
  const auto prefix = slice(first.subspan(0, prefix_bytes));
  for (at->Seek(slice(first)); at->Valid() && at->key().starts_with(prefix); at->Next()) {
    STEGPASS_TRY(more, visit(view(at->key()), view(at->value())));
    if (!more) break;
  }
  if (!at->status().ok()) return impl_->error(at->status());
  return Done{};
}

Result<std::optional<std::pair<Bytes, Bytes>>> Database::last(ByteView prefix) const {
  Bytes after = to_bytes(prefix);
  after.insert(after.end(), 9, 0xff);  // past every key of the prefix, since no key goes on for more than 8 bytes of 0xff
  const std::unique_ptr<rocksdb::Iterator> at(impl_->db->NewIterator({}, impl_->family(prefix)));
  at->SeekForPrev(slice(after));
  if (!at->status().ok()) return impl_->error(at->status());
  if (!at->Valid() || !at->key().starts_with(slice(prefix))) return std::optional<std::pair<Bytes, Bytes>>{};
  return std::optional(std::pair(to_bytes(view(at->key())), to_bytes(view(at->value()))));
}

Status Database::copy_to(const std::filesystem::path& folder) const {
  rocksdb::Checkpoint* made = nullptr;
  if (const auto status = rocksdb::Checkpoint::Create(impl_->db.get(), &made); !status.ok()) return impl_->error(status);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  constexpr auto kNoFlush = std::numeric_limits<std::uint64_t>::max();  // the write-ahead log is copied with the rest
  if (const auto status = checkpoint->CreateCheckpoint(folder.string(), kNoFlush); !status.ok()) return to_error(status, folder);
  return Done{};
}

Status Database::verify() const {
  if (const auto status = impl_->db->VerifyChecksum(); !status.ok()) return impl_->error(status);
  return Done{};
}

}  // namespace stegpass::ledger
