#include <algorithm>
#include <cmath>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/statement.hpp>

#include "files.hpp"
#include "model_part.hpp"
#include "passport.hpp"
#include "training_record.hpp"
#include "workspace.hpp"
#include "workspace_ledger.hpp"

namespace stegpass::cli {
namespace {

struct VerifyOptions {
  HomeOptions home;
  std::string model, registration, record, user, original;
  std::uint64_t tried = 1;
  double bound = -30;
  bool align = false;
};

struct Judged {
  Verdict verdict;
  Json figures = Json::object();
};

/// How the mark is woven: from a training record, or from the home's registration.
Result<MarkDescription> mark_of(const VerifyOptions& options, const Home& home) {
  if (!options.record.empty()) {
    STEGPASS_TRY(record, read_training_record(options.record));
    return record.mark;
  }
  STEGPASS_TRY(ledger, open_ledger(home, ledger::Ledger::Mode::read));
  STEGPASS_TRY(registration, find_registration(ledger.state, options.registration));
  const credential::MarkClaim& claim = registration->registration.mark;
  return MarkDescription{claim.scheme, claim.signature, claim.pooling, claim.architecture, claim.layers, claim.bits};
}

/// Names of the tensors that differ between two models, or that only one of them has.
std::vector<std::string> changed_tensors(const credential::TensorTree& a, const credential::TensorTree& b) {
  std::vector<std::string> out;
  const auto compare = [&](const credential::TensorTree& from, const credential::TensorTree& with, bool once) {
    for (std::size_t i = 0; i < from.names.size(); ++i) {
      const auto found = std::find(with.names.begin(), with.names.end(), from.names[i]);
      const bool there = found != with.names.end();
      if (!there || (once && with.leaves[static_cast<std::size_t>(found - with.names.begin())] != from.leaves[i]))
        out.push_back(from.names[i]);
    }
  };
  compare(a, b, true);
  compare(b, a, false);
  return out;
}

/// The model's tensor root, and which tensors are not the original's.
Status compare_models(const VerifyOptions& options, ByteView file, Output& output, Json& figures) {
  auto tree = credential::tensor_tree(file);
  if (!tree) return about(options.model, tree.error());
  figures["tensor_root"] = to_hex(tree->root);
  figures["tensors"] = tree->names.size();
  if (options.original.empty()) return Done{};
  STEGPASS_TRY(original, read_file(options.original, kMaxModelFile, "a model (safetensors)"));
  auto of_original = credential::tensor_tree(original);
  if (!of_original) return about(options.original, of_original.error());
  const auto changed = changed_tensors(*tree, *of_original);
  figures["changed_tensors"] = changed;
  std::string names;
  for (const std::string& name : changed) names += (names.empty() ? "" : ", ") + name;
  output.note(changed.empty() ? "no tensor differs from " + options.original
                              : std::to_string(changed.size()) + " of " + std::to_string(tree->names.size()) +
                                    " tensors differ from " + options.original + ": " + names);
  return Done{};
}

/// Brings the model's channels into the original's order, and says what was found.
Status align_to_original(const VerifyOptions& options, ModelPart& model, const MarkDescription& mark,
                         const std::vector<OpenPassport>& passports, Bytes& file, Output& output, Json& figures) {
  STEGPASS_TRY(original, read_file(options.original, kMaxModelFile, "a model (safetensors)"));
  STEGPASS_TRY(aligned, model.align(file, original, mark, passports));
  std::uint64_t moved = 0, channels = 0;
  double least = 1;
  figures["alignment"] = Json::array();
  for (const AlignedModel::Layer& layer : aligned.layers) {
    moved += layer.moved, channels += layer.channels, least = std::min(least, layer.similarity);
    figures["alignment"].push_back({{"layer", layer.name},
                                    {"moved", layer.moved},
                                    {"turned", layer.turned},
                                    {"similarity", layer.similarity},
                                    {"from", layer.from}});
  }
  output.note("aligned to " + options.original + ": " + std::to_string(moved) + " of " + std::to_string(channels) +
              " channels had moved; least mean similarity of a layer " + with_decimals(least, 3));
  file = std::move(aligned.model);
  return Done{};
}

/// Reads every passport of the vault; the chance is corrected for as many passports as were tried.
Status judge_owner(const VerifyOptions& options, ModelPart& model, ByteView file, const MarkDescription& mark,
                   const std::vector<OpenPassport>& passports, Judged& judged) {
  judged.figures["readings"] = Json::array();
  for (const OpenPassport& passport : passports) {
    auto reading = model.read_mark(file, mark, passport);
    if (!reading) return about(options.model, reading.error());
    reading->log10_p_corrected = std::min(0.0, reading->log10_p_corrected + std::log10(static_cast<double>(options.tried)));
    const bool proves = mark.signature == "strict";
    const bool reached = reading->log10_p_corrected <= options.bound;
    const std::string bound = " (bound " + with_decimals(options.bound, 0) + ")";
    judged.verdict.add("owner.mark-" + passport.role,
                       !proves   ? Outcome::undecided
                       : reached ? Outcome::valid
                                 : Outcome::invalid,
                       reading_to_text(passport.role, *reading) + bound + (proves ? "" : "; mode reference proves nothing"));
    judged.figures["readings"].push_back(reading_to_json(passport.role, *reading));
  }
  return Done{};
}

/// A user passport is read with the cover's seed: it goes with this model or does not, and gives no chance.
Status judge_user(const VerifyOptions& options, ModelPart& model, ByteView file, const MarkDescription& mark,
                  const std::vector<OpenPassport>& passports, Judged& judged) {
  if (options.user.empty()) return Done{};
  STEGPASS_TRY(picture, read_file(options.user, kMaxPictureFile, "a user passport (PNG)"));
  const auto reading = model.read_mark(file, mark, {"user", picture, passports.front().seed});
  if (!reading) return about(options.user, reading.error());
  const double share = static_cast<double>(reading->matches) / static_cast<double>(std::max<std::uint64_t>(reading->bits, 1));
  judged.verdict.add("user.consistent", share >= kConsistentShare ? Outcome::valid : Outcome::invalid,
                     std::to_string(reading->matches) + " of " + std::to_string(reading->bits) +
                         " bits match under the cover's seed (" + with_decimals(100 * kConsistentShare, 0) +
                         " % expected); no proof of ownership, since anybody may choose a picture");
  judged.figures["user"] = {{"bits", reading->bits}, {"matches", reading->matches}};
  return Done{};
}

Result<Judged> verify(const VerifyOptions& options, Output& output) {
  STEGPASS_TRY(file, read_file(options.model, kMaxModelFile, "a model (safetensors)"));
  STEGPASS_TRY(model, load_model_part());
  STEGPASS_TRY(home, open_home(options.home));
  auto mark = mark_of(options, home.home);
  if (!mark) {
    output.suggest("register the model first, or give --record with the training.json of its training");
    return Error(mark.error());
  }
  STEGPASS_TRY(passports, open_passports(home.vault));
  Judged judged;
  STEGPASS_CHECK_OK(compare_models(options, file, output, judged.figures));
  if (options.align) STEGPASS_CHECK_OK(align_to_original(options, *model, *mark, passports, file, output, judged.figures));
  STEGPASS_CHECK_OK(judge_owner(options, *model, file, *mark, passports, judged));
  STEGPASS_CHECK_OK(judge_user(options, *model, file, *mark, passports, judged));
  return judged;
}

int run(const VerifyOptions& options, Output& output) {
  const auto judged = verify(options, output);
  return judged ? output.judged(judged->verdict, 0, judged->figures) : output.fail(judged.error());
}

}  // namespace

void setup_passport_verify(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command = group.add_subcommand("verify", "Read the marks of the vault's passports from any model");
  add_home_options(*command, options->home);
  command->add_option("--model", options->model, "The model to be read (safetensors)")->required();
  auto* registration = command->add_option("--registration", options->registration,
                                           "Id of the registration that says how the mark is woven; default: the only one");
  command->add_option("--record", options->record, "training.json instead of a registration")->excludes(registration);
  command->add_option("--user", options->user, "A user passport, read with the cover's seed: does it go with this model?");
  auto* original = command->add_option("--original", options->original,
                                       "Another model, such as the registered one: name the tensors that differ");
  command
      ->add_flag("--align", options->align,
                 "Undo a permutation or rescaling of the channels first, by what the passports do not read")
      ->needs(original);
  command
      ->add_option("--tried", options->tried,
                   "How many passports were tried on this model in all; the chance is corrected for them")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 53))
      ->capture_default_str();
  command->add_option("--bound", options->bound, "Most that a mark's corrected log10 p may be")->capture_default_str();
  command->footer(
      "Example: stegpass passport verify --home studio --model found-in-the-wild.safetensors --original "
      "trained/release.safetensors");
  bind_command(commands, *command, options, run);
}

}  // namespace stegpass::cli
