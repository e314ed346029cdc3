#include "tests/support/catch.hpp"

#include "cli/training_record.hpp"

using namespace stegpass;
using namespace stegpass::cli;

namespace {

TrainResult sample_result() {
  TrainResult result;
  result.mark = {"sp", "strict", "whitened", "alexnet 1", {"features.8", "features.10"}, 896};
  result.accuracy_deployment = 0.8712;
  result.accuracy_verification = 0.8701;
  result.readings.push_back({896, 896, -269.7, -245.6, {{"features.8", 384, 384}}});
  result.run_record = R"({"epochs": 2})";
  return result;
}

Json sample_json() {
  const TrainResult result = sample_result();
  const TrainingRecord record{result.mark, result.accuracy_deployment, result.accuracy_verification, Digest32{1}, Digest32{2}};
  return training_json(result, record, {{"cover", {}, {}}});
}

Result<TrainingRecord> parse(const Json& json) { return parse_training_record(as_bytes(json.dump())); }

Vault vault_with(std::initializer_list<const char*> roles) {
  Vault vault;
  for (const char* role : roles) vault.passports.push_back({role, {1}, {2}, {3}, {4}});
  return vault;
}

}  // namespace

TEST_CASE("a training record comes back from its JSON") {
  const auto record = parse(sample_json());
  REQUIRE(record);
  CHECK(record->mark.architecture == "alexnet 1");
  CHECK(record->mark.layers == std::vector<std::string>{"features.8", "features.10"});
  CHECK(record->mark.bits == 896);
  CHECK(record->accuracy_verification == 0.8701);
  CHECK(record->owner_model == Digest32{1});
  CHECK(record->release_model == Digest32{2});
}

TEST_CASE("a training record carries the readings and the run's own account") {
  const Json json = sample_json();
  CHECK(json["readings"][0]["role"] == "cover");
  CHECK(json["readings"][0]["layers"][0]["matches"] == 384);
  CHECK(json["run"]["epochs"] == 2);
}

TEST_CASE("a training record without one of its fields is malformed and says which") {
  for (const char* name :
       {"mark", "accuracy_deployment", "accuracy_verification", "owner_model_sha256", "release_model_sha256"}) {
    Json json = sample_json();
    json.erase(name);
    const auto record = parse(json);
    CAPTURE(name);
    REQUIRE_FALSE(record);
    CHECK(record.error().code == Errc::malformed);
    CHECK(record.error().detail == "training record without a well-formed field '" + std::string(name) + "'");
  }
}

TEST_CASE("a training record with a mark field of another type is malformed") {
  for (const char* name : {"scheme", "signature", "pooling", "architecture", "layers", "bits"}) {
    Json json = sample_json();
    json["mark"][name] = -1.5;
    CAPTURE(name);
    CHECK_FALSE(parse(json));
  }
}

TEST_CASE("a training record with an accuracy over one is malformed") {
  Json json = sample_json();
  json["accuracy_deployment"] = 1.01;
  CHECK_FALSE(parse(json));
}

TEST_CASE("bytes that are no JSON object are no training record") {
  for (const char* text : {"", "{", "[]", "null", "\xff\xfe"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_training_record(as_bytes(text)));
  }
}

TEST_CASE("the cover comes first, whatever the order in the vault") {
  const auto passports = open_passports(vault_with({"reserve-1", "cover", "reserve-2"}));
  REQUIRE(passports);
  CHECK((*passports)[0].role == "cover");
  CHECK((*passports)[1].role == "reserve-1");
  CHECK((*passports)[2].role == "reserve-2");
}

TEST_CASE("a vault without a cover or with one reserve cannot train") {
  CHECK_FALSE(open_passports(vault_with({})));
  CHECK_FALSE(open_passports(vault_with({"cover", "reserve-1"})));
  CHECK_FALSE(open_passports(vault_with({"reserve-1", "reserve-2", "reserve-3"})));
}
