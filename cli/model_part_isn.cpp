#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <future>
#include <memory>
#include <mutex>

#include <ATen/Parallel.h>
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
#include "model_part_pictures.hpp"

namespace stegpass::cli {
namespace {

using model::Raster;

/// A mint that was tried: what went in, what came back, and the file.
struct Minted {
  HiddenPictures pictures;
  PassportFile user_passport;
  double contrast = 1;
};

/// The networks of one weights file. `quick` computes in bfloat16 where the processor is faster with it: it hides, and tries the wrong key. What a
/// verifier will see is judged as he will compute it, by `exact`, from the 8-bit file.
struct MintNetworks {
  Bytes weights;
  model::IsnModel exact, quick;
};

Result<std::shared_ptr<const MintNetworks>> networks_of(const Bytes& weights) {
  static std::mutex mutex;
  static std::shared_ptr<const MintNetworks> last;  // thousands are minted with the same
  const std::lock_guard lock(mutex);
  if (last && last->weights == weights) return last;
  STEGPASS_TRY(exact, model::IsnModel::load(weights));
  STEGPASS_TRY(quick, model::IsnModel::load(weights));
  if (!exact.form().keyed) return Error{Errc::refused, "these ISN weights take no key, so anybody could reveal; they serve for comparison alone"};
  model::Isn network = quick.network();
  if (model::bf16_is_fast()) network->compute_in(torch::kBFloat16);
  last = std::make_shared<const MintNetworks>(MintNetworks{weights, std::move(exact), std::move(quick)});
  return last;
}

/// Everything after hiding is taken from the file as it was written.
Result<Minted> try_mint(const MintNetworks& isn, const model::Passport& cover, const Raster& identity, const Digest64& key, double contrast) {
  Minted out{.pictures = {.cover = passport_picture(cover, model::Picture::scale), .stego = {}, .secret = identity, .revealed = {}, .wrong_key = {}},
             .user_passport = {}, .contrast = contrast};
  STEGPASS_TRY(stego, isn.quick.hide(out.pictures.cover, identity, key));
  STEGPASS_TRY(joined, join_passport(stego, passport_picture(cover, model::Picture::bias)));
  out.user_passport = passport_file(joined);
  STEGPASS_TRY(read_back, decode_passport(out.user_passport.picture));
  out.pictures.stego = passport_picture(read_back, model::Picture::scale);
  STEGPASS_TRY(revealed, isn.exact.reveal(out.pictures.stego, key));
  out.pictures.revealed = std::move(revealed);
  STEGPASS_TRY(noise, isn.quick.reveal(out.pictures.stego, wrong_key_of(key)));
  out.pictures.wrong_key = std::move(noise);
  return out;
}

std::string decibels(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f dB", value);
  return text;
}

/// The mint's own bar: the reveal's PSNR, the licensee's thumbprint read back by machine, and nothing for another key.
Status check_mint(const HiddenPictures& minted, const MintRequest& request) {
  const double reveal_psnr_db = model::psnr_db(minted.secret, minted.revealed);
  if (reveal_psnr_db < request.reveal_bar_db) {
    return Error{Errc::refused, "the identity comes back at " + decibels(reveal_psnr_db) + ", under the bar of " + decibels(request.reveal_bar_db)};
  }
  const auto thumbprint = model::io::read_identity_qr(minted.revealed);
  if (!thumbprint) return Error{Errc::refused, "the QR code of the revealed identity does not read: " + thumbprint.error().detail};
  if (*thumbprint != request.thumbprint) return Error{Errc::refused, "the QR code of the revealed identity reads another key"};
  return check_wrong_key(minted);
}

/// Softer pictures are easier to hide: the contrasts of the identity's picture that a mint tries in turn. The QR code keeps its own.
constexpr std::array kContrasts = {1.0, 0.85, 0.7};

void add_pictures(const HiddenPictures& pictures, MintResult& out) {
  out.revealed = model::io::encode_png(pictures.revealed);
  out.cover_scale = model::io::encode_png(pictures.cover);
  out.stego = model::io::encode_png(pictures.stego);
  out.difference = model::io::encode_png(model::io::difference_picture(pictures.cover, pictures.stego));
  out.sheet = sheet_of(pictures);
}

MintResult result_of(const Minted& minted, bool pictures) {
  MintResult out;
  out.user_passport = minted.user_passport;
  out.identity = model::io::encode_png(minted.pictures.secret);
  out.stego_psnr_db = model::psnr_db(minted.pictures.cover, minted.pictures.stego);
  out.reveal_psnr_db = model::psnr_db(minted.pictures.secret, minted.pictures.revealed);
  out.wrong_key_correlation = wrong_key_correlation(minted.pictures);
  out.contrast = minted.contrast;
  if (pictures) add_pictures(minted.pictures, out);
  return out;
}

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
  if (request.precision != "fp32" && request.precision != "bf16") {
    return Error{Errc::usage, "unknown precision '" + request.precision + "'; expected fp32 or bf16"};
  }
  if (request.device != "cpu" && request.device != "cuda") return Error{Errc::usage, "unknown device '" + request.device + "'; expected cpu or cuda"};
  if (request.form == "full") {
    options.form = model::kFullIsnForm;
  } else if (request.form == "hinet") {
    options.form = model::kHinetForm;
  } else if (request.form != "small") {
    return Error{Errc::usage, "unknown form '" + request.form + "'; expected small, full or hinet"};
  }
  options.recompute = request.recompute;
  options.batch = static_cast<std::int64_t>(std::min<std::uint64_t>(request.batch, 4096));
  options.bf16 = request.precision == "bf16";
  options.cuda = request.device == "cuda";
  return options;
}

}  // namespace

