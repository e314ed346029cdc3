#include <stegpass/credential/verification.hpp>

#include <algorithm>

#include <stegpass/credential/certificate.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/receipt.hpp>
#include <stegpass/credential/timestamp.hpp>
#include <stegpass/credential/witness.hpp>

#include "verification_memory.hpp"
#include "verification_openings.hpp"
#include "verification_papers.hpp"

namespace stegpass::credential {
namespace {

constexpr std::string_view kRules = "stegpass.registration-policy.v1";

Outcome outcome_of(const Error& error) { return error.code == Errc::unsupported ? Outcome::undecided : Outcome::invalid; }

void remember(const Checkpoint& checkpoint, VerifierMemory& memory) {
  Checkpoint& newest = memory.newest[checkpoint.origin];
  const std::int64_t time = std::max(newest.time, checkpoint.time);
  newest = checkpoint;
  newest.time = time;
}

// Makes the checks one after another. What a check needs of earlier ones is in the members; where that is missing the check is
// undecided.
class Judge {
 public:
  Judge(const Bundle& bundle, Papers& papers, const TrustPolicy& policy, const PaperOptions& options)
      : bundle_(bundle), papers_(papers), policy_(policy), options_(options) {
    out_.memory = options.memory;
  }

  PaperVerdict run() {
    add("bundle.bytes", {Outcome::valid, std::string(purpose_name(bundle_.purpose)) + " bundle of " +
                                             std::to_string(bundle_.statements.size()) + " statements; its SHA-256 fits"});
    judge_checkpoint();
    if (bundle_.time_token) add("checkpoint.time", checkpoint_time());
    add("ledger.policy", ledger_policy());
    add("receipt.ledger-policy", receipt(StatementKind::ledger_policy));
    add("registration.signature", registration_signature());
    add("registration.issuer", registration_issuer());
    add("receipt.registration", receipt(StatementKind::registration));
    if (has(StatementKind::key_rotation)) add("key-rotation", key_rotations());
    add("license.signature", license_signature());
    add("license.terms", license_terms());
    add("receipt.license", receipt(StatementKind::license));
    if (out_.license && !out_.license->personal.empty()) add("license.personal", license_personal());
    if (has(StatementKind::renewal)) add("renewal", renewal());
    add("license.dates", license_dates());
    add("license.status", license_status());
    add("status.age", status_age());
    add("receipt.status", receipt(StatementKind::status_list));
    if (has(StatementKind::suspension)) add("suspension", suspension());
    if (has(StatementKind::reinstatement)) add("reinstatement", reinstatement());
    if (has(StatementKind::transfer)) add("transfer", transfer());
    if (has(StatementKind::revocation)) add("revocation", revocation());
    judge_openings(bundle_, out_);
    judge_possession(options_, out_);
    out_.times = evidence_times(out_.verdict, papers_, log_ ? checkpoint_.time : 0);
    return std::move(out_);
  }

 private:
  void add(const char* code, Finding finding) { out_.verdict.add(code, finding.outcome, std::move(finding.detail)); }

  bool has(StatementKind kind) { return papers_.find(kind) != nullptr; }
  // The statement of a kind if it is there and decoded.
  const Statement* find(StatementKind kind) {
    Paper* paper = papers_.find(kind);
    return paper && paper->statement ? &*paper->statement : nullptr;
  }

  void judge_checkpoint() {
    Finding signature = checkpoint_signature();
    const bool signed_by_log = signature.outcome == Outcome::valid;
    add("checkpoint.signature", std::move(signature));
    if (!signed_by_log) {
      add("checkpoint.witnesses", {Outcome::undecided, "no trusted log signed the checkpoint"});
      add("checkpoint.age", {Outcome::undecided, "no trusted log signed the checkpoint"});
      return add("checkpoint.memory", {Outcome::undecided, "no trusted log signed the checkpoint"});
    }
    out_.as_of = checkpoint_.time;
    judge_signed_checkpoint(note_, checkpoint_, policy_, options_.now, out_.memory, out_.verdict);
  }

