#include "dispute_case.hpp"

#include <algorithm>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/printable.hpp>
#include <stegpass/credential/timestamp.hpp>

#include "bundle_file.hpp"
#include "files.hpp"
#include "policy_files.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

constexpr std::size_t kMaxName = 64, kMaxNonceBytes = 64;

/// Two words with '=' between: a name, and what is said of it.
struct Pair {
  std::string name, value;
};

Result<Pair> split(const std::string& flag, const std::string& text) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0 || at + 1 == text.size())
    return Error{Errc::usage, flag + " takes NAME=VALUE, not '" + printable(text) + "'"};
  return Pair{text.substr(0, at), text.substr(at + 1)};
}

Status check_name(const std::string& flag, const std::string& name) {
  if (name.empty() || name.size() > kMaxName)
    return Error{Errc::usage, flag + ": a name has 1 to 64 bytes, not " + std::to_string(name.size())};
  if (printable(name) != name)
    return Error{Errc::usage, flag + ": the name " + printable(name) + " has characters that do not print or hide others"};
  return Done{};
}

class Reader {
 public:
  Reader(const CaseOptions& options, std::int64_t now) : options_(options) { out_.now = now; }

  Result<Case> run() {
    STEGPASS_CHECK_OK(read_policy());
    if (options_.parties.size() < 2) return Error{Errc::usage, "a dispute has two parties or more; give --party twice"};
    for (const std::string& text : options_.parties) STEGPASS_CHECK_OK(read_party_flag(text));
    for (const std::string& text : options_.models) STEGPASS_CHECK_OK(read_model(text));
    STEGPASS_CHECK_OK(read_custodies());
    for (const std::string& text : options_.times) STEGPASS_CHECK_OK(read_time(text));
    for (const std::string& text : options_.earlier) STEGPASS_CHECK_OK(read_earlier(text));
    STEGPASS_CHECK_OK(read_presentations());
    for (const std::string& text : options_.licenses) STEGPASS_CHECK_OK(read_license(text));
    for (const std::string& text : options_.controls) STEGPASS_CHECK_OK(read_control(text));
    STEGPASS_CHECK_OK(read_claim());
    for (const std::string& path : options_.evidence) STEGPASS_CHECK_OK(read_evidence_statement(path));
    return std::move(out_);
  }

 private:
  void note_input(std::string what, ByteView bytes) { out_.inputs.push_back({std::move(what), fast_sha256(bytes)}); }

  Result<Bytes> read_input(const std::string& path, std::uint64_t max_bytes, const std::string& expected,
                           const std::string& what) {
    STEGPASS_TRY(bytes, read_file(path, max_bytes, expected));
    note_input(what, bytes);
    return std::move(bytes);
  }

  Status read_policy() {
    STEGPASS_TRY(bytes, read_input(options_.policy, kMaxSmallFile, "a trust policy", "trust policy"));
    auto policy = parse_trust_policy(as_text(bytes));
    if (!policy) return Error{policy.error().code, options_.policy + " is no trust policy: " + policy.error().detail};
    out_.policy = std::move(*policy);
    return Done{};
  }

  Status read_party_flag(const std::string& text) {
    const std::size_t at = text.find('=');
    const std::string name = text.substr(0, at);
    STEGPASS_CHECK_OK(check_name("--party", name));
    const auto same = [&](const CaseParty& party) { return party.facts.name == name; };
    if (std::any_of(out_.parties.begin(), out_.parties.end(), same))
      return Error{Errc::usage, "--party names " + name + " twice"};
    CaseParty& party = out_.parties.emplace_back();
    party.facts.name = name;
    if (at == std::string::npos) return Done{};
    STEGPASS_TRY(file, read_bundle(text.substr(at + 1)));
    note_input("bundle of " + name, file.bytes);
    PartyPapers papers = read_party(name, file.bytes, out_.policy, out_.now);
    if (!file.problem.empty()) {
      papers.party.papers = {};
      papers.party.papers.add("bundle.bytes", Outcome::invalid, "the bundle is empty or larger than any");
    }
    party.facts = std::move(papers.party);
    party.openings = std::move(papers.openings);
    party.bundle = std::move(file);
    return Done{};
  }

