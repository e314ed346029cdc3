#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <stegpass/credential/cose.hpp>

#include "database.hpp"
#include "tree.hpp"

namespace stegpass::ledger {

/// A whole log to be judged: a database, or exported tiles. What is kept beside the entries is asked for by what is wrong with
/// it.
class LogSource {
 public:
  virtual ~LogSource() = default;
  /// Every entry with its index, in order, until one is missing.
  virtual Status for_each_entry(const std::function<Status(std::uint64_t index, ByteView octets)>& visit) const = 0;
  virtual Result<Bytes> entry(std::uint64_t index) const = 0;
  /// Hash of a complete subtree. Safe from several threads, as the next.
  virtual Result<Digest32> node(int level, std::uint64_t index) const = 0;
  virtual Result<credential::Sign1> signed_root(std::uint64_t tree_size) const = 0;
  /// What is wrong with the hashes that are kept of a tile of nodes (node_tile.hpp), given what its entries come to; empty when
  /// nothing is.
  virtual Result<std::string> tile_fault(int level, std::uint64_t index, ByteView nodes) const = 0;
  /// What is wrong with what is kept of the index, given the keys and values that the entries come to; empty as above.
  virtual Result<std::string> index_writes_fault(const WriteSet& expected) const = 0;
  /// What is wrong with the ways from the leaf hashes of consecutive entries to these, one for each; empty as above. Safe from
  /// several threads.
  virtual Result<std::vector<std::string>> index_faults(std::uint64_t first, const std::vector<Digest32>& leaves) const = 0;
};

/// `source.node` as the tree's functions take it; lives as long as `source`.
inline NodeReader node_reader(const LogSource& source) {
  return [&source](int level, std::uint64_t index) { return source.node(level, index); };
}

/// A ledger's database as a source; lives as long as `database`.
class DatabaseSource : public LogSource {
 public:
  explicit DatabaseSource(const Database& database) : database_(database) {}
  Status for_each_entry(const std::function<Status(std::uint64_t, ByteView)>& visit) const override;
  Result<Bytes> entry(std::uint64_t index) const override;
  Result<Digest32> node(int level, std::uint64_t index) const override;
  Result<credential::Sign1> signed_root(std::uint64_t tree_size) const override;
  Result<std::string> tile_fault(int level, std::uint64_t index, ByteView nodes) const override;
  Result<std::string> index_writes_fault(const WriteSet& expected) const override;
  Result<std::vector<std::string>> index_faults(std::uint64_t first, const std::vector<Digest32>& leaves) const override;

 private:
  const Database& database_;
};

}  // namespace stegpass::ledger
