#include "stored.hpp"

#include <algorithm>
#include <memory>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/merkle.hpp>
#include <stegpass/credential/statement.hpp>

#include "layout.hpp"
#include "node_tile.hpp"

namespace stegpass::ledger {
namespace {

using credential::Checkpoint, credential::NoteVerifier, credential::Sign1;

/// A value that has to be there.
Result<Bytes> required(const Database& database, const Bytes& key, const std::string& what) {
  STEGPASS_TRY(value, database.get(key));
  if (!value) return {Errc::malformed, what + " is missing from the database"};
  return std::move(*value);
}

std::string decimal(std::uint64_t number) { return std::to_string(number); }

}  // namespace

Status check_format(const Database& database) {
  STEGPASS_TRY(format, required(database, layout::format(), "the format version"));
  if (as_text(format) == layout::kFormat) return Done{};
  return {Errc::unsupported, "the database has another format than " + std::string(layout::kFormat)};
}

Result<Bytes> read_entry(const Database& database, std::uint64_t index) {
  return required(database, layout::entry(index), "entry " + decimal(index));
}

Result<std::uint64_t> find_entry(const Database& database, ByteView entry) {
  STEGPASS_TRY(value, database.get(layout::index_of(credential::merkle_leaf(entry))));
  if (!value) return {Errc::not_found, "no such entry in this ledger"};
  const auto index = value->size() == 8 ? layout::parse_number(*value) : ~std::uint64_t{0};
  STEGPASS_TRY(found, read_entry(database, index));
  if (!std::ranges::equal(found, entry))
    return {Errc::malformed, "entry " + decimal(index) + " is not the one that its index says"};
  return index;
}

Result<PinnedValue> read_tile(const Database& database, int level, std::uint64_t index) {
  const auto name = [&] { return "tile (level " + std::to_string(level) + ", index " + decimal(index) + ")"; };
  STEGPASS_TRY(value, database.pin(layout::tile(level, index)));
  if (!value) return {Errc::malformed, name() + " is missing from the database"};
  const auto bytes = value->bytes().size();
  if (bytes % sizeof(Digest32) != 0 || bytes / sizeof(Digest32) > node_tile::kNodes)
    return {Errc::malformed, name() + " has " + decimal(bytes) + " bytes, expected up to 510 hashes of 32"};
  return std::move(*value);
}

Result<Digest32> node_in_tile(ByteView tile, int level, std::uint64_t index) {
  const auto at = node_tile::place_of(level, index).position * sizeof(Digest32);
  if (at >= tile.size())
    return {Errc::malformed,
            "tree node (level " + std::to_string(level) + ", index " + decimal(index) + ") is missing from its tile"};
  Digest32 hash;
  std::copy_n(tile.begin() + static_cast<std::ptrdiff_t>(at), hash.size(), hash.begin());
  return hash;
}

Result<Digest32> read_node(const Database& database, int level, std::uint64_t index) {
  const auto place = node_tile::place_of(level, index);
  STEGPASS_TRY(tile, read_tile(database, place.level, place.index));
  return node_in_tile(tile.bytes(), level, index);
}

NodeReader node_reader(const Database& database) {
  // The nodes of a path lie in few tiles: each is asked for once.
  using Kept = std::vector<std::pair<std::pair<int, std::uint64_t>, PinnedValue>>;
  return [&database, kept = std::make_shared<Kept>()](int level, std::uint64_t index) -> Result<Digest32> {
    constexpr std::size_t kTilesKept = 16;
    const auto place = node_tile::place_of(level, index);
    const std::pair key(place.level, place.index);
    auto found = std::ranges::find(*kept, key, &Kept::value_type::first);
    if (found == kept->end()) {
      STEGPASS_TRY(tile, read_tile(database, place.level, place.index));
      if (kept->size() >= kTilesKept) kept->clear();
      kept->emplace_back(key, std::move(tile));
      found = kept->end() - 1;
    }
    return node_in_tile(found->second.bytes(), level, index);
  };
}

Result<std::pair<TreeBuilder, node_tile::Builder>> read_right_edge(const Database& database, std::uint64_t size) {
  const auto read = node_reader(database);
  std::vector<Digest32> peaks;
  for (int level = 63; level >= 0; --level) {
    if ((size >> level & 1) == 0) continue;
    STEGPASS_TRY(peak, read(level, (size >> level) - 1));
    peaks.push_back(peak);
  }
  node_tile::Builder tiles;
  for (int level = 0; size >> (node_tile::kHeight * level) > 0; ++level) {
    const auto count = size >> (node_tile::kHeight * level), width = count % node_tile::kWidth;
    if (width == 0) continue;
    STEGPASS_TRY(tile, read_tile(database, level, count / node_tile::kWidth));
    const auto bytes = node_tile::nodes_of(width) * sizeof(Digest32);
    if (tile.bytes().size() != bytes)
      return {Errc::malformed, "the tile at the right edge of level " + std::to_string(level) + " has " +
                                   decimal(tile.bytes().size()) + " bytes, expected " + decimal(bytes)};
    tiles.restore(level, count / node_tile::kWidth, to_bytes(tile.bytes()));
  }
  return std::pair(TreeBuilder(size, std::move(peaks)), std::move(tiles));
}

Result<Sign1> read_signed_root(const Database& database, std::uint64_t tree_size) {
  const auto name = "the signed root of size " + decimal(tree_size);
  STEGPASS_TRY(value, required(database, layout::signed_root(tree_size), name));
  auto message = credential::decode_sign1(value);
  if (!message) return {Errc::malformed, name + ": " + message.error().detail};
  return message;
}

Result<Head> read_head(const Database& database, const NoteVerifier& verifier) {
  STEGPASS_TRY(last, database.last(layout::checkpoints()));
  if (!last || last->first.size() != 9) return {Errc::malformed, "the database holds no checkpoint"};
  Head head;
  head.note = std::string(as_text(last->second));
  STEGPASS_TRY(checkpoint, check_note(head.note, verifier));
  head.checkpoint = checkpoint;
  const auto size = layout::parse_number(ByteView(last->first).subspan(1));
  if (size == 0 || checkpoint.tree_size != size)
    return {Errc::malformed, "the newest checkpoint says size " + decimal(checkpoint.tree_size) + ", expected " + decimal(size)};
  STEGPASS_TRY(root, range_root(node_reader(database), 0, size));
  if (root != checkpoint.root)
    return {Errc::malformed, "the stored tree has root " + to_hex(root) + " at size " + decimal(size) + ", its checkpoint says " +
                                 to_hex(checkpoint.root)};
  STEGPASS_TRY(signed_root, read_signed_root(database, size));
  head.signed_root = signed_root;
  return head;
}

Result<std::vector<StoredCommit>> read_commits(const Database& database) {
  std::vector<StoredCommit> commits;
  const auto visit = [&](ByteView key, ByteView value) -> Status {
    if (key.size() != 9) return {Errc::malformed, "a checkpoint's key has " + decimal(key.size()) + " bytes, expected 9"};
    StoredCommit commit{layout::parse_number(key.subspan(1)), std::string(as_text(value)), {}, {}};
    if (auto note = credential::parse_note(commit.note); !note)
      commit.fault = note.error().detail;
    else if (auto checkpoint = credential::parse_checkpoint(note->text); !checkpoint)
      commit.fault = checkpoint.error().detail;
    else
      commit.checkpoint = *checkpoint;
    commits.push_back(std::move(commit));
    return Done{};
  };
  STEGPASS_CHECK_OK(database.for_each(layout::checkpoints(), visit));
  return commits;
}

Result<Checkpoint> check_note(std::string_view text, const NoteVerifier& verifier) {
  STEGPASS_TRY(note, credential::parse_note(text));
  if (auto signature = verify_note(note, verifier); !signature)
    return {Errc::malformed, "the checkpoint is not signed by the log's key: " + signature.error().detail};
  STEGPASS_TRY(checkpoint, credential::parse_checkpoint(note.text));
  if (checkpoint.origin != verifier.name)
    return {Errc::malformed, "the checkpoint is of log " + checkpoint.origin + ", expected " + verifier.name};
  return checkpoint;
}

Result<RegistrationPolicy> first_state(const Database& database) {
  STEGPASS_TRY(octets, read_entry(database, 0));
  STEGPASS_TRY(statement, credential::Statement::decode(octets));
  RegistrationPolicy state;
  if (auto key = state.accept_unverified(statement, 0, statement.issued_at()); !key)
    return {Errc::malformed, "entry 0: " + key.error().detail};
  return state;
}

Result<NoteVerifier> verifier_of(ByteView first_entry) {
  auto statement = credential::Statement::decode(first_entry);
  if (!statement) return {Errc::malformed, "entry 0: " + statement.error().detail};
  const auto* policy = statement->as<credential::LedgerPolicy>();
  if (!policy)
    return {Errc::malformed,
            "entry 0 is a " + std::string(statement_kind_name(statement->kind())) + ", expected the ledger's policy"};
  return NoteVerifier{policy->origin, policy->log_key};
}

Result<Checkpoint> compare_outside(const Database& database, std::string_view outside, const Head& head,
                                   const NoteVerifier& verifier) {
  if (outside == head.note) return head.checkpoint;
  STEGPASS_TRY(seen, check_note(outside, verifier));
  const auto size = head.checkpoint.tree_size;
  if (seen.tree_size > size)
    return {Errc::malformed, "the database is rolled back: it ends at size " + decimal(size) +
                                 ", and the checkpoint file beside it at " + decimal(seen.tree_size)};
  if (seen.tree_size == 0) return {Errc::malformed, "the checkpoint file says size 0, expected at least 1"};
  STEGPASS_TRY(root, range_root(node_reader(database), 0, seen.tree_size));
  if (root != seen.root)
    return {Errc::malformed, "the database is forked: at size " + decimal(seen.tree_size) + " it has root " + to_hex(root) +
                                 ", and the checkpoint file beside it " + to_hex(seen.root)};
  return seen;
}

}  // namespace stegpass::ledger
