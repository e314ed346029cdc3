#pragma once

#include <stegpass/credential/core/result.hpp>
#include <stegpass/model/isn.hpp>
#include <stegpass/model/state_dict.hpp>

namespace stegpass::model {

/// The invertible network of HiNet's and Steganographic Passport's code as ours without a key. Its tensors are named
/// `inv1.r.conv1.weight` ..., r being rho, y eta and f phi, with any prefix. Their Haar transform has the signs of the second and
/// third band the other way; that goes into the weights of the subnets' first 12 inputs and of phi's and eta's outputs.
/// Errors  not_found (no such names, or a tensor is missing), malformed (shapes that do not fit), unsupported (blocks or growth
/// out of
///         range).
Result<Isn> published_isn(const StateDict& weights);

}  // namespace stegpass::model
