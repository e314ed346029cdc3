#include <cstring>
#include <filesystem>
#include <random>

#include <stegpass/credential/bundle.hpp>
#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;
using stegpass::as_bytes;
using stegpass::as_text;
using stegpass::Bytes;
using stegpass::to_bytes;

namespace {

Args judge(const std::string& bundle, Args more) {
  Args args{"verify", "--bundle", bundle, "--policy", fixture("trust.policy")};
  args.insert(args.end(), more.begin(), more.end());
  return args;
}

Args with_model(const std::string& model) { return judge(fixture("ada.bundle"), {"--model", model}); }
Args with_passport(const std::string& passport) { return judge(fixture("ada.bundle"), {"--passport", passport}); }
Args arbiter(const std::string& bundle) { return judge(bundle, {"--model", fixture("release.safetensors")}); }

/// The arbiter's bundle after `change`; its own SHA-256 fits again, as a liar would see to.
std::string changed_arbiter(const TempFolder& folder, void (*change)(stegpass::credential::Bundle&)) {
  auto bundle = stegpass::credential::decode_bundle(as_bytes(read_text(fixture("arbiter.bundle"))));
  REQUIRE(bundle.ok());
  REQUIRE(bundle->disclosures.passports.size() == 1);
  change(*bundle);
  return folder.write("changed.bundle", std::string(as_text(encode_bundle(*bundle))));
}

/// A model with the registered one's names and shapes and other weights.
std::string unrelated_model(const TempFolder& folder) {
  const std::string file = read_text(fixture("release.safetensors"));
  auto model = stegpass::parse_safetensors(as_bytes(file));
  REQUIRE(model.ok());
  std::mt19937_64 random(7);
  std::normal_distribution<float> weight(0, 0.05f);
  std::vector<Bytes> data;
  for (auto& tensor : model->tensors) {
    data.push_back(to_bytes(tensor.data));
    for (std::size_t at = 0; tensor.dtype == "F32" && at + 4 <= data.back().size(); at += 4) {
      const float value = weight(random);
      std::memcpy(data.back().data() + at, &value, 4);
    }
  }
  for (std::size_t i = 0; i < data.size(); ++i) model->tensors[i].data = data[i];
  return folder.write("unrelated.safetensors", std::string(as_text(encode_safetensors(model->tensors, model->metadata))));
}

}  // namespace

TEST_CASE("the registered model, the user passport and the identity in it verify together") {
  const Ran ran = run_json(
      judge(fixture("ada.bundle"), {"--model", fixture("release.safetensors"), "--passport", fixture("ada/user-passport.png")}));
  INFO(ran.out << ran.err);
  CHECK(ran.code == 0);
  for (const char* code :
       {"model.digest", "model.tensors", "passport.digest", "user.consistent", "isn.digest", "identity.reveal", "identity.qr"}) {
    INFO(code);
    CHECK(ran.outcome(code) == "valid");
  }
  const Json object = ran.json();
  CHECK(object["user_consistent"]["matches"].get<double>() >= 0.99 * object["user_consistent"]["bits"].get<double>());
  CHECK(object["identity"]["reveal_psnr_db"].get<double>() >= object["identity"]["bar_db"].get<double>());
}

TEST_CASE("one flipped byte of the weights is named") {
  const TempFolder folder;
  std::string model = read_text(fixture("release.safetensors"));
  model[model.size() / 2] = static_cast<char>(model[model.size() / 2] ^ 1);
  const Ran ran = run_json(with_model(folder.write("flipped.safetensors", model)));
  CHECK(ran.code == 1);
  CHECK(ran.outcome("model.digest") == "invalid");
  CHECK(ran.outcome("model.tensors") == "invalid");
  CHECK(ran.outcome("license.status") == "valid");
}

TEST_CASE("the same tensors in another file are told apart from other tensors") {
  const TempFolder folder;
  const std::string file = read_text(fixture("release.safetensors"));
  auto model = stegpass::parse_safetensors(as_bytes(file));
  REQUIRE(model.ok());
  model->metadata["note"] = "added later";
  const Ran ran = run_json(
      with_model(folder.write("noted.safetensors", std::string(as_text(encode_safetensors(model->tensors, model->metadata))))));
  CHECK(ran.code == 1);
  CHECK(ran.outcome("model.digest") == "invalid");
  CHECK(ran.outcome("model.tensors") == "valid");
}

TEST_CASE("the model's bytes are judged without LibTorch") {
  const Ran ran = run(with_model(fixture("release.safetensors")), {.environment = {{"LD_DEBUG", "files"}}});
  CHECK(ran.code == 0);
  CHECK(ran.err.find("libtorch") == std::string::npos);
}

