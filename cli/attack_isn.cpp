#include "attack_isn.hpp"

#include <algorithm>
#include <chrono>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "files.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;

struct ForgeCommand {
  IsnSubjectOptions subject;
  AttackFiles files;
  ForgeIsnRequest request;  // what the options fill in directly
  std::string identity, save, start = "passport", variant = "relaxed", precision = "fp32";
  std::uint64_t places = 8;
};

/// The forger's own thumbprint, which he wants to be read; follows from the seed.
Digest32 forger(std::uint64_t seed) { return credential::fast_sha256(as_bytes("stegpass.forger.v1 " + std::to_string(seed))); }

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Json reveal_json(const ForgedReveal& reveal, double bar_db) {
  return {{"psnr_db", reveal.psnr_db},
          {"correlation", reveal.correlation},
          {"code_reads", reveal.code_reads},
          {"over_bar", reveal.psnr_db >= bar_db}};
}

std::string reveal_text(const ForgedReveal& reveal) {
  return with_decimals(reveal.psnr_db, 1) + " dB, correlation " + with_decimals(reveal.correlation, 3) +
         (reveal.code_reads ? ", the forger's code reads" : ", no such code reads");
}

/// Of all trials, the share for which `of` is true.
template <class Of>
double share(const Json& trials, Of of) {
  double count = 0;
  for (const Json& trial : trials) count += of(trial) ? 1 : 0;
  return trials.empty() ? 0 : count / static_cast<double>(trials.size());
}

Status write_pictures(const ForgeCommand& options, std::initializer_list<std::pair<const char*, const Bytes*>> pictures) {
  if (options.save.empty()) return Done{};
  STEGPASS_CHECK_OK(make_folder(options.save));
  for (const auto& [name, picture] : pictures) {
    if (!picture->empty()) STEGPASS_CHECK_OK(write_file(fs::path(options.save) / name, *picture, {.force = options.files.force}));
  }
  return Done{};
}

Status check_outputs(const ForgeCommand& options, std::initializer_list<const char*> pictures) {
  STEGPASS_CHECK_OK(check_attack_files(options.files));
  if (options.save.empty()) return Done{};
  for (const char* name : pictures) STEGPASS_CHECK_OK(check_output_in(options.save, name, options.files.force));
  return Done{};
}

Result<Bytes> wanted_picture(const ForgeCommand& options, ModelPart& part) {
  if (!options.identity.empty())
    return read_file(options.identity, kMaxPictureFile, "the picture that the forger wants revealed");
  return part.draw("portrait", options.subject.seed * 10 + 7, 256, "the forger");
}

Json points_json(const std::vector<ForgeIsnResult::Point>& curve, bool of_key) {
  Json out = Json::array();
  for (const auto& at : curve) {
    Json point = {{"strength", at.step}, {"loss", at.loss}, {"reveal_psnr_db", at.reveal_psnr_db}};
    if (!of_key) point["start_psnr_db"] = at.start_psnr_db;
    out.push_back(std::move(point));
  }
  return out;
}

std::string forge_plot(const AttackRecord& record) {
  std::vector<PlotLine> lines{{"revealed, against what is wanted", ""}, {"forged picture, against its start", ""}};
  for (const Json& at : record.curve) {
    const std::string x = at["strength"].dump() + " ";
    lines[0].points += x + at["reveal_psnr_db"].dump() + "\n";
    if (at.contains("start_psnr_db")) lines[1].points += x + at["start_psnr_db"].dump() + "\n";
  }
  if (lines[1].points.empty()) lines.pop_back();
  return lines_plot(record.attack, "steps of Adam", "PSNR in dB", lines);
}

/// One key trial. A forged tensor has no 64 bytes that it follows from, so no bundle can hold it: what `verify` takes is the 64
/// bytes that the license commits to, and what those expand to.
Json key_trial(const ForgeIsnResult& result, const IsnSubject& subject) {
  const bool is_the_key = result.agreement == 1.0 && opens_key(subject, subject.isn_key);
  return {{"real_values", reveal_json(result.forged, subject.reveal_bar_db)},
          {"signs", reveal_json(result.other_way, subject.reveal_bar_db)},
          {"signs_as_true_key", result.agreement},
          {"accepted_with_commitment", is_the_key}};
}

