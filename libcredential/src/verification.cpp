#include <stegpass/credential/verification.hpp>

#include <algorithm>
#include <array>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/receipt.hpp>

#include "verification_memory.hpp"
#include "verification_openings.hpp"

namespace stegpass::credential {
namespace {

constexpr std::size_t kKinds = 5;
constexpr std::string_view kRules = "stegpass.registration-policy.v1";

std::size_t index_of(StatementKind kind) { return static_cast<std::size_t>(kind); }

Outcome outcome_of(const Error& error) { return error.code == Errc::unsupported ? Outcome::undecided : Outcome::invalid; }

// The kind that a statement claims to be, read from its `typ` alone, so that one that does not decode can be named.
std::optional<StatementKind> claimed_kind(ByteView bytes) {
  const Result<Sign1> message = decode_sign1(bytes);
  const Cbor* typ = message ? message->protected_header.find(cose::kTyp) : nullptr;
  if (!typ || !typ->as_text()) return std::nullopt;
  for (std::size_t kind = 0; kind < kKinds; ++kind) {
    if (*typ->as_text() == statement_typ(static_cast<StatementKind>(kind))) return static_cast<StatementKind>(kind);
  }
  return std::nullopt;
}

// A bundle's statements by kind, each decoded or with the error that it gave.
struct Papers {
  std::array<std::optional<Result<Statement>>, kKinds> by_kind;
  std::vector<StatementKind> order;

  const Statement* find(StatementKind kind) const {
    const auto& slot = by_kind[index_of(kind)];
    return slot && *slot ? &**slot : nullptr;
  }
  const Error* error(StatementKind kind) const {
    const auto& slot = by_kind[index_of(kind)];
    return slot && !*slot ? &slot->error() : nullptr;
  }
};

// Errors  malformed on two statements of one kind or on bytes that are no statement; unsupported on a kind that we do not know.
Result<Papers> sort_papers(const std::vector<Bytes>& statements) {
  Papers out;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const std::string where = "statement " + std::to_string(i) + ": ";
    Result<Statement> statement = Statement::decode(statements[i]);
    const std::optional<StatementKind> kind = statement ? statement->kind() : claimed_kind(statements[i]);
    if (!kind) return Error{statement.error().code, where + statement.error().detail};
    auto& slot = out.by_kind[index_of(*kind)];
    if (slot) return Error{Errc::malformed, where + "a second " + std::string(statement_kind_name(*kind)) + ", expected one"};
    slot = std::move(statement);
    out.order.push_back(*kind);
  }
  return out;
}

// Makes the checks one after another. What a check needs of earlier ones is in the members; where that is missing the check is
// undecided.
class Judge {
 public:
  Judge(const Bundle& bundle, const Papers& papers, const TrustPolicy& policy, const PaperOptions& options)
      : bundle_(bundle), papers_(papers), policy_(policy), options_(options) {
    out_.memory = options.memory;
  }

  PaperVerdict run() {
    add("bundle.bytes", {Outcome::valid, std::string(purpose_name(bundle_.purpose)) + " bundle of " +
                                             std::to_string(bundle_.statements.size()) + " statements; its SHA-256 fits"});
    judge_checkpoint();
    add("ledger.policy", ledger_policy());
    add("receipt.ledger-policy", receipt(StatementKind::ledger_policy));
    add("registration.signature", registration_signature());
    add("registration.issuer", registration_issuer());
    add("receipt.registration", receipt(StatementKind::registration));
    add("license.signature", license_signature());
    add("receipt.license", receipt(StatementKind::license));
    add("license.dates", license_dates());
    add("license.status", license_status());
    add("status.age", status_age());
    add("receipt.status", receipt(StatementKind::status_list));
    if (papers_.by_kind[index_of(StatementKind::revocation)]) add("revocation", revocation());
    judge_openings(bundle_, out_);
    judge_possession(options_, out_);
    return std::move(out_);
  }

 private:
  void add(const char* code, Finding finding) { out_.verdict.add(code, finding.outcome, std::move(finding.detail)); }

