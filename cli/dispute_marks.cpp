#include <algorithm>
#include <cstring>
#include <random>

#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "dispute_case.hpp"
#include "model_part.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

constexpr std::size_t kShuffles = 2;  // of one model, a party
constexpr double kWholeLog10 = -60;   // a mark that reads like this as it is needs no alignment
const char* const kNoModelPart = "this build reads no tensors";

MarkDescription describe(const MarkClaim& claim) {
  return {claim.scheme, claim.signature, claim.pooling, claim.architecture, claim.layers, claim.bits};
}

/// A model with the elements of every tensor in another order: the same values, and nothing to do with anybody's secrets. The
/// order follows from the file and the number alone.
Result<Bytes> shuffled(ByteView file, std::size_t number) {
  STEGPASS_TRY(parsed, parse_safetensors(file));
  const Digest32 digest = fast_sha256(file);
  const Bytes seed = expand("stegpass.dispute-control.v1", digest, std::to_string(number), sizeof(std::uint64_t));
  std::uint64_t start = 0;
  std::memcpy(&start, seed.data(), sizeof(start));
  std::mt19937_64 random(start);
  std::vector<Bytes> contents;
  contents.reserve(parsed.tensors.size());
  for (TensorView& tensor : parsed.tensors) {
    const std::size_t width = safetensors_element_bytes(tensor.dtype), count = tensor.data.size() / width;
    Bytes& bytes = contents.emplace_back(tensor.data.begin(), tensor.data.end());
    for (std::size_t i = count; i > 1; --i) {
      const std::size_t j = random() % i;
      if (j + 1 == i) continue;
      std::swap_ranges(bytes.begin() + static_cast<std::ptrdiff_t>((i - 1) * width),
                       bytes.begin() + static_cast<std::ptrdiff_t>(i * width),
                       bytes.begin() + static_cast<std::ptrdiff_t>(j * width));
    }
    tensor.data = bytes;
  }
  return encode_safetensors(parsed.tensors, parsed.metadata);
}

class Collector {
 public:
  Collector(Case& dispute, ModelPart* part, std::string problem) : case_(dispute), part_(part), problem_(std::move(problem)) {}

  DisputeFacts run() {
    for (CaseParty& party : case_.parties) judge_seeds(party);
    for (std::size_t party = 0; party < case_.parties.size(); ++party) {
      if (case_.parties[party].openings.empty()) continue;
      aligns_ = false;
      read_models(party);
      read_controls(party);
    }
    out_.now = case_.now;
    out_.mark_bound_log10 = case_.policy.mark_bound_log10;
    for (CaseParty& party : case_.parties) out_.parties.push_back(party.facts);
    for (CaseModel& model : case_.models) out_.models.push_back(model.facts);
    return std::move(out_);
  }

 private:
  const MarkClaim& mark(std::size_t party) const { return case_.parties[party].facts.registration->mark; }

  void judge_seeds(CaseParty& party) {
    std::vector<PassportOpening> sound;
    for (const PassportOpening& opened : party.openings) {
      const Status follows = seed_follows(party, opened);
      judge_seed(party.facts, opened.role, follows);
      if (follows) sound.push_back(opened);
    }
    party.openings = std::move(sound);
  }

  Status seed_follows(const CaseParty& party, const PassportOpening& opened) const {
    if (!part_) return Error{Errc::unsupported, problem_};
    auto seed = part_->mark_seed(opened.picture, party.facts.registration->owner.thumbprint(), opened.seed_salt);
    if (!seed) return Error{Errc::malformed, "the opened picture is no passport: " + seed.error().detail};
    if (equal_constant_time(*seed, opened.seed.seed)) return Done{};
    return Error{Errc::malformed, "the mark seed does not follow from this picture, the owner's key and the salt"};
  }

  Result<MarkReading> read(std::size_t party, const PassportOpening& opened, ByteView model) const {
    if (mark(party).signature != "strict")
      return Error{Errc::unsupported, "signature mode '" + mark(party).signature + "' proves nothing against an adversary"};
    return part_->read_mark(model, describe(mark(party)), {opened.role, opened.picture, opened.seed.seed});
  }