Json passport_trial(const ForgeIsnResult& result, const IsnSubject& subject) {
  return {{"searched", reveal_json(result.forged, subject.reveal_bar_db)},
          {"one_pass", reveal_json(result.other_way, subject.reveal_bar_db)},
          {"start_psnr_db", result.start_psnr_db},
          {"digest", to_hex(result.passport.digest)},
          {"accepted_with_digest", result.passport.digest == subject.passport_digest}};
}

/// Success without the license's digests, by what is read and by what is seen, and with them.
Json rates(const Json& trials, const char* searched, const char* with_digest) {
  return {{"trials", trials.size()},
          {"code_reads", share(trials, [&](const Json& one) { return one[searched]["code_reads"].get<bool>(); })},
          {"over_bar", share(trials, [&](const Json& one) { return one[searched]["over_bar"].get<bool>(); })},
          {"with_digest", share(trials, [&](const Json& one) { return one[with_digest].get<bool>(); })}};
}

Json settings_of(const ForgeCommand& options) {
  Json out = {{"seed", options.subject.seed},   {"steps", options.request.steps},
              {"rate", options.request.rate},   {"optimiser", "Adam"},
              {"precision", options.precision}, {"subject", options.subject.bundle.empty() ? "drawn" : "license"}};
  if (options.subject.bundle.empty()) out["size"] = options.subject.size;
  if (options.request.forge_key) {
    out["variant"] = options.variant;
  } else {
    out["start"] = options.start;
    out["near_weight"] = options.request.near_weight;
  }
  return out;
}

Result<ForgeIsnResult> forge_with_bar(ModelPart& part, const ForgeIsnRequest& request) {
  ProgressBar bar("forging");
  return part.forge_isn(request, [&](double done, double total, std::string_view detail) {
    bar.update(done, total, detail);
    return !interrupted();
  });
}

std::string forge_text(const AttackRecord& record, const ForgeIsnResult& last, bool of_key) {
  const Json& rate = record.details["without_digests"];
  const auto percent = [&](const char* name) { return with_decimals(100 * rate[name].get<double>(), 1) + " %"; };
  std::string text = "attack " + record.attack + ", " + rate["trials"].dump() + " trials";
  text += std::string("\n  ") + (of_key ? "real values  " : "searched  ") + reveal_text(last.forged);
  text += std::string("\n  ") + (of_key ? "their signs  " : "one pass of the network under the known key  ") +
          reveal_text(last.other_way);
  text += "\n  without the license's digests  the forger's code reads in " + percent("code_reads") + ", over the bar in " +
          percent("over_bar");
  text += std::string("\n  with them  accepted in ") + percent("with_digest");
  return text + (of_key ? " (a key is 64 bytes that open the license's commitment)" : " (passport.digest)");
}

