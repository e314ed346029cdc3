#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "attack_network.hpp"
#include "attack_record.hpp"
#include "files.hpp"
#include "model_part_attack.hpp"
#include "training_record.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

struct NetworkAttack {
  AttackSubject subject;
  AttackRequest request;  // what the options fill in directly
  AttackFiles files;
  std::string user;
  bool no_augment = false;
};

Result<AttackRequest> request_of(const NetworkAttack& options, Json& digests) {
  AttackRequest request = options.request;
  request.augment = !options.no_augment;
  STEGPASS_CHECK_OK(open_subject(options.subject, request, digests));
  if (!options.user.empty()) {
    STEGPASS_TRY(user, read_file(options.user, kMaxPictureFile, "a user passport (PNG)"));
    request.user_passport = std::move(user);
  }
  if (options.files.resume) {
    STEGPASS_TRY(state, read_file(options.files.checkpoint(), kMaxModelFile, "the state of an attack"));
    request.resume = std::move(state);
  }
  const std::filesystem::path checkpoint = options.files.checkpoint();
  request.on_checkpoint = [checkpoint](ByteView state) { return write_file(checkpoint, state, {.force = true}); };
  return request;
}

Result<Report> attack(const NetworkAttack& options, Output& output) {
  STEGPASS_CHECK_OK(check_attack_files(options.files));
  Json digests = Json::object();
  STEGPASS_TRY(request, request_of(options, digests));
  auto record = run_network_attack(request);
  if (!record) {
    std::error_code error;
    if (std::filesystem::exists(options.files.checkpoint(), error)) output.suggest("go on with the same command and --resume");
    return Error(record.error());
  }
  record->models = digests;
  return finish_attack(*record, options.files);
}

int run(const NetworkAttack& options, Output& output) { return finish(output, attack(options, output)); }

/// What one attack takes beside the options of all, and its defaults.
struct AttackCommand {
  const char* name;
  const char* about;
  std::vector<std::string> variants;  ///< the first is the default
  const char* strengths = nullptr;    ///< what --strengths means, or null
  const char* count = nullptr;        ///< what --count means, or null
  bool trains = false, demands_bits = false;
  bool claims = false;  ///< leaves the network as it is
  AttackRequest defaults = {};
};

AttackRequest trained_for(std::uint64_t epochs, double rate, std::uint64_t count = 1, double sign_weight = 0.1) {
  AttackRequest request;
  request.epochs = epochs;
  request.rate = rate;
  request.count = count;
  request.sign_weight = sign_weight;
  return request;
}

/// The paper's protocol: a tenth of the data, 100 epochs at 1e-4.
AttackRequest erb_defaults() {
  AttackRequest request = trained_for(100, 1e-4);
  request.data_share = 0.1;
  return request;
}

