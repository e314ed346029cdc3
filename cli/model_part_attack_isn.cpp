#include "model_part_attack_isn.hpp"

#include <algorithm>
#include <random>

#include <stegpass/model/io/draw.hpp>
#include <stegpass/model/io/identity.hpp>
#include <stegpass/model/io/image.hpp>
#include <stegpass/model/isn.hpp>
#include <stegpass/model/isn_attacks.hpp>
#include <stegpass/model/isn_evaluation.hpp>

#include "model_part_hide.hpp"
#include "model_part_impl.hpp"
#include "model_part_pictures.hpp"

namespace stegpass::cli {
namespace {

using model::Raster;

ForgedReveal judge_reveal(const Raster& revealed, const Raster& wanted, const Digest32& thumbprint) {
  const auto read = model::io::read_identity_qr(revealed);
  return {model::io::encode_png(revealed), model::psnr_db(wanted, revealed), model::correlation(wanted, revealed),
          read.ok() && *read == thumbprint};
}

/// What both searches work with.
struct Forgery {
  model::Passport passport;
  Digest64 key;
  model::IsnModel isn;
  Raster stego, wanted;
};

Result<Forgery> read_forgery(const ForgeIsnRequest& request) {
  STEGPASS_TRY(passport, decode_passport(request.user_passport));
  STEGPASS_TRY(key, isn_key_of(request.isn_key));
  STEGPASS_TRY(isn, model::IsnModel::load(request.isn_weights));
  STEGPASS_TRY(picture, model::io::decode_image(request.wanted_picture));
  STEGPASS_TRY(wanted, model::io::compose_identity(picture, passport.size(), request.wanted_thumbprint));
  Raster stego = passport_picture(passport, model::Picture::scale);
  return Forgery{std::move(passport), key, std::move(isn), std::move(stego), std::move(wanted)};
}

model::ForgeOptions options_of(const ForgeIsnRequest& request) {
  constexpr std::uint64_t kMost = 1'000'000;
  return {.steps = static_cast<std::int64_t>(std::min(request.steps, kMost)),
          .rate = request.rate,
          .report_every = static_cast<std::int64_t>(std::clamp<std::uint64_t>(request.report_every, 1, kMost)),
          .seed = request.seed,
          .through_signs = request.through_signs,
          .near_weight = request.near_weight,
          .bf16 = request.bf16};
}

void take_curve(const std::vector<model::ForgePoint>& curve, ForgeIsnResult& out) {
  for (const model::ForgePoint& at : curve)
    out.curve.push_back({static_cast<std::uint64_t>(at.step), at.loss, at.reveal_psnr_db, at.start_psnr_db});
}

Result<ForgeIsnResult> forge_key(const Forgery& on, const ForgeIsnRequest& request, const model::ForgeProgress& progress) {
  STEGPASS_TRY(forged, model::forge_isn_key(on.isn, on.stego, on.wanted, options_of(request), progress));
  ForgeIsnResult out;
  take_curve(forged.curve, out);
  out.forged = judge_reveal(forged.revealed, on.wanted, request.wanted_thumbprint);
  out.other_way = judge_reveal(forged.revealed_by_signs, on.wanted, request.wanted_thumbprint);
  out.agreement = model::agreement_with_key(forged.key, on.key);
  return out;
}

Result<ForgeIsnResult> forge_passport(const Forgery& on, const ForgeIsnRequest& request, const model::ForgeProgress& progress) {
  const Raster start =
      request.random_start ? model::io::draw_scene(on.stego.width, on.stego.height, request.seed + 1000) : on.stego;
  STEGPASS_TRY(forged, model::forge_isn_picture(on.isn, start, on.wanted, on.key, options_of(request), progress));
  STEGPASS_TRY(at_once, hide_and_reveal(on.isn, start, on.wanted, on.key));
  STEGPASS_TRY(passport, join_passport(forged.picture, passport_picture(on.passport, model::Picture::bias)));
  ForgeIsnResult out;
  take_curve(forged.curve, out);
  out.forged = judge_reveal(forged.revealed, on.wanted, request.wanted_thumbprint);
  out.other_way = judge_reveal(at_once.revealed, on.wanted, request.wanted_thumbprint);
  out.passport = passport_file(passport);
  out.start_psnr_db = model::psnr_db(start, forged.picture);
  return out;
}

/// Copies a square of one picture into another.
void copy_square(const Raster& from, std::int64_t from_left, std::int64_t from_top, std::int64_t side, Raster& to,
                 std::int64_t left, std::int64_t top) {
  for (std::int64_t row = 0; row < side; ++row) {
    const auto begin = from.rgb.begin() + ((from_top + row) * from.width + from_left) * 3;
    std::copy(begin, begin + side * 3, to.rgb.begin() + ((top + row) * to.width + left) * 3);
  }
}

/// The code of a thumbprint with its white border, over a picture's own at its place.
struct Code {
  Raster carrier;
  std::int64_t first = 0, side = 0;  ///< column and row where the border begins; pixels
};
Result<Code> licensee_code(const Digest32& thumbprint, std::int64_t size) {
  STEGPASS_TRY(carrier, model::io::compose_identity(model::io::draw_scene(size, size, 1), size, thumbprint));
  const model::io::QrPlace place = model::io::qr_place(size);
  const std::int64_t quiet = model::io::kQrQuiet * place.module;
  return Code{std::move(carrier), place.left - quiet, place.side + 2 * quiet};
}

/// How many pictures with that code somewhere are refused before anything is hidden.
std::uint64_t count_refused(const Code& code, const PasteRequest& request) {
  std::mt19937_64 random(request.seed);
  std::uint64_t refused = 0;
  for (std::uint64_t i = 0; i < request.places; ++i) {
    Raster picture = model::io::draw_scene(code.carrier.width, code.carrier.height, request.seed + i);
    const auto anywhere = [&] {
      return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(picture.width - code.side + 1));
    };
    const std::int64_t left = anywhere(), top = anywhere();
    copy_square(code.carrier, code.first, code.first, code.side, picture, left, top);
    refused += model::io::compose_identity(picture, picture.width, Digest32{}).ok() ? 0 : 1;
  }
  return refused;
}

Digest32 thumbprint_of_colluder(std::uint64_t seed, std::uint64_t who) {
  Digest32 out{};
  std::copy_n(Sha512().update("stegpass.colluder.v1").update_u64(seed).update_u64(who).finish().begin(), out.size(), out.begin());
  return out;
}
Digest64 key_of_colluder(std::uint64_t seed, std::uint64_t who) {
  return Sha512().update("stegpass.colluder-key.v1").update_u64(seed).update_u64(who).finish();
}
Result<Raster> identity_of_colluder(std::int64_t size, std::uint64_t seed, std::uint64_t who) {
  return model::io::compose_identity(
      model::io::draw_identity_card(size, seed * 100000 + who, "licensee " + std::to_string(who + 1)), size,
      thumbprint_of_colluder(seed, who));
}

/// One collusion: the cover, what was minted of it, and the points made of that.
class Colluders {
 public:
  Colluders(const model::Passport& cover, const model::IsnModel& isn, const CollusionRequest& request)
      : cover_(cover), truth_(passport_picture(cover, model::Picture::scale)), isn_(isn), request_(request) {}

