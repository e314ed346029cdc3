#include "model_part_pictures.hpp"

#include "model_part_impl.hpp"

namespace stegpass::cli {

Result<model::Passport> decode_passport(ByteView png) {
  STEGPASS_TRY(raster, model::io::decode_image(png));
  if (raster.height != 2 * raster.width) {
    return Error{Errc::malformed, "a passport is twice as high as wide; this picture has " + std::to_string(raster.width) +
                                      " x " + std::to_string(raster.height) + " pixels"};
  }
  return model::Passport::create(static_cast<int>(raster.width), std::move(raster.rgb));
}

PassportFile passport_file(const model::Passport& passport) {
  const model::Raster raster{passport.size(), 2 * passport.size(), to_bytes(passport.raster())};
  return {model::io::encode_png(raster), static_cast<std::uint32_t>(passport.size()), passport.digest()};
}

model::Raster passport_picture(const model::Passport& passport, model::Picture which) {
  return {passport.size(), passport.size(), to_bytes(passport.picture(which))};
}

Result<model::Passport> join_passport(const model::Raster& scale, const model::Raster& bias) {
  Bytes both = scale.rgb;
  append(both, bias.rgb);
  return model::Passport::create(static_cast<int>(scale.width), std::move(both));
}

Result<Bytes> LibtorchModelPart::square_png(ByteView picture, std::uint32_t size) {
  STEGPASS_TRY(raster, model::io::decode_image(picture));
  return model::io::encode_png(model::io::centre_square(raster, size));
}

Result<PassportFile> LibtorchModelPart::compose_passport(ByteView scale_picture, ByteView bias_picture, std::uint32_t size) {
  STEGPASS_TRY(scale, model::io::decode_image(scale_picture));
  STEGPASS_TRY(bias, model::io::decode_image(bias_picture));
  STEGPASS_TRY(passport, join_passport(model::io::centre_square(scale, size), model::io::centre_square(bias, size)));
  return passport_file(passport);
}

Result<PassportFile> LibtorchModelPart::read_passport(ByteView png) {
  STEGPASS_TRY(passport, decode_passport(png));
  return passport_file(passport);
}

Result<double> LibtorchModelPart::psnr(ByteView a_png, ByteView b_png) {
  STEGPASS_TRY(a, model::io::decode_image(a_png));
  STEGPASS_TRY(b, model::io::decode_image(b_png));
  if (a.width != b.width || a.height != b.height) return Error{Errc::usage, "pictures of different sizes cannot be compared"};
  return model::psnr_db(a, b);
}

}  // namespace stegpass::cli
