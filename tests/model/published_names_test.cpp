#include <stegpass/model/published_names.hpp>

#include <algorithm>
#include <map>
#include <set>

#include <tests/support/catch.hpp>

using namespace stegpass;
using namespace stegpass::model;

namespace {

using Shapes = std::vector<NamedShape>;
enum class Form { plain, deepipr, aware, steganographic };

void add_block(Shapes& out, const std::string& at, std::int64_t in, std::int64_t channels, std::int64_t kernel, Form form) {
  const auto vector = [&](const std::string& name) { out.push_back({at + "." + name, {channels}}); };
  const auto norm = [&](const std::string& name) {
    vector(name + ".running_mean");
    vector(name + ".running_var");
    out.push_back({at + "." + name + ".num_batches_tracked", {}});
  };
  out.push_back({at + ".conv.weight", {channels, in, kernel, kernel}});
  if (form == Form::plain) {
    vector("bn.weight");
    vector("bn.bias");
    return norm("bn");
  }
  out.push_back({at + ".weight", {channels, in, kernel, kernel}});
  for (const char* name : {"scale", "bias", "b", "sign_loss_private.b"}) vector(name);
  for (const char* name : {"key_private", "skey_private"}) out.push_back({at + "." + name, {1, in, 8, 8}});
  if (form == Form::deepipr) return norm("bn");
  norm("bn0");
  norm("bn1");
  out.push_back({at + ".fc.0.weight", {channels / 4, channels}});
  out.push_back({at + ".fc.2.weight", {channels, channels / 4}});
  if (form == Form::aware) return;
  for (const char* name : {"scale0", "scale1", "bias0", "bias1"}) vector(name);
}

Shapes alexnet(Form form) {
  Shapes out;
  add_block(out, "features.0", 3, 64, 5, Form::plain);
  add_block(out, "features.2", 64, 192, 5, Form::plain);
  add_block(out, "features.4", 192, 384, 3, form);
  add_block(out, "features.5", 384, 256, 3, form);
  add_block(out, "features.6", 256, 256, 3, form);
  out.push_back({"classifier.weight", {10, 4096}});
  out.push_back({"classifier.bias", {10}});
  return out;
}

Shapes resnet18(Form last) {
  Shapes out;
  add_block(out, "convbnrelu_1", 3, 64, 3, Form::plain);
  for (int layer = 1; layer <= 4; ++layer) {
    const std::int64_t channels = 32 << layer, before = layer == 1 ? 64 : channels / 2;
    for (int block = 0; block < 2; ++block) {
      const std::string at = "layer" + std::to_string(layer) + "." + std::to_string(block) + ".";
      const Form form = layer == 4 ? last : Form::plain;
      add_block(out, at + "convbnrelu_1", block == 0 ? before : channels, channels, 3, form);
      add_block(out, at + "convbn_2", channels, channels, 3, form);
      if (layer > 1 && block == 0) add_block(out, at + "shortcut", before, channels, 1, form);
    }
  }
  out.push_back({"linear.weight", {100, 512}});
  out.push_back({"linear.bias", {100}});
  return out;
}

std::map<std::string, std::string> renamed(const NameTable& table) {
  std::map<std::string, std::string> out;
  for (const auto& rename : table.renamed) out.emplace(rename.from, rename.to);
  return out;
}

std::set<std::string> made_names(const NameTable& table) {
  std::set<std::string> out(table.kept.begin(), table.kept.end());
  for (const auto& rename : table.renamed) out.insert(rename.to);
  for (const auto& fill : table.filled) out.insert(fill.name);
  return out;
}

Shapes without(Shapes shapes, const std::string& name) {
  const auto end = std::remove_if(shapes.begin(), shapes.end(), [&](const NamedShape& shape) { return shape.name == name; });
  REQUIRE(end != shapes.end());
  shapes.erase(end, shapes.end());
  return shapes;
}

std::vector<std::string> passport_parts(const std::string& conv, const std::string& bn, const std::string& verification) {
  std::vector<std::string> out{conv + ".weight"};
  for (const std::string& norm : {bn, verification + ".bn"}) {
    for (const char* part : {".weight", ".bias", ".running_mean", ".running_var"}) out.push_back(norm + part);
  }
  out.push_back(verification + ".tlp.0.weight");
  out.push_back(verification + ".tlp.2.weight");
  return out;
}

}  // namespace

