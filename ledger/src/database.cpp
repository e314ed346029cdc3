#include "database.hpp"

#include <cstdarg>
#include <limits>
#include <string>
#include <string_view>

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

/// RocksDB's own log of what it does, dropped: nothing in it is ours, and readers must be able to open a folder that they may not write.
class SilentLog : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::Slice slice(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
ByteView view(const rocksdb::Slice& slice) { return {reinterpret_cast<const std::uint8_t*>(slice.data()), slice.size()}; }

/// Tuned for short runs over small logs: one background thread, small buffers, no periodic statistics, nothing compressed (digests and
/// signatures do not compress).
rocksdb::Options options_for(Database::Mode mode) {
  rocksdb::Options options;
  options.create_if_missing = options.error_if_exists = mode == Database::Mode::create;
  options.info_log = std::make_shared<SilentLog>();
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = 4u << 20;
  options.max_background_jobs = 1;
  options.max_open_files = 256;
  options.max_file_opening_threads = 1;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.skip_stats_update_on_db_open = true;
  // Most statements are new, which a filter tells without a look at the disk.
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // A torn end of the write-ahead log is what a power cut leaves; whatever it takes away that was acknowledged, the outside checkpoint tells.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  return options;
}

Error to_error(const rocksdb::Status& status, const std::filesystem::path& folder) {
  const std::string words = status.ToString();
  const auto says = [&](std::string_view part) { return words.find(part) != std::string::npos; };
  if (status.IsBusy() || (status.IsIOError() && (says("While lock file") || says("lock hold by current process"))))
    return {Errc::busy, folder.string() + ": another writer has this ledger open; wait for it to end, or open for reading"};
  if (status.IsCorruption()) return {Errc::malformed, folder.string() + ": the database is damaged: " + words};
  if (says("No such file") || says("does not exist"))
    return {Errc::malformed, folder.string() + ": the database lacks one of its files: " + words};
  return {Errc::io, folder.string() + ": " + words};
}

}  // namespace

struct Database::Impl {
  std::filesystem::path folder;
  std::unique_ptr<rocksdb::DB> db;

  Error error(const rocksdb::Status& status) const { return to_error(status, folder); }
};

Database::Database(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Database::Database(Database&&) noexcept = default;
Database& Database::operator=(Database&&) noexcept = default;
Database::~Database() = default;

Result<Database> Database::open(const std::filesystem::path& folder, Mode mode) {
  const auto options = options_for(mode);
  rocksdb::DB* db = nullptr;
  const auto status = mode == Mode::read ? rocksdb::DB::OpenForReadOnly(options, folder.string(), &db)
                                         : rocksdb::DB::Open(options, folder.string(), &db);
  if (!status.ok()) return to_error(status, folder);
  return Database(std::make_unique<Impl>(Impl{folder, std::unique_ptr<rocksdb::DB>(db)}));
}

Result<std::optional<Bytes>> Database::get(ByteView key) const {
  rocksdb::PinnableSlice value;
  const auto status = impl_->db->Get({}, impl_->db->DefaultColumnFamily(), slice(key), &value);
  if (status.IsNotFound()) return std::optional<Bytes>{};
  if (!status.ok()) return impl_->error(status);
  return std::optional<Bytes>(to_bytes(view(value)));
}

Status Database::write(const WriteSet& writes) {
  rocksdb::WriteBatch batch;
  for (const auto& [key, value] : writes)
    if (const auto status = batch.Put(slice(key), slice(value)); !status.ok()) return impl_->error(status);
  rocksdb::WriteOptions options;
  options.sync = true;
  if (const auto status = impl_->db->Write(options, &batch); !status.ok()) return impl_->error(status);
  return Done{};
}

Status Database::for_each(ByteView prefix, const std::function<Status(ByteView, ByteView)>& visit) const {
  const std::unique_ptr<rocksdb::Iterator> at(impl_->db->NewIterator({}));
  for (at->Seek(slice(prefix)); at->Valid() && at->key().starts_with(slice(prefix)); at->Next())
    STEGPASS_CHECK_OK(visit(view(at->key()), view(at->value())));
  if (!at->status().ok()) return impl_->error(at->status());
  return Done{};
}

Result<std::optional<std::pair<Bytes, Bytes>>> Database::last(ByteView prefix) const {
  Bytes after = to_bytes(prefix);
  after.insert(after.end(), 9, 0xff);  // past every key of the prefix, since no key goes on for more than 8 bytes of 0xff
  const std::unique_ptr<rocksdb::Iterator> at(impl_->db->NewIterator({}));
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
