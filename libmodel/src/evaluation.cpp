#include <stegpass/model/evaluation.hpp>

namespace stegpass::model {
namespace {

std::int64_t count_right(const torch::Tensor& logits, const torch::Tensor& labels) {
  return (logits.argmax(1) == labels).sum().item<std::int64_t>();
}

/// Runs `visit` over (images, labels) batches on the device, without gradients and in evaluation mode.
template <class Visit>
void over_batches(PassportNetwork& network, const LabelledImages& data, const EvaluationSettings& settings, Visit visit) {
  const torch::NoGradGuard no_grad;
  network->to(settings.device);
  network->eval();
  for (std::int64_t at = 0; at < data.size(); at += settings.batch) {
    const std::int64_t count = std::min<std::int64_t>(settings.batch, data.size() - at);
    visit(network_images(data.images.narrow(0, at, count).to(settings.device)),
          data.labels.narrow(0, at, count).to(settings.device));
  }
}

double share(std::int64_t right, std::int64_t images) {
  return images == 0 ? 0.0 : static_cast<double>(right) / static_cast<double>(images);
}

}  // namespace

Accuracy evaluate_deployment(PassportNetwork network, const LabelledImages& data, const EvaluationSettings& settings) {
  std::int64_t right = 0;
  over_batches(network, data, settings, [&](const torch::Tensor& images, const torch::Tensor& labels) {
    right += count_right(network->deployment(images, settings.precision), labels);
  });
  return {data.size(), share(right, data.size()), 0};
}

Result<Accuracy> evaluate(PassportNetwork network, const LabelledImages& data, const Mark& mark,
                          const EvaluationSettings& settings) {
  if (!network->has_verification()) return Error{Errc::usage, "a release model has no verification branch to evaluate"};
  STEGPASS_CHECK_OK(check_mark(network->architecture(), mark, MarkPictures::both));
  const NetworkKeys keys = network_keys(network->architecture(), mark, settings.device);
  std::int64_t deployed = 0, verified = 0;
  over_batches(network, data, settings, [&](const torch::Tensor& images, const torch::Tensor& labels) {
    const auto outputs = network->both(images, keys, settings.precision);
    deployed += count_right(outputs.deployment, labels);
    verified += count_right(outputs.verification, labels);
  });
  return Accuracy{data.size(), share(deployed, data.size()), share(verified, data.size())};
}

}  // namespace stegpass::model
