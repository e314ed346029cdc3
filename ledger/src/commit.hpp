#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <stegpass/credential/key.hpp>

#include "database.hpp"
#include "stored.hpp"
#include "tree.hpp"

namespace stegpass::ledger {

/// All that one commit writes, and the state after it.
struct Commit {
  WriteSet writes;
  TreeBuilder tree;
  Head head;
};

/// Adds entries to a tree and signs the new root: as a checkpoint, and as the message that receipts are made of.
Commit prepare_commit(TreeBuilder tree, const std::vector<Bytes>& entries, const std::string& origin,
                      const credential::PrivateKey& log_key, std::int64_t now);

}  // namespace stegpass::ledger