Result<Report> forge(const ForgeCommand& options) {
  const bool of_key = options.request.forge_key;
  STEGPASS_CHECK_OK(check_outputs(options, {"wanted.png", "revealed.png", "other-way.png", "passport.png"}));
  STEGPASS_TRY(part, load_model_part());
  STEGPASS_TRY(weights, load_isn_weights(options.subject.isn));
  STEGPASS_TRY(wanted, wanted_picture(options, *part));
  STEGPASS_TRY(subjects, read_subjects(options.subject, weights, *part));
  const auto started = std::chrono::steady_clock::now();
  AttackRecord record;
  record.attack = of_key ? "forge-key" : "forge-passport";
  record.mark = {{"isn", "user passport"}};
  record.settings = settings_of(options);
  record.models["isn"] = to_hex(credential::fast_sha256(weights));
  Json trials = Json::array();
  ForgeIsnResult last;
  for (const IsnSubject& subject : subjects) {
    ForgeIsnRequest request = options.request;
    request.user_passport = subject.user_passport;
    request.isn_key = subject.isn_key;
    request.wanted_picture = wanted;
    request.wanted_thumbprint = forger(options.subject.seed);
    request.isn_weights = weights;
    request.seed = options.subject.seed + trials.size();
    request.report_every = std::max<std::uint64_t>(1, request.steps / 20);
    request.through_signs = options.variant == "signs";
    request.random_start = options.start == "random";
    request.bf16 = options.precision == "bf16";
    STEGPASS_TRY(result, forge_with_bar(*part, request));
    if (trials.empty()) record.curve = points_json(result.curve, of_key);
    trials.push_back(of_key ? key_trial(result, subject) : passport_trial(result, subject));
    last = std::move(result);
  }
  record.steps = options.request.steps * trials.size();
  record.images = record.steps;
  record.seconds = seconds_since(started);
  record.details = {{"without_digests", of_key ? rates(trials, "signs", "accepted_with_commitment")
                                               : rates(trials, "searched", "accepted_with_digest")},
                    {"trials", trials}};
  if (of_key) record.details["real_values"] = rates(trials, "real_values", "accepted_with_commitment");
  STEGPASS_CHECK_OK(write_pictures(options, {{"wanted.png", &last.wanted},
                                             {"revealed.png", &last.forged.picture},
                                             {"other-way.png", &last.other_way.picture},
                                             {"passport.png", &last.passport.picture}}));
  return finish_isn_attack(record, options.files, forge_plot(record), forge_text(record, last, of_key));
}

Result<Report> paste(const ForgeCommand& options) {
  STEGPASS_CHECK_OK(check_outputs(options, {"identity.png", "revealed.png", "passport.png"}));
  STEGPASS_TRY(part, load_model_part());
  STEGPASS_TRY(weights, load_isn_weights(options.subject.isn));
  STEGPASS_TRY(subjects, read_subjects(options.subject, weights, *part));
  const auto started = std::chrono::steady_clock::now();
  AttackRecord record;
  record.attack = "paste";
  record.mark = {{"isn", "user passport"}};
  record.settings = {{"seed", options.subject.seed},
                     {"places", options.places},
                     {"subject", options.subject.bundle.empty() ? "drawn" : "license"}};
  if (options.subject.bundle.empty()) record.settings["size"] = options.subject.size;
  record.models["isn"] = to_hex(credential::fast_sha256(weights));
  Json trials = Json::array();
  PasteResult last;
  for (const IsnSubject& subject : subjects) {
    const Digest32 pasted = forger(options.subject.seed);
    STEGPASS_TRY(result, part->paste_code({.user_passport = subject.hidden_in,
                                           .identity = subject.identity,
                                           .isn_key = subject.isn_key,
                                           .pasted = pasted,
                                           .isn_weights = weights,
                                           .places = options.places,
                                           .seed = options.subject.seed + trials.size()}));
    trials.push_back({{"forger_reads", result.read && *result.read == pasted},
                      {"licensee_reads", result.read && *result.read == subject.licensee},
                      {"identity_commitment_opens", opens_identity(subject, result.identity)},
                      {"same_passport_digest", result.passport.digest == subject.passport_digest},
                      {"identity_psnr_db", result.identity_psnr_db},
                      {"over_bar", result.identity_psnr_db >= subject.reveal_bar_db},
                      {"refused_elsewhere", result.refused}});
    last = std::move(result);
  }
  record.images = trials.size();
  record.seconds = seconds_since(started);
  const auto rate = [&](const char* name) { return share(trials, [&](const Json& one) { return one[name].get<bool>(); }); };
  double refused = 0;
  for (const Json& one : trials) refused += one["refused_elsewhere"].get<double>();
  record.details = {
      {"forger_reads", rate("forger_reads")},
      {"licensee_reads", rate("licensee_reads")},
      {"identity_commitment_opens", rate("identity_commitment_opens")},
      {"same_passport_digest", rate("same_passport_digest")},
      {"over_bar", rate("over_bar")},
      {"refused_elsewhere", refused / static_cast<double>(std::max<std::uint64_t>(1, options.places * trials.size()))},
      {"trials", trials}};
  STEGPASS_CHECK_OK(write_pictures(
      options, {{"identity.png", &last.identity}, {"revealed.png", &last.revealed}, {"passport.png", &last.passport.picture}}));
  const auto percent = [](double value) { return with_decimals(100 * value, 1) + " %"; };
  return finish_isn_attack(record, options.files, "",
                           "attack paste, " + std::to_string(trials.size()) + " trials\n  the pasted code reads in  " +
                               percent(rate("forger_reads")) + "; the licensee's own in  " + percent(rate("licensee_reads")) +
                               "\n  the identity commitment opens in  " + percent(rate("identity_commitment_opens")) +
                               ", the passport's digest fits in  " + percent(rate("same_passport_digest")) +
                               "\n  codes elsewhere in a picture  " + percent(record.details["refused_elsewhere"].get<double>()) +
                               " refused before anything is hidden");
}