  Status read_model(const std::string& text) {
    STEGPASS_TRY(pair, split("--model", text));
    STEGPASS_CHECK_OK(check_name("--model", pair.name));
    if (find_model(pair.name)) return Error{Errc::usage, "--model names " + pair.name + " twice"};
    STEGPASS_TRY(file, read_evidence(pair.value, kMaxModelFile, "a model (safetensors)"));
    note_input("model " + pair.name, file.bytes);
    CaseModel& model = out_.models.emplace_back();
    model.facts.name = pair.name;
    model.facts.digest = out_.inputs.back().digest;
    model.file = std::move(file);
    return Done{};
  }

  Status read_custodies() {
    for (const auto& [flag, custody, texts] :
         {std::tuple("--taken", Custody::taken, &options_.taken), std::tuple("--own", Custody::own, &options_.own),
          std::tuple("--brought", Custody::brought, &options_.brought)}) {
      for (const std::string& text : *texts) STEGPASS_CHECK_OK(read_custody(flag, custody, text));
    }
    return Done{};
  }

  Status read_custody(const std::string& flag, Custody custody, const std::string& text) {
    STEGPASS_TRY(pair, split(flag, text));
    STEGPASS_TRY(model, need_model(flag, pair.name));
    STEGPASS_TRY(party, need_party(flag, pair.value));
    if (model->facts.party) return Error{Errc::usage, flag + ": it was said already where " + pair.name + " comes from"};
    model->facts.custody = custody;
    model->facts.party = static_cast<std::size_t>(party - out_.parties.data());
    return Done{};
  }

  Status read_time(const std::string& text) {
    STEGPASS_TRY(pair, split("--time", text));
    STEGPASS_TRY(model, need_model("--time", pair.name));
    STEGPASS_TRY(token, read_input(pair.value, kMaxSmallFile, "a timestamp", "timestamp of " + pair.name));
    const auto stamp = verify_time_token(token, model->file.bytes, out_.policy.time_roots);
    if (!stamp)
      return Error{stamp.error().code,
                   pair.value + " is no timestamp of " + pair.name + " that the policy trusts: " + stamp.error().detail};
    model->facts.time = OutsideTime{stamp->time, "timestamp by " + stamp->authority};
    return Done{};
  }

  Status read_earlier(const std::string& text) {
    STEGPASS_TRY(pair, split("--earlier", text));
    STEGPASS_TRY(party, need_party("--earlier", pair.name));
    STEGPASS_TRY(bytes, read_input(pair.value, kMaxPictureFile, "a bundle", "earlier bundle of " + pair.name));
    const Status added = add_earlier(party->facts, bytes, out_.policy, out_.now);
    return added ? Status(Done{}) : Status(about(pair.value, added.error()));
  }

  Status read_presentations() {
    if (options_.presentations.empty()) return Done{};
    auto nonce = parse_hex(options_.nonce);
    if (options_.audience.empty() || !nonce || nonce->empty() || nonce->size() > kMaxNonceBytes)
      return Error{Errc::usage, "--presentation needs --audience, and --nonce of 1 to 64 bytes in hexadecimal"};
    for (const std::string& text : options_.presentations) {
      STEGPASS_TRY(pair, split("--presentation", text));
      STEGPASS_TRY(party, need_party("--presentation", pair.name));
      STEGPASS_TRY(bytes, read_input(pair.value, kMaxSmallFile, "a presentation", "presentation of " + pair.name));
      challenges_.push_back({party->facts.name, PossessionChallenge{std::move(bytes), options_.audience, *nonce}});
    }
    return Done{};
  }

  Status read_license(const std::string& text) {
    STEGPASS_TRY(pair, split("--license", text));
    STEGPASS_TRY(party, need_party("--license", pair.name));
    STEGPASS_TRY(file, read_bundle(pair.value));
    note_input("license of " + pair.name, file.bytes);
    PaperOptions papers{.now = out_.now, .memory = {}, .possession = {}};
    for (const auto& [name, challenge] : challenges_) {
      if (name == pair.name) papers.possession = challenge;
    }
    party->facts.licenses.push_back(read_held_license(party->facts, file.bytes, out_.policy, papers));
    return Done{};
  }

