#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>

#include "model_part.hpp"
#include "output.hpp"
#include "vault.hpp"

namespace stegpass::cli {

/// The files that `passport train` leaves in its folder.
struct ModelFolder {
  std::filesystem::path folder;
  std::filesystem::path owner_model() const { return folder / "owner.safetensors"; }
  std::filesystem::path release_model() const { return folder / "release.safetensors"; }
  std::filesystem::path record() const { return folder / "training.json"; }
  std::filesystem::path plot() const { return folder / "training.png"; }
  std::filesystem::path checkpoint() const { return folder / "training.checkpoint"; }
};

/// training.json: how a model came to be, enough to register it.
struct TrainingRecord {
  MarkDescription mark;
  double accuracy_deployment = 0, accuracy_verification = 0;
  Digest32 owner_model{}, release_model{};
};

Json mark_to_json(const MarkDescription& mark);
Json reading_to_json(const std::string& role, const MarkReading& reading);
/// "cover 896 of 896 bits, log10 p -269.7, corrected -245.6"
std::string reading_to_text(const std::string& role, const MarkReading& reading);

/// The whole record of a training run, with the model part's own account of it under "run".
Json training_json(const TrainResult& result, const TrainingRecord& record, const std::vector<OpenPassport>& passports);
/// Errors  malformed, naming the field.
Result<TrainingRecord> parse_training_record(ByteView json);
Result<TrainingRecord> read_training_record(const std::filesystem::path& path);

/// The vault's passports, cover first, as the model part takes them. Errors not_found when there is no cover or are fewer than
/// two reserves.
Result<std::vector<OpenPassport>> open_passports(const Vault& vault);

}  // namespace stegpass::cli
