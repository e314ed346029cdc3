#pragma once

#include <memory>
#include <optional>
#include <string>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/core/verdict.hpp>
#include <stegpass/credential/trust_policy.hpp>
#include <stegpass/credential/verification.hpp>

#include "output.hpp"

namespace stegpass::cli {

/// A file that somebody brings as evidence. One that can be read but is empty or larger than any of its kind proves something
/// false about itself: then `problem` says so and `bytes` is empty.
struct EvidenceFile {
  std::string path;
  Bytes bytes;
  std::string problem;
};

/// Errors  not_found, io: what the world refuses is no evidence.
Result<EvidenceFile> read_evidence(const std::string& path, std::uint64_t max_bytes, std::string_view expected);

/// What is brought beside the bundle; whatever is absent is not checked.
struct ModelEvidence {
  std::optional<EvidenceFile> model;     ///< a release model, safetensors
  std::optional<EvidenceFile> passport;  ///< a user passport, PNG
  std::optional<EvidenceFile> isn;       ///< ISN weights; those that come with the program serve when absent
  std::optional<EvidenceFile> original;  ///< the registered release, safetensors: names changed tensors, and aligns a copy
};

/// What the checks came to, and the figures behind them for --json.
struct ModelVerdict {
  Verdict verdict;
  Json figures = Json::object();
};

/// Judges model, user passport and opened marks against what the papers registered. The model part is loaded only when a check
/// needs it; where this build has none, those checks are undecided. Codes  model.original, model.digest, model.tensors,
/// passport.digest, isn.digest, identity.reveal, identity.qr, opening.seed-ROLE (one for each opened
///        passport), model.alignment (when there is something to align), user.consistent, owner.mark (one for each opened
///        passport), model.descends. A check that was not asked for says what it needs.
/// Where the policy takes models that descend from the registered one, other bytes are no fault: model.digest and model.tensors
/// are then not checked, and model.descends decides. It is valid on the registered file, the registered tensors, or an opened
/// passport's mark within the policy's bound; a user passport, which somebody may choose, shows no descent.
ModelVerdict check_models(const credential::PaperVerdict& papers, const credential::TrustPolicy& policy,
                          const ModelEvidence& evidence);

/// The same for one model after another: what does not depend on the model is judged once, when this is made.
class ModelJudge {
 public:
  /// All must live as long as this; `evidence.model` is not looked at.
  ModelJudge(const credential::PaperVerdict& papers, const credential::TrustPolicy& policy, const ModelEvidence& evidence);
  ~ModelJudge();
  ModelJudge(const ModelJudge&) = delete;
  ModelJudge& operator=(const ModelJudge&) = delete;
  ModelVerdict judge(const std::optional<EvidenceFile>& model) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace stegpass::cli
