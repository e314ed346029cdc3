#pragma once

#include <stegpass/model/dataset.hpp>

namespace stegpass::model {

/// Trigger images that go into every batch.
inline constexpr std::int64_t kTriggersPerBatch = 2;

/// Abstract pictures, sums of a few coloured waves, with labels drawn at random: nobody guesses the label without having
/// trained on it. The same for the same seed. (count, 3, side, side) uint8.
LabelledImages draw_triggers(std::int64_t count, int classes, int side, std::uint64_t seed);

}  // namespace stegpass::model
