#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "files.hpp"
#include "isn.hpp"
#include "model_part.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

struct HideOptions {
  std::string cover, secret, key, out, sheet, weights;
  bool force = false;
};

struct RevealOptions {
  std::string stego, key, out, weights;
  bool force = false;
};

struct ConvertOptions {
  std::string from, out;
  bool force = false;
};

Result<Report> hide(const HideOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  if (!options.sheet.empty()) STEGPASS_CHECK_OK(check_output(options.sheet, options.force));
  HideRequest request;
  STEGPASS_TRY(cover, read_file(options.cover, kMaxPictureFile, "a PNG or JPEG picture"));
  STEGPASS_TRY(secret, read_file(options.secret, kMaxPictureFile, "a PNG or JPEG picture"));
  STEGPASS_TRY(key, read_file(options.key, kMaxPictureFile, "a key file"));
  STEGPASS_TRY(weights, load_isn_weights(options.weights));
  STEGPASS_TRY(model, load_model_part());
  STEGPASS_TRY(hidden, model->hide({std::move(cover), std::move(secret), std::move(key), std::move(weights)}));
  if (!options.sheet.empty() && hidden.sheet.empty())
    return Error{Errc::usage, "a sheet is made of square pictures of at least 128 pixels; leave --sheet out for this cover"};
  STEGPASS_CHECK_OK(write_file(options.out, hidden.stego, {.force = options.force}));
  if (!options.sheet.empty()) STEGPASS_CHECK_OK(write_file(options.sheet, hidden.sheet, {.force = options.force}));
  Report report;
  report.text = "hidden in " + options.out + "; read back from the file:\n  stego   " + with_decimals(hidden.stego_psnr_db, 2) +
                " dB, SSIM " + with_decimals(hidden.stego_ssim, 4) + "\n  reveal  " + with_decimals(hidden.reveal_psnr_db, 2) +
                " dB, SSIM " + with_decimals(hidden.reveal_ssim, 4) + "\n  a key one bit off: correlation " +
                with_decimals(hidden.wrong_key_correlation, 3);
  report.figures = {{"stego", options.out},
                    {"stego_psnr_db", hidden.stego_psnr_db},
                    {"stego_ssim", hidden.stego_ssim},
                    {"reveal_psnr_db", hidden.reveal_psnr_db},
                    {"reveal_ssim", hidden.reveal_ssim},
                    {"wrong_key_correlation", hidden.wrong_key_correlation}};
  if (!options.sheet.empty()) report.figures["sheet"] = options.sheet;
  if (hidden.wrong_key_correlation > kMaxWrongKeyCorrelation) {
    const std::string warning =
        "the key hides little here, since others show something as well; take a larger cover with more detail";
    report.text += "\nwarning: " + warning;
    report.figures["warning"] = warning;
  }
  return report;
}

Result<Report> reveal(const RevealOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  STEGPASS_TRY(stego, read_file(options.stego, kMaxPictureFile, "the PNG that hide wrote"));
  STEGPASS_TRY(key, read_file(options.key, kMaxPictureFile, "a key file"));
  STEGPASS_TRY(weights, load_isn_weights(options.weights));
  STEGPASS_TRY(model, load_model_part());
  auto revealed = model->reveal_hidden(stego, key, weights);
  if (!revealed) return Error{revealed.error().code, options.stego + ": " + revealed.error().detail};
  STEGPASS_CHECK_OK(write_file(options.out, *revealed, {.force = options.force}));
  Report report;
  report.text = "what this key finds is in " + options.out + "; another key finds noise, and nothing says which it is";
  report.figures = {{"revealed", options.out}};
  return report;
}

Result<Report> convert(const ConvertOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  STEGPASS_TRY(file, read_file(options.from, kMaxModelFile, "a state dict of torch.save"));
  STEGPASS_TRY(model, load_model_part());
  auto weights = model->convert_isn(file);
  if (!weights) return Error{weights.error().code, options.from + ": " + weights.error().detail};
  STEGPASS_CHECK_OK(write_file(options.out, *weights, {.force = options.force}));
  Report report;
  const std::string digest = to_hex(credential::fast_sha256(*weights));
  report.text = "converted to " + options.out + " (no key: reveals to anybody, for comparison)\n  sha256  " + digest;
  report.figures = {{"weights", options.out}, {"sha256", digest}};
  return report;
}

int run_hide(const HideOptions& options, Output& output) { return finish(output, hide(options)); }
int run_reveal(const RevealOptions& options, Output& output) { return finish(output, reveal(options)); }
int run_convert(const ConvertOptions& options, Output& output) { return finish(output, convert(options)); }

}  // namespace

void setup_isn_hide(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<HideOptions>();
  CLI::App* command = group.add_subcommand("hide", "Hide one picture in another under a key, and measure what comes back");
  command->add_option("--cover", options->cover, "The picture to hide in (PNG or JPEG), 16 to 4096 pixels a side")->required();
  command->add_option("--secret", options->secret, "The picture to hide; its middle is brought to the cover's size")->required();
  command
      ->add_option("--key", options->key,
                   "Any file that nobody can guess, a picture or 16 random bytes: it enters through its digest")
      ->required();
  command->add_option("--out", options->out, "The stego (PNG)")->required();
  command->add_option("--sheet", options->sheet,
                      "A page with all pictures (PNG); for square covers of at least 128 pixels alone");
  command->add_option("--isn", options->weights, "ISN weights; default: those that come with stegpass");
  command->add_flag("--force", options->force, "Replace what is there");
  command->footer("Example: stegpass isn hide --cover sea.png --secret face.png --key key.bin --out stego.png");
  bind_command(commands, *command, options, run_hide);
}

void setup_isn_reveal(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<RevealOptions>();
  CLI::App* command = group.add_subcommand("reveal", "Find the picture that was hidden under a key");
  command->add_option("--stego", options->stego, "The PNG that hide wrote")->required();
  command->add_option("--key", options->key, "The key file")->required();
  command->add_option("--out", options->out, "The revealed picture (PNG)")->required();
  command->add_option("--isn", options->weights, "ISN weights; default: those that come with stegpass");
  command->add_flag("--force", options->force, "Replace what is there");
  command->footer("Example: stegpass isn reveal --stego stego.png --key key.bin --out revealed.png");
  bind_command(commands, *command, options, run_reveal);
}

void setup_isn_convert(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<ConvertOptions>();
  CLI::App* command =
      group.add_subcommand("convert", "Read the published code's invertible network (HiNet, Steganographic Passport)");
  command->add_option("--from", options->from, "Its state dict as torch.save wrote it; nothing in it is executed")->required();
  command->add_option("--out", options->out, "ISN weights without a key (safetensors)")->required();
  command->add_flag("--force", options->force, "Replace what is there");
  command->footer("Example: stegpass isn convert --from model.pt --out hinet.safetensors");
  bind_command(commands, *command, options, run_convert);
}

}  // namespace stegpass::cli
