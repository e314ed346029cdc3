#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::ledger {

/// Keys with their new values, written together or not at all. There is no way to delete: the log only grows.
using WriteSet = std::vector<std::pair<Bytes, Bytes>>;

/// A value where the database keeps it, not copied; lives no longer than the database.
class PinnedValue {
 public:
  ByteView bytes() const { return bytes_; }

 private:
  friend class Database;
  std::shared_ptr<const void> owner_;
  ByteView bytes_;
};

/// RocksDB, behind the few calls that the ledger needs; its types and its errors stop here.
/// Kinds of keys that only ever grow at their end have a column family each (`kFamilies`), so that RocksDB seldom rewrites them.
/// Errors         io with the folder and RocksDB's own words; malformed where a checksum or the structure of its files is wrong.
/// Thread-safety  one object may be used from several threads.
class Database {
 public:
  enum class Mode { create, read, write };
  /// Column families beside the default one, each for the keys that start with its one character.
  static constexpr std::string_view kFamilies = "etx";

  /// `create` demands that there is none yet. `read` sees what was written until now and nothing later, and does not touch the
  /// files. Errors  also busy: another writer holds it.
  static Result<Database> open(const std::filesystem::path& folder, Mode mode);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  Result<std::optional<Bytes>> get(ByteView key) const;
  /// As `get` for each of the keys, which share their first byte; faster than one by one.
  Result<std::vector<std::optional<Bytes>>> get_all(const std::vector<Bytes>& keys) const;
  Result<std::optional<PinnedValue>> pin(ByteView key) const;
  /// Writes all or nothing, and returns when the disk has it (write-ahead log, fdatasync).
  Status write(const WriteSet& writes);
  /// Calls `visit` with each key that starts with `prefix`, in order, and its value; both views live for that call alone.
  Status for_each(ByteView prefix, const std::function<Status(ByteView key, ByteView value)>& visit) const;
  /// As `for_each`, beginning at a key and as long as the keys have its first `prefix_bytes` in common and `visit` says true.
  Status for_each_from(ByteView first, std::size_t prefix_bytes,
                       const std::function<Result<bool>(ByteView key, ByteView value)>& visit) const;
  /// The pair with the greatest key that starts with `prefix`.
  Result<std::optional<std::pair<Bytes, Bytes>>> last(ByteView prefix) const;
  /// Copies the database into `folder`, which must not be there, as it is at this moment, beside writers. Requires mode create or
  /// write. Files that never change are linked where the file system allows that. Errors io.
  Status copy_to(const std::filesystem::path& folder) const;
  /// Compares every block of every sorted file with its checksum. Errors malformed; io.
  Status verify() const;

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace stegpass::ledger
