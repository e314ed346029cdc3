#pragma once

#include <stegpass/model/architecture.hpp>
#include <stegpass/model/mark.hpp>

#include "model_part.hpp"

namespace stegpass::cli {

/// The mark of a passport file and its 64-byte seed. Errors  malformed, and those of make_mark.
Result<model::Mark> mark_of(const model::Architecture& architecture, model::Pooling pooling, const OpenPassport& open,
                            model::MarkPictures pictures);

/// cpu or cuda. Errors  usage; unsupported where there is none.
Result<torch::Device> device_of(const std::string& name);
/// The same for one of several processes: each has a CUDA device of its own. Errors  also usage where there are too few.
Result<torch::Device> device_of(const std::string& name, const Processes& at);

}  // namespace stegpass::cli
