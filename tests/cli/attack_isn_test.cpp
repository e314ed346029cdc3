#include <cmath>
#include <filesystem>

#include "refusals.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;
namespace fs = std::filesystem;

namespace {

using Catch::Detail::Approx;

/// An attack with its record in a folder of its own; one thread, so that figures are the same each time.
struct Attack {
  TempFolder folder;
  Json record;

  std::string out() const { return folder.file("record.json"); }
  Ran run(Args args) {
    args.insert(args.begin(), "attack");
    args.insert(args.end(), {"--out", out()});
    const Ran ran = run_json(args, {.now = kNow, .environment = {{"OMP_NUM_THREADS", "1"}}, .max_file_bytes = {}, .before = {}});
    INFO(ran.out << ran.err);
    REQUIRE(ran.code == 0);
    record = Json::parse(read_text(out()));
    CHECK(record["format"] == "stegpass.attack.v1");
    CHECK(record["attack"] == args[1]);
    CHECK(record["versions"]["stegpass"].is_string());
    Json said = ran.json();
    said.erase("ok");
    CHECK(said == record);
    return ran;
  }
};

Args of_ada(Args args) {
  args.insert(args.end(),
              {"--bundle", fixture("ada.bundle"), "--policy", fixture("trust.policy"), "--passport", fixture("ada.png")});
  return args;
}

const Json* row_of(const Json& rows, const std::string& change, const std::string& seed_of) {
  for (const Json& row : rows)
    if (row["change"] == change && row["seed_of"] == seed_of) return &row;
  return nullptr;
}

}  // namespace

TEST_CASE("a forged key reveals more of what is wanted step by step, and opens no license's commitment") {
  Attack attack;
  attack.run({"forge-key", "--size", "128", "--steps", "40", "--rate", "0.05", "--precision", "bf16", "--variant", "signs"});
  const Json& curve = attack.record["curve"];
  REQUIRE(curve.size() == 21);
  CHECK(curve.back()["reveal_psnr_db"].get<double>() > curve.front()["reveal_psnr_db"].get<double>() + 1);
  const Json& details = attack.record["details"];
  CHECK(details["trials"][0]["signs_as_true_key"].get<double>() == Approx(0.5).margin(0.01));  // of 49,152 signs
  CHECK(details["without_digests"]["with_digest"] == 0);
  CHECK(attack.record["cost"]["steps"] == 40);
}

TEST_CASE("a user passport forged under a known key reads as the forger's, and is refused by its digest") {
  Attack attack;
  const std::string saved = attack.folder.file("forged");
  attack.run(of_ada({"forge-passport", "--steps", "4", "--save", saved}));
  const Json& curve = attack.record["curve"];
  CHECK(curve.back()["reveal_psnr_db"].get<double>() > curve.front()["reveal_psnr_db"].get<double>() + 0.5);
  CHECK(curve.back()["start_psnr_db"].get<double>() > 38);
  const Json& trial = attack.record["details"]["trials"][0];
  CHECK(trial["one_pass"]["code_reads"] == true);  // whoever knows the key needs no search
  CHECK(trial["accepted_with_digest"] == false);
  const Ran judged = run_json(
      {"verify", "--bundle", fixture("ada.bundle"), "--policy", fixture("trust.policy"), "--passport", saved + "/passport.png"});
  CHECK(judged.code == 1);
  CHECK(judged.outcome("passport.digest") == "invalid");
}

TEST_CASE("the page's example has the fields of a record") {
  const std::string page = read_text(STEGPASS_SOURCE_DIR "/schemas/attack-isn.md");
  const std::size_t from = page.find("```json") + 8;
  const Json example = Json::parse(page.substr(from, page.find("```", from) - from));
  Attack attack;
  attack.run({"forge-passport", "--size", "128", "--steps", "1", "--start", "random", "--precision", "bf16"});
  const auto keys = [](const Json& object) {
    std::vector<std::string> out;
    for (const auto& item : object.items()) out.push_back(item.key());
    return out;
  };
  CHECK(keys(attack.record) == keys(example));
  for (const char* part : {"settings", "details", "cost", "versions"}) CHECK(keys(attack.record[part]) == keys(example[part]));
  CHECK(keys(attack.record["curve"][0]) == keys(example["curve"][0]));
  CHECK(keys(attack.record["details"]["trials"][0]) == keys(example["details"]["trials"][0]));
}

TEST_CASE("a code pasted over the licensee's reads, and neither the commitment nor the licensee's key bears it out") {
  Attack attack;
  attack.run({"paste", "--size", "128", "--places", "4"});
  const Json& details = attack.record["details"];
  CHECK(details["forger_reads"] == 1);
  CHECK(details["licensee_reads"] == 0);
  CHECK(details["identity_commitment_opens"] == 0);
  CHECK(details["same_passport_digest"] == 0);
  CHECK(details["refused_elsewhere"].get<double>() >= 0.75);
}

