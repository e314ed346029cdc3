#include "model_checks.hpp"

#include <algorithm>
#include <cmath>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "files.hpp"
#include "model_compare.hpp"
#include "model_part.hpp"
#include "passport_checks.hpp"
#include "workspace.hpp"

namespace stegpass::cli {

using namespace credential;

/// The registered release, once its tensors are those of the registration.
struct OriginalRelease {
  ModelVerdict judged;
  std::optional<TensorTree> tree;
  ByteView bytes;
};

struct ModelJudge::Parts {
  const PaperVerdict& papers;
  const TrustPolicy& policy;
  const ModelEvidence& evidence;
  OriginalRelease original;
  PassportFindings passports;
};

namespace {

std::string count_text(const MarkReading& reading) {
  return std::to_string(reading.matches) + " of " + std::to_string(reading.bits) + " bits match";
}

MarkDescription describe(const MarkClaim& claim) {
  return {claim.scheme, claim.signature, claim.pooling, claim.architecture, claim.layers, claim.bits};
}

Json describe(const std::string& role, const MarkReading& reading, double corrected) {
  Json layers = Json::array();
  for (const auto& layer : reading.layers)
    layers.push_back({{"name", layer.name}, {"bits", layer.bits}, {"matches", layer.matches}});
  return {{"passport", role},           {"bits", reading.bits},           {"matches", reading.matches},
          {"log10_p", reading.log10_p}, {"log10_p_corrected", corrected}, {"layers", layers}};
}

OriginalRelease check_original(const std::optional<Registration>& registered, const std::optional<EvidenceFile>& file) {
  constexpr const char* code = "model.original";
  OriginalRelease out;
  const auto add = [&](Outcome outcome, std::string detail) { out.judged.verdict.add(code, outcome, std::move(detail)); };
  if (!file) {
    add(Outcome::not_checked,
        "needs the registered release's file (--original), to name changed tensors and to align a copy's channels");
    return out;
  }
  auto tree = file->problem.empty() ? tensor_tree(file->bytes) : Result<TensorTree>(Errc::malformed, file->problem);
  if (!tree)
    add(Outcome::invalid, file->path + " is no model file: " + tree.error().detail);
  else if (!registered)
    add(Outcome::undecided, "there is no registration to compare the original with");
  else if (tree->root != registered->tensor_root || tree->names.size() != registered->tensor_count)
    add(Outcome::invalid, file->path + " is not the registered release: its tensor root is " + to_hex(tree->root) +
                              ", registered is " + to_hex(registered->tensor_root));
  else {
    add(Outcome::valid,
        "the registered release, " + std::to_string(tree->names.size()) + " tensors with root " + to_hex(tree->root));
    out.tree = std::move(*tree);
    out.bytes = file->bytes;
  }
  return out;
}

/// The checks of one model; its methods add to `result_` in the order in which the codes are listed.
class Checks {
 public:
  Checks(const PaperVerdict& papers, const TrustPolicy& policy, const ModelEvidence& evidence, const OriginalRelease& original,
         const PassportFindings& passports)
      : papers_(papers), policy_(policy), evidence_(evidence), original_(original), passports_(passports) {}

  ModelVerdict run(const std::optional<EvidenceFile>& model) {
    result_.verdict.append(original_.judged.verdict);
    check_model(model);
    result_.verdict.append(passports_.judged.verdict);
    result_.figures.update(passports_.judged.figures);
    if (model_reads_) model_ = model->bytes;
    align();
    check_consistent(model.has_value());
    check_marks(model.has_value());
    check_descent(model.has_value());
    return std::move(result_);
  }

