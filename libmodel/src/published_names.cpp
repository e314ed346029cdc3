#include <stegpass/model/published_names.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "tensor_bytes.hpp"

namespace stegpass::model {
namespace {

using Shape = std::vector<std::int64_t>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

/// One convolution with its norm: the module of the published code, and where its parts go.
struct Block {
  std::string from, conv, bn, verification;
};

struct Network {
  std::string name, linear_from, linear_to;
  std::vector<Block> blocks;
};

Network alexnet() {
  Network network{"alexnet-cifar", "classifier", "classifier", {}};
  for (const char* index : {"0", "2", "4", "5", "6"}) {
    const std::string at = std::string("features.") + index;
    network.blocks.push_back({at, at + ".conv.weight", at + ".bn", at + ".verification"});
  }
  return network;
}

Block residual_part(const std::string& block, const char* from, const std::string& conv, const std::string& bn) {
  return {block + from, block + conv + ".weight", block + bn, block + conv + ".verification"};
}

Network resnet18() {
  Network network{"resnet18-reference", "linear", "fc", {residual_part("", "convbnrelu_1", "conv1", "bn1")}};
  for (int layer = 1; layer <= 4; ++layer) {
    for (int block = 0; block < 2; ++block) {
      const std::string at = "layer" + std::to_string(layer) + "." + std::to_string(block) + ".";
      network.blocks.push_back(residual_part(at, "convbnrelu_1", "conv1", "bn1"));
      network.blocks.push_back(residual_part(at, "convbn_2", "conv2", "bn2"));
      if (layer > 1 && block == 0) network.blocks.push_back(residual_part(at, "shortcut", "downsample.0", "downsample.1"));
    }
  }
  return network;
}

/// Two vectors of a batch norm that are no parameters.
constexpr std::array<const char*, 2> kStatistics = {".running_mean", ".running_var"};

/// Works through the names of one network; the first error ends it.
class Translator {
 public:
  explicit Translator(const std::vector<NamedShape>& tensors) {
    for (const NamedShape& tensor : tensors) left_.emplace(tensor.name, tensor.shape);
  }

  Result<NameTable> run(const Network& network) {
    out_.network = network.name;
    for (const Block& block : network.blocks) STEGPASS_CHECK_OK(translate(block));
    const std::int64_t classes = rows(network.linear_from + ".weight");
    STEGPASS_CHECK_OK(take(network.linear_from + ".weight", network.linear_to + ".weight", {classes, -1}));
    STEGPASS_CHECK_OK(take(network.linear_from + ".bias", network.linear_to + ".bias", {classes}));
    for (const auto& [name, shape] : left_) leave(network, name);
    STEGPASS_CHECK_OK(check_unique());
    return std::move(out_);
  }

 private:
  bool has(const std::string& name) const { return left_.count(name) != 0; }
  std::int64_t rows(const std::string& name) const {
    const auto found = left_.find(name);
    return found == left_.end() || found->second.empty() ? -1 : found->second.front();
  }

  /// -1 stands for any size.
  Status take(const std::string& from, const std::string& to, const Shape& shape) {
    const auto found = left_.find(from);
    if (found == left_.end())
      return Error{Errc::not_found, "tensor " + from + " is absent, as " + out_.network + " needs it for " + to};
    const auto same = [](std::int64_t is, std::int64_t expected) { return is == expected || (expected == -1 && is > 0); };
    if (!std::equal(found->second.begin(), found->second.end(), shape.begin(), shape.end(), same)) {
      return Error{Errc::malformed, "tensor " + from + " has shape " + shape_text(found->second) + ", " + shape_text(shape) +
                                        " expected (-1: any)"};
    }
    from == to ? out_.kept.push_back(from) : out_.renamed.push_back({from, to});
    left_.erase(found);
    return Done{};
  }

  Status take_all(const Pairs& pairs, const Shape& shape) {
    for (const auto& [from, to] : pairs) STEGPASS_CHECK_OK(take(from, to, shape));
    return Done{};
  }

  Status statistics(const std::string& from, const std::string& to, const Shape& shape) {
    for (const char* name : kStatistics) STEGPASS_CHECK_OK(take(from + name, to + name, shape));
    return Done{};
  }

  Status translate(const Block& block) {
    const std::string& at = block.from;
    const std::int64_t channels = rows(at + ".conv.weight");
    const bool passport = has(at + ".b") || has(at + ".scale") || has(at + ".scale0") || has(at + ".bn0.running_mean");
    STEGPASS_CHECK_OK(take(at + ".conv.weight", block.conv, {-1, -1, -1, -1}));
    const Shape vector{channels};
    if (!passport) {
      STEGPASS_CHECK_OK(take_all({{at + ".bn.weight", block.bn + ".weight"}, {at + ".bn.bias", block.bn + ".bias"}}, vector));
      return statistics(at + ".bn", block.bn, vector);
    }
    if (has(at + ".scale0") || has(at + ".scale1")) return steganographic(block, channels);
    if (has(at + ".bn0.running_mean") || has(at + ".bn1.running_mean")) return aware_normalization(block, channels);
    STEGPASS_CHECK_OK(take_all({{at + ".scale", block.bn + ".weight"}, {at + ".bias", block.bn + ".bias"}}, vector));
    note("DeepIPR's verification branch takes its gains from the passport alone: there is no part of it to convert");
    return statistics(at + ".bn", block.bn, vector);
  }

