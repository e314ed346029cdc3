#include <stegpass/credential/witness.hpp>

#include <algorithm>
#include <charconv>
#include <set>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/merkle.hpp>

#include "verification_memory.hpp"

namespace stegpass::credential {
namespace {

constexpr std::size_t kMaxHashes = 63;  // C2SP tlog-witness
constexpr std::string_view kOld = "old ";

Error bad(std::string detail) { return {Errc::malformed, "witness request: " + std::move(detail)}; }

// Cuts the first line off; all of it where there is no line feed.
std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

Result<std::uint64_t> read_old_size(std::string_view line) {
  std::uint64_t size = 0;
  if (!line.starts_with(kOld)) return bad("first line is not: old <size>");
  line.remove_prefix(kOld.size());
  const auto [end, failure] = std::from_chars(line.data(), line.data() + line.size(), size);
  if (failure != std::errc{} || std::to_string(size) != line) return bad("old size is not a decimal of at most 64 bits");
  return size;
}

std::string size_text(std::uint64_t size) { return "size " + std::to_string(size); }

// Makes the checks of a request one after another; the first that is not valid ends it.
class Judge {
 public:
  Judge(const WitnessRequest& request, const std::vector<NoteVerifier>& logs, const VerifierMemory& memory)
      : request_(request), logs_(logs) {
    out_.memory = memory;
  }

  WitnessAnswer run(std::string_view name, const PrivateKey& key, std::int64_t now) {
    const bool holds = add("witness.log", log()) && add("witness.rollback", rollback()) &&
                       add("witness.split-view", split_view()) && add("witness.proof", proof());
    if (!holds) return std::move(out_);
    out_.memory.newest[out_.checkpoint.origin] = out_.checkpoint;
    cosign_note(note_, name, key, now);
    out_.cosignature = note_.signatures.back();
    return std::move(out_);
  }

 private:
  bool add(const char* code, Finding finding) {
    out_.verdict.add(code, finding.outcome, std::move(finding.detail));
    return finding.outcome == Outcome::valid;
  }

  Finding log() {
    const Result<Note> note = parse_note(request_.checkpoint);
    if (!note) return {Outcome::invalid, note.error().detail};
    const Result<Checkpoint> checkpoint = parse_checkpoint(note->text);
    if (!checkpoint) return {Outcome::invalid, checkpoint.error().detail};
    note_ = *note;
    out_.checkpoint = *checkpoint;
    const auto known = std::find_if(logs_.begin(), logs_.end(), [&](const auto& log) { return log.name == checkpoint->origin; });
    if (known == logs_.end()) return {Outcome::undecided, "log " + checkpoint->origin + " is none that this witness knows"};
    const auto seen = out_.memory.newest.find(checkpoint->origin);
    if (seen != out_.memory.newest.end()) seen_ = seen->second;
    const Status verified = verify_note(note_, *known);
    if (!verified) return {Outcome::invalid, "not signed by the key of log " + known->name + ": " + verified.error().detail};
    return {Outcome::valid, "signed by log " + known->name + ", " + size_text(checkpoint->tree_size)};
  }

  Finding rollback() const {
    const std::uint64_t size = out_.checkpoint.tree_size;
    if (size < seen_.tree_size)
      return {Outcome::invalid, "rolled back: " + size_text(size) + ", seen before with " + size_text(seen_.tree_size)};
    return {Outcome::valid, size_text(size) + ", seen before " + size_text(seen_.tree_size)};
  }

  Finding split_view() const {
    const Checkpoint& now = out_.checkpoint;
    if (now.tree_size == seen_.tree_size && now.tree_size > 0 && now.root != seen_.root) {
      return {Outcome::invalid, "split view: " + size_text(now.tree_size) + " with root " + to_hex(now.root) +
                                    ", seen before with " + to_hex(seen_.root)};
    }
    return {Outcome::valid, "no other tree was seen of this size"};
  }

