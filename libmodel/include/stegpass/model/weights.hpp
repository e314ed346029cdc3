#pragma once

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/model/network.hpp>

namespace stegpass::model {

/// Both branches as one safetensors file. Requires a network with a verification branch. Format: schemas/model.md.
Bytes encode_owner_model(const PassportNetwork& network);

/// The deployment branch alone, under names that load into a plain PyTorch module. Format: schemas/model.md.
Bytes encode_release_model(const PassportNetwork& network);

/// Reads what `encode_owner_model` wrote, on the CPU.
/// Errors  malformed on another format, a wrong shape or type, a value that is not finite or a tensor too many; not_found
///         on a tensor too few.
Result<PassportNetwork> decode_owner_model(ByteView file);

/// The same for release models; an owner model is refused.
Result<PassportNetwork> decode_release_model(ByteView file);

/// The architecture that a model file of ours names. Errors  malformed.
Result<Architecture> model_architecture(ByteView file);

}  // namespace stegpass::model
