#include <stegpass/ledger/ledger.hpp>

#include <stegpass/credential/receipt.hpp>

#include "layout.hpp"
#include "ledger_parts.hpp"

namespace stegpass::ledger {

Ledger::Ledger(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Ledger::Ledger(Ledger&&) noexcept = default;
Ledger& Ledger::operator=(Ledger&&) noexcept = default;
Ledger::~Ledger() = default;

const std::string& Ledger::origin() const { return impl_->verifier.name; }
const credential::PublicKey& Ledger::log_key() const { return impl_->verifier.key; }

std::uint64_t Ledger::size() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->head.checkpoint.tree_size;
}

Result<Bytes> Ledger::entry(std::uint64_t index) const {
  if (const auto end = size(); index >= end)
    return {Errc::not_found, "no entry " + std::to_string(index) + ": the log has " + std::to_string(end)};
  return read_entry(impl_->database, index);
}

Result<std::uint64_t> Ledger::find(ByteView entry) const { return find_entry(impl_->database, entry); }

Result<std::string> Ledger::checkpoint() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->head.note;
}

Result<std::vector<std::uint64_t>> Ledger::list(const credential::IndexKey& key, std::uint64_t tree_size) const {
  if (const auto end = size(); tree_size == 0 || tree_size > end)
    return {Errc::usage, "no tree of " + std::to_string(tree_size) + ": the log has 1 to " + std::to_string(end) + " entries"};
  return find_in_index(impl_->database, key, tree_size);
}

Result<credential::IndexProof> Ledger::prove_list(const credential::IndexKey& key, std::uint64_t tree_size) const {
  STEGPASS_TRY(entries, list(key, tree_size));
  STEGPASS_TRY(note, impl_->database.get(layout::checkpoint(tree_size)));
  if (!note) return {Errc::usage, "no commit ended at size " + std::to_string(tree_size) + ", so its index was never signed"};
  STEGPASS_TRY(checkpoint, check_note(as_text(*note), impl_->verifier));
  if (!checkpoint.index_root) return {Errc::usage, "the checkpoint of size " + std::to_string(tree_size) + " signs no index"};
  credential::IndexProof proof{std::string(as_text(*note)), key, {}, {}};
  STEGPASS_TRY(blocks, prove_in_index(impl_->database, key, tree_size));
  proof.blocks = std::move(blocks);
  for (const auto index : entries) {
    STEGPASS_TRY(octets, read_entry(impl_->database, index));
    STEGPASS_TRY(path, inclusion_path(node_reader(impl_->database), index, tree_size));
    proof.entries.push_back({std::move(octets), std::move(path)});
  }
  return proof;
}

Result<credential::InclusionProof> Ledger::inclusion_proof(std::uint64_t index, std::uint64_t tree_size) const {
  if (const auto end = size(); tree_size > end || index >= tree_size)
    return {Errc::usage, "no proof of entry " + std::to_string(index) + " in a tree of " + std::to_string(tree_size) +
                             ": the log has " + std::to_string(end) + " entries"};
  STEGPASS_TRY(path, inclusion_path(node_reader(impl_->database), index, tree_size));
  return credential::InclusionProof{tree_size, index, std::move(path)};
}

Result<credential::ConsistencyProof> Ledger::consistency_proof(std::uint64_t old_size, std::uint64_t new_size) const {
  if (const auto end = size(); old_size == 0 || old_size > new_size || new_size > end)
    return {Errc::usage, "no proof between sizes " + std::to_string(old_size) + " and " + std::to_string(new_size) +
                             ": expected 1 to " + std::to_string(end) + ", the older first"};
  STEGPASS_TRY(path, consistency_path(node_reader(impl_->database), old_size, new_size));
  return credential::ConsistencyProof{old_size, new_size, std::move(path)};
}

Result<Bytes> Ledger::receipt(std::uint64_t index) const {
  const auto head = [&] {
    const std::lock_guard lock(impl_->mutex);
    return impl_->head;
  }();
  const auto size = head.checkpoint.tree_size;
  if (index >= size) return {Errc::not_found, "no entry " + std::to_string(index) + ": the log has " + std::to_string(size)};
  STEGPASS_TRY(proof, inclusion_proof(index, size));
  return encode_receipt(head.signed_root, proof);
}

Result<Bytes> Ledger::consistency_receipt(std::uint64_t old_size, std::uint64_t new_size) const {
  STEGPASS_TRY(proof, consistency_proof(old_size, new_size));
  STEGPASS_TRY(is_commit, impl_->database.get(layout::signed_root(new_size)));
  if (!is_commit) return {Errc::usage, "no commit ended at size " + std::to_string(new_size) + ", so its root was never signed"};
  STEGPASS_TRY(signed_root, read_signed_root(impl_->database, new_size));
  return encode_consistency_receipt(signed_root, proof);
}

}  // namespace stegpass::ledger
