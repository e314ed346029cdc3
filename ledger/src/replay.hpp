#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <stegpass/ledger/policy.hpp>

#include "source.hpp"
#include "stored.hpp"
#include "tree.hpp"

namespace stegpass::ledger {

/// The first thing found wrong, and the check it belongs to (audit.entries, audit.signatures, audit.policy).
struct Fault {
  std::uint64_t index = 0;  ///< of the entry
  std::string code;
  std::string detail;
};

/// What reading a log from its first entry came to.
struct Replay {
  std::uint64_t entries = 0;              ///< how many there are
  std::optional<Fault> fault;             ///< the first bad entry
  RegistrationPolicy state;               ///< after every entry, or after those before the first bad one
  std::optional<std::string> tree_fault;  ///< where stored leaves, nodes or indices first differ from what the entries give
  TreeBuilder tree;
  std::map<std::uint64_t, Digest32> roots;        ///< at the size of each commit
  std::map<std::uint64_t, Digest32> index_roots;  ///< of the verifiable index, at the size of each commit that signs one
  std::string index_fault;                        ///< where the stored index first differs from what the entries give
};

/// Reads every entry, rebuilds the tree beside the stored one, and judges every statement as of the time of the commit that took
/// it. Decoding and signatures run on all cores; what is found does not depend on how many there are. The signatures of the first
/// `verified` entries are left out, for who knows from the root at that size that they were checked before; `roots` then has that
/// size, too. Errors  io; damaged blocks and files are malformed.
Result<Replay> replay(const LogSource& source, const std::vector<StoredCommit>& commits, std::uint64_t verified,
                      const std::function<void(std::uint64_t done, std::uint64_t total)>& progress = {});

/// The state after the entries before `end`, which have been judged before: their signatures are not checked again.
/// Errors  malformed when one of them is missing or breaks a rule; io.
Result<RegistrationPolicy> state_before(const LogSource& source, const std::vector<StoredCommit>& commits, std::uint64_t end);

}  // namespace stegpass::ledger