TEST_CASE("the published AlexNet of Steganographic Passport gets the names of an owner model") {
  const NameTable table = published_names(alexnet(Form::steganographic)).value();
  CHECK(table.network == "alexnet-cifar");
  const auto to = renamed(table);
  CHECK(to.at("features.4.scale0") == "features.4.bn.weight");
  CHECK(to.at("features.4.bias0") == "features.4.bn.bias");
  CHECK(to.at("features.5.bn0.running_var") == "features.5.bn.running_var");
  CHECK(to.at("features.5.scale1") == "features.5.verification.bn.weight");
  CHECK(to.at("features.6.bn1.running_mean") == "features.6.verification.bn.running_mean");
  CHECK(to.at("features.6.fc.2.weight") == "features.6.verification.tlp.2.weight");
  const auto made = made_names(table);
  CHECK(made.size() == 2 * 5 + 3 * 11 + 2);
  for (const char* layer : {"features.4", "features.5", "features.6"}) {
    const std::string at = layer;
    for (const std::string& part : passport_parts(at + ".conv", at + ".bn", at + ".verification")) CHECK(made.count(part) == 1);
  }
  CHECK(table.filled.empty());
}

TEST_CASE("what has no place in our network is left out with a reason") {
  const NameTable table = published_names(alexnet(Form::steganographic)).value();
  std::map<std::string, std::string> reasons;
  for (const auto& drop : table.left_out) reasons.emplace(drop.name, drop.reason);
  CHECK(reasons.at("features.4.weight") == "a second name of the convolution's weights");
  CHECK(reasons.at("features.4.scale") == "not used by its layer");
  CHECK(reasons.at("features.0.bn.num_batches_tracked") == "a counter of training steps");
  for (const char* name : {"b", "sign_loss_private.b", "key_private", "skey_private"})
    CHECK(reasons.count("features.6." + std::string(name)) == 1);
  CHECK(table.renamed.size() + table.kept.size() + table.left_out.size() == alexnet(Form::steganographic).size());
}

TEST_CASE("the published ResNet-18 gets torchvision's names, with its form noted") {
  const NameTable table = published_names(resnet18(Form::steganographic)).value();
  CHECK(table.network == "resnet18-reference");
  const auto made = made_names(table);
  for (const char* name : {"conv1.weight", "bn1.running_var", "layer1.0.conv1.weight", "layer1.1.bn2.bias",
                           "layer2.0.downsample.0.weight", "layer2.0.downsample.1.running_mean", "fc.weight", "fc.bias"}) {
    INFO(name);
    CHECK(made.count(name) == 1);
  }
  for (const std::string& part : passport_parts("layer4.0.conv1", "layer4.0.bn1", "layer4.0.conv1.verification"))
    CHECK(made.count(part) == 1);
  for (const std::string& part :
       passport_parts("layer4.0.downsample.0", "layer4.0.downsample.1", "layer4.0.downsample.0.verification"))
    CHECK(made.count(part) == 1);
  REQUIRE(table.notes.size() == 1);
  CHECK(table.notes[0].find("ReLU after every convolution block") != std::string::npos);
}

TEST_CASE("Passport-aware Normalization has no affine in its second norm, and gets the neutral one") {
  const NameTable table = published_names(alexnet(Form::aware)).value();
  CHECK(renamed(table).at("features.4.scale") == "features.4.bn.weight");
  REQUIRE(table.filled.size() == 6);
  CHECK(table.filled[0].name == "features.4.verification.bn.weight");
  CHECK(table.filled[0].value == 1);
  CHECK(table.filled[0].shape == std::vector<std::int64_t>{384});
  CHECK(table.filled[1].name == "features.4.verification.bn.bias");
  CHECK(table.filled[1].value == 0);
}