  Status read_control(const std::string& text) {
    STEGPASS_TRY(pair, split("--control", text));
    STEGPASS_CHECK_OK(check_name("--control", pair.name));
    STEGPASS_TRY(bytes, read_input(pair.value, kMaxModelFile, "a model (safetensors)", "control " + pair.name));
    const Digest32 digest = out_.inputs.back().digest;
    for (const CaseModel& model : out_.models) {
      if (model.facts.digest == digest)
        return Error{Errc::usage, "control " + pair.name + " is model " + model.facts.name + " itself, so not independent"};
    }
    for (const CaseControl& control : out_.controls) {
      if (control.name == pair.name || fast_sha256(control.bytes) == digest)
        return Error{Errc::usage, "--control gives " + pair.name + " twice"};
    }
    out_.controls.push_back({pair.name, std::move(bytes)});
    return Done{};
  }

  /// The claim has to be the first party's, about a registration of another.
  Status read_claim() {
    if (options_.claim.empty()) return Done{};
    STEGPASS_TRY(statement, read_statement(options_.claim, StatementKind::dispute_claim));
    note_input("claim", statement.entry());
    const DisputeClaim& claim = *statement.as<DisputeClaim>();
    const auto& claimant = out_.parties.front().facts.registration;
    if (claimant && !(claimant->owner == claim.claimant))
      return Error{Errc::usage, options_.claim + " is a claim by " + claim.claimant.thumbprint_uri() +
                                    ", and the first party is " + claimant->owner.thumbprint_uri()};
    const auto disputed = [&](const CaseParty& party) {
      return party.facts.registration && party.facts.registration->id == claim.registration_id;
    };
    if (std::none_of(out_.parties.begin() + 1, out_.parties.end(), disputed))
      return Error{Errc::usage,
                   options_.claim + " disputes registration " + to_hex(claim.registration_id) + ", which no other party brings"};
    out_.claim = claim;
    return Done{};
  }

  Status read_evidence_statement(const std::string& path) {
    STEGPASS_TRY(statement, read_statement(path, StatementKind::dispute_evidence));
    const DisputeEvidence& evidence = *statement.as<DisputeEvidence>();
    if (!out_.claim) return Error{Errc::usage, "--evidence belongs to a claim; give --claim"};
    if (evidence.dispute_id != out_.claim->id)
      return Error{Errc::usage, path + " belongs to dispute " + to_hex(evidence.dispute_id)};
    const auto same = [&](const Statement& other) { return other.as<DisputeEvidence>()->id == evidence.id; };
    if (std::any_of(out_.evidence.begin(), out_.evidence.end(), same))
      return Error{Errc::usage, "--evidence gives " + path + " twice"};
    note_input("evidence " + to_hex(evidence.id), statement.entry());
    out_.evidence.push_back(std::move(statement));
    return Done{};
  }

  CaseModel* find_model(const std::string& name) {
    const auto found =
        std::find_if(out_.models.begin(), out_.models.end(), [&](const CaseModel& model) { return model.facts.name == name; });
    return found == out_.models.end() ? nullptr : &*found;
  }
  Result<CaseModel*> need_model(const std::string& flag, const std::string& name) {
    if (CaseModel* model = find_model(name)) return model;
    return Error{Errc::usage, flag + ": no --model is named " + printable(name)};
  }
  Result<CaseParty*> need_party(const std::string& flag, const std::string& name) {
    const auto found =
        std::find_if(out_.parties.begin(), out_.parties.end(), [&](const CaseParty& party) { return party.facts.name == name; });
    if (found != out_.parties.end()) return &*found;
    return Error{Errc::usage, flag + ": no --party is named " + printable(name)};
  }

  const CaseOptions& options_;
  Case out_;
  std::vector<std::pair<std::string, PossessionChallenge>> challenges_;
};

}  // namespace

Result<Case> read_case(const CaseOptions& options, std::int64_t now) { return Reader(options, now).run(); }

}  // namespace stegpass::cli