  /// The model that the party registered, if it was brought and is another than `model`.
  const CaseModel* original(std::size_t party, const Digest32& model) const {
    const Digest32& registered = case_.parties[party].facts.registration->model_digest;
    if (registered == model) return nullptr;
    const auto found = std::find_if(case_.models.begin(), case_.models.end(),
                                    [&](const CaseModel& other) { return other.facts.digest == registered; });
    return found == case_.models.end() ? nullptr : &*found;
  }

  std::optional<Bytes> aligned(std::size_t party, ByteView copy, const CaseModel& original) const {
    std::vector<OpenPassport> passports;
    for (const PassportOpening& opened : case_.parties[party].openings)
      passports.push_back({opened.role, opened.picture, opened.seed.seed});
    auto found = part_->align(copy, original.file.bytes, describe(mark(party)), passports);
    return found ? std::optional(std::move(found->model)) : std::nullopt;
  }

  void read_models(std::size_t party) {
    for (std::size_t model = 0; model < case_.models.size(); ++model) {
      const CaseModel& subject = case_.models[model];
      if (!subject.file.problem.empty()) {
        add_unread(party, model, "it is empty or larger than any model");
        continue;
      }
      const bool whole = read_all(party, model, subject.file.bytes, "");
      const CaseModel* registered = whole ? nullptr : original(party, subject.facts.digest);
      if (!registered) continue;
      const auto copy = aligned(party, subject.file.bytes, *registered);
      aligns_ = aligns_ || copy.has_value();
      if (copy) read_all(party, model, *copy, registered->facts.name);
    }
  }

  void add_unread(std::size_t party, std::size_t model, const std::string& problem) {
    for (const PassportOpening& opened : case_.parties[party].openings)
      out_.readings.push_back({party, model, opened.role, "", 0, 0, problem});
  }

  /// Whether any of the party's passports reads so well that nothing is left to find.
  bool read_all(std::size_t party, std::size_t model, ByteView bytes, const std::string& aligned_to) {
    bool whole = false;
    for (const PassportOpening& opened : case_.parties[party].openings) {
      auto reading = read(party, opened, bytes);
      DisputeReading& out = out_.readings.emplace_back(DisputeReading{party, model, opened.role, aligned_to, 0, 0, ""});
      if (!reading) {
        out.problem = reading.error().detail;
        continue;
      }
      out.bits = reading->bits, out.matches = reading->matches;
      whole = whole || reading->log10_p <= kWholeLog10;
    }
    return whole;
  }

  void read_controls(std::size_t party) {
    for (const CaseControl& control : case_.controls) read_control(party, control.name, control.bytes);
    const auto read = [&](const DisputeReading& reading) { return reading.party == party && reading.bits > 0; };
    const auto found = std::find_if(out_.readings.begin(), out_.readings.end(), read);
    if (found == out_.readings.end()) return;
    const CaseModel& model = case_.models[found->model];
    for (std::size_t number = 1; number <= kShuffles; ++number) {
      auto bytes = shuffled(model.file.bytes, number);
      if (bytes) read_control(party, model.facts.name + " shuffled " + std::to_string(number), *bytes);
    }
  }

  /// As it is, and aligned where the models were.
  void read_control(std::size_t party, const std::string& name, ByteView bytes) {
    add_control(party, name, bytes, false);
    const CaseModel* registered = aligns_ ? original(party, {}) : nullptr;
    if (!registered) return;
    if (const auto copy = aligned(party, bytes, *registered)) add_control(party, name, *copy, true);
  }

  void add_control(std::size_t party, const std::string& name, ByteView bytes, bool is_aligned) {
    for (const PassportOpening& opened : case_.parties[party].openings) {
      if (auto reading = read(party, opened, bytes))
        out_.controls.push_back({party, opened.role, name, is_aligned, reading->bits, reading->matches});
    }
  }

  Case& case_;
  ModelPart* part_;
  std::string problem_;
  bool aligns_ = false;  // a model was aligned for this party, so its controls have to be
  DisputeFacts out_;
};

}  // namespace

DisputeFacts collect_facts(Case& dispute) {
  const bool needed =
      std::any_of(dispute.parties.begin(), dispute.parties.end(), [](const CaseParty& party) { return !party.openings.empty(); });
  if (!needed) return Collector(dispute, nullptr, kNoModelPart).run();
  auto part = load_model_part();
  return Collector(dispute, part ? *part : nullptr, part ? "" : part.error().detail).run();
}

}  // namespace stegpass::cli
