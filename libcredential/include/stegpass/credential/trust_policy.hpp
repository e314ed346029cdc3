#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/certificate.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/note.hpp>

namespace stegpass::credential {

/// Whom a verifier trusts, and what he demands: a small text file, C2SP tlog-policy lines plus ours. Nobody is trusted unasked.
///     log <vkey>                  a log whose checkpoints count
///     witness <name> <vkey>       somebody who cosigns checkpoints
///     group <name> all|any|<k> <name>...  all, one or k of witnesses and groups named above
///     quorum <name>|none          who has to have cosigned a checkpoint, so that it counts
///     issuer <name> <thumbprint URI>  an owner whose registrations count
///     x509 <name> <base64>            a certificate (DER) that certifies owners: registrations whose x5chain leads to it count
///     time <name> <base64>            a certificate (DER) that the certificates of timestamp authorities lead to
///     max-age <n>(s|h|d)          oldest checkpoint and status that still count; without it freshness is undecided
///     require <check code>        a check that must be made, or the verdict is undecided
///     mark-bound <log10 p>        most that an opened mark's corrected log10 p may be (default -30)
///     model exact|descends        whether a model has to be the registered file (default), or may descend from it by its mark
/// A word that starts with '#' begins a comment. Schema  schemas/trust-policy.md
/// Errors  malformed with the line, also for witnesses without a quorum; unsupported for keys other than Ed25519.
struct TrustPolicy {
  struct Issuer {
    std::string name;
    Digest32 thumbprint{};
  };
  struct Witness {
    std::string name;  ///< within the policy alone
    NoteVerifier key;
  };
  struct Group {
    std::string name;
    std::size_t needed = 0;            ///< 1 to members.size()
    std::vector<std::string> members;  ///< witnesses and groups before this one; each in one group at most
  };
  std::vector<NoteVerifier> logs;
  std::vector<Witness> witnesses;
  std::vector<Group> groups;
  std::string quorum;  ///< a witness or group; empty for none
  std::vector<Issuer> issuers;
  std::vector<TrustedRoot> certifiers;  ///< lines x509
  std::vector<TrustedRoot> time_roots;  ///< lines time
  std::optional<std::int64_t> max_age_s;
  std::vector<std::string> required;
  double mark_bound_log10 = -30;
  bool descent_suffices = false;  ///< line model
};

Result<TrustPolicy> parse_trust_policy(std::string_view text);
std::string encode_trust_policy(const TrustPolicy& policy);

}  // namespace stegpass::credential
