#pragma once

#include <cstdint>
#include <string>

#include <stegpass/credential/statement.hpp>
#include <stegpass/ledger/policy.hpp>

#include "database.hpp"

namespace stegpass::ledger {

/// The rules' memory as the database keeps it, written in the same batch as the entries that it follows from. A record holds the
/// numbers of entries and nothing else: what a statement says is read from the statement. So a writer opens without a replay, and
/// its `RegistrationPolicy` holds only what it was asked about. The decisions are the same ones, made by the same functions.
/// Schema  schemas/ledger-database.md
struct RulesMemory {
  /// Reads what judging `statement` looks at into `policy`; what is there already is newer and stays. Errors malformed, io.
  static Status recall(const Database& database, const credential::Statement& statement, RegistrationPolicy& policy);

  /// Whether the id of `statement`, which was recalled, is in the log or its group; so is not one that has none.
  static bool may_be_known(const RegistrationPolicy& policy, const credential::Statement& statement);

  /// The records that change when `statement` is taken as entry `index`, as `policy` has them now.
  static void remember(const RegistrationPolicy& policy, const credential::Statement& statement, std::uint64_t index,
                       WriteSet& writes);

  /// Forgets all but the ledger's policy once `policy` holds much, and says whether it did. Requires that the database has all
  /// that it was told.
  static bool trim(RegistrationPolicy& policy);

  /// What is wrong with the database's records, given the state that its entries come to; empty when nothing is.
  static Result<std::string> fault(const Database& database, const RegistrationPolicy& policy);
};

}  // namespace stegpass::ledger
