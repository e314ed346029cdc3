#pragma once

#include <cstdint>

#include <stegpass/model/mark.hpp>
#include <stegpass/model/training.hpp>

namespace stegpass::model::testing {

/// AlexNet at an eighth of its width: 112 bits in its last three layers.
Architecture tiny_architecture();

/// The raster of schemas/mark.md's worked example: size 64, byte (7x + 13y + 29c + (xy mod 31)) mod 256.
Passport example_passport();
MarkSeed example_seed();

/// A passport of two drawn pictures whose spectrum falls like that of photographs. Size 64 unless told.
Passport drawn_passport(std::uint64_t seed, int size = 64);

/// The passport with Gaussian noise of `sigma` grey levels, rounded to 8 bits.
Passport noisy_passport(const Passport& passport, double sigma, std::uint64_t seed);
double psnr_db(ByteView a, ByteView b);

/// The seed that the owner of the tests derives for a passport.
MarkSeed seed_of(const Passport& passport);
Mark mark_of(std::uint64_t passport, Pooling pooling = Pooling::whitened);

/// A tiny network's task on drawn shapes: cover 1, reserves 2 and 3.
TrainingTask tiny_task(Pooling pooling = Pooling::whitened);
TrainingSettings tiny_settings();

/// A tiny network trained on that task, once per program.
const TrainedModel& tiny_model();

}  // namespace stegpass::model::testing
