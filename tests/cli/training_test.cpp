#include "refusals.hpp"
#include "tests/support/catch.hpp"

#include <stegpass/credential/core/safetensors.hpp>

using namespace stegpass;
using namespace stegpass::test;

namespace {

/// A home of the test's own: two commands at once on one home refuse each other.
std::string home_of(const TempFolder& folder) {
  return std::filesystem::exists(folder.file("home")) ? folder.file("home") : folder.copy("home");
}

/// A run of a second or two: a narrow network on few drawn images.
Args train_args(const TempFolder& folder, Args more) {
  Args args = {"passport", "train",    "--home", home_of(folder), "--data", "drawn", "--width",         "63", "--images",
               "160",      "--epochs", "1",      "--test-images", "100",    "--out", folder.file("out")};
  args.insert(args.end(), more.begin(), more.end());
  return with_passphrase(args);
}

Json trained(const TempFolder& folder, const Args& more) {
  const Ran ran = run_json(train_args(folder, more));
  INFO(ran.out << ran.err);
  REQUIRE(ran.code == 0);
  return ran.json();
}

void require_no_training(const TempFolder& folder, const Args& more, std::initializer_list<int> codes) {
  INFO(more.front() << " " << more.back());
  require_refused(train_args(folder, more), codes, folder);
}

/// The file with the output channels of features.4 in reverse, and the input channels of features.5 with them.
std::string reversed_channels(const TempFolder& folder, const std::string& model) {
  const std::string text = read_text(model);
  const auto file = parse_safetensors(as_bytes(text)).value();
  std::vector<TensorView> tensors = file.tensors;
  std::vector<Bytes> changed;
  changed.reserve(tensors.size());
  for (TensorView& tensor : tensors) {
    const bool rows = tensor.name.rfind("features.4.", 0) == 0, columns = tensor.name == "features.5.conv.weight";
    if (!rows && !columns) continue;
    const auto channels = static_cast<std::size_t>(tensor.shape[rows ? 0 : 1]);
    const std::size_t outer = rows ? 1 : static_cast<std::size_t>(tensor.shape[0]), piece = tensor.data.size() / outer / channels;
    Bytes& bytes = changed.emplace_back();
    for (std::size_t o = 0; o < outer; ++o) {
      for (std::size_t c = channels; c-- > 0;) append(bytes, tensor.data.subspan((o * channels + c) * piece, piece));
    }
    tensor.data = bytes;
  }
  const Bytes encoded = encode_safetensors(tensors, file.metadata);
  return folder.write("reversed.safetensors", std::string(encoded.begin(), encoded.end()));
}

}  // namespace

TEST_CASE("the scheme, network and norm that were asked for are trained and recorded") {
  const TempFolder folder;
  const Json json = trained(
      folder, {"--scheme", "pan", "--network", "resnet18-cifar", "--norm", "group", "--layers", "layer4.1.conv1,layer4.1.conv2"});
  CHECK(json["mark"]["scheme"] == "pan");
  CHECK(json["mark"]["layers"] == Json({"layer4.1.conv1", "layer4.1.conv2"}));
  CHECK(json["mark"]["bits"] == 64);
  CHECK(json["readings"].size() == 3);
  CHECK(json["mark"]["architecture"].get<std::string>().find("\"network\":\"resnet18-cifar\",\"norm\":\"group\"") !=
        std::string::npos);
  CHECK(std::filesystem::exists(folder.file("out/release.safetensors")));
}

TEST_CASE("a network without passport layers is trained, and cannot be registered") {
  const TempFolder folder;
  CHECK(trained(folder, {"--layers", "none"})["mark"]["bits"] == 0);
  const Ran registered = run(with_passphrase({"model", "register", "--home", home_of(folder), "--models", folder.file("out"),
                                              "--out", folder.file("registration.cose")}));
  CHECK(registered.code == 2);
  CHECK(message_fault(registered).empty());
  CHECK_FALSE(std::filesystem::exists(folder.file("registration.cose")));
}

TEST_CASE("settings from a JSON file replace the preset's, layers may come as JSON too") {
  const TempFolder folder;
  const std::string settings = folder.write(
      "settings.json", R"({"preset": "mine", "sign_margin": 0.25, "batch": 16, "schedule": "steps", "augment": true})");
  const std::string layers = folder.write("layers.json", R"(["features.5", "features.6"])");
  const Json used = trained(folder, {"--settings", settings, "--layers", layers, "--validation", "40"})["run"]["run"];
  CHECK(used["settings"]["preset"] == "mine");
  CHECK(used["settings"]["sign_margin"] == 0.25);
  CHECK(used["settings"]["batch"] == 16);
  CHECK(used["settings"]["validation_images"] == 40);
  CHECK(used["settings"]["test_images"] == 100);  // by train_args, where the settings say nothing
  CHECK(used["architecture"]["passports"] == Json({"features.5", "features.6"}));
}

TEST_CASE("settings that are no settings are refused, and the field is named") {
  const TempFolder folder;
  const std::vector<std::pair<std::string, std::string>> wrong = {{R"({"batches": 3})", "'batches' is unknown"},
                                                                  {R"({"batch": -1})", "'batch'"},
                                                                  {R"({"schedule": "whenever"})", "'schedule'"},
                                                                  {"{", "no JSON object"}};
  for (const auto& [content, said] : wrong) {
    const std::string settings = folder.write("settings.json", content);
    require_no_training(folder, {"--settings", settings}, {2, 4});
    CHECK(run(train_args(folder, {"--settings", settings})).err.find(said) != std::string::npos);
  }
}

TEST_CASE("a negative count is not taken for all") {
  const TempFolder folder;
  for (const char* option : {"--images", "--test-images", "--epochs"}) require_no_training(folder, {option, "-64"}, {2});
}