  Finding checkpoint_signature() {
    const Result<Note> note = parse_note(bundle_.checkpoint);
    if (!note) return {outcome_of(note.error()), note.error().detail};
    const Result<Checkpoint> checkpoint = parse_checkpoint(note->text);
    if (!checkpoint) return {outcome_of(checkpoint.error()), checkpoint.error().detail};
    checkpoint_ = *checkpoint;
    note_ = *note;
    for (const NoteVerifier& log : policy_.logs) {
      if (log.name != checkpoint_.origin) continue;
      const Status verified = verify_note(*note, log);
      if (!verified && verified.error().code == Errc::not_found) continue;
      if (!verified) return {outcome_of(verified.error()), verified.error().detail};
      log_ = &log;
      return {Outcome::valid, "signed by trusted log " + log.name + ", size " + std::to_string(checkpoint_.tree_size)};
    }
    return {Outcome::undecided, "no trusted log signed the checkpoint of " + checkpoint_.origin};
  }

  // Time from outside the log. Without an authority that the policy trusts nothing is proved, and nothing disproved.
  Finding checkpoint_time() const {
    const auto stamp = verify_time_token(*bundle_.time_token, as_bytes(bundle_.checkpoint), policy_.time_roots);
    if (!stamp && stamp.error().code == Errc::refused) return {Outcome::undecided, stamp.error().detail};
    if (!stamp) return {outcome_of(stamp.error()), stamp.error().detail};
    const std::string said = "existed by " + utc_text(stamp->time) + ", says " + stamp->authority + " under root " + stamp->root;
    if (stamp->time > options_.now + kClockSkew) return {Outcome::undecided, said + "; that is later than now"};
    if (checkpoint_.time > stamp->time + kClockSkew)
      return {Outcome::invalid, said + ", but the checkpoint says that it was made at " + utc_text(checkpoint_.time)};
    return {Outcome::valid, said};
  }

  // The finding for a statement that is not there or did not decode.
  Finding missing(StatementKind kind) {
    const std::string name(statement_kind_name(kind));
    const Paper* paper = papers_.find(kind);
    if (!paper || paper->statement) return {Outcome::undecided, "the bundle holds no " + name};
    return {outcome_of(paper->statement.error()), name + ": " + paper->statement.error().detail};
  }

  Finding ledger_policy() {
    const Statement* statement = find(StatementKind::ledger_policy);
    if (!statement) return missing(StatementKind::ledger_policy);
    const LedgerPolicy& policy = *statement->as<LedgerPolicy>();
    if (!log_) return {Outcome::undecided, "no trusted log to compare the policy's key with"};
    if (policy.origin != checkpoint_.origin)
      return {Outcome::invalid, "policy of " + policy.origin + ", checkpoint of " + checkpoint_.origin};
    if (!(policy.log_key == log_->key))
      return {Outcome::invalid, "policy names log key " + policy.log_key.thumbprint_uri() + ", not the trusted one"};
    if (policy.rules != kRules) return {Outcome::undecided, "rules \"" + policy.rules + "\" are not known to this version"};
    return {Outcome::valid, "log " + policy.origin + " registers by " + policy.rules};
  }

  // Checks the one receipt of a statement, and that statements come in the order of the ledger.
  Finding receipt(StatementKind kind) {
    Paper* paper = papers_.find(kind);
    return paper ? receipt(*paper) : missing(kind);
  }

  Finding receipt(Paper& paper) {
    if (!paper.statement) return missing(paper.kind);
    const Statement* statement = &*paper.statement;
    if (!log_) return {Outcome::undecided, "no trusted log to check the receipt with"};
    if (statement->receipts().empty()) return {Outcome::undecided, "the statement has no receipt"};
    if (statement->receipts().size() > 1)
      return {Outcome::invalid, std::to_string(statement->receipts().size()) + " receipts, expected one"};
    const Result<Receipt> read = verify_receipt(statement->receipts()[0], statement->entry(), log_->key, &verified_root_);
    if (!read && read.error().code == Errc::refused) return {Outcome::undecided, read.error().detail};
    if (!read) return {outcome_of(read.error()), read.error().detail};
    return placed(paper, *read);
  }