 private:
  void add(std::string code, Outcome outcome, std::string detail) {
    result_.verdict.add(std::move(code), outcome, std::move(detail));
  }
  void skip(std::string code, std::string needed) { add(std::move(code), Outcome::not_checked, "needs " + std::move(needed)); }
  void undecided(std::string code, std::string detail) { add(std::move(code), Outcome::undecided, std::move(detail)); }
  /// What other bytes than the registered ones come to.
  void differs(const char* code, const std::string& detail) {
    if (policy_.descent_suffices)
      add(code, Outcome::not_checked, detail + "; the policy takes what descends from it, see model.descends");
    else
      add(code, Outcome::invalid, detail);
  }

  void check_model(const std::optional<EvidenceFile>& model);
  void compare_with_registered(const TensorTree& tree);
  std::vector<OpenPassport> passports_to_read() const;
  void align();
  Result<MarkReading> read_better(ModelPart& part, const OpenPassport& passport) const;
  void check_consistent(bool asked);
  void check_marks(bool asked);
  void read_owner_mark(ModelPart& part, const PassportOpening& opened);
  void check_descent(bool asked);
  void judge_descent_by_mark();

  const PaperVerdict& papers_;
  const TrustPolicy& policy_;
  const ModelEvidence& evidence_;
  const OriginalRelease& original_;
  const PassportFindings& passports_;
  ModelVerdict result_;
  bool model_reads_ = false;  // the model is a safetensors file, registered or not
  bool same_file_ = false, same_tensors_ = false;
  ByteView model_;
  std::optional<AlignedModel> aligned_;
  std::optional<std::string> best_;  // the strongest mark that was read, in words
  double best_log10_p_ = 0;          // its corrected p
  bool consistent_ = false;          // the user passport goes with this model
};

void Checks::check_model(const std::optional<EvidenceFile>& model) {
  if (!model) {
    skip("model.digest", "the model's file (--model)");
    return skip("model.tensors", "the model's file (--model)");
  }
  if (!model->problem.empty()) return add("model.digest", Outcome::invalid, model->problem);
  auto tree = tensor_tree(model->bytes);
  if (!tree) return add("model.digest", Outcome::invalid, model->path + " is no model file: " + tree.error().detail);
  model_reads_ = true;
  if (!papers_.registration) return undecided("model.digest", "there is no registration to compare the model with");
  const Digest32 found = fast_sha256(model->bytes);
  const Digest32& expected = papers_.registration->model_digest;
  result_.figures["model_sha256"] = to_hex(found);
  same_file_ = found == expected;
  if (same_file_)
    add("model.digest", Outcome::valid, "the registered file, SHA-256 " + to_hex(found));
  else
    differs("model.digest", "SHA-256 is " + to_hex(found) + ", registered is " + to_hex(expected));
  compare_with_registered(*tree);
}

void Checks::compare_with_registered(const TensorTree& tree) {
  const Registration& registered = *papers_.registration;
  const std::string found = std::to_string(tree.names.size()) + " tensors with root " + to_hex(tree.root);
  same_tensors_ = tree.root == registered.tensor_root && tree.names.size() == registered.tensor_count;
  if (same_tensors_) return add("model.tensors", Outcome::valid, found + ", as registered");
  std::string which;
  if (original_.tree) {
    const TensorChanges changes = compare_tensors(tree, *original_.tree);
    result_.figures["tensors"] = {{"changed", changes.changed}, {"added", changes.added}, {"missing", changes.missing}};
    which = "; " + to_text(changes, original_.tree->names.size());
  }
  differs("model.tensors", found + "; registered are " + std::to_string(registered.tensor_count) + " with root " +
                               to_hex(registered.tensor_root) + which);
}

/// Every passport that will be read from this model, since aligning must not look at what any of them reads.
std::vector<OpenPassport> Checks::passports_to_read() const {
  std::vector<OpenPassport> out;
  for (const PassportOpening* opened : passports_.opened) out.push_back({opened->role, opened->picture, opened->seed.seed});
  if (papers_.disclosures.cover && passports_.passport_reads)
    out.push_back({"user", evidence_.passport->bytes, papers_.disclosures.cover->seed});
  return out;
}

void Checks::align() {
  if (!original_.tree || !model_reads_ || !papers_.registration || same_tensors_) return;
  const auto readings = passports_to_read();
  if (readings.empty())
    return skip("model.alignment", "a passport to be read: an arbiter's bundle, or a user passport with a verifier's");
  auto part = load_model_part();
  auto aligned = part ? (*part)->align(model_, original_.bytes, describe(papers_.registration->mark), readings)
                      : Result<AlignedModel>(part.error());
  // No claim of anybody's fails by it: the model is then read as it is.
  if (!aligned) return skip("model.alignment", "channels that can be matched to the original's: " + aligned.error().detail);
  aligned_ = std::move(*aligned);
  result_.figures["alignment"] = to_json(*aligned_);
  add("model.alignment", Outcome::valid,
      "read also in the original's order of channels, found without what the passports read: " + to_text(*aligned_));
}

/// As the file is and, where a copy was aligned, also aligned: who changed only layers before the marked ones sends the alignment
/// astray. The better of the two.
Result<MarkReading> Checks::read_better(ModelPart& part, const OpenPassport& passport) const {
  const MarkDescription mark = describe(papers_.registration->mark);
  auto as_it_is = part.read_mark(model_, mark, passport);
  if (!aligned_) return as_it_is;
  auto aligned = part.read_mark(aligned_->model, mark, passport);
  return !aligned || (as_it_is && as_it_is->matches >= aligned->matches) ? std::move(as_it_is) : std::move(aligned);
}

void Checks::check_consistent(bool asked) {
  if (!papers_.disclosures.cover) return skip("user.consistent", "a bundle for a verifier, which opens the cover's seed");
  if (!asked || !evidence_.passport) return skip("user.consistent", "the model (--model) and the user passport (--passport)");
  if (!model_reads_ || !passports_.passport_reads || !papers_.registration)
    return undecided("user.consistent", "model or user passport cannot be read");
  auto part = load_model_part();
  if (!part) return undecided("user.consistent", part.error().detail);
  const OpenPassport read_as_cover{"cover", evidence_.passport->bytes, papers_.disclosures.cover->seed};
  auto reading = read_better(**part, read_as_cover);
  if (!reading) return undecided("user.consistent", reading.error().detail);
  const double share = reading->bits == 0 ? 0 : static_cast<double>(reading->matches) / static_cast<double>(reading->bits);
  result_.figures["user_consistent"] = {{"bits", reading->bits}, {"matches", reading->matches}};
  consistent_ = share >= kConsistentShare;
  add("user.consistent", consistent_ ? Outcome::valid : Outcome::invalid,
      count_text(*reading) + " with the cover's seed; at least 99 % belong to a user passport of this model");
}

void Checks::check_marks(bool asked) {
  if (papers_.disclosures.passports.empty())
    return skip("owner.mark", "a bundle for an arbiter, which opens a passport, and the model (--model)");
  result_.figures["marks"] = Json::array();
  if (passports_.opened.empty()) return undecided("owner.mark", "no opened passport holds");
  if (!asked) return skip("owner.mark", "the model's file (--model)");
  auto part = load_model_part();
  for (const PassportOpening* opened : passports_.opened) {
    if (part)
      read_owner_mark(**part, *opened);
    else
      undecided("owner.mark", opened->role + ": " + part.error().detail);
  }
}

void Checks::read_owner_mark(ModelPart& part, const PassportOpening& opened) {
  if (!model_reads_) return undecided("owner.mark", opened.role + ": the model cannot be read");
  auto reading = read_better(part, {opened.role, opened.picture, opened.seed.seed});
  if (!reading) return undecided("owner.mark", opened.role + ": " + reading.error().detail);
  // The bundle's passports are as many tries, and twice that where each was read in two ways; the reading itself allows for
  // those that nobody saw. No probability is over 1.
  const double tries = std::log10(static_cast<double>(papers_.disclosures.passports.size() * (aligned_ ? 2 : 1)));
  const double corrected = std::min(0.0, reading->log10_p_corrected + tries);
  result_.figures["marks"].push_back(describe(opened.role, *reading, corrected));
  const bool marked = std::isfinite(corrected) && corrected <= policy_.mark_bound_log10;
  const std::string said = opened.role + ": " + count_text(*reading) + ", log10 p " + with_decimals(reading->log10_p, 1) +
                           ", corrected " + with_decimals(corrected, 1);
  if (papers_.registration->mark.signature != "strict")
    return undecided("owner.mark", said + "; mode reference matches any passport that somebody fits, so it proves nothing");
  add("owner.mark", marked ? Outcome::valid : Outcome::invalid,
      said + "; the bound is " + with_decimals(policy_.mark_bound_log10, 1));
  if (best_ && !(corrected < best_log10_p_)) return;
  best_ = said;
  best_log10_p_ = corrected;
}

void Checks::check_descent(bool asked) {
  constexpr const char* code = "model.descends";
  if (!asked) return skip(code, "the model's file (--model)");
  if (!model_reads_ || !papers_.registration)
    return undecided(code, "there is no model that can be read, or no registration to compare it with");
  if (same_file_) return add(code, Outcome::valid, "it is the registered file");
  if (same_tensors_) return add(code, Outcome::valid, "every tensor is the registered one; only the file around them is another");
  if (!papers_.disclosures.passports.empty()) return judge_descent_by_mark();
  const std::string needed = std::string("needs a bundle for an arbiter, which opens a passport") +
                             (consistent_ ? "; that the user passport goes with this model shows no descent, since whoever chose "
                                            "that picture could have fitted it"
                                          : "");
  add(code, policy_.descent_suffices ? Outcome::undecided : Outcome::not_checked, needed);
}

void Checks::judge_descent_by_mark() {
  constexpr const char* code = "model.descends";
  if (!best_) return undecided(code, "no mark could be read that proves anything");
  const std::string bound = "; the bound is " + with_decimals(policy_.mark_bound_log10, 1);
  if (std::isfinite(best_log10_p_) && best_log10_p_ <= policy_.mark_bound_log10) {
    const std::string alone = policy_.descent_suffices ? "" : "; the policy takes the registered file alone";
    return add(code, Outcome::valid,
               "not the registered file, but it carries the mark of the registered one, " + *best_ + bound + alone);
  }
  const std::string hint =
      aligned_ ? "" : "; of a copy whose channels were moved or rescaled it reads only beside the original (--original)";
  add(code, Outcome::invalid, "no opened passport's mark is in this model, " + *best_ + bound + hint);
}

}  // namespace

Result<EvidenceFile> read_evidence(const std::string& path, std::uint64_t max_bytes, std::string_view expected) {
  auto bytes = read_file(path, max_bytes, expected);
  if (bytes) return EvidenceFile{path, std::move(*bytes), {}};
  if (bytes.error().code == Errc::usage) return EvidenceFile{path, {}, bytes.error().detail};
  return bytes.error();
}

ModelJudge::ModelJudge(const PaperVerdict& papers, const TrustPolicy& policy, const ModelEvidence& evidence)
    : parts_(new Parts{papers, policy, evidence, check_original(papers.registration, evidence.original),
                       check_passports(papers, evidence)}) {}

ModelJudge::~ModelJudge() = default;

ModelVerdict ModelJudge::judge(const std::optional<EvidenceFile>& model) const {
  return Checks(parts_->papers, parts_->policy, parts_->evidence, parts_->original, parts_->passports).run(model);
}

ModelVerdict check_models(const PaperVerdict& papers, const TrustPolicy& policy, const ModelEvidence& evidence) {
  return ModelJudge(papers, policy, evidence).judge(evidence.model);
}

}  // namespace stegpass::cli
