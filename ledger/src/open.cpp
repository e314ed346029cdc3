#include <algorithm>
#include <chrono>
#include <thread>

#include <stegpass/credential/merkle.hpp>

#include "commit.hpp"
#include "cosigned.hpp"
#include "layout.hpp"
#include "ledger_parts.hpp"
#include "outside.hpp"
#include "staging.hpp"

namespace stegpass::ledger {
namespace {

namespace fs = std::filesystem;
using credential::NoteVerifier, credential::PrivateKey, credential::Statement;

Error at(const fs::path& folder, const Error& error) {
  const auto prefix = folder.string();
  return error.detail.starts_with(prefix) ? error : Error{error.code, prefix + ": " + error.detail};
}

/// Names what is wrong with a folder before RocksDB leaves files in it.
Status check_layout(const fs::path& folder) {
  std::error_code ignored;
  const auto status = fs::status(folder, ignored);
  if (status.type() == fs::file_type::not_found) return {Errc::not_found, folder.string() + ": no such folder"};
  if (status.type() != fs::file_type::directory) return {Errc::io, folder.string() + ": not a folder, expected a ledger's"};
  const auto current = fs::path(layout::kDatabaseFolder) / "CURRENT";
  std::error_code error;
  const bool present = fs::exists(folder / current, error);
  if (error) return {Errc::io, (folder / current).string() + ": " + error.message()};
  if (!present && !fs::exists(folder / layout::kDatabaseFolder, error))
    return {Errc::not_found, folder.string() + ": no ledger here"};
  if (!present) return {Errc::malformed, folder.string() + ": no whole ledger here, it lacks " + current.string()};
  return Done{};
}

/// The name also signs notes, whose lines it must not break (C2SP signed-note).
Status check_origin(const std::string& origin) {
  const bool fits = !origin.empty() && origin.size() <= 255 &&
                    std::all_of(origin.begin(), origin.end(), [](char c) { return c > ' ' && c < 0x7f && c != '+'; });
  if (fits) return Done{};
  return {Errc::usage, "the log's name must be 1 to 255 visible ASCII characters without '+'"};
}

}  // namespace

Result<std::unique_ptr<Ledger::Impl>> LedgerParts::load(const fs::path& folder, Database::Mode mode) {
  // The file first: a commit that comes in between then makes the database newer, which is no sign of harm.
  STEGPASS_TRY(outside, read_outside_checkpoint(folder));
  STEGPASS_TRY(cosigned, read_cosigned(folder));
  STEGPASS_TRY(database, Database::open(folder / layout::kDatabaseFolder, mode));
  STEGPASS_CHECK_OK(check_format(database));
  STEGPASS_TRY(first, read_entry(database, 0));
  STEGPASS_TRY(verifier, verifier_of(first));
  STEGPASS_TRY(head, read_head(database, verifier));
  STEGPASS_TRY(seen, compare_outside(database, outside, head, verifier));
  static_cast<void>(seen);
  if (cosigned)
    if (auto agrees = compare_outside(database, *cosigned, head, verifier); !agrees)
      return {agrees.error().code, "by the cosigned checkpoint beside the database: " + agrees.error().detail};
  auto impl = std::make_unique<Ledger::Impl>(folder, std::move(database), verifier);
  impl->head = std::move(head);
  impl->outside = std::move(outside);
  impl->cosigned = std::move(cosigned);
  return impl;
}

/// Reading beside a writer, a file may vanish between two looks; a second look finds its successor.
Result<std::unique_ptr<Ledger::Impl>> LedgerParts::load_for_reading(const fs::path& folder) {
  constexpr int kLooks = 4;
  for (int look = 1;; ++look) {
    auto impl = load(folder, Database::Mode::read);
    const bool may_pass = !impl && (impl.error().code == Errc::io || impl.error().code == Errc::malformed);
    if (!may_pass || look == kLooks) return impl;
    std::this_thread::sleep_for(std::chrono::milliseconds(5 * look));
  }
}

/// Reads what appending needs, and brings the file beside the database up to date.
Status LedgerParts::prepare_writing(Ledger::Impl& impl) {
  STEGPASS_TRY(state, first_state(impl.database));
  impl.policy = std::move(state);
  STEGPASS_TRY(growth, Growth::load(impl.database, impl.head.checkpoint.tree_size));
  impl.growth = std::move(growth);
  if (const auto& signed_index = impl.head.checkpoint.index_root; signed_index && impl.growth.index.root() != *signed_index)
    return {Errc::malformed, "the stored index has another root than the newest checkpoint says; see the audit"};
  impl.writing = true;
  if (impl.outside == impl.head.note) return Done{};
  STEGPASS_CHECK_OK(replace_outside_checkpoint(impl.folder, impl.head.note));
  impl.outside = impl.head.note;
  return Done{};
}

Result<Ledger> Ledger::open(const fs::path& folder, Mode mode) {
  STEGPASS_CHECK_OK(check_layout(folder));
  // A writer looks first as a reader, too: recovery rewrites what it finds, and would take evidence away with the damage.
  auto impl = LedgerParts::load_for_reading(folder);
  if (impl && mode == Mode::write) {
    *impl = nullptr;
    impl = LedgerParts::load(folder, Database::Mode::write);
    if (impl)
      if (auto ready = LedgerParts::prepare_writing(**impl); !ready) return at(folder, ready.error());
  }
  if (!impl) return at(folder, impl.error());
  return Ledger(std::move(*impl));
}

Result<Ledger> Ledger::create(const fs::path& given, const std::string& origin, const PrivateKey& log_key, std::int64_t now) {
  const auto folder = without_trailing_slash(given);
  STEGPASS_CHECK_OK(check_origin(origin));
  if (log_key.public_key().type() != credential::KeyType::ed25519)
    return {Errc::usage, "the log's key must be Ed25519, which checkpoints are signed with"};
  STEGPASS_CHECK_OK(check_new(folder));
  STEGPASS_TRY(policy, sign_statement(log_key, credential::LedgerPolicy{origin, log_key.public_key()}, now));
  RegistrationPolicy rules;
  STEGPASS_CHECK_OK(rules.accept(policy, 0, now));

  // Made whole under another name, then moved to its own.
  Staging staging(folder);
  STEGPASS_CHECK_OK(staging.make());
  Growth growth;
  const auto entry = policy.entry();
  auto commit =
      prepare_commit(growth, {{entry, credential::merkle_leaf(entry), index_keys(rules, policy, 0)}}, origin, log_key, now);
  commit.writes.emplace_back(layout::format(), to_bytes(layout::kFormat));
  {
    STEGPASS_TRY(database, Database::open(staging.folder() / layout::kDatabaseFolder, Database::Mode::create));
    STEGPASS_CHECK_OK(database.write(commit.writes));
  }
  STEGPASS_CHECK_OK(replace_outside_checkpoint(staging.folder(), commit.head.note));
  STEGPASS_CHECK_OK(staging.move_to(folder));
  return open(folder, Mode::write);
}

}  // namespace stegpass::ledger