  Finding placed(Paper& paper, const Receipt& receipt) {
    const std::string at = "entry " + std::to_string(receipt.proof.leaf_index) + " of " + std::to_string(receipt.proof.tree_size);
    if (receipt.origin != checkpoint_.origin)
      return {Outcome::invalid, at + " in log " + receipt.origin + ", not " + checkpoint_.origin};
    if (receipt.proof.tree_size != checkpoint_.tree_size) {
      return {Outcome::invalid, at + ", but the checkpoint's tree has " + std::to_string(checkpoint_.tree_size)};
    }
    if (receipt.root != checkpoint_.root) return {Outcome::invalid, at + " under another root than the checkpoint's: forked"};
    if ((paper.kind == StatementKind::ledger_policy) != (receipt.proof.leaf_index == 0)) {
      return {Outcome::invalid, at + ": entry 0, and no other, is the ledger's policy"};
    }
    paper.index = receipt.proof.leaf_index;
    if (!papers_.in_order()) return {Outcome::invalid, at + ": the bundle's statements are not in the order of the ledger"};
    return {Outcome::valid, at + ", the checkpoint's tree"};
  }

  Finding registration_signature() {
    const Statement* statement = find(StatementKind::registration);
    if (!statement) return missing(StatementKind::registration);
    out_.registration = *statement->as<Registration>();
    return {Outcome::valid, "registration " + to_hex(out_.registration->id) + " of \"" + out_.registration->model_name +
                                "\" by " + statement->issuer() + ", " + utc_text(statement->issued_at()) +
                                (out_.registration->card ? ", resilience card " + to_hex(*out_.registration->card) : "")};
  }

  Finding registration_issuer() {
    if (!out_.registration) return {Outcome::undecided, "no verified registration"};
    const Digest32 owner = out_.registration->owner.thumbprint();
    const auto found = std::find_if(policy_.issuers.begin(), policy_.issuers.end(),
                                    [&](const auto& issuer) { return issuer.thumbprint == owner; });
    if (found != policy_.issuers.end()) return {Outcome::valid, "owner is trusted issuer " + found->name};
    const Statement& statement = *find(StatementKind::registration);
    if (statement.certificates().empty() || policy_.certifiers.empty())
      return {Outcome::undecided, "owner " + thumbprint_uri(owner) + " is no issuer of the policy"};
    const auto certified = verify_chain(statement.certificates(), policy_.certifiers, statement.issued_at());
    if (!certified) return {Outcome::undecided, "owner is no issuer of the policy; " + certified.error().detail};
    return {Outcome::valid, "owner is certified as " + certified->subject + " under root " + certified->root + ", at " +
                                utc_text(statement.issued_at())};
  }

  // A place in the bundle's order and the owner's key for what stands after it.
  struct OwnerKey {
    std::size_t after;
    PublicKey key;
  };

  // The rotations, one after another: each by the key of then, each with its place in the ledger. Those that do not hold change
  // no key. What a rotation claims about the past is not looked at: only what stands after it is judged by the new key.
  Finding key_rotations() {
    if (!out_.registration) return {Outcome::undecided, "no verified registration names the owner's key"};
    std::string said;
    for (Paper& paper : papers_.all()) {
      if (paper.kind != StatementKind::key_rotation) continue;
      if (!paper.statement) return {outcome_of(paper.statement.error()), "key-rotation: " + paper.statement.error().detail};
      if (auto finding = not_owners(paper)) return *finding;
      const Finding place = receipt(paper);
      if (place.outcome != Outcome::valid) return place;
      const KeyRotation& rotation = *paper.statement->as<KeyRotation>();
      owner_keys_.push_back({paper.place, rotation.new_key});
      said += (said.empty() ? "" : "; ") + std::string("from then on ") + rotation.new_key.thumbprint_uri() + " (" +
              rotation.reason + "), " + place.detail;
    }
    return {Outcome::valid, said};
  }