TEST_CASE("a user passport is judged with the model part") {
  const Ran ran = run(with_passport(fixture("ada.png")), {.environment = {{"LD_DEBUG", "files"}}});
  CHECK(ran.code == 0);
  CHECK(ran.err.find("libstegpass_model_part") != std::string::npos);
}

TEST_CASE("a damaged model file is invalid and a missing one a matter of files") {
  const TempFolder folder;
  for (const BadFile& file : bad_files(folder, fixture("release.safetensors"), 0)) {
    INFO(file.kind);
    const Ran ran = run_json(with_model(file.path));
    if (file.kind == "missing" || file.kind == "folder") {
      CHECK(ran.code == 4);
      CHECK(json_fault(ran) == "");
    } else {
      CHECK(ran.code == 1);
      CHECK(ran.outcome("model.digest") == "invalid");
    }
  }
}

TEST_CASE("a model larger than any is not read") {
  const TempFolder folder;
  std::filesystem::resize_file(folder.write("huge.safetensors", ""), (16ull << 30) + 1);
  const Ran ran = run_json(with_model(folder.file("huge.safetensors")));
  CHECK(ran.code == 1);
  CHECK(ran.outcome("model.digest") == "invalid");
}

TEST_CASE("the user passport of another licensee is invalid") {
  const Ran ran = run_json(with_passport(fixture("bob.png")));
  CHECK(ran.code == 1);
  CHECK(ran.outcome("passport.digest") == "invalid");
  CHECK(ran.outcome("identity.reveal") == "invalid");
  CHECK(ran.outcome("identity.qr") == "invalid");
}

TEST_CASE("a damaged user passport is invalid and a missing one a matter of files") {
  const TempFolder folder;
  for (const BadFile& file : bad_files(folder, fixture("ada.png"), kPictureFile)) {
    INFO(file.kind);
    const Ran ran = run_json(with_passport(file.path));
    if (file.kind == "missing" || file.kind == "folder") {
      CHECK(ran.code == 4);
    } else {
      CHECK(ran.code == 1);
      CHECK(ran.outcome("passport.digest") == "invalid");
    }
  }
}

TEST_CASE("other ISN weights than the registered ones are invalid and reveal nothing") {
  const TempFolder folder;
  const Ran ran =
      run_json(judge(fixture("ada.bundle"), {"--passport", fixture("ada.png"), "--isn", fixture("release.safetensors")}));
  CHECK(ran.code == 1);
  CHECK(ran.outcome("isn.digest") == "invalid");
  CHECK(ran.outcome("identity.reveal") == "undecided");
  CHECK(run_json(judge(fixture("ada.bundle"), {"--isn", folder.file("missing")})).code == 4);
}

TEST_CASE("a public bundle checks the passport's digest and leaves the identity closed") {
  const Ran ran =
      run_json(judge(fixture("public.bundle"), {"--model", fixture("release.safetensors"), "--passport", fixture("ada.png")}));
  CHECK(ran.code == 0);
  CHECK(ran.outcome("passport.digest") == "valid");
  CHECK(ran.outcome("user.consistent") == "not checked");
  CHECK(ran.outcome("identity.reveal") == "not checked");
}

TEST_CASE("an arbiter reads the owner's mark from an opened reserve with its exact p") {
  const Ran ran = run_json(arbiter(fixture("arbiter.bundle")));
  INFO(ran.out << ran.err);
  CHECK(ran.code == 0);
  CHECK(ran.outcome("opening.passport-reserve-1") == "valid");
  CHECK(ran.outcome("opening.seed-reserve-1") == "valid");
  CHECK(ran.outcome("owner.mark") == "valid");
  const Json mark = ran.json()["marks"][0];
  CHECK(mark["passport"] == "reserve-1");
  CHECK(mark["bits"].get<int>() > 100);
  CHECK(mark["log10_p"].get<double>() < mark["log10_p_corrected"].get<double>());
  CHECK(mark["log10_p_corrected"].get<double>() <= -30);
  CHECK(mark["layers"].size() > 0);
}

