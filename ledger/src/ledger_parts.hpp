#pragma once

#include <memory>
#include <mutex>

#include <stegpass/ledger/ledger.hpp>
#include <stegpass/ledger/policy.hpp>

#include "stored.hpp"

namespace stegpass::ledger {

struct Ledger::Impl {
  Impl(std::filesystem::path its_folder, Database its_database, credential::NoteVerifier its_verifier)
      : folder(std::move(its_folder)), database(std::move(its_database)), verifier(std::move(its_verifier)) {}

  std::filesystem::path folder;
  Database database;
  credential::NoteVerifier verifier;  // the log's own: origin and key, as entry 0 says
  bool writing = false;

  mutable std::mutex mutex;  // guards all below, and makes appends one after the other
  Head head;
  std::string outside;       // note in the file beside the database
  RegistrationPolicy policy;  // in write mode only, as the tree
  TreeBuilder tree;
  bool failed = false;  // a write failed: what the disk holds is known only after opening again
};

/// The steps of opening, and what the audit needs of a ledger beyond its public calls.
struct LedgerParts {
  using Impl = Ledger::Impl;
  static const Impl& of(const Ledger& ledger) { return *ledger.impl_; }
  static Result<std::unique_ptr<Impl>> load(const std::filesystem::path& folder, Database::Mode mode);
  static Result<std::unique_ptr<Impl>> load_for_reading(const std::filesystem::path& folder);
  static Status prepare_writing(Impl& impl);
};

}  // namespace stegpass::ledger