  const PublicKey& owner_at(std::size_t place) const {
    const PublicKey* key = &out_.registration->owner;
    for (const OwnerKey& later : owner_keys_) {
      if (later.after < place) key = &later.key;
    }
    return *key;
  }

  // Whether a statement is signed by the owner's key of then.
  std::optional<Finding> not_owners(const Paper& paper) const {
    if (!out_.registration) return Finding{Outcome::undecided, "no verified registration names the owner's key"};
    const Status verified = verify_statement(*paper.statement, owner_at(paper.place));
    if (!verified) return Finding{outcome_of(verified.error()), verified.error().detail};
    return std::nullopt;
  }
  std::optional<Finding> not_owners(StatementKind kind) { return not_owners(*papers_.find(kind)); }

  Finding license_signature() {
    const Statement* statement = find(StatementKind::license);
    if (!statement) return missing(StatementKind::license);
    if (auto finding = not_owners(StatementKind::license)) return *finding;
    const License& license = *statement->as<License>();
    if (license.registration_id != out_.registration->id) {
      return {Outcome::invalid,
              "license under registration " + to_hex(license.registration_id) + ", not " + to_hex(out_.registration->id)};
    }
    out_.license = license;
    out_.personal = statement->disclosed();
    return {Outcome::valid,
            "license " + to_hex(license.id) + " to " + license.licensee.thumbprint_uri() + ", signed by the owner"};
  }

  Finding license_terms() const {
    if (!out_.license) return {Outcome::undecided, "no verified license"};
    const std::string said = describe_terms(out_.license->terms);
    std::string unknown;
    for (const std::string& name : unknown_critical_terms(out_.license->terms)) unknown += (unknown.empty() ? "" : ", ") + name;
    if (unknown.empty()) return {Outcome::valid, said};
    return {Outcome::undecided, "critical terms that this version does not know: " + unknown + "; " + said};
  }

  // That each disclosure opens a hash was checked when the license was decoded.
  Finding license_personal() const {
    const std::string withheld = std::to_string(out_.license->personal.size() - out_.personal.size()) + " hashes stay closed";
    if (out_.personal.empty()) return {Outcome::not_checked, "nothing of the personal part is shown; " + withheld};
    std::string shown;
    for (const PersonalClaim& claim : out_.personal) shown += claim.name + " \"" + claim.value + "\"; ";
    return {Outcome::valid, shown + withheld};
  }

  Finding license_dates() const {
    if (!out_.license) return {Outcome::undecided, "no verified license"};
    return judge_dates(*out_.license, options_.now, log_ ? checkpoint_.time : 0);
  }

  Finding license_status() {
    const Statement* statement = find(StatementKind::status_list);
    if (!statement) return missing(StatementKind::status_list);
    if (auto finding = not_owners(StatementKind::status_list)) return *finding;
    const StatusList& list = *statement->as<StatusList>();
    if (list.registration_id != out_.registration->id) {
      return {Outcome::invalid,
              "status list of registration " + to_hex(list.registration_id) + ", not " + to_hex(out_.registration->id)};
    }
    status_ = statement;
    if (!out_.license) return {Outcome::undecided, "no verified license to look up"};
    const std::uint64_t index = out_.license->status_index;
    const std::string at = "status " + std::to_string(index) + " of " + std::to_string(list.states.size());
    if (index >= list.states.size()) return {Outcome::invalid, at + " lies outside the list"};
    if (list.states[index] == StatusList::revoked)
      return {Outcome::invalid, at + " is revoked, as of " + utc_text(statement->issued_at())};
    if (list.states[index] == StatusList::suspended)
      return {Outcome::invalid, at + " is suspended, as of " + utc_text(statement->issued_at())};
    return {Outcome::valid, at + " is valid, as of " + utc_text(statement->issued_at())};
  }

