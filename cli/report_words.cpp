#include "report_words.hpp"

#include <algorithm>
#include <utility>

namespace stegpass::cli {
namespace {

struct Words {
  std::string_view prefix;  ///< of the code
  Subject subject;
  std::string_view question;
};

// The first prefix that fits decides.
constexpr Words kWords[] = {
    {"party.papers", Subject::other, "Do the papers that the party brought hold, under the arbiter's policy?"},
    {"party.passport", Subject::other, "Which passports did the party open, and do their seeds follow from the pictures?"},
    {"party.mark", Subject::other, "Does the party's own registered model carry the mark that it was registered with?"},
    {"evidence.statement", Subject::other, "Was the file brought that a signed statement of evidence names?"},
    {"ledger.view", Subject::other, "Do parties of one ledger show one tree?"},
    {"model.custody", Subject::other, "Who stands behind these bytes, so that they decide something?"},
    {"controls.binomial", Subject::other, "Do the passports read in independent models what coins would?"},
    {"mark.reading", Subject::other, "Is the party's mark in this model?"},
    {"license.held", Subject::other, "Does the party hold a license in force, and its key?"},
    {"pair.priority", Subject::other, "Whose registration was first, by one ledger or by time from outside?"},
    {"pair.result", Subject::other, "What do the marks and papers of these two come to?"},
    {"dispute.outcome", Subject::other, "What does the whole come to?"},
    {"model.digest", Subject::model, "Is this, byte for byte, the model file that was registered?"},
    {"model.tensors", Subject::model, "Are its tensors (names, types, shapes, values) those that were registered?"},
    {"model.", Subject::model, ""},
    {"owner.mark", Subject::model, "Do the weights carry the owner's mark, read with an opened passport?"},
    {"opening.seed-", Subject::model, "Does the mark's seed follow from the opened picture, the owner's key and the salt?"},
    {"opening.passport-", Subject::model, "Is the opened passport the one that the registration committed to?"},
    {"opening.cover", Subject::model, "Is the opened cover seed the one that the registration committed to?"},
    {"registration.signature", Subject::registration, "Did the owner's key sign the registration?"},
    {"registration.issuer", Subject::registration, "Is the owner one whom the verifier's policy names, or one certified for it?"},
    {"registration.", Subject::registration, ""},
    {"receipt.registration", Subject::registration, "Is the registration in the ledger's tree?"},
    {"key-rotation", Subject::registration, "Did the owner's key hand over to another, and does each step hold?"},
    {"license.signature", Subject::license, "Did the owner sign the license, under this registration?"},
    {"license.terms", Subject::license, "Are the license's terms all known here?"},
    {"license.personal", Subject::license, "Are the personal claims that are shown the ones that were signed?"},
    {"license.dates", Subject::license, "Is the license in its time?"},
    {"license.status", Subject::license, "Does the owner's status list say that the license is in force?"},
    {"license.text", Subject::license, "Is this the contract that the license names?"},
    {"license.", Subject::license, ""},
    {"receipt.license", Subject::license, "Is the license in the ledger's tree?"},
    {"receipt.status", Subject::license, "Is the status list in the ledger's tree?"},
    {"status.age", Subject::license, "Is the status fresh enough for the policy?"},
    {"renewal", Subject::license, "Was the license's end put off by its owner?"},
    {"revocation", Subject::license, "Was the license taken back?"},
    {"suspension", Subject::license, "Was the license suspended?"},
    {"reinstatement", Subject::license, "Was the suspension ended by the owner?"},
    {"transfer", Subject::license, "Did the license pass to another?"},
    {"passport.digest", Subject::passport, "Is this the user passport of this license?"},
    {"user.consistent", Subject::passport, "Does the user passport go with this model?"},
    {"isn.digest", Subject::passport, "Is the network that reveals the identity the registered one?"},
    {"identity.reveal", Subject::passport, "Does the license's key reveal the identity that was hidden in the user passport?"},
    {"identity.qr", Subject::passport, "Does the revealed picture name the licensee's key?"},
    {"opening.isn-key", Subject::passport, "Is the opened key the one that the license committed to?"},
    {"opening.identity", Subject::passport, "Is the opened identity the one that the license committed to?"},
    {"holder.possession", Subject::passport, "Did the licensee's key answer the verifier's challenge?"},
    {"card.", Subject::passport, "Does the card's code name this bundle and this license?"},
    {"passport.", Subject::passport, ""},
    {"identity.", Subject::passport, ""},
    {"bundle.bytes", Subject::ledger, "Is the bundle whole, and are its statements of the right kinds?"},
    {"checkpoint.signature", Subject::ledger, "Did a log that the policy trusts sign the checkpoint?"},
    {"checkpoint.witnesses", Subject::ledger, "Did enough independent witnesses see this checkpoint?"},
    {"checkpoint.age", Subject::ledger, "Is the checkpoint fresh enough for the policy?"},
    {"checkpoint.memory", Subject::ledger, "Has this verifier seen nothing newer, and nothing that contradicts it?"},
    {"checkpoint.time", Subject::ledger, "Does an authority for time confirm that the checkpoint existed then?"},
    {"ledger.policy", Subject::ledger, "Does the ledger's first entry name this log and rules that are known?"},
    {"receipt.ledger-policy", Subject::ledger, "Is the ledger's policy the first entry of its tree?"},
    {"receipt.", Subject::ledger, ""},
    {"policy.", Subject::policy, "Was every check made that the policy demands?"},
};

const Words* words_of(std::string_view code) {
  const auto* found =
      std::find_if(std::begin(kWords), std::end(kWords), [&](const Words& words) { return code.starts_with(words.prefix); });
  return found == std::end(kWords) ? nullptr : found;
}

}  // namespace

std::string_view subject_title(Subject subject) {
  switch (subject) {
    case Subject::model: return "The model and the owner's mark";
    case Subject::registration: return "The registration";
    case Subject::license: return "The license";
    case Subject::passport: return "The user passport and the licensee";
    case Subject::ledger: return "The ledger and its witnesses";
    case Subject::policy: return "What the policy demands";
    case Subject::other: return "Further checks";
  }
  return {};
}

Subject subject_of(std::string_view code) {
  const Words* words = words_of(code);
  return words ? words->subject : Subject::other;
}

std::string_view question_of(std::string_view code) {
  const Words* words = words_of(code);
  return words ? words->question : std::string_view();
}

Outcome sum_of(const Verdict& verdict, const std::vector<std::string_view>& prefixes) {
  bool undecided = false, valid = false;
  for (const Check& check : verdict.checks()) {
    if (std::none_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) { return check.code.starts_with(prefix); }))
      continue;
    if (check.outcome == Outcome::invalid) return Outcome::invalid;
    undecided = undecided || check.outcome == Outcome::undecided;
    valid = valid || check.outcome == Outcome::valid;
  }
  return undecided ? Outcome::undecided : valid ? Outcome::valid : Outcome::not_checked;
}

}  // namespace stegpass::cli
