#include "training_record.hpp"

#include <algorithm>
#include <cmath>

#include <stegpass/credential/core/text.hpp>

#include "files.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

/// Reads fields of one JSON object; the first that is absent or of another type is remembered.
class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {}

  std::string text(const char* name) {
    const Json* value = find(name);
    if (value == nullptr || !value->is_string()) return fail(name), std::string{};
    return value->get<std::string>();
  }
  double fraction(const char* name) {
    const Json* value = find(name);
    const double number = value != nullptr && value->is_number() ? value->get<double>() : NAN;
    if (!(number >= 0 && number <= 1)) return fail(name), 0;
    return number;
  }
  std::uint64_t number(const char* name) {
    const Json* value = find(name);
    if (value == nullptr || !value->is_number_unsigned()) return fail(name), 0;
    return value->get<std::uint64_t>();
  }
  std::vector<std::string> texts(const char* name) {
    const Json* value = find(name);
    std::vector<std::string> out;
    if (value == nullptr || !value->is_array()) return fail(name), out;
    for (const Json& item : *value) {
      if (!item.is_string()) return fail(name), out;
      out.push_back(item.get<std::string>());
    }
    return out;
  }
  Digest32 digest(const char* name) {
    Digest32 out{};
    const auto bytes = parse_hex(text(name));
    if (!bytes || bytes->size() != out.size()) return fail(name), out;
    std::copy(bytes->begin(), bytes->end(), out.begin());
    return out;
  }
  const Json* object(const char* name) {
    const Json* value = find(name);
    if (value == nullptr || !value->is_object()) fail(name);
    return value;
  }
  const std::string& missing() const { return missing_; }

 private:
  const Json* find(const char* name) const {
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  void fail(const char* name) {
    if (missing_.empty()) missing_ = name;
  }

  const Json& object_;
  std::string missing_;
};

Error malformed(const std::string& field) {
  return {Errc::malformed, "training record without a well-formed field '" + field + "'"};
}

/// What the model part says of its run: JSON that it wrote, or nothing.
Json run_of(const std::string& text) {
  Json run = Json::parse(text, nullptr, false);
  return run.is_discarded() ? Json() : run;
}

}  // namespace

Json mark_to_json(const MarkDescription& mark) {
  return {{"scheme", mark.scheme},   {"signature", mark.signature},
          {"pooling", mark.pooling}, {"architecture", mark.architecture},
          {"layers", mark.layers},   {"bits", mark.bits}};
}

Json reading_to_json(const std::string& role, const MarkReading& reading) {
  Json layers = Json::array();
  for (const auto& layer : reading.layers)
    layers.push_back({{"name", layer.name}, {"bits", layer.bits}, {"matches", layer.matches}});
  return {{"role", role},
          {"bits", reading.bits},
          {"matches", reading.matches},
          {"log10_p", reading.log10_p},
          {"log10_p_corrected", reading.log10_p_corrected},
          {"layers", layers}};
}

std::string reading_to_text(const std::string& role, const MarkReading& reading) {
  return role + " " + std::to_string(reading.matches) + " of " + std::to_string(reading.bits) + " bits, log10 p " +
         with_decimals(reading.log10_p, 1) + ", corrected for tries " + with_decimals(reading.log10_p_corrected, 1);
}

Json training_json(const TrainResult& result, const TrainingRecord& record, const std::vector<OpenPassport>& passports) {
  Json readings = Json::array();
  for (std::size_t i = 0; i < result.readings.size() && i < passports.size(); ++i) {
    readings.push_back(reading_to_json(passports[i].role, result.readings[i]));
  }
  return {{"mark", mark_to_json(record.mark)},
          {"accuracy_deployment", record.accuracy_deployment},
          {"accuracy_verification", record.accuracy_verification},
          {"owner_model_sha256", to_hex(record.owner_model)},
          {"release_model_sha256", to_hex(record.release_model)},
          {"readings", readings},
          {"run", run_of(result.run_record)}};
}

Result<TrainingRecord> parse_training_record(ByteView json) {
  const Json object = Json::parse(json.begin(), json.end(), nullptr, false);
  if (!object.is_object()) return Error{Errc::malformed, "no JSON object; expected a training record"};
  TrainingRecord record;
  Fields fields(object);
  record.accuracy_deployment = fields.fraction("accuracy_deployment");
  record.accuracy_verification = fields.fraction("accuracy_verification");
  record.owner_model = fields.digest("owner_model_sha256");
  record.release_model = fields.digest("release_model_sha256");
  const Json* mark = fields.object("mark");
  if (!fields.missing().empty()) return malformed(fields.missing());
  Fields inner(*mark);
  record.mark = {inner.text("scheme"),       inner.text("signature"), inner.text("pooling"),
                 inner.text("architecture"), inner.texts("layers"),   inner.number("bits")};
  if (!inner.missing().empty()) return malformed("mark." + inner.missing());
  return record;
}

Result<TrainingRecord> read_training_record(const std::filesystem::path& path) {
  STEGPASS_TRY(file, read_file(path, kMaxPictureFile, "a training record (training.json)"));
  auto record = parse_training_record(file);
  if (!record) return about(path.string(), record.error());
  return record;
}

Result<std::vector<OpenPassport>> open_passports(const Vault& vault) {
  std::vector<OpenPassport> passports;
  for (const VaultPassport& passport : vault.passports) {
    const auto at = passport.role == "cover" ? passports.begin() : passports.end();
    passports.insert(at, OpenPassport{passport.role, passport.picture, passport.seed});
  }
  if (passports.size() < 3 || passports.front().role != "cover") {
    return Error{Errc::not_found, "the vault holds " + std::to_string(passports.size()) +
                                      " passports; expected a cover and two reserves (stegpass passport new makes them)"};
  }
  return passports;
}

}  // namespace stegpass::cli