  // The stricter of the policy's max-age and the list's own ttl decides.
  Finding status_age() const {
    if (!status_) return {Outcome::undecided, "no verified status list"};
    const StatusList& list = *status_->as<StatusList>();
    if (options_.now >= list.expires)
      return {Outcome::undecided, "the status list expired at " + utc_text(list.expires) + ": stale"};
    std::optional<std::int64_t> bound = policy_.max_age_s;
    if (bound && list.ttl_s != 0) bound = std::min(*bound, list.ttl_s);
    return judge_age("the status list", status_->issued_at(), options_.now, bound);
  }

  // What keeps a change of the license's state from counting: absent, not the owner's, or of another license. `verb` as in
  // "revokes".
  template <class Body>
  std::optional<Finding> not_ours(StatementKind kind, const char* verb) {
    const Statement* statement = find(kind);
    if (!statement) return missing(kind);
    if (auto finding = not_owners(kind)) return *finding;
    if (!out_.license) return Finding{Outcome::undecided, "no verified license to compare with"};
    const Bytes& license = statement->as<Body>()->license_id;
    if (license == out_.license->id) return std::nullopt;
    return Finding{Outcome::invalid, std::string(verb) + " license " + to_hex(license) + ", not " + to_hex(out_.license->id)};
  }

  // What ends or stops a license counts even without a receipt: the owner signed it, and the stricter evidence wins.
  Finding against(StatementKind kind, const std::string& said, std::int64_t effective) {
    const Finding place = receipt(kind);
    const std::string ledger = place.outcome == Outcome::valid ? place.detail : "receipt does not hold, " + place.detail;
    if (effective > options_.now) return {place.outcome, said + "; " + ledger + "; not yet in effect"};
    return {Outcome::invalid, said + "; " + ledger};
  }

  Finding revocation() {
    if (auto finding = not_ours<Revocation>(StatementKind::revocation, "revokes")) return *finding;
    const Revocation& revocation = *find(StatementKind::revocation)->as<Revocation>();
    const std::string said = "revoked by the owner from " + utc_text(revocation.effective) + " (" + revocation.reason + ")";
    return against(StatementKind::revocation, said, revocation.effective);
  }

  Finding suspension() {
    if (auto finding = not_ours<Suspension>(StatementKind::suspension, "suspends")) return *finding;
    const Suspension& suspension = *find(StatementKind::suspension)->as<Suspension>();
    const std::string said = "suspended by the owner from " + utc_text(suspension.effective) + " (" + suspension.reason + ")";
    if (has(StatementKind::reinstatement) && reinstatement().outcome == Outcome::valid) {
      const Reinstatement& end = *find(StatementKind::reinstatement)->as<Reinstatement>();
      if (end.effective <= options_.now) {
        const Finding place = receipt(StatementKind::suspension);
        return {place.outcome, said + ", until " + utc_text(end.effective) + "; " + place.detail};
      }
    }
    return against(StatementKind::suspension, said, suspension.effective);
  }

  // In the license's favour, so it needs its receipt.
  Finding reinstatement() {
    if (auto finding = not_ours<Reinstatement>(StatementKind::reinstatement, "reinstates")) return *finding;
    const Reinstatement& reinstatement = *find(StatementKind::reinstatement)->as<Reinstatement>();
    const Statement* suspension = find(StatementKind::suspension);
    if (suspension && suspension->as<Suspension>()->id != reinstatement.suspension_id) {
      return {Outcome::invalid,
              "ends suspension " + to_hex(reinstatement.suspension_id) + ", not " + to_hex(suspension->as<Suspension>()->id)};
    }
    const Finding place = receipt(StatementKind::reinstatement);
    return {place.outcome, "reinstated by the owner from " + utc_text(reinstatement.effective) + " (" + reinstatement.reason +
                               "); " + place.detail};
  }

