#include <stegpass/model/architecture.hpp>

#include <stegpass/credential/core/text.hpp>
#include <tests/support/catch.hpp>

using namespace stegpass;
using namespace stegpass::model;

namespace {

constexpr const char* kText =
    "{\"channels\":3,\"classes\":10,\"input\":32,\"network\":\"alexnet-cifar\",\"norm\":\"batch\","
    "\"passports\":[\"features.4\",\"features.5\",\"features.6\"],\"width\":1000}";

}  // namespace

TEST_CASE("the default architecture is AlexNet with 896 bits in its last three layers") {
  const Architecture architecture = Architecture::create({}).value();
  CHECK(architecture.bits() == 896);
  CHECK(architecture.classifier_inputs() == 4096);
  CHECK(architecture.tiles() == 2);
  CHECK(architecture.convs().size() == 5);
  CHECK(architecture.passport_convs().front().fan_in() == 1728);
}

TEST_CASE("the descriptor's text is canonical") { CHECK(Architecture::create({}).value().text() == kText); }

TEST_CASE("the descriptor's digest is that of an independent program") {
  CHECK(to_hex(Architecture::create({}).value().digest()).substr(0, 32) == "377b9af8d820692fbb15dceae6f27478");
  CHECK(to_hex(Architecture::create({.width = 125}).value().digest()).substr(0, 32) == "a0e4870c4089a38b98324db74cca5d89");
}

TEST_CASE("a descriptor survives its text") {
  for (const int width : {16, 125, 1000, 2000}) {
    const Architecture architecture = Architecture::create({.classes = 7, .width = width, .passports = {"features.2", "features.6"}}).value();
    CHECK(Architecture::parse(architecture.text()).value() == architecture);
  }
}

TEST_CASE("every truncation of a descriptor is refused") {
  const std::string text = kText;
  for (std::size_t length = 0; length < text.size(); ++length) CHECK_FALSE(Architecture::parse(text.substr(0, length)));
}

TEST_CASE("a changed byte gives no descriptor, or another one") {
  const Architecture original = Architecture::parse(kText).value();
  for (std::size_t at = 0; at < std::string_view(kText).size(); ++at) {
    for (const char change : {1, 2, 4, 16}) {
      std::string text = kText;
      text[at] = static_cast<char>(text[at] ^ change);
      const auto parsed = Architecture::parse(text);
      if (parsed) CHECK_FALSE(*parsed == original);
    }
  }
}

TEST_CASE("a descriptor in any other spelling is refused") {
  const std::string text = kText;
  CHECK_FALSE(Architecture::parse(std::string(1, ' ').append(text)));
  CHECK_FALSE(Architecture::parse(text + "\n"));
  std::string spaced = text;
  spaced.insert(1, 1, ' ');
  CHECK_FALSE(Architecture::parse(spaced));
  std::string zero = text;
  zero.insert(zero.find("10,"), 1, '0');
  CHECK_FALSE(Architecture::parse(zero));
  CHECK_FALSE(Architecture::parse(std::string(100000, '[')));
}

TEST_CASE("an unknown network is unsupported") {
  CHECK(Architecture::create({.network = "resnet-9000"}).error().code == Errc::unsupported);
}

TEST_CASE("passport layers must be convolutions of the network, each once and in order") {
  using Names = std::vector<std::string>;
  for (const Names& names : {Names{}, Names{"features.3"}, Names{"features.4", "features.4"}, Names{"features.6", "features.4"},
                             Names{"classifier"}, Names{"features.4\",\"x"}}) {
    CHECK(Architecture::create({.passports = names}).error().code == Errc::usage);
  }
}

TEST_CASE("class counts and widths out of range are unsupported") {
  for (const int classes : {-1, 0, 1, 10001}) CHECK(Architecture::create({.classes = classes}).error().code == Errc::unsupported);
  for (const int width : {-5, 0, 15, 2001}) CHECK(Architecture::create({.width = width}).error().code == Errc::unsupported);
}

TEST_CASE("channels follow the width in steps of four") {
  const auto convs = Architecture::create({.width = 125}).value().convs();
  std::vector<int> channels;
  for (const ConvPlan& conv : convs) channels.push_back(conv.out_channels);
  CHECK(channels == std::vector<int>{8, 24, 48, 32, 32});
  for (std::size_t i = 1; i < convs.size(); ++i) CHECK(convs[i].in_channels == channels[i - 1]);
}

TEST_CASE("a passport layer with many positions needs one tile alone") {
  CHECK(Architecture::create({.passports = {"features.0", "features.2"}}).value().tiles() == 1);
}
