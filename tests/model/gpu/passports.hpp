#pragma once

#include <cstdint>

#include <stegpass/model/architecture.hpp>
#include <stegpass/model/mark.hpp>
#include <stegpass/model/network.hpp>
#include <stegpass/model/reading.hpp>

#include "check.hpp"

namespace stegpass::gpu_check {

/// The CIFAR AlexNet at a quarter of its width: small enough to train on a CPU, 224 bits.
model::Architecture small_architecture();

/// The mark of a drawn passport; another one for another number.
model::Mark drawn_mark(const model::Architecture& architecture, std::uint64_t number);

/// Reads a mark from a network where it lies, on any device, with the arithmetic that training uses there.
model::MarkReading read_on_device(const model::PassportNetwork& network, const model::Mark& mark, const torch::Device& device);

/// The same from the released file, as a verifier reads it.
model::MarkReading read_from_file(const model::PassportNetwork& network, const model::Mark& mark);

}  // namespace stegpass::gpu_check
