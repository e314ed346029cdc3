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
    const Architecture architecture =
        Architecture::create({.classes = 7, .width = width, .passports = {"features.2", "features.6"}}).value();
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
  for (const Names& names : {Names{"features.3"}, Names{"features.4", "features.4"}, Names{"features.6", "features.4"},
                             Names{"classifier"}, Names{"features.4\",\"x"}}) {
    CHECK(Architecture::create({.passports = names}).error().code == Errc::usage);
  }
}

TEST_CASE("an architecture without passport layers has no bits") {
  const Architecture plain = Architecture::create({.passports = {}}).value();
  CHECK(plain.bits() == 0);
  CHECK(plain.tiles() == 1);
  CHECK(Architecture::parse(plain.text()).value() == plain);
}

TEST_CASE("ResNet-18 has 2,560 bits in its fourth stage, in each of its forms") {
  for (const char* network : {"resnet18-cifar", "resnet18-reference", "resnet18"}) {
    const auto layers = choose_passport_layers(network, "layer4").value();
    CHECK(layers.size() == 5);
    const Architecture architecture = Architecture::create({.network = network, .passports = layers}).value();
    CHECK(architecture.bits() == 2560);
    CHECK(architecture.convs().size() == 20);
    CHECK(architecture.classifier_inputs() == 512);
    CHECK(architecture.tiles() == (network == std::string("resnet18") ? 16 : 4));
    CHECK(Architecture::parse(architecture.text()).value() == architecture);
  }
}

TEST_CASE("norms, key types and input sizes go into the descriptor, the usual ones in as many words as ever") {
  CHECK(Architecture::create({.norm = Norm::batch, .input = 32, .keys = KeyType::image}).value().text() == kText);
  std::vector<std::string> texts = {kText};
  for (const Norm norm : {Norm::group, Norm::instance, Norm::none})
    texts.push_back(Architecture::create({.norm = norm}).value().text());
  for (const KeyType keys : {KeyType::shuffle, KeyType::random})
    texts.push_back(Architecture::create({.keys = keys}).value().text());
  texts.push_back(Architecture::create({.input = 64}).value().text());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    CHECK(Architecture::parse(texts[i]).value().text() == texts[i]);
    for (std::size_t j = 0; j < i; ++j) CHECK(texts[i] != texts[j]);
  }
  for (const int input : {0, 31, 33, 1024}) CHECK(Architecture::create({.input = input}).error().code == Errc::unsupported);
}

TEST_CASE("passport layers are chosen by the papers' words or by name") {
  CHECK(choose_passport_layers("alexnet-cifar", "last3").value() ==
        std::vector<std::string>{"features.4", "features.5", "features.6"});
  CHECK(choose_passport_layers("alexnet-cifar", "all").value().size() == 5);
  CHECK(choose_passport_layers("alexnet-cifar", "none").value().empty());
  CHECK(choose_passport_layers("alexnet-cifar", "features.0,features.6").value() ==
        std::vector<std::string>{"features.0", "features.6"});
  CHECK(choose_passport_layers("alexnet-cifar", "layer4").error().code == Errc::usage);
  CHECK(choose_passport_layers("vgg", "all").error().code == Errc::unsupported);
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