  // In the license's favour, so it needs its receipt; only then does it put off the end.
  Finding renewal() {
    if (auto finding = not_ours<Renewal>(StatementKind::renewal, "renews")) return *finding;
    const Renewal& renewal = *find(StatementKind::renewal)->as<Renewal>();
    const Finding place = receipt(StatementKind::renewal);
    const std::string said = "renewed until " + utc_text(renewal.expires) + "; " + place.detail;
    if (place.outcome != Outcome::valid) return {place.outcome, said};
    if (renewal.expires <= out_.license->expires)
      return {Outcome::invalid, said + "; that is no later than the license's end, " + utc_text(out_.license->expires)};
    out_.license->expires = renewal.expires;
    return {Outcome::valid, said};
  }

  // Of the license that ends, or of the one that takes its place.
  Finding transfer() {
    const Statement* statement = find(StatementKind::transfer);
    const Transfer* transfer = statement ? statement->as<Transfer>() : nullptr;
    const bool successor = transfer && out_.license && transfer->successor_id == out_.license->id;
    if (successor) {
      if (auto finding = not_owners(StatementKind::transfer)) return *finding;
      const Finding place = receipt(StatementKind::transfer);
      return {place.outcome, "takes the place of license " + to_hex(transfer->license_id) + "; " + place.detail};
    }
    if (auto finding = not_ours<Transfer>(StatementKind::transfer, "transfers")) return *finding;
    const std::string said = "transferred to license " + to_hex(transfer->successor_id) + " from " +
                             utc_text(transfer->effective) + " (" + transfer->reason + ")";
    return against(StatementKind::transfer, said, transfer->effective);
  }

  const Bundle& bundle_;
  Papers& papers_;
  const TrustPolicy& policy_;
  const PaperOptions& options_;
  PaperVerdict out_;
  Note note_;  // of the checkpoint
  Checkpoint checkpoint_;
  const NoteVerifier* log_ = nullptr;          // set once it is trusted and its signature held
  std::optional<VerifiedRoot> verified_root_;  // of the receipts, which share it
  const Statement* status_ = nullptr;          // set once it is the owner's and this registration's
  std::vector<OwnerKey> owner_keys_;           // those after the registration's own, oldest first
};

PaperVerdict broken(const Error& error, const PaperOptions& options) {
  PaperVerdict out;
  out.memory = options.memory;
  out.verdict.add("bundle.bytes", outcome_of(error), error.detail);
  return out;
}

}  // namespace

PaperVerdict verify_papers(ByteView bundle, const TrustPolicy& policy, const PaperOptions& options) {
  const Result<Bundle> read = decode_bundle(bundle);
  if (!read) return broken(read.error(), options);
  Result<Papers> papers = Papers::sort(read->statements);
  if (!papers) return broken(papers.error(), options);
  return Judge(*read, *papers, policy, options).run();
}

void judge_signed_checkpoint(const Note& note, const Checkpoint& checkpoint, const TrustPolicy& policy, std::int64_t now,
                             VerifierMemory& memory, Verdict& verdict) {
  const Check witnesses = judge_witnesses(note, policy, now);
  verdict.add("checkpoint.witnesses", witnesses.outcome, witnesses.detail);
  const Finding age = checkpoint.time == 0 ? Finding{Outcome::undecided, "the checkpoint does not say its time"}
                                           : judge_age("the checkpoint", checkpoint.time, now, policy.max_age_s);
  verdict.add("checkpoint.age", age.outcome, age.detail);
  const Finding remembered = judge_memory(checkpoint, memory);
  if (remembered.outcome == Outcome::valid && checkpoint.time <= now + kClockSkew) remember(checkpoint, memory);
  verdict.add("checkpoint.memory", remembered.outcome, remembered.detail);
}

void apply_requirements(Verdict& verdict, const TrustPolicy& policy) {
  for (const std::string& code : policy.required) {
    const Check* check = verdict.find(code);
    if (check && check->outcome != Outcome::not_checked) continue;
    const std::string state = check ? "was not made: " + check->detail : "is not among the checks";
    verdict.add("policy.required", Outcome::undecided, "the policy requires " + code + ", which " + state);
  }
}

}  // namespace stegpass::credential