TEST_CASE("a mark of signature mode reference proves nothing to an arbiter, whatever it reads") {
  const TempFolder folder;
  const std::string home = folder.copy("home-registered"), trained = folder.copy("trained");
  const std::string model = read_text(trained + "/owner.safetensors");  // another file with the same mark
  std::filesystem::copy_file(trained + "/owner.safetensors", trained + "/release.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  Json record = Json::parse(read_text(trained + "/training.json"));
  record["mark"]["signature"] = "reference";
  record["release_model_sha256"] = stegpass::to_hex(stegpass::credential::fast_sha256(as_bytes(model)));
  folder.write("trained/training.json", record.dump());
  const Ran registered = run_json(
      with_passphrase({"model", "register", "--home", home, "--models", trained, "--out", folder.file("reference.cose")}));
  INFO(registered.out);
  REQUIRE(registered.code == 0);
  REQUIRE(run(with_passphrase({"bundle", "--home", home, "--registration", registered.json()["id"], "--for", "arbiter", "--open",
                               "reserve-1", "--out", folder.file("reference.bundle")}))
              .code == 0);
  const std::string policy = folder.write("policy", read_text(fixture("trust.policy")) + "model descends\n");
  const Ran ran = run_json(
      {"verify", "--bundle", folder.file("reference.bundle"), "--policy", policy, "--model", fixture("release.safetensors")});
  CHECK(ran.code == 3);
  CHECK(ran.outcome("owner.mark") == "undecided");
  CHECK(ran.outcome("model.descends") == "undecided");
  CHECK(ran.json()["marks"][0]["matches"] == ran.json()["marks"][0]["bits"]);
}

TEST_CASE("too little memory is a matter of the machine, not a mistake of ours") {
  const TempFolder folder;
  const std::string model = folder.write("large.safetensors", "x");
  std::filesystem::resize_file(model, std::uintmax_t{3} << 30);
  const Ran ran = run(with_model(model), {.before = {"sh", "-c", "ulimit -v 2000000; exec \"$@\"", "sh"}});
  CHECK(ran.code == 4);
  CHECK(message_fault(ran) == "");
}

TEST_CASE("without the model an arbiter's bundle checks the seed and says what the mark needs") {
  const Ran ran = run_json(judge(fixture("arbiter.bundle"), {}));
  CHECK(ran.code == 0);
  CHECK(ran.outcome("opening.seed-reserve-1") == "valid");
  CHECK(ran.outcome("owner.mark") == "not checked");
}

TEST_CASE("a mark weaker than the policy's bound is invalid") {
  const TempFolder folder;
  std::string text = read_text(fixture("trust.policy"));
  const auto line = text.find("mark-bound ");
  text.replace(line, text.find('\n', line) - line, "mark-bound -1000");
  const std::string policy = folder.write("policy", text);
  const Ran ran =
      run_json({"verify", "--bundle", fixture("arbiter.bundle"), "--policy", policy, "--model", fixture("release.safetensors")});
  INFO(ran.out << ran.err);
  CHECK(ran.code == 1);
  CHECK(ran.outcome("owner.mark") == "invalid");
}

TEST_CASE("a model without the mark does not show it") {
  const TempFolder folder;
  const Ran ran = run_json(judge(fixture("arbiter.bundle"), {"--model", unrelated_model(folder)}));
  CHECK(ran.code == 1);
  CHECK(ran.outcome("owner.mark") == "invalid");
  CHECK(ran.json()["marks"][0]["log10_p"].get<double>() > -10);
}

TEST_CASE("another picture opened as the reserve is invalid") {
  const TempFolder folder;
  const Ran ran = run_json(arbiter(changed_arbiter(folder, [](stegpass::credential::Bundle& bundle) {
    bundle.disclosures.passports[0].picture = to_bytes(read_text(fixture("bob.png")));
  })));
  CHECK(ran.code == 1);
  CHECK(ran.outcome("opening.passport-reserve-1") == "valid");
  CHECK(ran.outcome("opening.seed-reserve-1") == "invalid");
  CHECK(ran.outcome("owner.mark") != "valid");
}

TEST_CASE("another seed opened as the reserve's is invalid") {
  const TempFolder folder;
  const Ran ran = run_json(arbiter(
      changed_arbiter(folder, [](stegpass::credential::Bundle& bundle) { bundle.disclosures.passports[0].seed.seed[0] ^= 1; })));
  CHECK(ran.code == 1);
  CHECK(ran.outcome("opening.passport-reserve-1") == "invalid");
  CHECK(ran.outcome("owner.mark") != "valid");
}

TEST_CASE("bytes opened as the reserve that are no picture are invalid") {
  const TempFolder folder;
  const Ran ran = run_json(arbiter(changed_arbiter(folder, [](stegpass::credential::Bundle& bundle) {
    bundle.disclosures.passports[0].picture = to_bytes(std::string("no picture"));
  })));
  CHECK(ran.code == 1);
  CHECK(ran.outcome("opening.seed-reserve-1") == "invalid");
}

TEST_CASE("another license's ISN key opens nothing") {
  const TempFolder folder;
  const Ran ran = run_json(
      judge(changed_arbiter(folder, [](stegpass::credential::Bundle& bundle) { bundle.disclosures.isn_key->key[0] ^= 1; }),
            {"--passport", fixture("ada.png")}));
  CHECK(ran.code == 1);
  CHECK(ran.outcome("opening.isn-key") == "invalid");
  CHECK(ran.outcome("identity.reveal") != "valid");
}
