#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <stegpass/ledger/ledger.hpp>
#include <stegpass/ledger/policy.hpp>

#include "growth.hpp"
#include "stored.hpp"

namespace stegpass::ledger {

/// One call of append on its way into a commit; lives on its caller's stack until `answer` is there.
struct Submission {
  const std::vector<credential::Statement>* statements = nullptr;
  std::int64_t now = 0;
  std::vector<Bytes> entries;    // of the statements, in order
  std::vector<Digest32> leaves;  // of the entries
  std::uint64_t recalled = 0;    // `Impl::forgotten` when the rules recalled them; they are still in memory if it is the same
  std::vector<std::optional<credential::PublicKey>> verified;  // key under which a signature has been found good already
  std::optional<Result<std::vector<Appended>>> answer;
  std::condition_variable called;  // answered, or first in line while nobody commits
};

struct Ledger::Impl {
  Impl(std::filesystem::path its_folder, Database its_database, credential::NoteVerifier its_verifier)
      : folder(std::move(its_folder)), database(std::move(its_database)), verifier(std::move(its_verifier)) {}

  std::filesystem::path folder;
  Database database;
  credential::NoteVerifier verifier;  // the log's own: origin and key, as entry 0 says
  bool writing = false;
  std::optional<std::string> cosigned;  // note in the file beside the database at opening

  /// Waits for the commit under way, keeps the next one from starting, and so holds the database and all below still.
  std::unique_lock<std::mutex> hold_still() const;
  ~Impl();

  mutable std::mutex mutex;  // guards all below but `growth`
  Head head;
  std::string outside;          // note in the file beside the database
  RegistrationPolicy policy;    // in write mode only, as the growth; during a commit already with its statements
  std::uint64_t forgotten = 0;  // how often the rules forgot what they had recalled
  bool failed = false;          // a write failed: what the disk holds is known only after opening again
  std::deque<Submission*> waiting;
  bool committing = false;
  mutable std::condition_variable idle;  // committing became false
  Growth growth;                         // of whoever is committing

  std::mutex outside_mutex;  // held while the outside checkpoint is replaced; taken before `mutex`, and guards `outside_replaced`
  std::chrono::steady_clock::time_point outside_replaced{};
  std::condition_variable_any outside_due;
  std::optional<std::jthread> keeper;  // replaces an outside checkpoint that commits in quick succession left behind
};

/// The steps of opening, and what the audit needs of a ledger beyond its public calls.
struct LedgerParts {
  using Impl = Ledger::Impl;
  static const Impl& of(const Ledger& ledger) { return *ledger.impl_; }
  static Result<std::unique_ptr<Impl>> load(const std::filesystem::path& folder, Database::Mode mode);
  static Result<std::unique_ptr<Impl>> load_for_reading(const std::filesystem::path& folder);
  static Status prepare_writing(Impl& impl);
  static void commit_group(Impl& impl, std::unique_lock<std::mutex>& lock, const credential::PrivateKey& log_key);
  static Status replace_outside(Impl& impl);
  static Status keep_outside(Impl& impl);
};

}  // namespace stegpass::ledger
