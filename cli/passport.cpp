#include "passport.hpp"

#include <algorithm>
#include <array>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "files.hpp"
#include "model_part.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPassports = 3, kPictures = 2 * kPassports, kSaltBytes = 32;
constexpr std::array<std::string_view, kPassports> kRoles{"cover", "reserve-1", "reserve-2"};

struct NewOptions {
  HomeOptions home;
  std::string pictures, from;
  bool draw = false;
  std::optional<std::uint64_t> seed;
  std::uint32_t size = 256;
  bool force = false;
};

/// Six pictures in the order of the passports: scale and bias picture of the cover, of the first reserve, of the second.
struct Source {
  std::vector<Bytes> pictures;
  std::string text;  ///< where they come from
};

Result<Source> read_pictures(const fs::path& folder) {
  STEGPASS_TRY(files, list_pictures(folder));
  if (files.size() < kPictures) {
    return Error{Errc::usage,
                 folder.string() + " holds " + std::to_string(files.size()) + " pictures, expected at least 6 (two a passport)"};
  }
  Source source;
  for (std::size_t i = 0; i < kPictures; ++i) {
    STEGPASS_TRY(picture, read_file(files[i], kMaxPictureFile, "a picture"));
    source.pictures.push_back(std::move(picture));
    source.text += (i > 0 ? ", " : "") + files[i].filename().string();
  }
  source.text = "the first six pictures of " + folder.string() + " by name: " + source.text;
  return source;
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  for (const std::uint8_t byte : credential::random_bytes(8)) seed = seed << 8 | byte;
  return seed;
}

Result<Source> draw_pictures(ModelPart& model, const NewOptions& options) {
  const std::uint64_t first = options.seed ? *options.seed : random_seed();
  Source source{{}, "pictures that stegpass drew"};
  for (std::size_t i = 0; i < kPictures; ++i) {
    STEGPASS_TRY(picture, model.draw("scene", first + i, options.size, ""));
    source.pictures.push_back(std::move(picture));
  }
  return source;
}

/// Pictures of any collection, as the papers take theirs: six different ones at random.
Result<Source> pick_pictures(ModelPart& model, const NewOptions& options, Output& output) {
  constexpr std::size_t kMostLines = 10;
  const std::uint64_t seed = options.seed ? *options.seed : random_seed();
  STEGPASS_TRY(picked, model.pick_pictures({.folder = options.from, .count = kPictures, .seed = seed, .size = options.size}));
  for (std::size_t i = 0; i < std::min(kMostLines, picked.passed_over.size()); ++i)
    output.note("passed over " + picked.passed_over[i]);
  if (picked.passed_over.size() > kMostLines) {
    output.note("passed over " + std::to_string(picked.passed_over.size() - kMostLines) + " more");
  }
  Source source{std::move(picked.pictures), "six pictures of " + options.from + " at random:"};
  for (const fs::path& path : picked.paths) source.text += " " + path.lexically_relative(options.from).string();
  return source;
}

Result<Source> find_pictures(ModelPart& model, const NewOptions& options, Output& output) {
  if (options.draw) return draw_pictures(model, options);
  return options.from.empty() ? read_pictures(options.pictures) : pick_pictures(model, options, output);
}

Result<VaultPassport> make_passport(ModelPart& model, const NewOptions& options, const Source& source, std::size_t index,
                                    const credential::PublicKey& owner) {
  auto made = model.compose_passport(source.pictures[2 * index], source.pictures[2 * index + 1], options.size);
  if (!made) return about("passport " + std::string(kRoles[index]), made.error());
  VaultPassport passport;
  passport.role = kRoles[index];
  passport.picture = std::move(made->picture);
  passport.seed_salt = credential::random_bytes(kSaltBytes);
  passport.commitment_salt = credential::random_bytes(kSaltBytes);
  STEGPASS_TRY(seed, model.mark_seed(passport.picture, owner.thumbprint(), passport.seed_salt));
  passport.seed = std::move(seed);
  return passport;
}

