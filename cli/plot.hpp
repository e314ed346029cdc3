#pragma once

#include <string>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::cli {

/// A PNG that gnuplot draws from its script. Errors  unsupported where there is no gnuplot, internal when it draws nothing.
Result<Bytes> draw_plot(const std::string& script);

/// gnuplot's script for the curves of a training run (`run` of training.json, as text): losses, accuracies and matches over the
/// epochs. Empty where the run has no curves.
std::string training_plot(const std::string& run);

/// The same for a run of the ISN (its record): loss, PSNR of stego and reveal, and the wrong key's correlation over the steps.
std::string isn_plot(const std::string& record);

}  // namespace stegpass::cli
