#include <stegpass/credential/policy_review.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace stegpass::credential {
namespace {

constexpr std::string_view kRole = "ROLE";
/// What readings add for tries that nobody saw: log10(2^80).
constexpr double kUnseenTries = 24.0824;

constexpr std::string_view kModel = "the model's file (--model)";
constexpr std::string_view kCard = "a picture of the card (--card)";
constexpr std::string_view kOpened = "a bundle for a verifier or an arbiter";
constexpr std::string_view kArbiter = "a bundle for an arbiter that opens this passport";
constexpr std::string_view kReveal = "the user passport (--passport) and a bundle for a verifier or an arbiter";

constexpr std::array kCatalogue = {
    CheckInfo{"bundle.bytes", "the file is a whole bundle", ""},
    CheckInfo{"checkpoint.signature", "a trusted log signed the checkpoint", ""},
    CheckInfo{"checkpoint.witnesses", "the quorum of witnesses cosigned the checkpoint", "a quorum line"},
    CheckInfo{"checkpoint.age", "the checkpoint is no older than max-age", "a max-age line"},
    CheckInfo{"checkpoint.memory", "the log shows no older or other tree than it did before", ""},
    CheckInfo{"checkpoint.time", "an authority that is trusted dates the checkpoint",
              "a bundle with a timestamp, and a time line"},
    CheckInfo{"ledger.policy", "the ledger registers by rules that are known", ""},
    CheckInfo{"receipt.ledger-policy", "the ledger's policy is its entry 0", ""},
    CheckInfo{"registration.signature", "the owner signed the registration", ""},
    CheckInfo{"registration.issuer", "the owner is trusted", ""},
    CheckInfo{"receipt.registration", "the registration is in the ledger", ""},
    CheckInfo{"key-rotation", "the owner's key was handed on in the ledger", "an owner who changed keys"},
    CheckInfo{"license.signature", "the owner signed the license", ""},
    CheckInfo{"license.terms", "no critical term is unknown to this version", ""},
    CheckInfo{"receipt.license", "the license is in the ledger", ""},
    CheckInfo{"license.personal", "claims about the licensee are the owner's",
              "a license with a personal part, some of it disclosed"},
    CheckInfo{"renewal", "the license was renewed", "a renewed license"},
    CheckInfo{"license.dates", "the license is in force now", ""},
    CheckInfo{"license.status", "the status list neither revokes nor suspends the license", ""},
    CheckInfo{"status.age", "the status list is no older than max-age and its own time to live", "a max-age line"},
    CheckInfo{"receipt.status", "the status list is in the ledger", ""},
    CheckInfo{"suspension", "a suspension is over, or not yet in effect", "a license that was suspended"},
    CheckInfo{"reinstatement", "the owner reinstated the license", "a license that was reinstated"},
    CheckInfo{"transfer", "the license takes another's place, or its own end is not yet in effect",
              "a license that was transferred"},
    CheckInfo{"revocation", "a revocation is not yet in effect", "a license whose revocation lies ahead"},
    CheckInfo{"opening.cover", "the opened cover seed is the registered one", kOpened},
    CheckInfo{"opening.isn-key", "the opened ISN key is this license's", kOpened},
    CheckInfo{"opening.identity", "the opened identity picture is this license's", kOpened},
    CheckInfo{"opening.passport-ROLE", "the opened passport's seed is the registered one", kArbiter},
    CheckInfo{"holder.possession", "who shows the bundle holds the licensee's key",
              "a presentation (--presentation, --audience, --nonce)"},
    CheckInfo{"license.text", "the contract is the one that the license names",
              "the contract's text (--contract), and a license that names one"},
    CheckInfo{"card.license", "the card names this license", kCard},
    CheckInfo{"card.bundle", "the card names this bundle", kCard},
    CheckInfo{"model.original", "the file beside the model is the registered release",
              "the registered release's file (--original)"},
    CheckInfo{"model.digest", "the model is the registered file", kModel},
    CheckInfo{"model.tensors", "the model's tensors are the registered ones", kModel},
    CheckInfo{"passport.digest", "the user passport is this license's", "the user passport (--passport)"},
    CheckInfo{"isn.digest", "the ISN is the registered one", "ISN weights (--isn), or what a reveal needs"},
    CheckInfo{"identity.reveal", "the user passport holds the opened identity", kReveal},
    CheckInfo{"identity.qr", "the user passport names the licensee's key", kReveal},
    CheckInfo{"opening.seed-ROLE", "the opened picture gives the registered seed", kArbiter},
    CheckInfo{"model.alignment", "channels that were moved or rescaled are read in their old order",
              "a changed model (--model), the registered release (--original) and a passport to read"},
    CheckInfo{"user.consistent", "the user passport goes with this model",
              "the model (--model), the user passport (--passport) and a bundle for a verifier or an arbiter"},
    CheckInfo{"owner.mark", "the model carries an opened passport's mark", "the model (--model) and a bundle for an arbiter"},
    CheckInfo{"model.descends", "the model is the registered file or carries its mark",
              "the model (--model), and unless it is the registered one a bundle for an arbiter"},
};

bool is_role(std::string_view role) {
  if (role == "cover") return true;
  constexpr std::string_view stem = "reserve-";
  if (!role.starts_with(stem) || role.size() == stem.size() || role[stem.size()] == '0') return false;
  role.remove_prefix(stem.size());
  return std::all_of(role.begin(), role.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool requires_check(const TrustPolicy& policy, std::string_view code) {
  return std::find(policy.required.begin(), policy.required.end(), code) != policy.required.end();
}

}  // namespace

std::span<const CheckInfo> check_catalogue() { return kCatalogue; }

const CheckInfo* find_check_info(std::string_view code) {
  const auto fits = [&](const CheckInfo& info) {
    if (!info.code.ends_with(kRole)) return info.code == code;
    const std::string_view stem = info.code.substr(0, info.code.size() - kRole.size());
    return code.starts_with(stem) && is_role(code.substr(stem.size()));
  };
  const auto found = std::find_if(kCatalogue.begin(), kCatalogue.end(), fits);
  return found == kCatalogue.end() ? nullptr : &*found;
}

std::uint64_t least_bits(double bound_log10) {
  return static_cast<std::uint64_t>(std::ceil((kUnseenTries - bound_log10) / std::log10(2.0)));
}

std::vector<std::string> never_met(const TrustPolicy& policy) {
  std::vector<std::string> out;
  if (policy.logs.empty()) out.emplace_back("no log is trusted, so no checkpoint counts");
  if (policy.issuers.empty() && policy.certifiers.empty())
    out.emplace_back("no owner is trusted, neither by key nor by certificate");
  if (!policy.max_age_s) out.emplace_back("no max-age is given, so whether a license is still in force stays undecided");
  for (const std::string& code : policy.required) {
    if (!find_check_info(code)) out.push_back("it requires " + code + ", which is no check of a bundle");
  }
  if (requires_check(policy, "checkpoint.witnesses") && policy.quorum.empty())
    out.emplace_back("it requires checkpoint.witnesses and names no quorum");
  if (requires_check(policy, "checkpoint.time") && policy.time_roots.empty())
    out.emplace_back("it requires checkpoint.time and trusts no authority of time");
  return out;
}

std::vector<std::string> doubtful(const TrustPolicy& policy) {
  std::vector<std::string> out;
  if (policy.descent_suffices && requires_check(policy, "model.digest"))
    out.emplace_back("model descends has no effect, since require model.digest takes the registered file alone");
  for (const TrustPolicy::Witness& witness : policy.witnesses) {
    const auto member = [&](const auto& group) {
      return std::count(group.members.begin(), group.members.end(), witness.name) > 0;
    };
    if (witness.name != policy.quorum && std::none_of(policy.groups.begin(), policy.groups.end(), member))
      out.push_back("the witness " + witness.name + " counts for nothing: no group holds it and it is not the quorum");
  }
  for (const TrustPolicy::Issuer& issuer : policy.issuers) {
    const auto same = [&](const NoteVerifier& log) { return log.key.thumbprint() == issuer.thumbprint; };
    if (std::any_of(policy.logs.begin(), policy.logs.end(), same))
      out.push_back("the owner " + issuer.name + " signs with the key of a trusted log");
  }
  return out;
}

}  // namespace stegpass::credential