TEST_CASE("a pasted code in a real license's passport is refused by digest and by the licensee's key") {
  Attack attack;
  const std::string saved = attack.folder.file("pasted");
  attack.run(of_ada({"paste", "--places", "0", "--save", saved}));
  const Ran judged = run_json(
      {"verify", "--bundle", fixture("ada.bundle"), "--policy", fixture("trust.policy"), "--passport", saved + "/passport.png"});
  CHECK(judged.code == 1);
  CHECK(judged.outcome("passport.digest") == "invalid");
  CHECK(judged.outcome("identity.qr") == "invalid");
}

TEST_CASE("licensees who put their passports together come nearer to the cover, and its digest stays away") {
  Attack attack;
  attack.run({"collude", "--licensees", "12", "--simulate", "4", "--size", "128"});
  const Json& curve = attack.record["curve"];
  REQUIRE(curve.size() == 16);  // 2, 5, 10 and 12 licensees, four ways
  double first = 0, last = 0;
  for (const Json& point : curve) {
    CHECK(point["cover_digest"] == false);
    CHECK(point["exact_pixels"].get<double>() < 0.9);
    if (point["method"] == "mean" && point["strength"] == 2) first = point["psnr_db"];
    if (point["method"] == "mean" && point["strength"] == 12) last = point["psnr_db"];
  }
  CHECK(last > first + 1);
  CHECK(last < 45);  // what all of them have in common stays
}

TEST_CASE("a passport a little away from the owner's makes another seed, whose bits match by chance alone") {
  Attack attack;
  attack.run(with_passphrase({"near", "--home", fixture("home"), "--models", fixture("trained"), "--pixels", "2"}));
  const Json& rows = attack.record["curve"];
  const Json* own = row_of(rows, "the owner's own", "owner's key and salt");
  REQUIRE(own != nullptr);
  CHECK((*own)["match"] == 1.0);
  const Json* stolen = row_of(rows, "one grey level in one pixel", "the cover's, stolen");
  REQUIRE(stolen != nullptr);
  CHECK((*stolen)["match"].get<double>() > 0.99);  // the picture hardly matters; what the seed follows from does
  const Json& details = attack.record["details"];
  const double bits = details["bits"], match = details["matches"].get<double>() / bits;
  CHECK(std::abs(match - 0.5) < 4 * 0.5 / std::sqrt(bits));
  CHECK(details["best_log10_p_corrected"].get<double>() > -3);
}

TEST_CASE("covers that colluders recovered are read with the cover's seed, and no chance is given for it") {
  Attack attack;
  attack.run(with_passphrase(
      {"collude", "--licensees", "2", "--simulate", "0", "--home", fixture("home"), "--models", fixture("trained")}));
  const Json& readings = attack.record["details"]["readings"];
  REQUIRE(readings.size() == 3);
  for (const Json& one : readings) {
    CHECK(one["matches"].get<double>() >= 0.99 * one["bits"].get<double>());
    CHECK_FALSE(one.contains("log10_p"));
  }
}

TEST_CASE("another's license is refused whoever shows it, by the check that is there for it") {
  Attack attack;
  attack.run({"replay", "--bundle", fixture("ada.bundle"), "--policy", fixture("trust.policy"), "--passport", fixture("bob.png"),
              "--other-bundle", fixture("bob.bundle"), "--presentation", fixture("ada.presentation"), "--audience", "inspector",
              "--nonce", "00112233"});
  CHECK(attack.record["curve"].size() == 6);
  for (const Json& one : attack.record["curve"]) {
    INFO(one.dump());
    CHECK(one["verdict"] == "invalid");
    CHECK(one["as_expected"] == true);
  }
  CHECK(attack.record["details"]["not_refused"] == 0);
}

TEST_CASE("attacks refuse what they cannot use, and leave nothing") {
  const TempFolder folder;
  const std::string out = folder.file("record.json"), text = folder.write("text", "no bundle, no key");
  const auto refused = [&](Args args, int code) {
    args.insert(args.begin(), "attack");
    args.insert(args.end(), {"--out", out});
    const Ran ran = run(args);
    INFO(ran.err);
    CHECK(ran.code == code);
    CHECK(message_fault(ran) == "");
    CHECK_FALSE(fs::exists(out));
  };
  refused({"forge-key", "--bundle", fixture("ada.bundle")}, 2);
  refused({"forge-key", "--bundle", text, "--policy", fixture("trust.policy"), "--passport", fixture("ada.png")}, 2);
  refused(
      {"forge-key", "--bundle", fixture("public.bundle"), "--policy", fixture("trust.policy"), "--passport", fixture("ada.png")},
      2);
  refused({"forge-passport", "--size", "129"}, 2);
  refused({"paste", "--isn", text}, 2);
  refused({"collude", "--models", fixture("trained")}, 2);
  refused({"replay", "--bundle", fixture("revoked.bundle"), "--policy", fixture("trust.policy")}, 2);
  refused({"replay", "--bundle", fixture("ada.bundle"), "--policy", fixture("trust.policy"), "--presentation",
           fixture("ada.presentation"), "--audience", "somebody else", "--nonce", "00112233"},
          2);
  refused({"near", "--models", folder.file("absent")}, 4);
  folder.write("record.json", "kept");
  CHECK(run({"attack", "paste", "--out", out}).code == 2);
  CHECK(read_text(out) == "kept");
}