  Status mint(std::uint64_t count, const Progress& progress) {
    for (std::uint64_t who = 0; who < count; ++who) {
      STEGPASS_TRY(identity, identity_of_colluder(cover_.size(), request_.seed, who));
      STEGPASS_TRY(stego, isn_.hide(truth_, identity, key_of_colluder(request_.seed, who)));
      together_.add(stego);
      if (progress && !progress(static_cast<double>(who + 1), static_cast<double>(count), "minted"))
        return Error{Errc::interrupted, "the collusion was asked to stop"};
    }
    return Done{};
  }

  /// What the network adds on average, learnt on these colluders' own mean with identities and keys that they make up.
  Status learn_change(std::uint64_t count) {
    std::vector<Raster> secrets;
    for (std::uint64_t i = 0; i < request_.simulated; ++i) {
      STEGPASS_TRY(secret, identity_of_colluder(cover_.size(), request_.seed + 1, i));
      secrets.push_back(std::move(secret));
    }
    STEGPASS_TRY(change, model::mean_change(isn_, together_.rounded(together_.mean(count)), secrets, request_.seed + 1));
    change_ = std::move(change);
    return Done{};
  }

  Status add_points(std::uint64_t count, CollusionResult& out) {
    std::vector<double> mean = together_.mean(count);
    STEGPASS_CHECK_OK(add_point(count, "mean", together_.rounded(mean), out));
    STEGPASS_CHECK_OK(add_point(count, "median", together_.median(count), out));
    STEGPASS_CHECK_OK(add_point(count, "mix", together_.mix(count, request_.seed), out));
    if (request_.simulated == 0) return Done{};
    STEGPASS_CHECK_OK(learn_change(count));
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] -= change_[i];
    return add_point(count, "unbias", together_.rounded(mean), out);
  }

 private:
  Status add_point(std::uint64_t count, const std::string& method, const Raster& found, CollusionResult& out) {
    const model::Exactness exact = model::exactness(found, truth_);
    STEGPASS_TRY(passport, join_passport(found, passport_picture(cover_, model::Picture::bias)));
    CollusionPoint point{.licensees = count,
                         .method = method,
                         .exact_pixels = exact.pixels,
                         .exact_values = exact.values,
                         .psnr_db = exact.psnr_db,
                         .largest_error = exact.largest,
                         .same_digest = passport.digest() == cover_.digest(),
                         .identities_tried = std::min<std::uint64_t>(count, 2)};
    for (std::uint64_t who = 0; who < point.identities_tried; ++who) {
      STEGPASS_TRY(revealed, isn_.reveal(found, key_of_colluder(request_.seed, who)));
      const auto read = model::io::read_identity_qr(revealed);
      point.identities_left += read.ok() && *read == thumbprint_of_colluder(request_.seed, who) ? 1 : 0;
    }
    out.curve.push_back(point);
    if (count == request_.counts.back()) out.recovered.emplace_back(method, passport_file(passport).picture);
    return Done{};
  }

