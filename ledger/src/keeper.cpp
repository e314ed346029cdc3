#include "ledger_parts.hpp"
#include "outside.hpp"

// When the checkpoint file beside the database is replaced. A commit that comes alone does it before it answers; commits in quick
// succession leave it to the keeper, a thread that does it ten times a second, since two more syncs would cost a commit twice
// what its batch does.
namespace stegpass::ledger {
namespace {

constexpr std::chrono::milliseconds kEvery{100};
constexpr std::chrono::seconds kAfterFailure{1};

bool behind(const LedgerParts::Impl& log) {
  const std::lock_guard lock(log.mutex);
  return log.outside != log.head.note;
}

/// The keeper's life.
void keep(LedgerParts::Impl& log, const std::stop_token& stop) {
  std::unique_lock guard(log.outside_mutex);
  const auto never = [] { return false; };
  while (!stop.stop_requested()) {
    log.outside_due.wait(guard, stop, [&] { return behind(log); });
    log.outside_due.wait_until(guard, stop, log.outside_replaced + kEvery, never);
    if (stop.stop_requested()) return;
    if (!LedgerParts::replace_outside(log)) log.outside_due.wait_for(guard, stop, kAfterFailure, never);
  }
}

}  // namespace

/// Replaces the file by the newest note. Requires outside_mutex.
Status LedgerParts::replace_outside(Impl& log) {
  const auto note = [&] {
    const std::lock_guard lock(log.mutex);
    return log.head.note;
  }();
  STEGPASS_CHECK_OK(replace_outside_checkpoint(log.folder, note));
  log.outside_replaced = std::chrono::steady_clock::now();
  const std::lock_guard lock(log.mutex);
  log.outside = note;
  return Done{};
}

/// Replaces the file now, or leaves it to the keeper when that was done a moment ago.
Status LedgerParts::keep_outside(Impl& log) {
  const std::lock_guard guard(log.outside_mutex);
  if (std::chrono::steady_clock::now() - log.outside_replaced >= kEvery) return replace_outside(log);
  if (!log.keeper) log.keeper.emplace([&log](const std::stop_token& stop) { keep(log, stop); });
  log.outside_due.notify_one();
  return Done{};
}

std::unique_lock<std::mutex> Ledger::Impl::hold_still() const {
  std::unique_lock lock(mutex);
  idle.wait(lock, [&] { return !committing; });
  return lock;
}

/// What the keeper had not got to is done now; a failure leaves an older file, which the next writer replaces.
Ledger::Impl::~Impl() {
  keeper.reset();
  const std::lock_guard guard(outside_mutex);
  if (writing && outside != head.note) ignore_result(LedgerParts::replace_outside(*this));
}

}  // namespace stegpass::ledger