TEST_CASE("of DeepIPR the deployment branch is converted, and that is said") {
  const NameTable table = published_names(resnet18(Form::deepipr)).value();
  CHECK(renamed(table).at("layer4.1.convbn_2.bn.running_mean") == "layer4.1.bn2.running_mean");
  CHECK(made_names(table).count("layer4.1.conv2.verification.bn.weight") == 0);
  CHECK(table.notes.size() == 2);
}

TEST_CASE("our own models keep their names, marks included") {
  Shapes shapes = alexnet(Form::plain);
  for (const std::string& part : passport_parts("features.4.conv", "features.4.bn", "features.4.verification")) {
    if (part.find("verification") != std::string::npos) shapes.push_back({part, {384}});
  }
  const NameTable table = published_names(shapes).value();
  CHECK(table.renamed.empty());
  CHECK(made_names(table).count("features.4.verification.tlp.0.weight") == 1);
}

TEST_CASE("names of other networks are kept") {
  const NameTable table =
      published_names({{"conv1.weight", {64, 3, 7, 7}}, {"features.0.weight", {64, 3, 11, 11}}, {"fc.bias", {1000}}}).value();
  CHECK(table.network.empty());
  CHECK(table.kept == std::vector<std::string>{"conv1.weight", "features.0.weight", "fc.bias"});
}

TEST_CASE("each tensor that a recognised network needs is missed by name") {
  for (const Shapes& shapes : {alexnet(Form::steganographic), alexnet(Form::aware), alexnet(Form::deepipr),
                               resnet18(Form::steganographic), resnet18(Form::plain)}) {
    const NameTable whole = published_names(shapes).value();
    std::vector<std::string> needed = whole.kept;
    for (const auto& rename : whole.renamed) needed.push_back(rename.from);
    for (const std::string& name : needed) {
      const auto table = published_names(without(shapes, name));
      INFO(name);
      REQUIRE_FALSE(table);
      CHECK(table.error().code == Errc::not_found);
    }
  }
  CHECK(published_names(without(alexnet(Form::steganographic), "features.5.bias1")).error().detail ==
        "tensor features.5.bias1 is absent, as alexnet-cifar needs it for features.5.verification.bn.bias");
}

TEST_CASE("a tensor of a shape that does not fit its layer is refused") {
  Shapes shapes = alexnet(Form::steganographic);
  for (NamedShape& shape : shapes) {
    if (shape.name == "features.4.fc.0.weight") shape.shape = {24, 384};
  }
  const auto table = published_names(shapes);
  REQUIRE_FALSE(table);
  CHECK(table.error().code == Errc::malformed);
  CHECK(table.error().detail == "tensor features.4.fc.0.weight has shape [24, 384], [96, 384] expected (-1: any)");
}

TEST_CASE("a file cannot hold a tensor under both names") {
  Shapes shapes = alexnet(Form::steganographic);
  shapes.push_back({"features.4.verification.bn.weight", {384}});
  CHECK(published_names(shapes).error().code == Errc::malformed);
}

TEST_CASE("a map of one's own renames, leaves out, and is held to its word") {
  const Shapes shapes{{"a", {1}}, {"b", {2}}, {"c", {3}}};
  const NameTable table = mapped_names(shapes, {{"a", "x"}, {"b", ""}}).value();
  CHECK(renamed(table) == std::map<std::string, std::string>{{"a", "x"}});
  CHECK(table.kept == std::vector<std::string>{"c"});
  CHECK(table.left_out.at(0).name == "b");
  CHECK(mapped_names(shapes, {{"d", "x"}}).error().code == Errc::not_found);
  CHECK(mapped_names(shapes, {{"a", "x"}, {"a", "y"}}).error().code == Errc::usage);
  CHECK(mapped_names(shapes, {{"a", "c"}}).error().code == Errc::usage);
  CHECK(mapped_names(shapes, {{"a", "c"}, {"c", "a"}}));
}