  Finding proof() const {
    const Checkpoint& now = out_.checkpoint;
    if (request_.old_size != seen_.tree_size) {
      return {Outcome::undecided, "the proof starts at " + size_text(request_.old_size) + ", and this witness has seen " +
                                      size_text(seen_.tree_size)};
    }
    if (seen_.tree_size == 0 || seen_.tree_size == now.tree_size) {
      if (!request_.proof.empty())
        return {Outcome::invalid, std::to_string(request_.proof.size()) + " hashes where there is nothing to prove"};
      return {Outcome::valid, seen_.tree_size == 0 ? "the first checkpoint seen of this log" : "the tree seen before"};
    }
    const Status grown = verify_consistency(seen_.root, now.root, {seen_.tree_size, now.tree_size, request_.proof});
    if (!grown) return {Outcome::invalid, "not shown to start with the tree seen before: " + grown.error().detail};
    return {Outcome::valid, size_text(now.tree_size) + " starts with " + size_text(seen_.tree_size)};
  }

  const WitnessRequest& request_;
  const std::vector<NoteVerifier>& logs_;
  Note note_;
  Checkpoint seen_;  // of size 0 when nothing was seen of this log
  WitnessAnswer out_;
};

// The names of the policy that have cosigned: witnesses by their signature, groups by their members.
bool quorum_holds(const TrustPolicy& policy, std::set<std::string_view> holding) {
  for (const TrustPolicy::Group& group : policy.groups) {
    const auto members =
        std::count_if(group.members.begin(), group.members.end(), [&](const auto& name) { return holding.count(name) > 0; });
    if (static_cast<std::size_t>(members) >= group.needed) holding.insert(group.name);
  }
  return holding.count(policy.quorum) > 0;
}

}  // namespace

Result<WitnessRequest> parse_witness_request(std::string_view text) {
  WitnessRequest out;
  STEGPASS_TRY(old_size, read_old_size(take_line(text)));
  out.old_size = old_size;
  for (std::string_view line = take_line(text); !line.empty(); line = take_line(text)) {
    STEGPASS_TRY(bytes, parse_base64(line));
    Digest32 hash;
    if (bytes.size() != hash.size()) return bad("a hash of " + std::to_string(bytes.size()) + " bytes, expected 32");
    if (out.proof.size() == kMaxHashes) return bad("more than 63 hashes");
    std::copy(bytes.begin(), bytes.end(), hash.begin());
    out.proof.push_back(hash);
  }
  STEGPASS_TRY(note, parse_note(text));
  static_cast<void>(note);
  out.checkpoint = text;
  return out;
}

std::string encode_witness_request(const WitnessRequest& request) {
  std::string out = std::string(kOld) + std::to_string(request.old_size) + "\n";
  for (const Digest32& hash : request.proof) out += to_base64(hash) + "\n";
  return out + "\n" + request.checkpoint;
}

WitnessAnswer answer_witness_request(const WitnessRequest& request, const std::vector<NoteVerifier>& logs,
                                     const VerifierMemory& memory, std::string_view name, const PrivateKey& key,
                                     std::int64_t now) {
  return Judge(request, logs, memory).run(name, key, now);
}

Check judge_witnesses(const Note& checkpoint, const TrustPolicy& policy, std::int64_t now) {
  const std::string code = "checkpoint.witnesses";
  if (policy.quorum.empty()) return {code, Outcome::not_checked, "the policy names no quorum of witnesses"};
  std::set<std::string_view> holding;
  std::string said;
  for (const TrustPolicy::Witness& witness : policy.witnesses) {
    const Result<std::int64_t> time = verify_cosignature(checkpoint, witness.key);
    if (!time && time.error().code != Errc::not_found) return {code, Outcome::invalid, time.error().detail};
    const bool counts = time && *time <= now + kClockSkew;
    if (counts) holding.insert(witness.name);
    if (time)
      said += (said.empty() ? "" : ", ") + witness.name + " at " + utc_text(*time) +
              (counts ? "" : " (after this clock, so not counted)");
  }
  const std::string by = said.empty() ? "cosigned by no witness of the policy" : "cosigned by " + said;
  if (quorum_holds(policy, holding)) return {code, Outcome::valid, by + "; quorum " + policy.quorum + " holds"};
  return {code, Outcome::undecided, by + "; that is not quorum " + policy.quorum};
}

}  // namespace stegpass::credential
