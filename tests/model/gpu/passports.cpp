#include "passports.hpp"

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/model/mark_seed.hpp>
#include <stegpass/model/passport.hpp>
#include <stegpass/model/weights.hpp>

namespace stegpass::gpu_check {

model::Architecture small_architecture() {
  model::ArchitectureSettings settings;
  settings.width = 250;
  return model::Architecture::create(settings).value();
}

model::Mark drawn_mark(const model::Architecture& architecture, std::uint64_t number) {
  constexpr int kSize = 256;
  Bytes raster = drawn_picture(2 * number, kSize);
  append(raster, drawn_picture(2 * number + 1, kSize));
  const auto passport = model::Passport::create(kSize, std::move(raster)).value();
  const auto seed = model::derive_mark_seed(passport.digest(), sha256(as_bytes("owner")), sha256(as_bytes("salt")));
  return model::make_mark(architecture, model::Pooling::whitened, passport, seed).value();
}

model::MarkReading read_on_device(const model::PassportNetwork& network, const model::Mark& mark, const torch::Device& device) {
  const torch::NoGradGuard no_grad;
  const auto keys = model::network_keys(network->architecture(), mark, device);
  const auto blocks = network->passport_blocks();
  model::MarkReading reading;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto s = model::layer_signs(blocks[i].conv->weight.to(device), keys[i].scale).cpu();
    const int bits = static_cast<int>(s.size(0));
    const int matches = model::count_matches(mark.layers[i].bits, s);
    reading.layers.push_back({mark.layers[i].layer, bits, matches});
    reading.bits += bits;
    reading.matches += matches;
  }
  reading.log10_p = model::log10_binomial_tail(reading.bits, reading.matches);
  return reading;
}

model::MarkReading read_from_file(const model::PassportNetwork& network, const model::Mark& mark) {
  return model::read_mark(model::encode_release_model(network), network->architecture(), mark).value();
}

}  // namespace stegpass::gpu_check
