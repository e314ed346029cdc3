#include <stegpass/ledger/tiles.hpp>

#include <stegpass/credential/merkle.hpp>

#include "cosigned.hpp"
#include "growth.hpp"
#include "layout.hpp"
#include "memory.hpp"
#include "outside.hpp"
#include "staging.hpp"
#include "tile_source.hpp"

namespace stegpass::ledger {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kWritesTogether = 16'384;

/// Writes all that a ledger of these tiles has in its database, in the order of its entries.
class Importer {
 public:
  Importer(const TileSource& tiles, Database database)
      : tiles_(tiles), database_(std::move(database)), commit_(tiles.commits().begin()) {}

  Result<TileReport> run() && {
    writes_.emplace_back(layout::format(), to_bytes(layout::kFormat));
    STEGPASS_CHECK_OK(tiles_.for_each_entry([this](std::uint64_t index, ByteView octets) { return add(index, octets); }));
    STEGPASS_CHECK_OK(flush());
    report_.size = growth_.tree.size();
    return report_;
  }

 private:
  Status add(std::uint64_t index, ByteView octets) {
    STEGPASS_TRY(statement, credential::Statement::decode(octets));
    STEGPASS_CHECK_OK(RulesMemory::recall(database_, statement, state_));
    STEGPASS_TRY(key, state_.accept_unverified(statement, index, tiles_.checkpoint().time));
    static_cast<void>(key);
    RulesMemory::remember(state_, statement, index, writes_);
    growth_.add({to_bytes(octets), credential::merkle_leaf(octets), index_keys(state_, statement, index)}, writes_);
    if (commit_ != tiles_.commits().end() && commit_->tree_size == growth_.tree.size()) {
      STEGPASS_TRY(signed_root, tiles_.signed_root(commit_->tree_size));
      put(layout::checkpoint(commit_->tree_size), to_bytes(commit_->note));
      put(layout::signed_root(commit_->tree_size), encode_sign1(signed_root));
      ++commit_;
    }
    if (writes_.size() < kWritesTogether) return Done{};
    return flush();
  }

  Status flush() {
    put_tiles(growth_.tiles, writes_);
    for (const auto& [key, value] : writes_) report_.bytes += key.size() + value.size();
    STEGPASS_CHECK_OK(database_.write(writes_));
    writes_.clear();
    RulesMemory::trim(state_);
    return Done{};
  }

  void put(Bytes key, Bytes value) { writes_.emplace_back(std::move(key), std::move(value)); }

  const TileSource& tiles_;
  Database database_;
  std::vector<StoredCommit>::const_iterator commit_;
  Growth growth_;
  RegistrationPolicy state_;
  WriteSet writes_;
  TileReport report_;
};

}  // namespace

Result<TileReport> import_tiles(const fs::path& tiles, const fs::path& given,
                                const std::optional<credential::NoteVerifier>& log_key) {
  const auto folder = without_trailing_slash(given);
  STEGPASS_CHECK_OK(check_new(folder));
  STEGPASS_TRY(source, TileSource::open(tiles));
  if (!source->has_commits())
    return {Errc::unsupported,
            tiles.string() + ": no commits beside the tiles, so receipts could not be given; expected an export by stegpass"};
  STEGPASS_TRY(audited, audit_tiles(tiles, log_key));
  if (audited.verdict.outcome() != Outcome::valid) return {Errc::refused, tiles.string() + ": " + first_fault(audited.verdict)};
  Staging staging(folder);
  STEGPASS_CHECK_OK(staging.make());
  STEGPASS_TRY(database, Database::open(staging.folder() / layout::kDatabaseFolder, Database::Mode::create));
  STEGPASS_TRY(report, Importer(*source, std::move(database)).run());
  STEGPASS_CHECK_OK(replace_outside_checkpoint(staging.folder(), source->commits().back().note));
  if (source->note() != source->commits().back().note) STEGPASS_CHECK_OK(replace_cosigned(staging.folder(), source->note()));
  // Reads the head anew, and so compares the root of what was written with the checkpoint.
  if (auto whole = Ledger::open(staging.folder(), Ledger::Mode::read); !whole) return whole.error();
  STEGPASS_CHECK_OK(staging.move_to(folder));
  return report;
}

}  // namespace stegpass::ledger
