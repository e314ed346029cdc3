#include <stegpass/credential/dispute_papers.hpp>

#include <algorithm>
#include <array>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/receipt.hpp>
#include <stegpass/credential/timestamp.hpp>
#include <stegpass/credential/witness.hpp>

#include "verification_memory.hpp"

namespace stegpass::credential {
namespace {

// What a dispute does not ask of a party's own bundle: its license and its age.
constexpr std::array<std::string_view, 18> kOfLicense = {"checkpoint.age",    "registration.issuer",
                                                         "license.signature", "license.terms",
                                                         "receipt.license",   "license.personal",
                                                         "renewal",           "license.dates",
                                                         "license.status",    "status.age",
                                                         "receipt.status",    "suspension",
                                                         "reinstatement",     "transfer",
                                                         "revocation",        "opening.isn-key",
                                                         "opening.identity",  "holder.possession"};

// Of these even a party's own bundle must not say anything false.
constexpr std::array<std::string_view, 5> kSigned = {"license.signature", "receipt.license", "receipt.status", "opening.isn-key",
                                                     "opening.identity"};

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& codes, const std::string& code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

Verdict papers_of_party(const Verdict& all) {
  Verdict out;
  for (const Check& check : all.checks()) {
    const bool false_paper = check.outcome == Outcome::invalid && is_one_of(kSigned, check.code);
    // A timestamp by nobody whom the policy trusts is as good as none, and too few witnesses take the place, not the mark.
    const bool only_time =
        (check.code == "checkpoint.time" || check.code == "checkpoint.witnesses") && check.outcome == Outcome::undecided;
    if (false_paper || !is_one_of(kOfLicense, check.code))
      out.add(check.code, only_time ? Outcome::not_checked : check.outcome, check.detail);
  }
  return out;
}

bool is_valid(const Verdict& verdict, std::string_view code) {
  const Check* check = verdict.find(code);
  return check && check->outcome == Outcome::valid;
}

// The registration's place, once verify_papers has found its receipt to be one of the checkpoint's tree, and the witnesses whom
// the policy asks for have seen that tree.
std::optional<LedgerPlace> place_of(const Bundle& bundle, const Verdict& verdict, const TrustPolicy& policy) {
  if (!is_valid(verdict, "receipt.registration") || !is_valid(verdict, "checkpoint.signature")) return std::nullopt;
  if (!policy.quorum.empty() && !is_valid(verdict, "checkpoint.witnesses")) return std::nullopt;
  for (const Bytes& bytes : bundle.statements) {
    const Result<Statement> statement = Statement::decode(bytes);
    if (!statement || statement->kind() != StatementKind::registration || statement->receipts().empty()) continue;
    for (const NoteVerifier& log : policy.logs) {
      const Result<Receipt> receipt = verify_receipt(statement->receipts()[0], statement->entry(), log.key);
      if (!receipt || receipt->origin != log.name) continue;
      return LedgerPlace{receipt->origin, log.key.thumbprint(), receipt->proof.leaf_index, receipt->proof.tree_size,
                         receipt->root};
    }
  }
  return std::nullopt;
}

std::optional<OutsideTime> stamped(const Bundle& bundle, const TrustPolicy& policy, std::int64_t now) {
  if (!bundle.time_token) return std::nullopt;
  const auto stamp = verify_time_token(*bundle.time_token, as_bytes(bundle.checkpoint), policy.time_roots);
  if (!stamp || stamp->time > now + kClockSkew) return std::nullopt;
  return OutsideTime{stamp->time, "timestamp by " + stamp->authority};
}

// The latest of the cosignatures that there are, since a quorum held by then.
std::optional<OutsideTime> cosigned(const Bundle& bundle, const TrustPolicy& policy, std::int64_t now) {
  const Result<Note> note = parse_note(bundle.checkpoint);
  if (!note || judge_witnesses(*note, policy, now).outcome != Outcome::valid) return std::nullopt;
  OutsideTime out;
  for (const TrustPolicy::Witness& witness : policy.witnesses) {
    const Result<std::int64_t> time = verify_cosignature(*note, witness.key);
    if (!time || *time > now + kClockSkew) continue;
    out.time = std::max(out.time, *time);
    out.source += (out.source.empty() ? "witnesses " : ", ") + witness.name;
  }
  return out;
}

// Checks that a license's being in force does not rest on.
bool concerns_holder(const std::string& code) {
  return code == "holder.possession" || code == "registration.issuer" || code.starts_with("opening.");
}

Check in_force(const Verdict& all) {
  Verdict papers;
  for (const Check& check : all.checks()) {
    if (!concerns_holder(check.code)) papers.add(check.code, check.outcome, check.detail);
  }
  const Outcome outcome = papers.outcome();
  for (const Check& check : papers.checks()) {
    if (check.outcome == outcome && outcome != Outcome::valid) return {check.code, outcome, check.code + ", " + check.detail};
  }
  return {"license", outcome, "in force as of its checkpoint"};
}

Check holder_of(const DisputeParty& party, const License& license, const Verdict& all) {
  const Check* shown = all.find("holder.possession");
  if (shown && shown->outcome != Outcome::not_checked) return *shown;
  if (party.registration && party.registration->owner == license.licensee)
    return {"holder.possession", Outcome::valid, "the licensee's key is that of " + party.name + "'s own registration"};
  return {"holder.possession", Outcome::undecided,
          "whether " + party.name + " has the licensee's key was not shown; needs a presentation"};
}

}  // namespace

std::vector<OutsideTime> outside_times(const Bundle& bundle, const TrustPolicy& policy, std::int64_t now) {
  std::vector<OutsideTime> out;
  if (auto time = stamped(bundle, policy, now)) out.push_back(std::move(*time));
  if (auto time = cosigned(bundle, policy, now)) out.push_back(std::move(*time));
  return out;
}

PartyPapers read_party(std::string name, ByteView bytes, const TrustPolicy& policy, std::int64_t now) {
  PaperVerdict papers = verify_papers(bytes, policy, {.now = now, .memory = {}, .possession = {}});
  PartyPapers out;
  out.party = {.name = std::move(name),
               .has_papers = true,
               .papers = papers_of_party(papers.verdict),
               .registration = papers.registration,
               .place = {},
               .times = {},
               .opened = {},
               .licenses = {}};
  out.openings = std::move(papers.disclosures.passports);
  const Result<Bundle> bundle = decode_bundle(bytes);
  if (!bundle) return out;
  out.party.place = place_of(*bundle, papers.verdict, policy);
  if (is_valid(papers.verdict, "receipt.registration")) out.party.times = outside_times(*bundle, policy, now);
  return out;
}

void judge_seed(DisputeParty& party, const std::string& role, const Status& follows) {
  const std::string code = "opening.seed-" + role;
  if (follows) {
    party.papers.add(code, Outcome::valid, "the mark seed follows from the picture, the owner's key and the salt");
    return party.opened.push_back(role);
  }
  const bool cannot = follows.error().code == Errc::unsupported || follows.error().code == Errc::io;
  party.papers.add(code, cannot ? Outcome::undecided : Outcome::invalid, follows.error().detail);
}

Status add_earlier(DisputeParty& party, ByteView bytes, const TrustPolicy& policy, std::int64_t now) {
  const PaperVerdict papers = verify_papers(bytes, policy, {.now = now, .memory = {}, .possession = {}});
  if (papers_of_party(papers.verdict).outcome() == Outcome::invalid)
    return Error{Errc::refused, "the earlier bundle is altered or forged"};
  if (!party.registration || !papers.registration || papers.registration->id != party.registration->id ||
      !(papers.registration->owner == party.registration->owner))
    return Error{Errc::refused, "the earlier bundle is of another registration than " + party.name + "'s"};
  STEGPASS_TRY(bundle, decode_bundle(bytes));
  const bool in_log = is_valid(papers.verdict, "receipt.registration");
  const auto times = in_log ? outside_times(bundle, policy, now) : std::vector<OutsideTime>{};
  if (times.empty())
    return Error{Errc::refused, "the earlier bundle has no time from outside by an authority or a quorum of the policy"};
  party.times.insert(party.times.end(), times.begin(), times.end());
  return Done{};
}

HeldLicense read_held_license(const DisputeParty& party, ByteView bundle, const TrustPolicy& policy,
                              const PaperOptions& options) {
  const PaperVerdict papers = verify_papers(bundle, policy, options);
  const Check force = in_force(papers.verdict);
  if (!papers.license || !papers.registration)
    return {{},
            {},
            {},
            force.outcome == Outcome::valid ? Outcome::undecided : force.outcome,
            Outcome::undecided,
            "no license that holds: " + force.detail};
  const Check holder = holder_of(party, *papers.license, papers.verdict);
  return {papers.license->id,
          papers.registration->id,
          papers.registration->owner,
          force.outcome,
          holder.outcome,
          "license " + to_hex(papers.license->id) + " under registration " + to_hex(papers.registration->id) + ", " +
              describe_terms(papers.license->terms) + ": " + force.detail + "; " + holder.detail};
}

}  // namespace stegpass::credential