TEST_CASE("layers that the network has not, or out of order, or from a file that is no list, are refused") {
  const TempFolder folder;
  for (const std::string layers : {"features.6,features.4", "layer4"}) {
    require_no_training(folder, {"--layers", layers}, {2});
  }
  require_no_training(folder, {"--layers", folder.write("layers.json", R"({"features.4": true})")}, {2, 4});
  require_no_training(folder, {"--layers", folder.file("absent.json")}, {2, 4});
}

TEST_CASE("initial weights: another network's are refused by the tensor's name, one's own are taken") {
  const TempFolder folder;
  require_no_training(folder, {"--init", fixture("release.safetensors")}, {2, 4});  // of the whole width
  const std::string junk = folder.write("junk.safetensors", "no tensors here");
  require_no_training(folder, {"--init", junk}, {2, 4});
  trained(folder, {"--layers", "none"});
  std::filesystem::rename(folder.file("out"), folder.file("before"));
  const Json json = trained(folder, {"--init", folder.file("before/release.safetensors")});
  CHECK(json["run"]["begun_afresh"].size() == 18);  // the verification parts of three layers
}

TEST_CASE("two processes train to what one process trains to") {
  const TempFolder folder;
  const Json two = trained(folder, {"--nproc", "2", "--precision", "fp32"});
  CHECK(two["run"]["processes"] == 2);
  std::filesystem::rename(folder.file("out"), folder.file("two"));
  const Json one = trained(folder, {"--precision", "fp32"});
  const auto loss = [](const Json& json) { return json["run"]["curves"][0]["deployment_loss"].get<double>(); };
  CHECK(loss(two) == Approx(loss(one)).epsilon(1e-3));
}

TEST_CASE("what a launcher says must make sense") {
  const TempFolder folder;
  using Environment = std::map<std::string, std::string>;
  for (const Environment& environment :
       {Environment{{"WORLD_SIZE", "two"}}, Environment{{"WORLD_SIZE", "2"}, {"RANK", "2"}}, Environment{{"MASTER_PORT", "0"}}}) {
    const Ran ran = run(train_args(folder, {}), {.environment = environment});
    CHECK(ran.code == 2);
    CHECK(message_fault(ran).empty());
    CHECK_FALSE(std::filesystem::exists(folder.file("out")));
  }
}

TEST_CASE("wrong passports are held against the binomial, and a picture shows them") {
  const TempFolder folder;
  const Ran ran = run_json({"attack", "random", "--model", fixture("release.safetensors"), "--pictures", "4", "--seeds", "100",
                            "--plot", folder.file("plot.png")});
  INFO(ran.out << ran.err);
  REQUIRE(ran.code == 0);
  const Json json = ran.json();
  CHECK(json["matches"].size() == 400);
  CHECK(json["bits"] == 896);
  CHECK(json["binomial"] == true);
  CHECK(read_text(folder.file("plot.png")).substr(1, 3) == "PNG");
  require_refused({"attack", "random", "--model", fixture("ada.png")}, {2, 4}, folder);
}

TEST_CASE("passport verify names the tensors that differ, takes the tries into account, and a user passport") {
  const TempFolder folder;
  const Args base = with_passphrase({"passport", "verify", "--home", home_of(folder), "--model", fixture("release.safetensors")});
  const auto with = [&](const Args& more) {
    Args args = base;
    args.insert(args.end(), more.begin(), more.end());
    return run_json(args);
  };
  const Ran owner =
      with({"--original", fixture("trained/owner.safetensors"), "--tried", "1000000", "--user", fixture("ada.png")});
  INFO(owner.out << owner.err);
  REQUIRE(owner.code == 0);
  CHECK(owner.json()["changed_tensors"].size() == 18);
  CHECK(owner.json()["readings"][0]["log10_p_corrected"].get<double>() == Approx(-239.6).margin(0.1));
  CHECK(owner.outcome("user.consistent") == "valid");
  CHECK(with({"--original", fixture("release.safetensors")}).json()["changed_tensors"].empty());
  const Ran other = with({"--user", fixture("trained/training.json")});
  CHECK(other.code != 0);
  CHECK(with({"--tried", "9007199254740992", "--bound", "-240"}).code == 1);
}

TEST_CASE("a copy whose channels were permuted reads whole once it is aligned to the original, and says what had moved") {
  const TempFolder folder;
  const std::string copy = reversed_channels(folder, fixture("release.safetensors"));
  const auto verify = [&](const Args& more) {
    Args args = with_passphrase({"passport", "verify", "--home", home_of(folder), "--model", copy});
    args.insert(args.end(), more.begin(), more.end());
    return run_json(args);
  };
  const Ran as_it_is = verify({});
  CHECK(as_it_is.code == 1);
  CHECK(as_it_is.json()["readings"][0]["matches"].get<int>() < 700);
  const Ran aligned = verify({"--original", fixture("release.safetensors"), "--align"});
  INFO(aligned.out << aligned.err);
  REQUIRE(aligned.code == 0);
  const Json readings = aligned.json()["readings"];
  CHECK(readings.size() == 3);
  for (const Json& reading : readings) CHECK(reading["matches"] == 896);
  const Json layers = aligned.json()["alignment"];
  REQUIRE(layers.size() == 5);
  CHECK(layers[2]["layer"] == "features.4");
  CHECK(layers[2]["moved"] == 384);
  CHECK(layers[2]["from"][0] == 383);
  CHECK(layers[3]["moved"] == 0);
  CHECK(verify({"--align"}).code == 2);  // to what?
  CHECK(verify({"--original", fixture("ada.png"), "--align"}).code == 2);
}