int run_forge(const ForgeCommand& options, Output& output) { return finish(output, forge(options)); }
int run_paste(const ForgeCommand& options, Output& output) { return finish(output, paste(options)); }

std::shared_ptr<ForgeCommand> add_forgery(CLI::App& command, bool searches) {
  auto options = std::make_shared<ForgeCommand>();
  add_subject_options(command, options->subject);
  command.add_option("--save", options->save,
                     "Folder for the pictures of the last trial: what was wanted, what is revealed, the forged passport");
  add_record_files(command, options->files, searches ? "PSNR over the steps of the search (PNG)" : nullptr);
  if (!searches) return options;
  command.add_option("--identity", options->identity,
                     "Picture that the forger wants revealed, with his own QR code; default: a drawn one");
  command.add_option("--steps", options->request.steps, "Steps of Adam")->check(CLI::Range(1, 1000000))->capture_default_str();
  command.add_option("--rate", options->request.rate, "Its rate")->check(CLI::Range(1e-9, 10.0))->capture_default_str();
  command.add_option("--precision", options->precision, "fp32 or bf16, of the search alone")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  return options;
}

void setup_forge_key(Commands& commands, CLI::App& group) {
  CLI::App* command = group.add_subcommand("forge-key", "Search an ISN key under which a user passport reveals another identity");
  auto options = add_forgery(*command, true);
  options->request.forge_key = true;
  command
      ->add_option("--variant", options->variant,
                   "relaxed: real values, signs taken at the end; signs: every step reveals with signs")
      ->check(CLI::IsMember({"relaxed", "signs"}))
      ->capture_default_str();
  command->footer("Example: stegpass attack forge-key --trials 4 --size 128 --out forge-key.json --plot forge-key.png");
  bind_command(commands, *command, options, run_forge);
}

void setup_forge_passport(Commands& commands, CLI::App& group) {
  CLI::App* command =
      group.add_subcommand("forge-passport", "Search a user passport from which a known key reveals another identity");
  auto options = add_forgery(*command, true);
  command
      ->add_option("--start", options->start,
                   "passport: near the user passport; random: a picture that has nothing to do with it")
      ->check(CLI::IsMember({"passport", "random"}))
      ->capture_default_str();
  command->add_option("--near-weight", options->request.near_weight, "Weight of the squared distance from the start")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command->footer(
      "Example: stegpass attack forge-passport --bundle license.bundle --policy trust.policy --passport user-passport.png --out "
      "forged.json --save forged");
  bind_command(commands, *command, options, run_forge);
}

void setup_paste(Commands& commands, CLI::App& group) {
  CLI::App* command = group.add_subcommand("paste", "Paste another key's QR code into an identity before it is hidden");
  auto options = add_forgery(*command, false);
  command->add_option("--places", options->places, "Pictures with a code elsewhere that are offered to a mint")
      ->check(CLI::Range(0, 10000))
      ->capture_default_str();
  command->footer("Example: stegpass attack paste --trials 10 --out paste.json");
  bind_command(commands, *command, options, run_paste);
}

}  // namespace

void setup_attack_isn(Commands& commands, CLI::App& group) {
  setup_forge_key(commands, group);
  setup_forge_passport(commands, group);
  setup_paste(commands, group);
  setup_attack_collude(commands, group);
  setup_attack_near(commands, group);
  setup_attack_replay(commands, group);
}

}  // namespace stegpass::cli
