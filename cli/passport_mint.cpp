#include <array>
#include <utility>

#include <stegpass/credential/core/text.hpp>

#include "files.hpp"
#include "minter.hpp"
#include "passport.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;

struct MintOptions {
  HomeOptions home;
  std::string request, licensees, out, pictures, isn;
  double reveal_bar_db = 30;
  bool force = false;
};

using NamedPicture = std::pair<std::string_view, Bytes MintResult::*>;
constexpr std::array<NamedPicture, 6> kPictures{{{"cover.png", &MintResult::cover_scale},
                                                 {"stego.png", &MintResult::stego},
                                                 {"difference.png", &MintResult::difference},
                                                 {"identity.png", &MintResult::identity},
                                                 {"revealed.png", &MintResult::revealed},
                                                 {"sheet.png", &MintResult::sheet}}};

Status check_outputs(const MintOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  if (options.pictures.empty()) return Done{};
  for (const auto& [name, picture] : kPictures) STEGPASS_CHECK_OK(check_output_in(options.pictures, name, options.force));
  return Done{};
}

Status write_pictures(const MintOptions& options, const MintResult& minted) {
  for (const auto& [name, picture] : kPictures) {
    STEGPASS_CHECK_OK(write_file(fs::path(options.pictures) / name, minted.*picture, {.force = options.force, .secret = true}));
  }
  return Done{};
}

Report report_of(const MintOptions& options, const credential::LicenseRequest& request, const MintResult& minted) {
  Report report;
  report.text = "minted " + options.out + " for " + request.name + "\n  stego   " + with_decimals(minted.stego_psnr_db, 2) +
                " dB against the cover\n  reveal  " + with_decimals(minted.reveal_psnr_db, 2) +
                " dB, read back from the 8-bit file (bar " + with_decimals(options.reveal_bar_db, 1) +
                ")\n  a key one bit off: correlation " + with_decimals(minted.wrong_key_correlation, 3);
  if (minted.contrast < 1)
    report.text += "\n  the identity's picture was hidden at " + with_decimals(100 * minted.contrast, 0) +
                   " % of its contrast, to come back over the bar";
  if (minted.refined > 0)
    report.text += "\n  its pixels were improved in " + std::to_string(minted.refined) +
                   " steps, for the identity to come back over the bar";
  if (!options.pictures.empty()) report.text += "\n  pictures in " + options.pictures;
  report.figures = {{"user_passport", options.out},
                    {"licensee", request.licensee.thumbprint_uri()},
                    {"name", request.name},
                    {"digest", to_hex(minted.user_passport.digest)},
                    {"stego_psnr_db", minted.stego_psnr_db},
                    {"reveal_psnr_db", minted.reveal_psnr_db},
                    {"reveal_bar_db", options.reveal_bar_db},
                    {"wrong_key_correlation", minted.wrong_key_correlation},
                    {"contrast", minted.contrast},
                    {"refined", minted.refined}};
  if (!options.pictures.empty()) report.figures["pictures"] = options.pictures;
  return report;
}

Result<Report> mint(const MintOptions& options, Output& output) {
  STEGPASS_CHECK_OK(check_outputs(options));
  STEGPASS_TRY(request, read_license_request(options.request));
  STEGPASS_TRY(minter, Minter::open(options.home, options.isn, options.reveal_bar_db));
  auto minted = minter.mint(request, !options.pictures.empty());
  if (!minted && minter.registration(request) == nullptr)
    output.suggest("register the model first (stegpass model register), or use the home that registered it");
  if (!minted) return Error(minted.error());
  if (!options.pictures.empty()) STEGPASS_CHECK_OK(make_folder(options.pictures));
  if (interrupted()) return Error{Errc::interrupted, "stopped; nothing was minted"};
  STEGPASS_CHECK_OK(minter.save());  // before the passport leaves: what was handed out can always be opened
  STEGPASS_CHECK_OK(write_file(options.out, minted->user_passport.picture, {.force = options.force, .secret = true}));
  if (!options.pictures.empty()) STEGPASS_CHECK_OK(write_pictures(options, *minted));
  return report_of(options, request, *minted);
}

int run(const MintOptions& options, Output& output) {
  if (!options.licensees.empty())
    return finish(output, mint_batch({.home = options.home,
                                      .licensees = options.licensees,
                                      .out = options.out,
                                      .isn = options.isn,
                                      .reveal_bar_db = options.reveal_bar_db,
                                      .force = options.force}));
  return finish(output, mint(options, output));
}

}  // namespace

void setup_passport_mint(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<MintOptions>();
  CLI::App* command = group.add_subcommand("mint", "Hide a licensee's identity in the cover passport: makes the user passport");
  add_home_options(*command, options->home);
  auto* who = command->add_option_group("licensees", "Whom to mint for");
  who->add_option("--request", options->request, "The licensee's request");
  who->add_option("--licensees", options->licensees,
                  "A folder of requests (*.request): mints for all, into the folder --out with a line each in manifest.jsonl; "
                  "goes on where it stopped");
  who->require_option(1);
  command->add_option("--out", options->out, "The user passport (PNG), or the folder for many")->required();
  command
      ->add_option("--pictures", options->pictures,
                   "Folder for cover, stego, difference, identity, revealed and a sheet of them all")
      ->excludes("--licensees");
  command->add_option("--isn", options->isn, "ISN weights; default: those that come with stegpass");
  command->add_option("--reveal-bar", options->reveal_bar_db, "Least PSNR in dB of the revealed identity")
      ->check(CLI::Range(10.0, 100.0))
      ->capture_default_str();
  command->add_flag("--force", options->force, "Replace what is there");
  command->footer(
      "Example: stegpass passport mint --home studio --request lena.request --out user-passport.png --pictures minted");
  bind_command(commands, *command, options, run);
}

}  // namespace stegpass::cli
