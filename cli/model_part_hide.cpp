#include "model_part_hide.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include <stegpass/model/io/image.hpp>
#include <stegpass/model/io/sheet.hpp>
#include <stegpass/model/isn_evaluation.hpp>
#include <stegpass/model/published_isn.hpp>

#include "model_part_impl.hpp"

namespace stegpass::cli {
namespace {

using model::Raster;

constexpr std::size_t kLeastKeyBytes = 16;

bool is_flat(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [&](std::uint8_t byte) { return byte == bytes.front(); });
}

bool is_flat_picture(ByteView file) {
  const auto picture = model::io::decode_image(file, model::io::Transparency::on_white);
  if (!picture.ok()) return false;
  const Bytes& rgb = picture->rgb;
  for (std::size_t i = 3; i < rgb.size(); ++i)
    if (rgb[i] != rgb[i - 3]) return false;
  return true;
}

/// The key that a file stands for: any file, picture or not, enters through its digest.
Result<Digest64> key_of_file(ByteView file) {
  if (file.size() < kLeastKeyBytes)
    return Error{Errc::refused, "the key is a file of " + std::to_string(file.size()) +
                                    " bytes, which can be guessed; at least " + std::to_string(kLeastKeyBytes) + " expected"};
  if (is_flat(file) || is_flat_picture(file)) return Error{Errc::refused, "the key is flat, so it can be guessed"};
  return Sha512().update("stegpass.isn-key-file.v1").update(file).finish();
}

bool is_png(ByteView file) {
  constexpr std::uint8_t kPng[] = {0x89, 'P', 'N', 'G', 0x0d, 0x0a, 0x1a, 0x0a};
  return file.size() >= sizeof kPng && std::equal(std::begin(kPng), std::end(kPng), file.begin());
}

}  // namespace

Result<Digest64> isn_key_of(ByteView bytes) {
  Digest64 key{};
  if (bytes.size() != key.size()) return Error{Errc::malformed, "an ISN key has 64 bytes, not " + std::to_string(bytes.size())};
  std::copy(bytes.begin(), bytes.end(), key.begin());
  return key;
}

Digest64 wrong_key_of(Digest64 key) {
  key[0] ^= 1;
  return key;
}

Result<HiddenPictures> hide_and_reveal(const model::IsnModel& isn, const Raster& cover, const Raster& secret,
                                       const Digest64& key) {
  return hide_and_reveal(isn, isn, cover, secret, key);
}

Result<HiddenPictures> hide_and_reveal(const model::IsnModel& isn, const model::IsnModel& hider, const Raster& cover,
                                       const Raster& secret, const Digest64& key) {
  STEGPASS_TRY(stego, hider.hide(cover, secret, key));
  return read_back(isn, hider, {.cover = cover, .stego = std::move(stego), .secret = secret, .revealed = {}, .wrong_key = {}},
                   key);
}

Result<HiddenPictures> read_back(const model::IsnModel& isn, const model::IsnModel& hider, HiddenPictures given,
                                 const Digest64& key) {
  STEGPASS_TRY(stego, model::io::decode_image(model::io::encode_png(given.stego)));
  given.stego = std::move(stego);
  STEGPASS_TRY(revealed, isn.reveal(given.stego, key));
  given.revealed = std::move(revealed);
  STEGPASS_TRY(noise, hider.reveal(given.stego, wrong_key_of(key)));
  given.wrong_key = std::move(noise);
  return given;
}

double wrong_key_correlation(const HiddenPictures& pictures) {
  return std::max(std::abs(model::correlation(pictures.wrong_key, pictures.secret)),
                  std::abs(model::correlation(pictures.wrong_key, pictures.cover)));
}

Status check_wrong_key(const HiddenPictures& pictures) {
  const double found = wrong_key_correlation(pictures);
  if (found <= kMaxWrongKeyCorrelation) return Done{};
  char text[120];
  std::snprintf(text, sizeof text, "what a wrong key reveals correlates with the pictures by %.3f, over %.1f", found,
                kMaxWrongKeyCorrelation);
  return Error{Errc::refused, text};
}

Bytes sheet_of(const HiddenPictures& pictures) {
  if (pictures.cover.width != pictures.cover.height || pictures.cover.width < 128) return {};
  return model::io::encode_png(
      model::io::mint_sheet({pictures.cover, pictures.stego, pictures.secret, pictures.revealed, pictures.wrong_key}));
}

Result<HideResult> LibtorchModelPart::hide(const HideRequest& request) {
  if (std::equal(request.key.begin(), request.key.end(), request.cover.begin(), request.cover.end()))
    return Error{Errc::refused, "the key is the cover itself, which everybody sees"};
  STEGPASS_TRY(key, key_of_file(request.key));
  STEGPASS_TRY(cover, model::io::decode_image(request.cover));
  STEGPASS_TRY(secret, model::io::decode_image(request.secret));
  STEGPASS_TRY(isn, model::IsnModel::load(request.isn_weights));
  STEGPASS_TRY(pictures, hide_and_reveal(isn, cover, model::io::centre_part(secret, cover.width, cover.height), key));
  HideResult out{.stego = model::io::encode_png(pictures.stego), .sheet = sheet_of(pictures)};
  out.stego_psnr_db = model::psnr_db(pictures.cover, pictures.stego);
  out.reveal_psnr_db = model::psnr_db(pictures.secret, pictures.revealed);
  out.stego_ssim = model::ssim(pictures.cover, pictures.stego);
  out.reveal_ssim = model::ssim(pictures.secret, pictures.revealed);
  out.wrong_key_correlation = wrong_key_correlation(pictures);
  return out;
}

Result<Bytes> LibtorchModelPart::reveal_hidden(ByteView stego_png, ByteView key_file, ByteView isn_weights) {
  if (!is_png(stego_png))
    return Error{Errc::malformed, "not a PNG; other formats change the values in which the picture is hidden"};
  STEGPASS_TRY(key, key_of_file(key_file));
  STEGPASS_TRY(stego, model::io::decode_image(stego_png));
  STEGPASS_TRY(isn, model::IsnModel::load(isn_weights));
  STEGPASS_TRY(revealed, isn.reveal(stego, key));
  return model::io::encode_png(revealed);
}

Result<Bytes> LibtorchModelPart::convert_isn(ByteView file) {
  STEGPASS_TRY(weights, model::parse_state_dict(file));
  STEGPASS_TRY(network, model::published_isn(weights));
  return model::encode_isn(network, "");
}

}  // namespace stegpass::cli
