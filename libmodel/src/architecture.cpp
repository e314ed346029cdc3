#include <stegpass/model/architecture.hpp>

#include <algorithm>
#include <array>
#include <charconv>

#include "network_plans.hpp"
#include "parse_name.hpp"

namespace stegpass::model {
namespace {

/// Marks the passport layers. Each name has to follow the one before in the network's order.
Status mark_passports(std::vector<ConvPlan>& convs, const std::vector<std::string>& names) {
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
  bool starts_with(std::string_view text) const { return good_ && rest_.starts_with(text); }
  /// Takes `text` when it comes next.
  bool skip(std::string_view text) {
    const bool next = starts_with(text);
    if (next) rest_.remove_prefix(text.size());
    return next;
  }
  bool done() const { return good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool good_ = true;
};

constexpr std::size_t kMaxText = 4096;

std::string joined(const std::vector<std::string>& names, const char* quote) {
  std::string text;
  for (const std::string& name : names) text.append(text.empty() ? "" : ",").append(quote).append(name).append(quote);
  return text;
}

Status check_numbers(const ArchitectureSettings& settings) {
  if (settings.classes < 2 || settings.classes > 10000) {
    return Error{Errc::unsupported, std::to_string(settings.classes) + " classes, 2 to 10000 expected"};
  }
  if (settings.width < 16 || settings.width > 2000) {
    return Error{Errc::unsupported, "width " + std::to_string(settings.width) + " per mille, 16 to 2000 expected"};
  }
  if (settings.input < 32 || settings.input > 512 || settings.input % 32 != 0) {
    return Error{Errc::unsupported,
                 "input of " + std::to_string(settings.input) + " pixels, a multiple of 32 from 32 to 512 expected"};
  }
  return Done{};
}

constexpr std::array<std::string_view, 4> kNorms{"batch", "group", "instance", "none"};
constexpr std::array<std::string_view, 3> kKeyTypes{"image", "shuffle", "random"};

Error unknown_network(std::string_view name) {
  return {Errc::unsupported,
          "network '" + std::string(name) + "' is unknown, one of " + joined(network_names(), "'") + " expected"};
}

}  // namespace

std::string_view norm_name(Norm norm) { return kNorms[static_cast<std::size_t>(norm)]; }
Result<Norm> parse_norm(std::string_view name) { return parse_name<Norm>("norm", name, kNorms); }

std::string_view key_type_name(KeyType type) { return kKeyTypes[static_cast<std::size_t>(type)]; }
Result<KeyType> parse_key_type(std::string_view name) { return parse_name<KeyType>("key type", name, kKeyTypes); }

Result<std::vector<std::string>> choose_passport_layers(std::string_view network, std::string_view choice) {
  const auto plan = plan_network(network, 1000, 32);
  if (!plan) return unknown_network(network);
  std::vector<std::string> layers;
  if (choice == "none") return layers;
  if (choice == plan->last_layers) return plan->last_passports;
  if (choice == "last3" || choice == "layer4") {
    return Error{Errc::usage, std::string(network) + " has no '" + std::string(choice) + "', but '" + plan->last_layers + "'"};
  }
  if (choice == "all") {
    for (const ConvPlan& conv : plan->convs) layers.push_back(conv.name);
    return layers;
  }
  for (std::size_t at = 0; at <= choice.size();) {
    const std::size_t comma = std::min(choice.find(',', at), choice.size());
    layers.emplace_back(choice.substr(at, comma - at));
    at = comma + 1;
  }
  return layers;
}

Result<Architecture> Architecture::create(const ArchitectureSettings& settings) {
  STEGPASS_CHECK_OK(check_numbers(settings));
  const auto plan = plan_network(settings.network, settings.width, settings.input);
  if (!plan) return unknown_network(settings.network);
  Architecture architecture(settings);
  architecture.convs_ = plan->convs;
  architecture.classifier_ = plan->classifier;
  architecture.averaged_ = plan->averaged;
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
  cursor.literal(",\"input\":");
  settings.input = cursor.integer();
  std::string keys = "image", norm;
  if (cursor.starts_with(",\"keys\"")) {
    cursor.literal(",\"keys\":\"");
    keys = cursor.name();
    cursor.literal("\"");
  }
  cursor.literal(",\"network\":\"");
  settings.network = cursor.name();
  cursor.literal("\",\"norm\":\"");
  norm = cursor.name();
  cursor.literal("\",\"passports\":[");
  for (bool more = !cursor.starts_with("]"); more && cursor.good(); more = cursor.skip(",")) {
    cursor.literal("\"");
    settings.passports.push_back(cursor.name());
    cursor.literal("\"");
  }
  cursor.literal("]");
  cursor.literal(",\"width\":");
  settings.width = cursor.integer();
  cursor.literal("}");
  if (!cursor.done()) return foreign;
  STEGPASS_TRY(norm_value, parse_norm(norm));
  STEGPASS_TRY(keys_value, parse_key_type(keys));
  settings.norm = norm_value;
  settings.keys = keys_value;
  STEGPASS_TRY(architecture, create(settings));
  if (architecture.text() != text) return foreign;
  return architecture;
}

std::string Architecture::text() const {
  std::string text = "{\"channels\":3,\"classes\":" + std::to_string(settings_.classes);
  text += ",\"input\":" + std::to_string(settings_.input);
  if (settings_.keys != KeyType::image) text.append(",\"keys\":\"").append(key_type_name(settings_.keys)).append("\"");
  text.append(",\"network\":\"").append(settings_.network).append("\",\"norm\":\"").append(norm_name(settings_.norm));
  text.append("\",\"passports\":[").append(joined(settings_.passports, "\"")).append("],\"width\":");
  return text + std::to_string(settings_.width) + "}";
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

std::vector<int> Architecture::channel_groups() const {
  std::vector<int> group;
  for (const ConvPlan& conv : convs_)
    group.push_back(conv.add == ConvPlan::kNothing ? static_cast<int>(group.size()) : group[static_cast<std::size_t>(conv.add)]);
  return group;
}

int Architecture::classifier_inputs() const {
  const ConvPlan& last = convs_.back();
  return averaged_ ? last.out_channels : last.out_channels * last.pooled_side() * last.pooled_side();
}

int Architecture::bits() const {
  int sum = 0;
  for (const ConvPlan& conv : passport_convs()) sum += conv.out_channels;
  return sum;
}

int Architecture::tiles() const {
  int fewest = settings_.input * settings_.input;
  for (const ConvPlan& conv : passport_convs()) fewest = std::min(fewest, conv.positions());
  int tiles = 1;
  while (tiles * tiles * fewest < kMinColumns) tiles *= 2;
  return tiles;
}

}  // namespace stegpass::model
