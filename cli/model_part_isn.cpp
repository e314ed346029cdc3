#include <algorithm>
#include <cstdio>

#include <torch/types.h>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/model/io/draw.hpp>
#include <stegpass/model/io/files.hpp>
#include <stegpass/model/io/identity.hpp>
#include <stegpass/model/io/image.hpp>
#include <stegpass/model/io/sheet.hpp>
#include <stegpass/model/io/training_pictures.hpp>
#include <stegpass/model/isn.hpp>
#include <stegpass/model/isn_evaluation.hpp>
#include <stegpass/model/isn_training.hpp>
#include <stegpass/model/process_group.hpp>
#include <stegpass/model/runtime.hpp>

#include "model_part_hide.hpp"
#include "model_part_impl.hpp"
#include "model_part_marks.hpp"
#include "model_part_pictures.hpp"

namespace stegpass::cli {
namespace {

using model::Raster;

std::string describe(const model::IsnProgress& at) {
  char text[120];
  std::snprintf(text, sizeof(text), "stego %.1f dB  reveal %.1f dB  wrong key %.2f  %s", at.stego_psnr_db, at.reveal_psnr_db,
                at.wrong_key_correlation, at.note.c_str());
  return text;
}

Result<model::IsnTrainingOptions> options_of(const IsnTrainRequest& request) {
  model::IsnTrainingOptions options;
  options.steps = static_cast<std::int64_t>(std::min<std::uint64_t>(request.steps, 100'000'000));
  options.rate = request.rate;
  options.stego_weight = request.stego_weight;
  options.start_weights = request.start_weights;
  options.seed = request.seed;
  if (request.device != "cpu" && request.device != "cuda")
    return Error{Errc::usage, "unknown device '" + request.device + "'; expected cpu or cuda"};
  STEGPASS_TRY(precision, model::parse_precision(request.precision, torch::Device(request.device)));
  if (request.form == "full") {
    options.form = model::kFullIsnForm;
  } else if (request.form == "hinet") {
    options.form = model::kHinetForm;
  } else if (request.form != "small") {
    return Error{Errc::usage, "unknown form '" + request.form + "'; expected small, full or hinet"};
  }
  options.recompute = request.recompute;
  options.batch = static_cast<std::int64_t>(std::min<std::uint64_t>(request.batch, 4096));
  options.bf16 = precision == model::Precision::bf16;
  STEGPASS_TRY(device, device_of(request.device, request.processes));
  options.device = device;
  return options;
}

}  // namespace

Result<Bytes> LibtorchModelPart::draw(std::string_view kind, std::uint64_t seed, std::uint32_t size, std::string_view caption) {
  if (size < 64 || size > 4096)
    return Error{Errc::usage, "pictures are drawn from 64 to 4096 pixels wide, not " + std::to_string(size)};
  if (kind == "scene") return model::io::encode_png(model::io::draw_scene(size, size, seed));
  if (kind == "portrait") return model::io::encode_png(model::io::draw_identity_card(size, seed, caption));
  return Error{Errc::usage, "unknown kind of picture '" + std::string(kind) + "'; expected scene or portrait"};
}

Result<RevealResult> LibtorchModelPart::reveal(ByteView user_passport_png, ByteView isn_key, ByteView isn_weights) {
  STEGPASS_TRY(passport, decode_passport(user_passport_png));
  STEGPASS_TRY(key, isn_key_of(isn_key));
  STEGPASS_TRY(isn, model::IsnModel::load(isn_weights));
  STEGPASS_TRY(revealed, isn.reveal(passport_picture(passport, model::Picture::scale), key));
  RevealResult out{model::io::encode_png(revealed), {}};
  if (const auto thumbprint = model::io::read_identity_qr(revealed)) out.thumbprint = *thumbprint;
  return out;
}

Result<IsnTrainResult> LibtorchModelPart::train_isn(const IsnTrainRequest& request, const Progress& progress) {
  STEGPASS_TRY(options, options_of(request));
  STEGPASS_TRY(pictures, model::io::load_image_folder(request.images));
  std::unique_ptr<model::ProcessGroup> group;
  if (const Processes& at = request.processes; at.size > 1) {
    STEGPASS_TRY(joined, model::ProcessGroup::join({at.rank, at.size, at.address, at.port}, options.device));
    group = std::move(joined);
    options.group = group.get();
  }
  Status kept = Done{};
  model::IsnTrainingHooks hooks;
  hooks.checkpoint = [&](Bytes state) {
    if (request.on_checkpoint) kept = request.on_checkpoint(state);
  };
  hooks.progress = [&](const model::IsnProgress& at) {
    const bool go_on = !progress || progress(static_cast<double>(at.step), static_cast<double>(at.steps), describe(at));
    return go_on && kept.ok();
  };
  auto trained = model::train_isn(pictures, options, hooks, request.resume);
  STEGPASS_CHECK_OK(kept);
  if (!trained) return Error(trained.error());
  return IsnTrainResult{std::move(trained->weights), std::move(trained->record)};
}

namespace {

Raster fit_secret(const Raster& secret, const Raster& cover) { return model::io::centre_part(secret, cover.width, cover.height); }

/// What is left of a hidden picture when the stego is not the file that was written: little, which is why its digest is checked
/// first.
Status judge_robustness(const model::IsnModel& isn, const std::vector<Raster>& pictures, IsnFigures& figures) {
  const std::size_t count = std::min<std::size_t>(pictures.size(), 8);
  for (std::size_t i = 0; i < count; ++i) {
    const Raster secret = fit_secret(pictures[(i + 1) % pictures.size()], pictures[i]);
    const Digest64 key = Sha512().update("stegpass.isn-robustness.v1").update_u64(i).finish();
    STEGPASS_TRY(stego, isn.hide(pictures[i], secret, key));
    const Raster smaller = model::io::centre_part(stego, stego.width * 3 / 4, stego.height * 3 / 4);
    STEGPASS_TRY(from_jpeg, isn.reveal(model::io::through_jpeg(stego, 95), key));
    STEGPASS_TRY(from_resized, isn.reveal(model::io::centre_part(smaller, stego.width, stego.height), key));
    figures.jpeg_reveal_psnr_db += model::psnr_db(secret, from_jpeg) / static_cast<double>(count);
    figures.resized_reveal_psnr_db += model::psnr_db(secret, from_resized) / static_cast<double>(count);
  }
  return Done{};
}

}  // namespace

Result<IsnFigures> LibtorchModelPart::evaluate_isn(ByteView weights, const std::filesystem::path& images, std::uint32_t size,
                                                   std::uint64_t seed) {
  STEGPASS_TRY(isn, model::IsnModel::load(weights));
  STEGPASS_TRY(pictures, size == 0 ? model::io::load_image_folder(images) : model::io::load_image_squares(images, size));
  STEGPASS_TRY(figures, model::evaluate_isn(isn, pictures, seed, fit_secret));
  IsnFigures out{.images = static_cast<std::uint64_t>(figures.count),
                 .stego_psnr_db = figures.stego_psnr_db,
                 .reveal_psnr_db = figures.reveal_psnr_db,
                 .stego_psnr_db_min = figures.stego_psnr_db_min,
                 .reveal_psnr_db_min = figures.reveal_psnr_db_min,
                 .stego_ssim = figures.stego_ssim,
                 .reveal_ssim = figures.reveal_ssim,
                 .wrong_key_correlation = figures.wrong_key_correlation,
                 .wrong_key_cover_correlation = figures.wrong_key_cover_correlation};
  STEGPASS_CHECK_OK(judge_robustness(isn, pictures, out));
  return out;
}

}  // namespace stegpass::cli