  void judge_checkpoint() {
    Finding signature = checkpoint_signature();
    const bool signed_by_log = signature.outcome == Outcome::valid;
    add("checkpoint.signature", std::move(signature));
    if (!signed_by_log) {
      add("checkpoint.age", {Outcome::undecided, "no trusted log signed the checkpoint"});
      return add("checkpoint.memory", {Outcome::undecided, "no trusted log signed the checkpoint"});
    }
    out_.as_of = checkpoint_.time;
    add("checkpoint.age", checkpoint_age());
    Finding memory = judge_memory(checkpoint_, options_.memory);
    if (memory.outcome == Outcome::valid && checkpoint_.time <= options_.now + kClockSkew) remember();
    add("checkpoint.memory", std::move(memory));
  }

  void remember() {
    Checkpoint& newest = out_.memory.newest[checkpoint_.origin];
    const std::int64_t time = std::max(newest.time, checkpoint_.time);
    newest = checkpoint_;
    newest.time = time;
  }

  Finding checkpoint_signature() {
    const Result<Note> note = parse_note(bundle_.checkpoint);
    if (!note) return {outcome_of(note.error()), note.error().detail};
    const Result<Checkpoint> checkpoint = parse_checkpoint(note->text);
    if (!checkpoint) return {outcome_of(checkpoint.error()), checkpoint.error().detail};
    checkpoint_ = *checkpoint;
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

  Finding checkpoint_age() const {
    if (checkpoint_.time == 0) return {Outcome::undecided, "the checkpoint does not say its time"};
    return judge_age("the checkpoint", checkpoint_.time, options_.now, policy_.max_age_s);
  }

  // The finding for a statement that is not there or did not decode.
  Finding missing(StatementKind kind) const {
    const std::string name(statement_kind_name(kind));
    if (const Error* error = papers_.error(kind)) return {outcome_of(*error), name + ": " + error->detail};
    return {Outcome::undecided, "the bundle holds no " + name};
  }

  Finding ledger_policy() const {
    const Statement* statement = papers_.find(StatementKind::ledger_policy);
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
    const Statement* statement = papers_.find(kind);
    if (!statement) return missing(kind);
    if (!log_) return {Outcome::undecided, "no trusted log to check the receipt with"};
    if (statement->receipts().empty()) return {Outcome::undecided, "the statement has no receipt"};
    if (statement->receipts().size() > 1)
      return {Outcome::invalid, std::to_string(statement->receipts().size()) + " receipts, expected one"};
    const Result<Receipt> read = verify_receipt(statement->receipts()[0], statement->entry(), log_->key);
    if (!read && read.error().code == Errc::refused) return {Outcome::undecided, read.error().detail};
    if (!read) return {outcome_of(read.error()), read.error().detail};
    return placed(kind, *read);
  }

  Finding placed(StatementKind kind, const Receipt& receipt) {
    const std::string at = "entry " + std::to_string(receipt.proof.leaf_index) + " of " + std::to_string(receipt.proof.tree_size);
    if (receipt.origin != checkpoint_.origin)
      return {Outcome::invalid, at + " in log " + receipt.origin + ", not " + checkpoint_.origin};
    if (receipt.proof.tree_size != checkpoint_.tree_size) {
      return {Outcome::invalid, at + ", but the checkpoint's tree has " + std::to_string(checkpoint_.tree_size)};
    }
    if (receipt.root != checkpoint_.root) return {Outcome::invalid, at + " under another root than the checkpoint's: forked"};
    if ((kind == StatementKind::ledger_policy) != (receipt.proof.leaf_index == 0)) {
      return {Outcome::invalid, at + ": entry 0, and no other, is the ledger's policy"};
    }
    index_[index_of(kind)] = receipt.proof.leaf_index;
    if (!in_order()) return {Outcome::invalid, at + ": the bundle's statements are not in the order of the ledger"};
    return {Outcome::valid, at + ", the checkpoint's tree"};
  }

  // Whether the ledger indices known so far rise in the bundle's order.
  bool in_order() const {
    std::optional<std::uint64_t> last;
    for (StatementKind kind : papers_.order) {
      const auto& index = index_[index_of(kind)];
      if (index && last && *index <= *last) return false;
      if (index) last = index;
    }
    return true;
  }

  Finding registration_signature() {
    const Statement* statement = papers_.find(StatementKind::registration);
    if (!statement) return missing(StatementKind::registration);
    out_.registration = *statement->as<Registration>();
    return {Outcome::valid, "registration " + to_hex(out_.registration->id) + " of \"" + out_.registration->model_name +
                                "\" by " + statement->issuer() + ", " + utc_text(statement->issued_at())};
  }

  Finding registration_issuer() const {
    if (!out_.registration) return {Outcome::undecided, "no verified registration"};
    const Digest32 owner = out_.registration->owner.thumbprint();
    const auto found = std::find_if(policy_.issuers.begin(), policy_.issuers.end(),
                                    [&](const auto& issuer) { return issuer.thumbprint == owner; });
    if (found != policy_.issuers.end()) return {Outcome::valid, "owner is trusted issuer " + found->name};
    return {Outcome::undecided, "owner " + thumbprint_uri(owner) + " is no issuer of the policy"};
  }

  // Whether a statement is signed by the registration's owner.
  std::optional<Finding> not_owners(const Statement& statement) const {
    if (!out_.registration) return Finding{Outcome::undecided, "no verified registration names the owner's key"};
    const Status verified = verify_statement(statement, out_.registration->owner);
    if (!verified) return Finding{outcome_of(verified.error()), verified.error().detail};
    return std::nullopt;
  }

  Finding license_signature() {
    const Statement* statement = papers_.find(StatementKind::license);
    if (!statement) return missing(StatementKind::license);
    if (auto finding = not_owners(*statement)) return *finding;
    const License& license = *statement->as<License>();
    if (license.registration_id != out_.registration->id) {
      return {Outcome::invalid,
              "license under registration " + to_hex(license.registration_id) + ", not " + to_hex(out_.registration->id)};
    }
    out_.license = license;
    return {Outcome::valid,
            "license " + to_hex(license.id) + " to " + license.licensee.thumbprint_uri() + ", signed by the owner"};
  }

  Finding license_dates() const {
    if (!out_.license) return {Outcome::undecided, "no verified license"};
    const std::string term =
        utc_text(out_.license->not_before) + " to " + utc_text(out_.license->expires) + ", now " + utc_text(options_.now);
    if (options_.now < out_.license->not_before) return {Outcome::invalid, "not yet valid: " + term};
    if (options_.now >= out_.license->expires) return {Outcome::invalid, "expired: " + term};
    return {Outcome::valid, "in force: " + term};
  }

  Finding license_status() {
    const Statement* statement = papers_.find(StatementKind::status_list);
    if (!statement) return missing(StatementKind::status_list);
    if (auto finding = not_owners(*statement)) return *finding;
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

  // A revocation counts even without a receipt: the owner signed it, and the stricter evidence wins.
  Finding revocation() {
    const Statement* statement = papers_.find(StatementKind::revocation);
    if (!statement) return missing(StatementKind::revocation);
    if (auto finding = not_owners(*statement)) return *finding;
    const Revocation& revocation = *statement->as<Revocation>();
    if (!out_.license) return {Outcome::undecided, "no verified license to compare with"};
    if (revocation.license_id != out_.license->id) {
      return {Outcome::invalid, "revokes license " + to_hex(revocation.license_id) + ", not " + to_hex(out_.license->id)};
    }
    const Finding placed = receipt(StatementKind::revocation);
    const std::string ledger = placed.outcome == Outcome::valid ? placed.detail : "receipt does not hold, " + placed.detail;
    const std::string said =
        "revoked by the owner from " + utc_text(revocation.effective) + " (" + revocation.reason + "); " + ledger;
    if (revocation.effective > options_.now) return {placed.outcome, said + "; not yet in effect"};
    return {Outcome::invalid, said};
  }

  const Bundle& bundle_;
  const Papers& papers_;
  const TrustPolicy& policy_;
  const PaperOptions& options_;
  PaperVerdict out_;
  Checkpoint checkpoint_;
  const NoteVerifier* log_ = nullptr;                       // set once it is trusted and its signature held
  std::array<std::optional<std::uint64_t>, kKinds> index_;  // in the ledger, by kind
  const Statement* status_ = nullptr;                       // set once it is the owner's and this registration's
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
  const Result<Papers> papers = sort_papers(read->statements);
  if (!papers) return broken(papers.error(), options);
  return Judge(*read, *papers, policy, options).run();
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