std::vector<AttackCommand> attack_commands() {
  return {
      {.name = "finetune",
       .about = "Train the copy on: all layers as they are (ftal), or with a fresh classifier (rtal)",
       .variants = {"ftal", "rtal"},
       .trains = true,
       .defaults = trained_for(100, 1e-3)},
      {.name = "prune",
       .about = "Set weights to zero: the smallest (l1), any (random), or whole channels (structured)",
       .variants = {"l1", "random", "structured"},
       .strengths = "Shares to prune, 0 to 1; default 21 from 0 to 1"},
      {.name = "quantise",
       .about = "Round weights, by channel or by tensor",
       .variants = {"channel", "tensor"},
       .strengths = "Bits to keep; default 8 6 4 2"},
      {.name = "noise",
       .about = "Add Gaussian noise",
       .strengths = "Noise over each tensor's standard deviation; default 0.05 to 1"},
      {.name = "permute",
       .about = "Move channels (order), rescale them too (scale), turn their signs too (sign); alignment undoes it",
       .variants = {"order", "scale", "sign"}},
      {.name = "fold", .about = "Fold every batch norm into its convolution; alignment undoes it"},
      {.name = "overwrite",
       .about = "Train other passports in, one after the other",
       .count = "Passports in a row",
       .trains = true,
       .demands_bits = true,
       .defaults = trained_for(1, 1e-2, 1, 1.0)},
      {.name = "frame",
       .about = "Train somebody else's mark into the model, so that it seems to descend from his",
       .trains = true,
       .demands_bits = true,
       .defaults = trained_for(1, 1e-2)},
      {.name = "distill",
       .about = "Train a fresh network on the model's answers",
       .trains = true,
       .defaults = trained_for(12, 1e-2)},
      {.name = "informed",
       .about = "Aim at what any natural passport reads: train many in at once, or empty the subspace of their keys",
       .variants = {"passports", "subspace"},
       .strengths = "Of subspace: shares to empty; default 0.05 to 0.5",
       .count = "Natural passports",
       .trains = true,
       .demands_bits = true,
       .defaults = trained_for(6, 1e-2, 100)},
      {.name = "insider",
       .about =
           "A licensee's: turn the cover's mark along his user passport (--user), with the cover's seed or without, and train on",
       .variants = {"seed", "picture"},
       .strengths = "How often to take the part along it away: 1 empties, 2 turns; default both",
       .trains = true,
       .defaults = trained_for(6, 1e-3)},
      {.name = "fake1",
       .about = "Claim with random passports and the owner's verification branch",
       .count = "Passports to try",
       .claims = true,
       .defaults = trained_for(0, 1e-3, 10)},
      {.name = "fake2",
       .about = "Claim with a passport trained on the data",
       .trains = true,
       .claims = true,
       .defaults = trained_for(6, 0.05)},
      {.name = "fake3",
       .about = "Claim with the genuine passport, trained on to other signs",
       .strengths = "Shares of signs to turn; default 0.1 0.5",
       .trains = true,
       .demands_bits = true,
       .claims = true,
       .defaults = trained_for(6, 1e-2)},
      {.name = "erb",
       .about = "Claim with a forged passport through expanded residual blocks, common (cerb) or individual (ierb)",
       .variants = {"cerb", "ierb"},
       .trains = true,
       .claims = true,
       .defaults = erb_defaults()},
      {.name = "sign-flip",
       .about = "Claim with any passport, by choosing the signs of a1: what mode reference takes for a match",
       .count = "Passports to forge",
       .claims = true},
      {.name = "search",
       .about = "Search a picture that reads the registered bits (signs), or a salt under which one's own does (hash)",
       .variants = {"signs", "hash"},
       .count = "Steps of the search, or tries",
       .claims = true,
       .defaults = trained_for(0, 1e-3, 200)},
  };
}

void add_subject_and_data(CLI::App& command, NetworkAttack& options) {
  add_attack_subject(command, options.subject);
  AttackRequest& request = options.request;
  command.add_option("--data", request.data, "The attacker's data set, or 'drawn'")->required();
  command.add_option("--test-data", request.test_data, "Another data set to measure accuracy on");
  command.add_option("--images", request.train_images, "So many of the training images, drawn by the seed; 0: all")
      ->capture_default_str();
  command.add_option("--test-images", request.test_images, "The same of the test images")->capture_default_str();
  command.add_option("--seed", request.seed, "Seed of all that is drawn")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 40))
      ->capture_default_str();
  add_device(command, request.device, request.precision);
  command.add_flag("--verification", request.verification,
                   "Measure the owner's verification branch too, at every point (needs --models)");
}

void add_training(CLI::App& command, NetworkAttack& options, bool demands_bits) {
  AttackRequest& request = options.request;
  command.add_option("--epochs", request.epochs, "Passes over the attacker's data (for each passport)")->capture_default_str();
  command.add_option("--batch", request.batch, "Images a step")->capture_default_str();
  command.add_option("--rate", request.rate, "Learning rate")->capture_default_str();
  command.add_option("--weight-decay", request.weight_decay, "Weight decay")->capture_default_str();
  command.add_option("--data-share", request.data_share, "Share of the training images that the attacker has")
      ->capture_default_str();
  command.add_flag("--no-augment", options.no_augment, "Leave images as they are instead of shifting and mirroring them");
  if (!demands_bits) return;
  command.add_option("--sign-weight", request.sign_weight, "Weight of the attacker's sign loss; owners train with 0.1")
      ->capture_default_str();
  command.add_option("--sign-margin", request.sign_margin, "Its margin")->capture_default_str();
}

}  // namespace

