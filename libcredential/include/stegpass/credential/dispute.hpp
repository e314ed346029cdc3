#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/verdict.hpp>
#include <stegpass/credential/statement.hpp>

// A dispute between two or more parties over models: facts in, decision out. Nothing here reads a file, a clock or a tensor, so
// the same facts give the same decision anywhere. The rules in words: schemas/dispute.md.
namespace stegpass::credential {

/// By when something existed, as somebody outside every ledger says.
struct OutsideTime {
  std::int64_t time = 0;  ///< seconds since 1970
  std::string source;     ///< who says so
};

/// Where a registration stands, as a trusted log's receipt and checkpoint show.
struct LedgerPlace {
  std::string origin;
  Digest32 log_key{};  ///< thumbprint
  std::uint64_t index = 0, tree_size = 0;
  Digest32 root{};
};

/// A license that a party says it holds.
struct HeldLicense {
  Bytes id, registration_id;
  std::optional<PublicKey> owner;  ///< of that registration; its id alone says nothing, since anybody can register under it
  Outcome in_force = Outcome::undecided;  ///< valid: in force as of its checkpoint; invalid: revoked, expired, forged, ...
  Outcome holder = Outcome::undecided;    ///< valid: the party has the licensee's key; invalid: shown that it has another
  std::string detail;
};

struct DisputeParty {
  std::string name;  ///< 1 to 64 bytes that print on one line
  bool has_papers = false;
  Verdict papers;                            ///< what became of its bundle's checks that matter here
  std::optional<Registration> registration;  ///< set once its signature held
  std::optional<LedgerPlace> place;          ///< set once the receipt held
  std::vector<OutsideTime> times;            ///< of the registration
  std::vector<std::string> opened;  ///< roles of the passports whose seed opens the commitment and follows from the picture
  std::vector<HeldLicense> licenses;
};

/// Who stands behind a model's bytes, beside whoever registered them.
enum class Custody {
  brought,  ///< one party brings it, or nobody knows from where: it decides nothing, since anybody can embed a mark in another's
            ///< model
  own,      ///< a party says that it is his own; counts once its bytes have a time from outside
  taken,    ///< it was taken from a party's custody
};
std::string_view custody_name(Custody custody);

struct DisputeModel {
  std::string name;
  Digest32 digest{};  ///< SHA-256 of the file
  Custody custody = Custody::brought;
  std::optional<std::size_t> party;  ///< who brings it, says that it is his, or had it
  std::optional<OutsideTime> time;   ///< of these bytes
};

/// One passport read from one model: a test. `problem` says why it could not be.
struct DisputeReading {
  std::size_t party = 0, model = 0;
  std::string role, aligned_to;  ///< aligned_to: the model whose channel order it was brought into first; empty as it is
  std::uint64_t bits = 0, matches = 0;
  std::string problem;
};

/// One passport read from a model that neither party had a hand in.
struct DisputeControl {
  std::size_t party = 0;
  std::string role, model;
  bool aligned = false;
  std::uint64_t bits = 0, matches = 0;
};

struct DisputeFacts {
  std::int64_t now = 0;               ///< as of when it is judged
  double mark_bound_log10 = -30;      ///< most that a mark's corrected log10 p may be
  std::vector<DisputeParty> parties;  ///< two or more, the claimant first
  std::vector<DisputeModel> models;
  std::vector<DisputeReading> readings;
  std::vector<DisputeControl> controls;
};

/// Whether a party's mark is in a model.
enum class MarkState {
  unread,   ///< not read
  absent,   ///< no sign of it, neither for nor against: log10 p of either tail, corrected for the tests made, over -6
  weak,     ///< neither shown nor ruled out
  present,  ///< log10 p, corrected for the tests made and for 2^80 tries unseen, within the bound
};
std::string_view mark_state_name(MarkState state);

struct MarkFinding {
  MarkState state = MarkState::unread;
  std::optional<std::size_t> reading;  ///< the strongest reading
  double log10_p = 0, log10_p_corrected = 0;
  std::string problem;  ///< why it was not read
};

/// What a dispute, or one pair of its parties, comes to; in a dispute of several pairs the first that applies to any, but
/// undecided goes before all.
enum class DisputeResult {
  undecided,
  descends,       ///< a model of one party descends from the other's, and no license covers it
  first,          ///< both marks are in the same bytes; one party was first, within one ledger or by outside time
  both_right,     ///< a model carries both marks, and its party holds a license from the other
  licensed,       ///< a model carries the other's mark, and its party holds a license from him
  separate,       ///< each has his own mark in his own model and nobody the other's: their claims agree
  not_descended,  ///< the mark of one stands in his own model and is not in the other's
  none,           ///< no mark of either stands anywhere
};
std::string_view dispute_result_name(DisputeResult result);

struct PairFinding {
  std::size_t a = 0, b = 0;
  DisputeResult result = DisputeResult::undecided;
  std::optional<std::size_t> right;  ///< whose model the other's descends from; who was first; who licensed; whose mark stands
  std::string detail;
};

struct DisputeDecision {
  DisputeResult result = DisputeResult::undecided;
  std::optional<std::size_t> right;  ///< of the pair that decided
  Verdict verdict;  ///< every step; invalid when something that a party vouched for is false, valid when all is decided
  std::vector<PairFinding> pairs;
  std::vector<std::vector<MarkFinding>> marks;            ///< [party][model]
  std::uint64_t tests = 0;                                ///< readings made of the models, which the chances are corrected for
  std::vector<std::string> assumptions, errors, changes;  ///< what it rests on; how likely it is wrong; what would change it
};

/// Decides by the rules of schemas/dispute.md. Pure.
/// Codes  party.papers, party.passport, ledger.view, model.custody, controls.binomial, mark.reading, party.mark, license.held,
/// pair.priority,
///        pair.result, dispute.outcome.
/// Requires at least two parties, and indices within their vectors (assertion).
DisputeDecision decide_dispute(const DisputeFacts& facts);

/// log10 of the chance that at least `matches` of `bits` fair coins fall right; 0 for no bits.
double log10_of_matches(std::uint64_t bits, std::uint64_t matches);

/// Least corrected log10 p at which a mark counts as absent.
inline constexpr double kNoMarkLog10 = -6;
/// Chance at most with which controls that are what they should be make a dispute undecided.
inline constexpr double kControlAlpha = 1e-6;

}  // namespace stegpass::credential
