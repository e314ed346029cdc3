#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <stegpass/credential/key.hpp>

#include "database.hpp"
#include "growth.hpp"
#include "stored.hpp"

namespace stegpass::ledger {

/// All that one commit writes beside the rules' memory, and what the log says of itself after it.
struct Commit {
  WriteSet writes;
  Head head;
};

/// Adds entries to the log and signs the new root: as a checkpoint, and as the message that receipts are made of. When the
/// writing fails, `growth` has to be loaded again.
Commit prepare_commit(Growth& growth, const std::vector<TakenEntry>& entries, const std::string& origin,
                      const credential::PrivateKey& log_key, std::int64_t now);

}  // namespace stegpass::ledger
