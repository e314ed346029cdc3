// Models that are not the registered file: which tensors changed, what aligning found, what descends, and folders of them.
#include <cstring>
#include <filesystem>
#include <set>
#include <sstream>

#include <stegpass/credential/core/safetensors.hpp>

#include "refusals.hpp"
#include "tests/grid/grid_tool.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass::test;
using Catch::Matchers::Contains;
using stegpass::as_bytes;

namespace {

const std::string kRelease = "release.safetensors";

std::string edited(const TempFolder& folder, const std::string& edits) {
  const std::string out = folder.file(edits + ".safetensors");
  edit_model({edits, fixture(kRelease), out});
  return out;
}

/// The fixture's policy with a line more.
std::string policy_with(const TempFolder& folder, const std::string& line) {
  return folder.write("policy", read_text(fixture("trust.policy")) + line + "\n");
}

Ran judge(const std::string& bundle, const std::string& policy, const std::string& model, Args more = {}) {
  Args args{"verify", "--bundle", fixture(bundle), "--policy", policy, "--model", model};
  args.insert(args.end(), more.begin(), more.end());
  return run_json(args);
}

/// The floats of a tensor's first dimension, row by row.
std::vector<std::vector<float>> rows_of(const std::string& path, const std::string& name) {
  const std::string file = read_text(path);
  const auto model = stegpass::parse_safetensors(as_bytes(file));
  REQUIRE(model.ok());
  for (const auto& tensor : model->tensors) {
    if (tensor.name != name) continue;
    const auto rows = static_cast<std::size_t>(tensor.shape[0]), width = tensor.data.size() / 4 / rows;
    std::vector<std::vector<float>> out(rows, std::vector<float>(width));
    for (std::size_t r = 0; r < rows; ++r) std::memcpy(out[r].data(), tensor.data.data() + r * width * 4, width * 4);
    return out;
  }
  return {};
}

std::vector<Json> lines_of(const Ran& ran) {
  std::vector<Json> out;
  std::istringstream text(ran.out);
  for (std::string line; std::getline(text, line);) out.push_back(Json::parse(line));
  return out;
}

}  // namespace

TEST_CASE("beside the original, the tensors that changed are named, and only those") {
  const TempFolder folder;
  const Args original{"--original", fixture(kRelease)};
  const Ran ran = judge("public.bundle", fixture("trust.policy"), edited(folder, "prune"), original);
  CHECK(ran.code == 1);
  CHECK(ran.outcome("model.original") == "valid");
  const Json tensors = ran.json()["tensors"];
  CHECK(tensors["changed"].size() == 5);
  for (const Json& name : tensors["changed"]) CHECK_THAT(name.get<std::string>(), Catch::Matchers::EndsWith(".conv.weight"));
  CHECK(tensors["added"].empty());
  CHECK(tensors["missing"].empty());
  CHECK_THAT(ran.detail("model.tensors"), Contains("5 of 27 tensors changed"));
  const Json folded = judge("public.bundle", fixture("trust.policy"), edited(folder, "fold"), original).json()["tensors"];
  CHECK(folded["added"].size() == 5);
  CHECK(folded["missing"].size() == 20);
}

TEST_CASE("without the original the changed tensors are asked for, and a file that is not it names nothing") {
  const TempFolder folder;
  const std::string pruned = edited(folder, "prune");
  const Ran without = judge("public.bundle", fixture("trust.policy"), pruned);
  CHECK(without.outcome("model.original") == "not checked");
  CHECK_FALSE(without.json().contains("tensors"));
  const Ran wrong = judge("public.bundle", fixture("trust.policy"), pruned, {"--original", pruned});
  CHECK(wrong.code == 1);
  CHECK(wrong.outcome("model.original") == "invalid");
  CHECK_FALSE(wrong.json().contains("tensors"));
  CHECK(judge("public.bundle", fixture("trust.policy"), pruned, {"--original", folder.file("absent")}).code == 4);
}

TEST_CASE("a permuted copy is read once it is aligned, with the permutation found as evidence") {
  const TempFolder folder;
  const std::string copy = edited(folder, "permute,rescale,turn"), policy = policy_with(folder, "model descends");
  const Ran blind = judge("arbiter.bundle", policy, copy);
  CHECK(blind.code == 1);
  CHECK_THAT(blind.detail("model.descends"), Contains("--original"));
  const Ran ran = judge("arbiter.bundle", policy, copy, {"--original", fixture(kRelease)});
  INFO(ran.out);
  CHECK(ran.code == 0);
  CHECK(ran.outcome("model.digest") == "not checked");
  CHECK(ran.json()["marks"][0]["matches"] == ran.json()["marks"][0]["bits"]);
  const Json first = ran.json()["alignment"][0];
  CHECK(first["layer"] == "features.0");
  CHECK(first["similarity"].get<double>() > 0.999);
  const auto original_rows = rows_of(fixture(kRelease), "features.0.conv.weight"), rows = rows_of(copy, "features.0.conv.weight");
  std::set<int> used;
  for (std::size_t c = 0; c < original_rows.size(); ++c) {
    const auto from = first["from"][c].get<int>();
    used.insert(from);
    const std::vector<float>& row = rows[static_cast<std::size_t>(from)];
    CHECK(std::abs(row[0] * original_rows[c][1] - row[1] * original_rows[c][0]) < 1e-5);  // the same filter up to its scale
  }
  CHECK(used.size() == original_rows.size());
}

