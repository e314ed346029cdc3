#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <stegpass/credential/index_proof.hpp>
#include <stegpass/credential/statement.hpp>
#include <stegpass/ledger/policy.hpp>

#include "database.hpp"

// The verifiable index (schemas/ledger-index.md): made entry by entry, kept in the database, searched.
namespace stegpass::ledger {

/// What a statement goes by once `state` has taken it as entry `index`: its issuer, and the models and licensees that it is
/// about. Each once, in order.
std::vector<credential::IndexKey> index_keys(const RegistrationPolicy& state, const credential::Statement& statement,
                                             std::uint64_t index);

/// Grows the index as entries come, and gives its root at any moment. Holds the records of the large block under way: at most
/// 65,535 entries' (about 8 MB).
class IndexBuilder {
 public:
  /// Of a log of `size` entries, from what the database has. Errors malformed, io.
  static Result<IndexBuilder> load(const Database& database, std::uint64_t size);

  /// Adds what the database has to hold of the next entry and the blocks that it ends.
  void add(const std::vector<credential::IndexKey>& keys, WriteSet& writes);
  std::uint64_t size() const { return size_; }
  Digest32 root() const;

 private:
  void end_small_block(WriteSet& writes);
  void end_large_block(WriteSet& writes);

  std::uint64_t size_ = 0;
  std::vector<credential::IndexBlock> large_, small_;  // ended; small ones since the last large one
  std::vector<credential::IndexRecord> records_;       // of those small ones
  std::map<credential::IndexRecord, Digest32> rest_;   // of entries since the last block, with their leaf hashes
};

/// The entries of a key among the first `size`, in order. Errors malformed, io.
Result<std::vector<std::uint64_t>> find_in_index(const Database& database, const credential::IndexKey& key, std::uint64_t size);

/// What shows, block by block, that these are all (`IndexProof::blocks`).
Result<std::vector<credential::IndexRange>> prove_in_index(const Database& database, const credential::IndexKey& key,
                                                           std::uint64_t size);

}  // namespace stegpass::ledger