  model::Passport cover_;
  Raster truth_;
  const model::IsnModel& isn_;
  const CollusionRequest& request_;
  model::Collusion together_;
  std::vector<double> change_;
};

}  // namespace

Result<ForgeIsnResult> LibtorchModelPart::forge_isn(const ForgeIsnRequest& request, const Progress& progress) {
  STEGPASS_TRY(on, read_forgery(request));
  const auto report = [&](const model::ForgePoint& at) {
    return !progress || progress(static_cast<double>(at.step), static_cast<double>(request.steps), "searching");
  };
  auto out = request.forge_key ? forge_key(on, request, report) : forge_passport(on, request, report);
  if (out) out->wanted = model::io::encode_png(on.wanted);
  return out;
}

Result<PasteResult> LibtorchModelPart::paste_code(const PasteRequest& request) {
  STEGPASS_TRY(cover, decode_passport(request.user_passport));
  STEGPASS_TRY(key, isn_key_of(request.isn_key));
  STEGPASS_TRY(isn, model::IsnModel::load(request.isn_weights));
  STEGPASS_TRY(opened, model::io::decode_image(request.identity));
  if (opened.width != cover.size() || opened.height != cover.size())
    return Error{Errc::usage, "identity and passport are of different sizes"};
  STEGPASS_TRY(code, licensee_code(request.pasted, cover.size()));
  Raster pasted = opened;
  copy_square(code.carrier, code.first, code.first, code.side, pasted, code.first, code.first);
  STEGPASS_TRY(hidden, hide_and_reveal(isn, passport_picture(cover, model::Picture::scale), pasted, key));
  STEGPASS_TRY(passport, join_passport(hidden.stego, passport_picture(cover, model::Picture::bias)));
  PasteResult out{.identity = model::io::encode_png(pasted),
                  .passport = passport_file(passport),
                  .revealed = model::io::encode_png(hidden.revealed),
                  .read = {}};
  if (const auto read = model::io::read_identity_qr(hidden.revealed)) out.read = *read;
  out.identity_psnr_db = model::psnr_db(opened, hidden.revealed);
  out.refused = count_refused(code, request);
  return out;
}

Result<CollusionResult> LibtorchModelPart::collude(const CollusionRequest& request, const Progress& progress) {
  if (request.counts.empty() || request.counts.front() < 1) return Error{Errc::usage, "a collusion needs licensees"};
  STEGPASS_TRY(cover, decode_passport(request.cover));
  STEGPASS_TRY(isn, model::IsnModel::load(request.isn_weights));
  Colluders colluders(cover, isn, request);
  STEGPASS_CHECK_OK(colluders.mint(request.counts.back(), progress));
  CollusionResult out;
  for (const std::uint64_t count : request.counts) STEGPASS_CHECK_OK(colluders.add_points(count, out));
  return out;
}

Result<std::vector<NearPassport>> LibtorchModelPart::near_passports(ByteView passport_png, std::uint64_t pixels,
                                                                    std::uint64_t seed) {
  STEGPASS_TRY(passport, decode_passport(passport_png));
  const Raster scale = passport_picture(passport, model::Picture::scale);
  std::mt19937_64 random(seed);
  std::vector<std::pair<std::string, Raster>> changed;
  for (std::uint64_t i = 0; i < pixels; ++i) {
    Raster one = scale;
    std::uint8_t& value = one.rgb[random() % one.rgb.size()];
    value = static_cast<std::uint8_t>(value == 255 ? 254 : value + 1);
    changed.emplace_back("one grey level in one pixel", std::move(one));
  }
  for (const int levels : {1, 4, 16}) {
    Raster noisy = scale;
    for (std::uint8_t& value : noisy.rgb) {
      const int noise = static_cast<int>(random() % static_cast<std::uint64_t>(2 * levels + 1)) - levels;
      value = static_cast<std::uint8_t>(std::clamp(value + noise, 0, 255));
    }
    changed.emplace_back("noise of up to " + std::to_string(levels) + " grey levels", std::move(noisy));
  }
  changed.emplace_back("JPEG of quality 90", model::io::through_jpeg(scale, 90));
  std::vector<NearPassport> out;
  for (const auto& [change, raster] : changed) {
    STEGPASS_TRY(near, join_passport(raster, passport_picture(passport, model::Picture::bias)));
    out.push_back({change, passport_file(near).picture, model::psnr_db(scale, raster)});
  }
  return out;
}

}  // namespace stegpass::cli
