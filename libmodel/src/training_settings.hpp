#pragma once

#include <string>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/model/training.hpp>

namespace stegpass::model {

/// Errors  usage on numbers out of range, a mark that does not fit the architecture, or too few images for one batch.
Status check_task(const TrainingTask& task, const TrainingSettings& settings);

std::string settings_json(const TrainingSettings& settings);

/// Names everything that decides the weights: settings, architecture, data and marks. A state only resumes its own run.
std::string run_identity(const TrainingTask& task, const TrainingSettings& settings, const LabelledImages& train,
                         const LabelledImages& test);

/// Learning rate of step `step` (from 0) of `steps`.
double rate_at(const TrainingSettings& settings, std::int64_t step, std::int64_t steps);

}  // namespace stegpass::model
