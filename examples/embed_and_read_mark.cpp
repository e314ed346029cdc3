// Weaves a mark into a small network and reads it from the released weights, with a wrong passport beside it.
// Usage: embed_and_read_mark     needs no files: training images and passports are made here.

#include <cmath>
#include <iostream>

#include <stegpass/model/reading.hpp>
#include <stegpass/model/training.hpp>
#include <stegpass/model/weights.hpp>

using namespace stegpass;
using namespace stegpass::model;

namespace {

// Two pictures of waves over each other; any two photographs serve as well.
Passport wave_passport(int owner) {
  constexpr int kSize = 64;
  Bytes raster;
  for (int y = 0; y < 2 * kSize; ++y) {
    for (int x = 0; x < kSize; ++x) {
      for (int c = 0; c < 3; ++c) {
        double value = 128;
        for (int wave = 1; wave <= 8; ++wave)
          value += 60.0 / wave *
                   std::sin(0.05 * wave * (x * (owner + wave % 3) + y * (owner + 2 - wave % 2)) + wave * owner + 0.3 * c);
        raster.push_back(static_cast<std::uint8_t>(std::fmin(255, std::fmax(0, value))));
      }
    }
  }
  return Passport::create(kSize, std::move(raster)).value();
}

// In earnest the salt is 32 random bytes, and both thumbprint and seed are those of the registration.
Mark mark_of(const Architecture& architecture, int owner) {
  const Passport passport = wave_passport(owner);
  const MarkSeed seed = derive_mark_seed(passport.digest(), Digest32{}, Digest32{});
  return make_mark(architecture, Pooling::whitened, passport, seed).value();
}

}  // namespace

int main() {
  const Architecture architecture = Architecture::create({.width = 125}).value();
  const TrainingTask task{
      architecture, draw_shapes(1280, 1), draw_shapes(400, 2), mark_of(architecture, 1), {mark_of(architecture, 2)}};
  TrainingSettings settings = training_preset("quick").value();
  settings.train_images = 0;  // all of them
  settings.rate = 0.05;       // the preset's suit a network of eight times the width
  settings.last_gain = 1;
  const auto trained = train(task, settings);
  if (!trained) return std::cerr << trained.error().detail << '\n', 1;
  std::cout << "accuracy: deployment " << trained->accuracy.deployment << ", verification " << trained->accuracy.verification
            << '\n';

  const Bytes release = encode_release_model(trained->network);
  bool as_expected = true;
  for (const int owner : {1, 2, 9}) {
    const auto reading = read_mark(release, architecture, mark_of(architecture, owner));
    if (!reading) return std::cerr << reading.error().detail << '\n', 1;
    std::cout << "passport " << owner << ": " << reading->matches << " of " << reading->bits << " bits, log10 p "
              << reading->log10_p << '\n';
    const bool mine = owner != 9;
    as_expected = as_expected && (mine ? reading->match() == 1.0 : reading->match() < 0.8);
  }
  return as_expected ? 0 : 1;
}
