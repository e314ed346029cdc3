#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <future>
#include <memory>
#include <mutex>

#include <ATen/Parallel.h>
#include <torch/types.h>

#include <stegpass/model/io/files.hpp>
#include <stegpass/model/io/identity.hpp>
#include <stegpass/model/io/image.hpp>
#include <stegpass/model/io/sheet.hpp>
#include <stegpass/model/io/training_pictures.hpp>
#include <stegpass/model/isn.hpp>
#include <stegpass/model/isn_evaluation.hpp>
#include <stegpass/model/runtime.hpp>

#include "model_part_hide.hpp"
#include "model_part_impl.hpp"
#include "model_part_pictures.hpp"

namespace stegpass::cli {
namespace {

using model::Raster;

/// The networks of one weights file. `quick` computes in bfloat16 where the processor is faster with it: it hides, and tries the
/// wrong key. What a verifier will see is judged as he will compute it, by `exact`, from the 8-bit file.
struct MintNetworks {
  Bytes weights;
  model::IsnModel exact, quick;
};

Result<std::shared_ptr<const MintNetworks>> networks_of(ByteView weights) {
  static std::mutex mutex;
  static std::shared_ptr<const MintNetworks> last;  // thousands are minted with the same
  const std::lock_guard lock(mutex);
  if (last && std::equal(weights.begin(), weights.end(), last->weights.begin(), last->weights.end())) return last;
  STEGPASS_TRY(exact, model::IsnModel::load(weights));
  STEGPASS_TRY(quick, model::IsnModel::load(weights));
  if (!exact.form().keyed)
    return Error{Errc::refused, "these ISN weights take no key, so anybody could reveal; they serve for comparison alone"};
  model::Isn network = quick.network();
  if (model::bf16_is_fast()) network->compute_in(torch::kBFloat16);
  last = std::make_shared<const MintNetworks>(MintNetworks{to_bytes(weights), std::move(exact), std::move(quick)});
  return last;
}

/// What a mint has to come to: the reveal's PSNR, the licensee's thumbprint read back by machine, and nothing for another key.
struct MintGoal {
  Digest32 thumbprint{};
  Digest64 key{};
  double reveal_bar_db = 30;
};

std::string decibels(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.2f dB", value);
  return text;
}

double reveal_psnr_of(const HiddenPictures& pictures) { return model::psnr_db(pictures.secret, pictures.revealed); }

Status check_mint(const HiddenPictures& pictures, const MintGoal& goal) {
  const double reveal_psnr_db = reveal_psnr_of(pictures);
  if (reveal_psnr_db < goal.reveal_bar_db)
    return Error{Errc::refused,
                 "the identity comes back at " + decibels(reveal_psnr_db) + ", under the bar of " + decibels(goal.reveal_bar_db)};
  const auto thumbprint = model::io::read_identity_qr(pictures.revealed);
  if (!thumbprint)
    return Error{Errc::refused, "the QR code of the revealed identity does not read: " + thumbprint.error().detail};
  if (*thumbprint != goal.thumbprint) return Error{Errc::refused, "the QR code of the revealed identity reads another key"};
  return check_wrong_key(pictures);
}

/// Softer pictures are easier to hide: the contrasts of the identity's picture that a mint tries in turn. The QR code keeps its
/// own.
constexpr std::array kContrasts = {1.0, 0.85, 0.7};
/// About one key in forty makes some place beside clipped pixels or the code blow up. A descent on the pixels mends that, by 6 dB
/// or so: worth its seconds only where the bar is as near.
constexpr int kRefineRounds = 4, kRefineSteps = 16;
constexpr double kWithinReachDb = 8;

struct Hiding {
  HiddenPictures pictures;
  double contrast = 1;
  int refined = 0;  ///< steps
};

/// One identity, hidden and improved until it passes; otherwise why it does not.
Result<Hiding> hide_refined(const MintNetworks& isn, const Raster& cover, const Raster& identity, const MintGoal& goal) {
  STEGPASS_TRY(pictures, hide_and_reveal(isn.exact, isn.quick, cover, identity, goal.key));
  for (int round = 0;; ++round) {
    const Status passed = check_mint(pictures, goal);
    if (passed.ok()) return Hiding{std::move(pictures), 1, round * kRefineSteps};
    if (round == kRefineRounds || reveal_psnr_of(pictures) < goal.reveal_bar_db - kWithinReachDb) return Error(passed.error());
    STEGPASS_TRY(better, model::refine_stego(isn.quick, {cover, pictures.stego, identity, goal.key}, {.steps = kRefineSteps}));
    pictures.stego = std::move(better);
    STEGPASS_TRY(seen, read_back(isn.exact, isn.quick, std::move(pictures), goal.key));
    pictures = std::move(seen);
  }
}

/// The licensee's picture with his code, hidden so that it passes, by whatever a mint may vary. Errors  refused, with the last
/// figures.
Result<Hiding> hide_identity(const MintNetworks& isn, const Raster& cover, const Raster& picture, const MintGoal& goal) {
  Status last = Done{};
  for (const double contrast : kContrasts) {
    STEGPASS_TRY(identity, model::io::compose_identity(picture, cover.width, goal.thumbprint, contrast));
    auto hiding = hide_refined(isn, cover, identity, goal);
    if (hiding) {
      hiding->contrast = contrast;
      return hiding;
    }
    if (hiding.error().code != Errc::refused) return hiding;
    last = Error(hiding.error());
  }
  return Error(last.error());
}

void add_pictures(const HiddenPictures& pictures, MintResult& out) {
  out.revealed = model::io::encode_png(pictures.revealed);
  out.cover_scale = model::io::encode_png(pictures.cover);
  out.stego = model::io::encode_png(pictures.stego);
  out.difference = model::io::encode_png(model::io::difference_picture(pictures.cover, pictures.stego));
  out.sheet = sheet_of(pictures);
}

MintResult result_of(const Hiding& hiding, bool pictures) {
  MintResult out;
  out.identity = model::io::encode_png(hiding.pictures.secret);
  out.stego_psnr_db = model::psnr_db(hiding.pictures.cover, hiding.pictures.stego);
  out.reveal_psnr_db = reveal_psnr_of(hiding.pictures);
  out.wrong_key_correlation = wrong_key_correlation(hiding.pictures);
  out.contrast = hiding.contrast;
  out.refined = hiding.refined;
  if (pictures) add_pictures(hiding.pictures, out);
  return out;
}

/// The user passport's file, which holds the stego that was judged.
Result<PassportFile> file_of(const model::Passport& cover, const Raster& stego) {
  STEGPASS_TRY(joined, join_passport(stego, passport_picture(cover, model::Picture::bias)));
  PassportFile out = passport_file(joined);
  STEGPASS_TRY(written, decode_passport(out.picture));
  if (passport_picture(written, model::Picture::scale).rgb != stego.rgb)
    return Error{Errc::internal, "the user passport's file does not hold its picture"};
  return out;
}

/// Counts a mint that passed, so its code reads; `others` is what another licensee's key reveals.
void add_to_trial(Hiding& hiding, const Raster& others, MintTrial& out) {
  HiddenPictures& pictures = hiding.pictures;
  out.codes_read += 1;
  out.varied += hiding.contrast < 1 || hiding.refined > 0 ? 1 : 0;
  out.reveal_psnr_db += reveal_psnr_of(pictures);
  out.reveal_psnr_db_min = std::min(out.reveal_psnr_db_min, reveal_psnr_of(pictures));
  for (const Raster* wrong : {static_cast<const Raster*>(&pictures.wrong_key), &others})
    out.wrong_codes += model::io::read_identity_qr(*wrong).ok() ? 1 : 0;
  out.wrong_keys += 2;
  out.worst_correlation = std::max(out.worst_correlation, wrong_key_correlation(pictures));
  pictures.wrong_key = others;
  out.worst_correlation = std::max(out.worst_correlation, wrong_key_correlation(pictures));
}

}  // namespace

Result<MintResult> LibtorchModelPart::mint(const MintRequest& request) {
  STEGPASS_TRY(cover, decode_passport(request.cover));
  STEGPASS_TRY(picture, model::io::decode_image(request.identity_picture));
  STEGPASS_TRY(key, isn_key_of(request.isn_key));
  STEGPASS_TRY(isn, networks_of(request.isn_weights));
  STEGPASS_TRY(hiding, hide_identity(*isn, passport_picture(cover, model::Picture::scale), picture,
                                     {request.thumbprint, key, request.reveal_bar_db}));
  MintResult out = result_of(hiding, request.pictures);
  STEGPASS_TRY(file, file_of(cover, hiding.pictures.stego));
  out.user_passport = std::move(file);
  return out;
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

Result<MintTrial> LibtorchModelPart::try_mints(ByteView weights, const std::filesystem::path& images, std::uint64_t count,
                                               std::uint64_t seed, const Progress& progress) {
  constexpr std::uint32_t kSize = 256;  // of passports
  STEGPASS_TRY(isn, networks_of(weights));
  STEGPASS_TRY(pictures, model::io::load_image_squares(images, kSize));
  if (pictures.size() < 2) return Error{Errc::usage, "two pictures or more expected"};
  MintTrial out{.mints = count, .reveal_psnr_db_min = 1e9};
  for (std::uint64_t i = 0; i < count; ++i) {
    if (progress && !progress(static_cast<double>(i), static_cast<double>(count), ""))
      return Error{Errc::interrupted, "the trial was asked to stop"};
    MintGoal goal{.key = Sha512().update("stegpass.mint-trial.v1").update_u64(seed).update_u64(i).finish()};
    std::copy_n(sha512(goal.key).begin(), goal.thumbprint.size(), goal.thumbprint.begin());
    const std::size_t at = i % pictures.size(), other = (at + 1 + i / pictures.size() % (pictures.size() - 1)) % pictures.size();
    auto hiding = hide_identity(*isn, pictures[at], pictures[other], goal);
    if (!hiding && hiding.error().code != Errc::refused) return Error(hiding.error());
    out.refused += hiding ? 0 : 1;
    if (!hiding) continue;
    STEGPASS_TRY(others, isn->quick.reveal(hiding->pictures.stego, sha512(goal.thumbprint)));  // another licensee's key
    add_to_trial(*hiding, others, out);
  }
  if (out.codes_read > 0) out.reveal_psnr_db /= static_cast<double>(out.codes_read);
  return out;
}

}  // namespace stegpass::cli
