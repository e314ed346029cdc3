#include <stegpass/model/io/image.hpp>
#include <stegpass/model/io/qr.hpp>
#include <stegpass/model/io/sheet.hpp>

#include "model_part_impl.hpp"
#include "model_part_pictures.hpp"

namespace stegpass::cli {

Result<Bytes> LibtorchModelPart::scale_picture(ByteView passport_png) {
  STEGPASS_TRY(passport, decode_passport(passport_png));
  return model::io::encode_png(passport_picture(passport, model::Picture::scale));
}

Result<Bytes> LibtorchModelPart::difference(ByteView passport_png, ByteView other_png) {
  STEGPASS_TRY(passport, decode_passport(passport_png));
  STEGPASS_TRY(other, decode_passport(other_png));
  if (passport.size() != other.size()) return Error{Errc::usage, "passports of different sizes have no difference"};
  return model::io::encode_png(model::io::difference_picture(passport_picture(passport, model::Picture::scale),
                                                             passport_picture(other, model::Picture::scale)));
}

Result<QrModules> LibtorchModelPart::code_of(std::string_view text) {
  STEGPASS_TRY(code, model::io::encode_qr(text));
  return QrModules{static_cast<std::uint32_t>(code.side), std::move(code.dark)};
}

Result<std::string> LibtorchModelPart::read_code(ByteView picture) {
  STEGPASS_TRY(raster, model::io::decode_image(picture, model::io::Transparency::on_white));
  return model::io::read_qr(raster);
}

Result<Bytes> LibtorchModelPart::draw_card(const CardPicture& card) {
  STEGPASS_TRY(raster, model::io::draw_card({card.title, card.facts, card.foot, card.qr_text}));
  return model::io::encode_png(raster);
}

}  // namespace stegpass::cli
