#pragma once

#include <optional>
#include <string>
#include <vector>

#include <stegpass/credential/bundle.hpp>
#include <stegpass/credential/dispute.hpp>
#include <stegpass/credential/verification.hpp>

// What a party's papers say in a dispute, under the arbiter's trust policy. Pure: bytes in, facts out.
namespace stegpass::credential {

/// A party, and the passports that it opens. Their seeds open the registration's commitments; whether each follows from its
/// picture is for who can read pixels, by `judge_seed`.
struct PartyPapers {
  DisputeParty party;
  std::vector<PassportOpening> openings;
};

/// Judges a party's own bundle. What concerns only its license or a holder is left out: whoever disputes a model need not have a
/// license in force on it, and need be no issuer whom the arbiter trusts.
PartyPapers read_party(std::string name, ByteView bundle, const TrustPolicy& policy, std::int64_t now);

/// Adds what came of comparing an opened passport's seed with its picture (`opening.seed-ROLE`): opened when `follows`, false
/// otherwise.
void judge_seed(DisputeParty& party, const std::string& role, const Status& follows);

/// Adds the outside time of an earlier bundle of the same registration, such as one that was timestamped.
/// Errors  refused, with why, when it is of another registration or has no time that counts.
Status add_earlier(DisputeParty& party, ByteView bundle, const TrustPolicy& policy, std::int64_t now);

/// Judges a license that the party says it holds: in force, and whether the party has the licensee's key. That shows from
/// `possession`, or from the party's own registration by the same key.
HeldLicense read_held_license(const DisputeParty& party, ByteView bundle, const TrustPolicy& policy, const PaperOptions& options);

/// Outside times of a bundle's checkpoint: a timestamp by an authority of the policy, and its quorum of witnesses.
std::vector<OutsideTime> outside_times(const Bundle& bundle, const TrustPolicy& policy, std::int64_t now);

}  // namespace stegpass::credential
