#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::ledger {

/// Keys with their new values, written together or not at all. There is no way to delete: the log only grows.
using WriteSet = std::vector<std::pair<Bytes, Bytes>>;

/// RocksDB, behind the few calls that the ledger needs; its types and its errors stop here.
/// Errors         io with the folder and RocksDB's own words; malformed where a checksum or the structure of its files is wrong.
/// Thread-safety  one object may be used from several threads.
class Database {
 public:
  enum class Mode { create, read, write };

  /// `create` demands that there is none yet. `read` sees what was written until now and nothing later, and does not touch the files.
  /// Errors  also busy: another writer holds it.
  static Result<Database> open(const std::filesystem::path& folder, Mode mode);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  Result<std::optional<Bytes>> get(ByteView key) const;
  /// Writes all or nothing, and returns when the disk has it (write-ahead log, fdatasync).
  Status write(const WriteSet& writes);
  /// Calls `visit` with each key that starts with `prefix`, in order, and its value; both views live for that call alone.
  Status for_each(ByteView prefix, const std::function<Status(ByteView key, ByteView value)>& visit) const;
  /// The pair with the greatest key that starts with `prefix`.
  Result<std::optional<std::pair<Bytes, Bytes>>> last(ByteView prefix) const;
  /// Copies the database into `folder`, which must not be there, as it is at this moment, beside writers. Requires mode create or write.
  /// Files that never change are linked where the file system allows that. Errors io.
  Status copy_to(const std::filesystem::path& folder) const;
  /// Compares every block of every sorted file with its checksum. Errors malformed; io.
  Status verify() const;

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace stegpass::ledger
