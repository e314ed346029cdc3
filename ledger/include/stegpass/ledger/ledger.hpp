#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/core/verdict.hpp>
#include <stegpass/credential/index_proof.hpp>
#include <stegpass/credential/merkle.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/credential/statement.hpp>

namespace stegpass::ledger {

/// Where a statement stands in the log.
struct Appended {
  std::uint64_t index = 0;
  bool was_there = false;  ///< the same statement had been registered before; same index again
};

/// The append-only log on disk: entries, tree nodes and one signed checkpoint a commit, in RocksDB.
/// One writer at a time (a second open for writing is `busy`); readers open read-only beside it.
/// Thread-safety  one object may be used from several threads; appends that arrive together share one commit.
class Ledger {
 public:
  enum class Mode { read, write };

  /// Makes a new log whose entry 0 is its policy, signed by `log_key`. Errors exists; io.
  static Result<Ledger> create(const std::filesystem::path& folder, const std::string& origin,
                               const credential::PrivateKey& log_key, std::int64_t now);
  /// Errors  not_found; busy (second writer); malformed (no ledger, or rolled back: the last checkpoint, kept in a file beside
  /// the database, is
  ///         newer than or disagrees with the database); io.
  static Result<Ledger> open(const std::filesystem::path& folder, Mode mode);
  Ledger(Ledger&&) noexcept;
  Ledger& operator=(Ledger&&) noexcept;
  ~Ledger();

  const std::string& origin() const;
  const credential::PublicKey& log_key() const;
  std::uint64_t size() const;

  /// Registers statements together: all or none, in one synced write batch with the new checkpoint and signed root.
  /// Calls from other threads that arrive meanwhile join the next batch; each is taken or refused by itself.
  /// A statement that is there already is skipped and keeps its index.
  /// Errors  refused with the rule that a statement breaks (nothing is written); io; usage in read mode or with another key than
  /// the log's.
  Result<std::vector<Appended>> append(const std::vector<credential::Statement>& statements,
                                       const credential::PrivateKey& log_key, std::int64_t now);

  Result<Bytes> entry(std::uint64_t index) const;
  /// Index of an entry with exactly these octets. Errors not_found.
  Result<std::uint64_t> find(ByteView entry) const;
  /// The newest signed checkpoint (a note).
  Result<std::string> checkpoint() const;
  /// The entries that go by a key among the first `tree_size`, in order.
  Result<std::vector<std::uint64_t>> list(const credential::IndexKey& key, std::uint64_t tree_size) const;
  /// The same with what shows that these are all, for a verifier without the database (credential::verify_index_proof).
  /// Errors  usage: no commit ended at `tree_size`, so that its index was never signed, or it signs none.
  Result<credential::IndexProof> prove_list(const credential::IndexKey& key, std::uint64_t tree_size) const;
  Result<credential::InclusionProof> inclusion_proof(std::uint64_t index, std::uint64_t tree_size) const;
  Result<credential::ConsistencyProof> consistency_proof(std::uint64_t old_size, std::uint64_t new_size) const;
  /// The receipt of an entry for the newest tree (RFC 9942); needs no key.
  Result<Bytes> receipt(std::uint64_t index) const;
  /// The receipt that the tree of `new_size` starts with that of `old_size` (RFC 9942); needs no key.
  /// Errors  usage: sizes out of range, or no commit ended at `new_size`, so that its root was never signed.
  Result<Bytes> consistency_receipt(std::uint64_t old_size, std::uint64_t new_size) const;

 private:
  friend struct LedgerParts;  // of src/: lets the audit read the database itself
  struct Impl;
  explicit Ledger(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace stegpass::ledger
