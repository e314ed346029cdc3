#include <algorithm>
#include <cstdio>

#include <stegpass/model/alignment.hpp>
#include <stegpass/model/architecture.hpp>
#include <stegpass/model/evaluation.hpp>
#include <stegpass/model/io/dataset_files.hpp>
#include <stegpass/model/io/image.hpp>
#include <stegpass/model/mark.hpp>
#include <stegpass/model/mark_seed.hpp>
#include <stegpass/model/passport.hpp>
#include <stegpass/model/reading.hpp>
#include <stegpass/model/training.hpp>
#include <stegpass/model/weights.hpp>

#include "model_part_impl.hpp"
#include "model_part_marks.hpp"
#include "model_part_pictures.hpp"

namespace stegpass::cli {
namespace {

/// The test images at the side and with the classes that the network has.
Result<model::LabelledImages> load_test(std::string_view data, const model::Architecture& architecture) {
  STEGPASS_TRY(both, model::io::load_dataset(data, architecture.input_side(), {.test_alone = true}));
  if (both.test.classes == architecture.classes()) return both.test;
  return Error{Errc::usage, "the data have " + std::to_string(both.test.classes) + " classes, " +
                                std::to_string(architecture.classes()) + " expected"};
}

Result<model::MarkSeed> seed_of(ByteView bytes) {
  model::MarkSeed seed;
  if (bytes.size() != seed.value.size())
    return Error{Errc::malformed, "a mark seed has 64 bytes, not " + std::to_string(bytes.size())};
  std::copy(bytes.begin(), bytes.end(), seed.value.begin());
  return seed;
}

MarkReading to_reading(const model::MarkReading& reading) {
  MarkReading out;
  out.bits = static_cast<std::uint64_t>(reading.bits);
  out.matches = static_cast<std::uint64_t>(reading.matches);
  out.log10_p = reading.log10_p;
  out.log10_p_corrected = model::corrected_log10_p(reading.log10_p, 1);
  for (const auto& layer : reading.layers) {
    out.layers.push_back({layer.layer, static_cast<std::uint64_t>(layer.bits), static_cast<std::uint64_t>(layer.matches)});
  }
  return out;
}

}  // namespace

Result<model::Mark> mark_of(const model::Architecture& architecture, model::Pooling pooling, const OpenPassport& open,
                            model::MarkPictures pictures) {
  STEGPASS_TRY(passport, decode_passport(open.picture));
  STEGPASS_TRY(seed, seed_of(open.seed));
  return model::make_mark(architecture, pooling, passport, seed, pictures);
}

Result<ModelPart::Accuracy> LibtorchModelPart::evaluate(ByteView file, std::string_view data, std::string_view pooling_text,
                                                        const std::optional<OpenPassport>& passport) {
  if (!passport) {
    auto network = model::decode_release_model(file);
    if (!network) network = model::decode_owner_model(file);
    if (!network) return Error(network.error());
    STEGPASS_TRY(test, load_test(data, (*network)->architecture()));
    const auto accuracy = model::evaluate_deployment(*network, test, {});
    return Accuracy{accuracy.deployment, {}, static_cast<std::uint64_t>(accuracy.images)};
  }
  STEGPASS_TRY(network, model::decode_owner_model(file));
  STEGPASS_TRY(test, load_test(data, network->architecture()));
  STEGPASS_TRY(pooling, model::parse_pooling(pooling_text));
  STEGPASS_TRY(mark, mark_of(network->architecture(), pooling, *passport, model::MarkPictures::both));
  STEGPASS_TRY(accuracy, model::evaluate(network, test, mark, {}));
  return Accuracy{accuracy.deployment, accuracy.verification, static_cast<std::uint64_t>(accuracy.images)};
}

Result<MarkReading> LibtorchModelPart::read_mark(ByteView file, const MarkDescription& mark, const OpenPassport& open) {
  STEGPASS_CHECK_OK(model::parse_scheme(mark.scheme));
  STEGPASS_TRY(mode, model::parse_signature_mode(mark.signature));
  STEGPASS_TRY(pooling, model::parse_pooling(mark.pooling));
  STEGPASS_TRY(passport, decode_passport(open.picture));
  STEGPASS_TRY(seed, seed_of(open.seed));
  STEGPASS_TRY(reading, model::read_mark(file, mark.architecture, pooling, passport, seed, mode));
  if (!reading.decided) return Error{Errc::unsupported, "signature mode '" + mark.signature + "' cannot be read from this model"};
  if (mark.bits != 0 && static_cast<std::uint64_t>(reading.bits) != mark.bits) {
    return Error{Errc::malformed, "the architecture has " + std::to_string(reading.bits) + " bits where " +
                                      std::to_string(mark.bits) + " are registered"};
  }
  return to_reading(reading);
}

Result<AlignedModel> LibtorchModelPart::align(ByteView copy, ByteView original, const MarkDescription& mark,
                                              const std::vector<OpenPassport>& passports) {
  STEGPASS_TRY(architecture, model::Architecture::parse(mark.architecture));
  STEGPASS_TRY(pooling, model::parse_pooling(mark.pooling));
  std::vector<model::Mark> marks;
  for (const OpenPassport& passport : passports) {
    STEGPASS_TRY(opened, mark_of(architecture, pooling, passport, model::MarkPictures::scale_only));
    marks.push_back(std::move(opened));
  }
  STEGPASS_TRY(aligned, model::align_model(copy, original, architecture, marks));
  AlignedModel out{.layers = {}, .model = std::move(aligned.model)};
  for (const model::LayerAlignment& layer : aligned.layers) {
    out.layers.push_back({layer.layer, layer.from.size(), static_cast<std::uint64_t>(layer.moved),
                          static_cast<std::uint64_t>(layer.turned), layer.similarity, layer.from});
  }
  return out;
}

Result<Bytes> LibtorchModelPart::mark_seed(ByteView passport_png, const Digest32& owner, ByteView salt) {
  STEGPASS_TRY(passport, decode_passport(passport_png));
  Digest32 fixed{};
  if (salt.size() != fixed.size())
    return Error{Errc::malformed, "the salt of a mark seed has 32 bytes, not " + std::to_string(salt.size())};
  std::copy(salt.begin(), salt.end(), fixed.begin());
  const model::MarkSeed seed = model::derive_mark_seed(passport.digest(), owner, fixed);
  return Bytes(seed.value.begin(), seed.value.end());
}

}  // namespace stegpass::cli
