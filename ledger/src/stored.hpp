#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/note.hpp>

#include <stegpass/ledger/policy.hpp>

#include "database.hpp"
#include "node_tile.hpp"
#include "tree.hpp"

// What the database holds, read by its meaning; the keys are those of layout.hpp. Whatever has to be there and is not is
// malformed.
namespace stegpass::ledger {

/// The newest commit: the note, what it says, and the signed root that receipts are made of.
struct Head {
  std::string note;
  credential::Checkpoint checkpoint;
  credential::Sign1 signed_root;
};

/// A commit as its note tells, unverified; without `checkpoint` the note cannot be read, for the reason in `fault`.
struct StoredCommit {
  std::uint64_t tree_size = 0;
  std::string note;
  std::optional<credential::Checkpoint> checkpoint;
  std::string fault;
};

Status check_format(const Database& database);
Result<Bytes> read_entry(const Database& database, std::uint64_t index);
/// Index of the entry with these octets. Errors not_found; malformed when the index leads to another entry.
Result<std::uint64_t> find_entry(const Database& database, ByteView entry);
/// A tile of nodes, of whole hashes and at most 510 of them.
Result<PinnedValue> read_tile(const Database& database, int level, std::uint64_t index);
Result<Digest32> read_node(const Database& database, int level, std::uint64_t index);
/// `read_node` as the tree's functions take it, reading each tile once; for one thread. Lives as long as `database` stays where
/// it is.
NodeReader node_reader(const Database& database);
/// A tree of `size` leaves to be grown further: its peaks, and its tiles that are not whole.
Result<std::pair<TreeBuilder, node_tile::Builder>> read_right_edge(const Database& database, std::uint64_t size);
Result<credential::Sign1> read_signed_root(const Database& database, std::uint64_t tree_size);
/// The newest commit, its note verified, its root equal to the one that the stored nodes give.
Result<Head> read_head(const Database& database, const credential::NoteVerifier& verifier);
/// Every commit, oldest first.
Result<std::vector<StoredCommit>> read_commits(const Database& database);

/// Verifies a signed note by `verifier`, and reads the checkpoint of that log. Errors malformed.
Result<credential::Checkpoint> check_note(std::string_view note, const credential::NoteVerifier& verifier);

/// The rules before anything but entry 0. Errors malformed.
Result<RegistrationPolicy> first_state(const Database& database);

/// Entry 0's own words: origin and key of the log. Errors malformed.
Result<credential::NoteVerifier> verifier_of(ByteView first_entry);

/// Whether the outside checkpoint can be an earlier or the present state of the database; gives what it says.
/// Errors  malformed: rolled back, forked, or a note that is not the log's.
Result<credential::Checkpoint> compare_outside(const Database& database, std::string_view outside, const Head& head,
                                               const credential::NoteVerifier& verifier);

}  // namespace stegpass::ledger