  Status steganographic(const Block& block, std::int64_t channels) {
    const std::string &at = block.from, verification = block.verification + ".bn";
    STEGPASS_CHECK_OK(take_all({{at + ".scale0", block.bn + ".weight"},
                                {at + ".bias0", block.bn + ".bias"},
                                {at + ".scale1", verification + ".weight"},
                                {at + ".bias1", verification + ".bias"}},
                               {channels}));
    STEGPASS_CHECK_OK(statistics(at + ".bn0", block.bn, {channels}));
    return verification_parts(block, channels);
  }

  /// The published form has no a1 and c1: g BN1(y) + h.
  Status aware_normalization(const Block& block, std::int64_t channels) {
    const std::string& at = block.from;
    STEGPASS_CHECK_OK(take_all({{at + ".scale", block.bn + ".weight"}, {at + ".bias", block.bn + ".bias"}}, {channels}));
    STEGPASS_CHECK_OK(statistics(at + ".bn0", block.bn, {channels}));
    out_.filled.push_back({block.verification + ".bn.weight", {channels}, 1});
    out_.filled.push_back({block.verification + ".bn.bias", {channels}, 0});
    return verification_parts(block, channels);
  }

  Status verification_parts(const Block& block, std::int64_t channels) {
    STEGPASS_CHECK_OK(statistics(block.from + ".bn1", block.verification + ".bn", {channels}));
    const std::int64_t hidden = std::max<std::int64_t>(1, channels / 4);
    STEGPASS_CHECK_OK(take(block.from + ".fc.0.weight", block.verification + ".tlp.0.weight", {hidden, channels}));
    return take(block.from + ".fc.2.weight", block.verification + ".tlp.2.weight", {channels, hidden});
  }

  /// Parts under our own names stay; the rest has no use here.
  void leave(const Network& network, const std::string& name) {
    const auto is_ours = [&](const Block& block) { return name.rfind(block.verification + ".", 0) == 0; };
    const auto is_second = [&](const Block& block) { return name == block.from + ".weight"; };
    const auto any = [&](const auto& what) { return std::any_of(network.blocks.begin(), network.blocks.end(), what); };
    if (any(is_ours)) {
      out_.kept.push_back(name);
    } else {
      out_.left_out.push_back({name, any(is_second) ? "a second name of the convolution's weights" : reason(name)});
    }
  }

  Status check_unique() const {
    std::set<std::string> names(out_.kept.begin(), out_.kept.end());
    std::vector<std::string> made;
    for (const auto& rename : out_.renamed) made.push_back(rename.to);
    for (const auto& fill : out_.filled) made.push_back(fill.name);
    for (const std::string& name : made) {
      if (!names.insert(name).second) return Error{Errc::malformed, "two tensors would be called " + name};
    }
    return Done{};
  }

  static std::string reason(const std::string& name) {
    const std::size_t dot = name.rfind('.');
    const std::string last = name.substr(dot == std::string::npos ? 0 : dot + 1);
    if (last == "num_batches_tracked") return "a counter of training steps";
    if (last == "b") return "the bits to be signed, which follow from a mark seed here";
    if (last == "key" || last == "skey" || last == "key_private" || last == "skey_private")
      return "a passport's activations, which a passport file gives here";
    if (last == "scale" || last == "bias") return "not used by its layer";
    return "no place in the network";
  }

  void note(const std::string& text) {
    if (std::find(out_.notes.begin(), out_.notes.end(), text) == out_.notes.end()) out_.notes.push_back(text);
  }

  NameTable out_;
  std::map<std::string, Shape> left_;
};

NameTable keep_all(const std::vector<NamedShape>& tensors) {
  NameTable out;
  for (const NamedShape& tensor : tensors) out.kept.push_back(tensor.name);
  return out;
}

}  // namespace

Result<NameTable> published_names(const std::vector<NamedShape>& tensors) {
  constexpr std::size_t kEnough =
      3;  // convolutions under the published names; a file that lacks one of them is an error, not another network
  std::set<std::string> names;
  for (const NamedShape& tensor : tensors) names.insert(tensor.name);
  for (const Network& network : {alexnet(), resnet18()}) {
    const auto found = std::count_if(network.blocks.begin(), network.blocks.end(),
                                     [&](const Block& b) { return names.count(b.from + ".conv.weight") != 0; });
    if (static_cast<std::size_t>(found) < kEnough) continue;
    STEGPASS_TRY(table, Translator(tensors).run(network));
    if (network.linear_to == "fc") {
      table.notes.push_back(
          "the published ResNet-18 applies ReLU after every convolution block, before the addition too: the network form "
          "resnet18-reference");
    }
    return table;
  }
  return keep_all(tensors);
}

Result<NameTable> mapped_names(const std::vector<NamedShape>& tensors,
                               const std::vector<std::pair<std::string, std::string>>& map) {
  std::map<std::string, std::string> left;
  for (const auto& [from, to] : map) {
    if (!left.emplace(from, to).second) return Error{Errc::usage, "the map names " + from + " twice"};
  }
  NameTable out;
  std::set<std::string> taken;
  for (const NamedShape& tensor : tensors) {
    const auto found = left.find(tensor.name);
    const std::string to = found == left.end() ? tensor.name : found->second;
    if (to.empty()) {
      out.left_out.push_back({tensor.name, "by the map"});
    } else if (!taken.insert(to).second) {
      return Error{Errc::usage, "two tensors would be called " + to};
    } else {
      to == tensor.name ? out.kept.push_back(to) : out.renamed.push_back({tensor.name, to});
    }
    if (found != left.end()) left.erase(found);
  }
  if (!left.empty()) return Error{Errc::not_found, "the map names " + left.begin()->first + ", which the file does not hold"};
  return out;
}

}  // namespace stegpass::model
