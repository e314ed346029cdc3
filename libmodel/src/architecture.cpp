#include <stegpass/model/architecture.hpp>

#include <algorithm>
#include <charconv>

namespace stegpass::model {
namespace {

constexpr std::string_view kAlexNet = "alexnet-cifar";
constexpr int kInputSide = 32;

int scaled(int channels, int width) { return std::max(4, channels * width / 1000 / 4 * 4); }

/// AlexNet in its CIFAR form as the passport papers have it (Fan et al. 2019): pooling sits at features.1, .3 and .7.
std::vector<ConvPlan> alexnet_convs(int width) {
  std::vector<ConvPlan> convs = {{"features.0", 3, 64, 5, 32, true},   {"features.2", 64, 192, 5, 16, true},
                                 {"features.4", 192, 384, 3, 8, false}, {"features.5", 384, 256, 3, 8, false},
                                 {"features.6", 256, 256, 3, 8, true}};
  for (std::size_t i = 0; i < convs.size(); ++i) {
    convs[i].out_channels = scaled(convs[i].out_channels, width);
    if (i > 0) convs[i].in_channels = convs[i - 1].out_channels;
  }
  return convs;
}

/// Marks the passport layers. Each name has to follow the one before in the network's order.
Status mark_passports(std::vector<ConvPlan>& convs, const std::vector<std::string>& names) {
  if (names.empty()) return Error{Errc::usage, "no passport layer named, at least one expected"};
  auto next = convs.begin();
  for (const std::string& name : names) {
    next = std::find_if(next, convs.end(), [&](const ConvPlan& conv) { return conv.name == name; });
    if (next == convs.end()) {
      return Error{Errc::usage, "passport layer '" + name + "' is no convolution of the network, or not in its order"};
    }
    next++->passport = true;
  }
  return Done{};
}

/// Reads canonical text piece by piece; after the first mismatch every further piece fails too.
class Cursor {
 public:
  explicit Cursor(std::string_view text) : rest_(text) {}
  void literal(std::string_view expected) {
    good_ = good_ && rest_.starts_with(expected);
    if (good_) rest_.remove_prefix(expected.size());
  }
  int integer() {
    int value = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    good_ = good_ && error == std::errc();
    if (good_) rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }
  std::string name() {
    const auto length = std::min(rest_.find('"'), rest_.size());
    std::string value(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return value;
  }
  bool good() const { return good_; }
  bool at(char c) const { return good_ && !rest_.empty() && rest_.front() == c; }
  bool done() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

constexpr std::size_t kMaxText = 4096;

}  // namespace

Result<Architecture> Architecture::create(const ArchitectureSettings& settings) {
  if (settings.network != kAlexNet) {
    return Error{Errc::unsupported, "network '" + settings.network + "' is unknown, 'alexnet-cifar' expected"};
  }
  if (settings.classes < 2 || settings.classes > 10000) {
    return Error{Errc::unsupported, std::to_string(settings.classes) + " classes, 2 to 10000 expected"};
  }
  if (settings.width < 16 || settings.width > 2000) {
    return Error{Errc::unsupported, "width " + std::to_string(settings.width) + " per mille, 16 to 2000 expected"};
  }
  Architecture architecture(settings);
  architecture.convs_ = alexnet_convs(settings.width);
  STEGPASS_CHECK_OK(mark_passports(architecture.convs_, settings.passports));
  return architecture;
}

Result<Architecture> Architecture::parse(std::string_view text) {
  const Error foreign{Errc::malformed, "the architecture descriptor is not in its canonical form"};
  if (text.size() > kMaxText) return foreign;
  ArchitectureSettings settings{.passports = {}};
  Cursor cursor(text);
  cursor.literal("{\"channels\":3,\"classes\":");
  settings.classes = cursor.integer();
  cursor.literal(",\"input\":32,\"network\":\"");
  settings.network = cursor.name();
  cursor.literal("\",\"norm\":\"batch\",\"passports\":[");
  for (bool more = true; more && cursor.good(); cursor.literal(more ? "," : "]")) {
    cursor.literal("\"");
    settings.passports.push_back(cursor.name());
    cursor.literal("\"");
    more = cursor.at(',');
  }
  cursor.literal(",\"width\":");
  settings.width = cursor.integer();
  cursor.literal("}");
  if (!cursor.done()) return foreign;
  STEGPASS_TRY(architecture, create(settings));
  if (architecture.text() != text) return foreign;
  return architecture;
}

std::string Architecture::text() const {
  std::string passports;
  for (const std::string& name : settings_.passports) {
    if (!passports.empty()) passports += ',';
    passports.append("\"").append(name).append("\"");
  }
  return "{\"channels\":3,\"classes\":" + std::to_string(settings_.classes) + ",\"input\":32,\"network\":\"" + settings_.network +
         "\",\"norm\":\"batch\",\"passports\":[" + passports + "],\"width\":" + std::to_string(settings_.width) + "}";
}

Digest64 Architecture::digest() const {
  constexpr std::string_view kDomain("stegpass.architecture.v1\0", 25);
  return Sha512().update(kDomain).update(text()).finish();
}

std::vector<ConvPlan> Architecture::passport_convs() const {
  std::vector<ConvPlan> out;
  std::copy_if(convs_.begin(), convs_.end(), std::back_inserter(out), [](const ConvPlan& conv) { return conv.passport; });
  return out;
}

int Architecture::classifier_inputs() const {
  const ConvPlan& last = convs_.back();
  const int side = last.pooled ? last.side / 2 : last.side;
  return last.out_channels * side * side;
}

int Architecture::bits() const {
  int sum = 0;
  for (const ConvPlan& conv : passport_convs()) sum += conv.out_channels;
  return sum;
}

int Architecture::tiles() const {
  int fewest = kInputSide * kInputSide;
  for (const ConvPlan& conv : passport_convs()) fewest = std::min(fewest, conv.positions());
  int tiles = 1;
  while (tiles * tiles * fewest < kMinColumns) tiles *= 2;
  return tiles;
}

}  // namespace stegpass::model