Status check_replaceable(const Vault& vault, bool force) {
  if (!vault.registrations.empty()) {
    return Error{Errc::refused,
                 "the vault's passports belong to a registered model and are not replaced; make another home for another model"};
  }
  if (!vault.passports.empty() && !force) return Error{Errc::exists, "the vault holds passports already"};
  return Done{};
}

Result<Report> make(const NewOptions& options, Output& output) {
  if (options.draw + !options.pictures.empty() + !options.from.empty() != 1) {
    return Error{Errc::usage, "give one of --pictures, --from and --draw"};
  }
  STEGPASS_TRY(model, load_model_part());
  STEGPASS_TRY(home, open_home(options.home));
  if (auto free = check_replaceable(home.vault, options.force); !free) {
    if (free.error().code == Errc::exists) output.suggest("add --force to replace them");
    return Error(free.error());
  }
  STEGPASS_TRY(source, find_pictures(*model, options, output));
  home.vault.passports.clear();
  for (std::size_t i = 0; i < kPassports; ++i) {
    STEGPASS_TRY(passport, make_passport(*model, options, source, i, home.owner));
    const auto same = [&](const VaultPassport& other) { return other.picture == passport.picture; };
    if (std::any_of(home.vault.passports.begin(), home.vault.passports.end(), same)) {
      return Error{Errc::usage, "two of the passports would be the same: give six different pictures"};
    }
    home.vault.passports.push_back(std::move(passport));
  }
  if (options.draw && options.seed)
    output.warn("pictures from a given seed can be drawn by anybody who guesses it: for trials only");
  if (!options.from.empty() && options.seed)
    output.warn("who has the same folder and guesses the seed has these pictures: for trials only");
  if (interrupted()) return Error{Errc::interrupted, "stopped; the vault is unchanged"};
  STEGPASS_CHECK_OK(save_vault(home));
  Report report;
  report.text = "made cover, reserve-1 and reserve-2 in " + home.home.vault().string() + " from " + source.text;
  report.figures = {
      {"passports", kRoles}, {"size", options.size}, {"source", source.text}, {"vault", home.home.vault().string()}};
  return report;
}

int run(const NewOptions& options, Output& output) { return finish(output, make(options, output)); }

}  // namespace

void setup_passport_new(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<NewOptions>();
  CLI::App* command = group.add_subcommand("new", "Make the cover passport and two reserves, into the vault");
  add_home_options(*command, options->home);
  auto* pictures =
      command->add_option("--pictures", options->pictures, "Folder with at least six pictures; the first six by name are taken");
  auto* from = command->add_option("--from", options->from,
                                   "Folder, at any depth, from which six different pictures are picked at random");
  command->add_flag("--draw", options->draw, "Let stegpass draw the pictures")->excludes(pictures)->excludes(from);
  from->excludes(pictures);
  command->add_option("--seed", options->seed, "Seed of the drawn or picked pictures; default: random");
  command
      ->add_option(
          "--size", options->size,
          "Side of each picture in pixels, a multiple of what the network takes: 64 for alexnet-cifar, 128 for resnet18-cifar, "
          "512 for resnet18, 896 for resnet18 at --input 224")
      ->check(CLI::Range(64, 4096))
      ->capture_default_str();
  command->add_flag("--force", options->force, "Replace passports that no registered model carries");
  command->footer("Example: stegpass passport new --home studio --from my-photos");
  bind_command(commands, *command, options, run);
}

void setup_passport(Commands& commands) {
  CLI::App* group =
      commands.app.add_subcommand("passport", "Make passports, train a network with them, mint user passports, read marks");
  group->require_subcommand(1);
  setup_passport_new(commands, *group);
  setup_passport_train(commands, *group);
  setup_passport_evaluate(commands, *group);
  setup_passport_mint(commands, *group);
  setup_passport_verify(commands, *group);
  setup_passport_convert(commands, *group);
}

}  // namespace stegpass::cli
