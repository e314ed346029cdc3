#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <stegpass/credential/note.hpp>

#include "source.hpp"
#include "stored.hpp"

namespace stegpass::ledger {

/// A folder of tiles as a source. What is read is what its checkpoint speaks of; more may have been put there since.
class TileSource : public LogSource {
 public:
  /// Reads the checkpoint, unverified, and the commits if there are any. Errors not_found; malformed; io.
  static Result<std::unique_ptr<TileSource>> open(const std::filesystem::path& folder);

  const std::string& note() const { return note_; }
  const credential::Checkpoint& checkpoint() const { return checkpoint_; }
  bool has_commits() const { return has_commits_; }
  /// Oldest first; where the export has none, the checkpoint alone.
  const std::vector<StoredCommit>& commits() const { return commits_; }

  Status for_each_entry(const std::function<Status(std::uint64_t, ByteView)>& visit) const override;
  Result<Bytes> entry(std::uint64_t index) const override;
  Result<Digest32> node(int level, std::uint64_t index) const override;
  Result<credential::Sign1> signed_root(std::uint64_t tree_size) const override;
  Result<std::string> tile_fault(int level, std::uint64_t index, ByteView nodes) const override;
  Result<std::string> index_writes_fault(const WriteSet&) const override { return std::string{}; }
  Result<std::vector<std::string>> index_faults(std::uint64_t, const std::vector<Digest32>& leaves) const override {
    return std::vector<std::string>(leaves.size());
  }

 private:
  explicit TileSource(std::filesystem::path folder) : folder_(std::move(folder)) {}
  Result<Bytes> read(std::string_view kind, std::uint64_t index, std::uint64_t width, std::size_t max_item_bytes) const;
  Result<std::vector<Bytes>> bundle(std::uint64_t index) const;
  Result<std::vector<Digest32>> hash_tile(int level, std::uint64_t index) const;
  Status load_commits();
  Status add_commit(const std::string& name, Bytes note, Bytes signed_root, std::uint64_t first, std::uint64_t last);

  std::filesystem::path folder_;
  std::string note_;
  credential::Checkpoint checkpoint_;
  bool has_commits_ = false;
  std::vector<StoredCommit> commits_;
  std::map<std::uint64_t, Bytes> signed_roots_;

  mutable std::mutex mutex_;  // guards the tiles read last
  mutable std::map<std::pair<int, std::uint64_t>, std::vector<Digest32>> tiles_;
};

}  // namespace stegpass::ledger
