#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;

namespace {

/// A home of the test's own: two commands at once on one home refuse each other.
std::string home_of(const TempFolder& folder) {
  return std::filesystem::exists(folder.file("home")) ? folder.file("home") : folder.copy("home");
}

/// An attack on the fixture's network, on few images.
Args attack_args(const TempFolder& folder, const std::string& name, Args more) {
  Args args = {"attack",        name,
               "--home",        home_of(folder),
               "--models",      fixture("trained"),
               "--data",        "drawn",
               "--images",      "64",
               "--test-images", "40",
               "--out",         folder.file("out.json")};
  args.insert(args.end(), more.begin(), more.end());
  return with_passphrase(args);
}

/// A home with a narrow network of its own, not registered yet.
void make_owner(const TempFolder& folder) {
  const std::string home = folder.file("home");
  REQUIRE(run(with_passphrase({"init", home, "--origin", "other.example/log", "--name", "other"})).code == 0);
  REQUIRE(run(with_passphrase({"passport", "new", "--home", home, "--draw", "--seed", "7"})).code == 0);
  const Ran trained = run(with_passphrase({"passport", "train", "--home", home, "--data", "drawn", "--width", "250", "--images",
                                           "320", "--epochs", "4", "--rate", "0.03", "--out", folder.file("models")}));
  INFO(trained.err);
  REQUIRE(trained.code == 0);
}

}  // namespace

TEST_CASE("an attack leaves its record, a plot and the changed network, and says the same on standard output") {
  const TempFolder folder;
  const Args args = attack_args(
      folder, "prune",
      {"--strengths", "0.3,0.5", "--save-model", folder.file("pruned.safetensors"), "--plot", folder.file("plot.png")});
  const Ran ran = run_json(args);
  INFO(ran.out << ran.err);
  REQUIRE(ran.code == 0);
  const Json record = Json::parse(read_text(folder.file("out.json")));
  CHECK(record["format"] == "stegpass.attack.v1");
  CHECK(record["curve"].size() == 3);
  CHECK(record["curve"][2]["marks"].size() == 3);
  CHECK(record["curve"][2]["marks"][0]["matches"] > 800);
  CHECK(record["curve"] == ran.json()["curve"]);
  CHECK(read_text(folder.file("plot.png")).substr(1, 3) == "PNG");
  CHECK(run({"model", "digest", folder.file("pruned.safetensors")}).code == 0);
  const auto before = contents_of(folder.path());
  CHECK(run(args).code == 2);
  CHECK(contents_of(folder.path()) == before);
}

TEST_CASE("what an attack is not given it says in one line, and leaves nothing") {
  const TempFolder folder;
  home_of(folder);
  require_refused(attack_args(folder, "prune", {"--strengths", "1.5"}), {2}, folder);
  require_refused(attack_args(folder, "finetune", {"--resume"}), {4}, folder);
  require_refused(attack_args(folder, "quantise", {"--strengths", "1"}), {2}, folder);
  require_refused(
      with_passphrase({"attack", "fold", "--home", folder.file("home"), "--data", "drawn", "--out", folder.file("out.json")}),
      {2}, folder);
  require_refused(
      with_passphrase({"attack", "fake1", "--home", folder.file("home"), "--model", fixture("release.safetensors"), "--record",
                       fixture("trained/training.json"), "--data", "drawn", "--out", folder.file("out.json")}),
      {2}, folder);
  require_refused(attack_args(folder, "fold", {"--test-data", folder.file("nothing")}), {4}, folder);
  require_refused(attack_args(folder, "finetune", {"--epochs", "0"}), {2}, folder);
  require_refused({"attack", "random", "--model", fixture("release.safetensors"), "--pictures", "1", "--seeds", "1"}, {2},
                  folder);
}

TEST_CASE("a card is one page, its lines can be run again, and its digest goes into the registration") {
  const TempFolder folder;
  make_owner(folder);
  const std::string home = folder.file("home"), models = folder.file("models");
  const Ran made = run_json(with_passphrase({"attack", "card", "--home", home, "--models", models, "--data", "drawn", "--profile",
                                             "trial", "--out", folder.file("card")}));
  INFO(made.out << made.err);
  REQUIRE(made.code == 0);
  const std::string card = folder.file("card/card.json"), text = read_text(card);
  CHECK(Json::parse(text)["lines"].size() == 5);
  CHECK(Json::parse(text)["lines"][3]["attack"] == "sign-flip");
  CHECK(Json::parse(text)["lines"][3]["cover_log10_p"].is_null());  // the untouched model is no point that an attacker reached
  CHECK(read_text(folder.file("card/card.html")).find("<table>") != std::string::npos);
  const auto rerun = [&](const std::string& line) {
    return run_json(with_passphrase({"attack", "rerun", card, line, "--home", home, "--models", models, "--data", "drawn"}));
  };
  const Ran same = rerun("1");
  INFO(same.out << same.err);
  CHECK(same.code == 0);
  CHECK(same.outcome("card.line") == "valid");
  CHECK(same.outcome("card.figures") == "valid");
  CHECK(rerun("99").code == 2);
  Json changed = Json::parse(text);
  changed["lines"][0]["cover_log10_p"] = -500;
  folder.write("card/card.json", changed.dump());
  const Ran boasting = rerun("1");
  CHECK(boasting.code == 1);
  CHECK(boasting.outcome("card.figures") == "invalid");
  changed = Json::parse(text);
  changed["lines"][0]["curve"][1]["marks"][0]["matches"] = 1;
  folder.write("card/card.json", changed.dump());
  CHECK(rerun("1").code == 1);
  for (const char* hostile :
       {R"({"format":5})", "[", R"({"format":"stegpass.attack-card.v1","lines":[{"settings":{"attack":7}}]})"}) {
    folder.write("card/card.json", hostile);
    CHECK(rerun("1").code == 2);
  }
  folder.write("card/card.json", text);
  Json of_another_card = Json::parse(text)["lines"][0];
  of_another_card["models"] = Json::parse(text)["models"];
  of_another_card["asked"] = {{"attack", "prune"}};
  std::filesystem::create_directory(folder.file("resumed"));
  folder.write("resumed/line-1.json", of_another_card.dump());
  const Ran resumed = run_json(with_passphrase({"attack", "card", "--home", home, "--models", models, "--data", "drawn",
                                                "--profile", "trial", "--resume", "--out", folder.file("resumed")}));
  CHECK(resumed.code == 2);
  CHECK(resumed.json()["detail"].get<std::string>().find("line of another card") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder.file("resumed/card.json")));
  changed = Json::parse(text);
  changed["models"]["model"] = std::string(64, '0');
  const Args of_another = with_passphrase(
      {"model", "register", "--home", home, "--models", models, "--card", folder.write("other.json", changed.dump())});
  CHECK(run(of_another).code == 2);
  const Ran registered = run_json(with_passphrase({"model", "register", "--home", home, "--models", models, "--card", card}));
  INFO(registered.out << registered.err);
  REQUIRE(registered.code == 0);
  CHECK(registered.json()["card_sha256"] == made.json()["card_sha256"]);
}