CLI::Option* add_attack_models(CLI::App& command, AttackSubject& subject) {
  add_home_options(command, subject.home);
  return command.add_option("--models", subject.models,
                            "Folder that passport train made: owner and release model, and their record");
}

void add_attack_subject(CLI::App& command, AttackSubject& subject) {
  auto* models = add_attack_models(command, subject);
  auto* model = command.add_option("--model", subject.model, "A release model alone (safetensors)")->excludes(models);
  model->needs(command.add_option("--record", subject.record, "training.json that says how its mark is woven"));
}

Status open_subject(const AttackSubject& subject, AttackRequest& request, Json& digests) {
  const bool folder = !subject.models.empty();
  if (!folder && subject.model.empty())
    return Error{Errc::usage, "name what to attack with --models, or with --model and --record"};
  const ModelFolder models{subject.models};
  const std::filesystem::path release = folder ? models.release_model() : std::filesystem::path(subject.model);
  STEGPASS_TRY(record, read_training_record(subject.record.empty() ? models.record() : std::filesystem::path(subject.record)));
  STEGPASS_TRY(model, read_file(release, kMaxModelFile, "a model (safetensors)"));
  request.mark = record.mark;
  digests["model"] = to_hex(credential::fast_sha256(model));
  request.model = std::move(model);
  if (folder) {
    STEGPASS_TRY(owner, read_file(models.owner_model(), kMaxModelFile, "an owner model (safetensors)"));
    digests["owner_model"] = to_hex(credential::fast_sha256(owner));
    request.owner_model = std::move(owner);
  }
  STEGPASS_TRY(home, open_home(subject.home));
  STEGPASS_TRY(passports, open_passports(home.vault));
  request.passports = std::move(passports);
  return Done{};
}

Result<AttackRecord> run_network_attack(const AttackRequest& request) {
  STEGPASS_TRY(part, load_model_part());
  auto result = [&] {
    ProgressBar bar(request.name);
    return part->attack(request, [&](double done, double total, std::string_view detail) {
      bar.update(done, total, detail);
      return !interrupted();
    });
  }();
  if (!result) return Error(result.error());
  AttackRecord record;
  record.attack = request.name;
  record.mark = mark_to_json(request.mark);
  record.settings = Json::parse(result->settings);
  record.curve = Json::parse(result->curve);
  record.details = Json::parse(result->details);
  for (const OpenPassport& passport : request.passports) record.passports.push_back(passport.role);
  record.steps = result->steps;
  record.images = result->images;
  record.seconds = result->seconds;
  record.changed_model = std::move(result->model);
  return record;
}

void setup_attack_network(Commands& commands, CLI::App& group) {
  for (const AttackCommand& one : attack_commands()) {
    auto options = std::make_shared<NetworkAttack>();
    options->request = one.defaults;
    options->request.name = one.name;
    CLI::App* command = group.add_subcommand(one.name, one.about);
    add_subject_and_data(*command, *options);
    AttackRequest& request = options->request;
    if (!one.variants.empty()) {
      request.variant = one.variants.front();
      command->add_option("--variant", request.variant, "Form of the attack")
          ->check(CLI::IsMember(one.variants))
          ->capture_default_str();
    }
    if (one.strengths != nullptr) command->add_option("--strengths", request.strengths, one.strengths)->delimiter(',');
    if (one.count != nullptr)
      command->add_option("--count", request.count, one.count)->check(CLI::Range(1, 1000000))->capture_default_str();
    if (request.name == "insider")
      command->add_option("--user", options->user,
                          "The licensee's user passport (PNG); default: the cover itself, the worst case");
    if (request.name == "informed")
      command->add_option("--at-once", request.at_once, "Of passports: how many in one step")
          ->check(CLI::Range(1, 1000))
          ->capture_default_str();
    if (one.trains) add_training(*command, *options, one.demands_bits);
    add_attack_files(*command, options->files, {.changes_a_network = !one.claims, .resumes = one.trains});
    command->footer("Example: stegpass attack " + std::string(one.name) + " --home studio --models trained --data drawn --out " +
                    one.name + ".json --plot " + one.name + ".png");
    bind_command(commands, *command, options, run);
  }
}

}  // namespace stegpass::cli