TEST_CASE("whoever scrambles the layers before the marked ones sends the alignment astray, and the mark is read all the same") {
  const TempFolder folder;
  const Ran ran =
      judge("arbiter.bundle", policy_with(folder, "model descends"), edited(folder, "stem"), {"--original", fixture(kRelease)});
  INFO(ran.out);
  CHECK(ran.code == 0);
  const Json mark = ran.json()["marks"][0];
  CHECK(mark["matches"] == mark["bits"]);
  CHECK(mark["log10_p_corrected"].get<double>() > mark["log10_p"].get<double>() + 24.3);  // two readings are two tries
}

TEST_CASE("an independent network that is aligned in the same way stays on the binomial") {
  const TempFolder folder;
  const Ran ran =
      judge("arbiter.bundle", policy_with(folder, "model descends"), edited(folder, "random"), {"--original", fixture(kRelease)});
  CHECK(ran.code == 1);
  CHECK(ran.outcome("model.alignment") == "valid");
  CHECK(ran.outcome("model.descends") == "invalid");
  CHECK(std::abs(ran.json()["marks"][0]["matches"].get<int>() - 448) < 75);  // five standard deviations of 896 fair bits
}

TEST_CASE("a user passport that goes with a changed model shows no descent, and the sentence says why") {
  const TempFolder folder;
  const Args passport{"--passport", fixture("ada.png")};
  const std::string pruned = edited(folder, "prune");
  const Ran ran = judge("ada.bundle", policy_with(folder, "model descends"), pruned, passport);
  CHECK(ran.code == 3);
  CHECK(ran.outcome("user.consistent") == "valid");
  CHECK(ran.outcome("model.descends") == "undecided");
  CHECK_THAT(ran.detail("model.descends"), Contains("could have fitted it"));
  CHECK(judge("ada.bundle", fixture("trust.policy"), pruned, passport).outcome("model.descends") == "not checked");
}

TEST_CASE("a mark that descends does not make up for the file where the policy asks for the file") {
  const TempFolder folder;
  const std::string pruned = edited(folder, "prune");
  const Ran exact = judge("arbiter.bundle", fixture("trust.policy"), pruned);
  CHECK(exact.code == 1);
  CHECK(exact.outcome("model.descends") == "valid");
  CHECK_THAT(exact.detail("model.descends"), Contains("takes the registered file alone"));
  CHECK(exact.json()["policy"]["model"] == "exact");
  const Ran descends = judge("arbiter.bundle", policy_with(folder, "model descends"), pruned);
  CHECK(descends.code == 0);
  CHECK(descends.json()["policy"]["model"] == "descends");
  const Ran both = judge("arbiter.bundle", policy_with(folder, "model descends\nrequire model.digest"), pruned);
  CHECK(both.code == 3);
  CHECK(both.outcome("policy.required") == "undecided");
}

TEST_CASE("every model of a folder gets one line, and the worst decides the exit code") {
  const TempFolder folder;
  const std::string fleet = folder.file("fleet of \xC3\xBC models");
  std::filesystem::create_directories(fleet + "/deep");
  std::filesystem::copy(fixture(kRelease), fleet + "/a.safetensors");
  std::filesystem::copy(fixture(kRelease), fleet + "/deep/b.safetensors");
  folder.write("notes.txt", "no model");
  const Args args{"verify", "--bundle", fixture("public.bundle"), "--policy", fixture("trust.policy"), "--every-model", fleet};
  const Ran good = run_json(args);
  INFO(good.out << good.err);
  CHECK(good.code == 0);
  REQUIRE(lines_of(good).size() == 2);
  CHECK(lines_of(good)[0]["model"] == fleet + "/a.safetensors");
  CHECK(lines_of(good)[1]["verdict"] == "valid");
  CHECK(run(args).out.find("valid  " + fleet + "/a.safetensors") == 0);

  Args with_card = args;
  with_card.insert(with_card.end(), {"--card", folder.write("card.png", "no picture")});
  const Ran no_card = run_json(with_card);
  CHECK(no_card.code == 1);
  CHECK(lines_of(no_card)[0]["papers"] == "invalid");

  std::filesystem::copy(edited(folder, "rename"), fleet + "/c.safetensors");
  std::filesystem::create_symlink(fleet + "/gone", fleet + "/d.safetensors");
  const Ran mixed = run_json(args);
  const auto lines = lines_of(mixed);
  CHECK(mixed.code == 1);
  REQUIRE(lines.size() == 4);
  CHECK(lines[1]["verdict"] == "invalid");
  CHECK(lines[1]["checks"][1]["code"] == "model.digest");
  CHECK(lines[2]["exit"] == 4);
  CHECK(lines[2]["verdict"].is_null());
  CHECK(lines[3]["verdict"] == "valid");
  std::filesystem::remove(fleet + "/c.safetensors");
  CHECK(run(args).code == 4);
}

TEST_CASE("a folder's models fail with their papers, and nothing passes where there is no model") {
  const TempFolder folder;
  std::filesystem::create_directories(folder.file("fleet"));
  Args args{"verify",        "--bundle",          fixture("revoked.bundle"), "--policy", fixture("trust.policy"),
            "--every-model", folder.file("fleet")};
  CHECK(run(args).code == 1);
  args[2] = fixture("public.bundle");
  CHECK(run(args).code == 3);
  args[2] = fixture("revoked.bundle");
  std::filesystem::copy(fixture(kRelease), folder.file("fleet/a.safetensors"));
  const Ran revoked = run_json(args);
  CHECK(revoked.code == 1);
  REQUIRE(lines_of(revoked).size() == 1);
  CHECK(lines_of(revoked)[0]["papers"] == "invalid");
  CHECK(lines_of(revoked)[0]["checks"][0]["code"] == "license.status");
  args.back() = folder.file("absent");
  require_refused(args, {4}, folder);
  args.insert(args.end(), {"--model", fixture(kRelease)});
  require_refused(args, {2}, folder);
}