Result<Bytes> LibtorchModelPart::draw(std::string_view kind, std::uint64_t seed, std::uint32_t size, std::string_view caption) {
  if (size < 64 || size > 4096) return Error{Errc::usage, "pictures are drawn from 64 to 4096 pixels wide, not " + std::to_string(size)};
  if (kind == "scene") return model::io::encode_png(model::io::draw_scene(size, size, seed));
  if (kind == "portrait") return model::io::encode_png(model::io::draw_identity_card(size, seed, caption));
  return Error{Errc::usage, "unknown kind of picture '" + std::string(kind) + "'; expected scene or portrait"};
}

Result<MintResult> LibtorchModelPart::mint(const MintRequest& request) {
  STEGPASS_TRY(cover, decode_passport(request.cover));
  STEGPASS_TRY(picture, model::io::decode_image(request.identity_picture));
  STEGPASS_TRY(key, isn_key_of(request.isn_key));
  STEGPASS_TRY(isn, networks_of(request.isn_weights));
  Status last = Done{};
  for (const double contrast : kContrasts) {
    STEGPASS_TRY(identity, model::io::compose_identity(picture, cover.size(), request.thumbprint, contrast));
    STEGPASS_TRY(minted, try_mint(*isn, cover, identity, key, contrast));
    last = check_mint(minted.pictures, request);
    if (last.ok()) return result_of(minted, request.pictures);
  }
  return Error(last.error());
}

std::vector<Result<MintResult>> LibtorchModelPart::mint_all(const std::vector<MintRequest>& requests) {
  std::vector<Result<MintResult>> out(requests.size(), Result<MintResult>(Error{Errc::internal, "not minted"}));
  const int before = at::get_num_threads();
  std::atomic<std::size_t> next = 0;
  const auto take = [&] {
    at::set_num_threads(1);  // a mint a core is faster than all cores on each convolution
    for (std::size_t i = next++; i < requests.size(); i = next++) out[i] = mint(requests[i]);
  };
  std::vector<std::future<void>> others;
  const std::size_t threads = std::min(requests.size(), static_cast<std::size_t>(std::max(1, before)));
  while (others.size() + 1 < threads) others.push_back(std::async(std::launch::async, take));
  take();
  for (auto& other : others) other.get();
  at::set_num_threads(before);
  return out;
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
    STEGPASS_TRY(joined, model::ProcessGroup::join({at.rank, at.size, at.address, at.port}, options.cuda ? torch::kCUDA : torch::kCPU));
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

/// What is left of a hidden picture when the stego is not the file that was written: little, which is why its digest is checked first.
Status judge_robustness(const model::IsnModel& isn, const std::vector<Raster>& pictures, IsnFigures& figures) {
  const std::size_t count = std::min<std::size_t>(pictures.size(), 8);
  for (std::size_t i = 0; i < count; ++i) {
    const Raster& secret = pictures[(i + 1) % pictures.size()];
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

Result<IsnFigures> LibtorchModelPart::evaluate_isn(ByteView weights, const std::filesystem::path& images, std::uint32_t size, std::uint64_t seed) {
  STEGPASS_TRY(isn, model::IsnModel::load(weights));
  STEGPASS_TRY(pictures, model::io::load_image_squares(images, size));
  STEGPASS_TRY(figures, model::evaluate_isn(isn, pictures, seed));
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

Result<MintTrial> LibtorchModelPart::try_mints(ByteView weights, const std::filesystem::path& images, std::uint64_t count, std::uint64_t seed,
                                               const Progress& progress) {
  constexpr std::uint32_t kSize = 256;  // of passports
  STEGPASS_TRY(isn, networks_of(to_bytes(weights)));
  STEGPASS_TRY(pictures, model::io::load_image_squares(images, kSize));
  if (pictures.size() < 2) return Error{Errc::usage, "two pictures or more expected"};
  MintTrial out{.mints = count, .wrong_keys = 2 * count, .reveal_psnr_db_min = 1e9};
  for (std::uint64_t i = 0; i < count; ++i) {
    const Digest64 key = Sha512().update("stegpass.mint-trial.v1").update_u64(seed).update_u64(i).finish();
    Digest32 thumbprint{};
    std::copy_n(sha512(key).begin(), thumbprint.size(), thumbprint.begin());
    const std::size_t at = i % pictures.size(), other = (at + 1 + i / pictures.size() % (pictures.size() - 1)) % pictures.size();
    STEGPASS_TRY(identity, model::io::compose_identity(pictures[other], kSize, thumbprint));
    STEGPASS_TRY(hidden, hide_and_reveal(isn->exact, isn->quick, pictures[at], identity, key));
    STEGPASS_TRY(others, isn->quick.reveal(hidden.stego, sha512(thumbprint)));  // another licensee's key
    const auto read = model::io::read_identity_qr(hidden.revealed);
    out.codes_read += read.ok() && *read == thumbprint ? 1 : 0;
    for (const Raster* wrong : {&hidden.wrong_key, &others}) out.wrong_codes += model::io::read_identity_qr(*wrong).ok() ? 1 : 0;
    const double reveal_psnr_db = model::psnr_db(hidden.secret, hidden.revealed);
    out.reveal_psnr_db += reveal_psnr_db / static_cast<double>(count);
    out.reveal_psnr_db_min = std::min(out.reveal_psnr_db_min, reveal_psnr_db);
    out.worst_correlation = std::max(out.worst_correlation, wrong_key_correlation(hidden));
    hidden.wrong_key = others;
    out.worst_correlation = std::max(out.worst_correlation, wrong_key_correlation(hidden));
    if (progress && !progress(static_cast<double>(i + 1), static_cast<double>(count), "")) return Error{Errc::interrupted, "the trial was asked to stop"};
  }
  return out;
}

}  // namespace stegpass::cli
