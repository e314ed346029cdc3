#include <algorithm>
#include <chrono>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "attack_isn.hpp"
#include "files.hpp"
#include "training_record.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

struct NearOptions {
  HomeOptions home;
  AttackFiles files;
  std::string models;
  std::uint64_t pixels = 4, seed = 1;
};

/// What the thief has and reads: the network, and the passport with what makes its seed.
struct Owned {
  MarkDescription mark;
  Bytes model;
  VaultPassport cover;
  Digest32 owner{};
};

Result<Owned> read_owned(const NearOptions& options) {
  const ModelFolder models{options.models};
  STEGPASS_TRY(record, read_training_record(models.record()));
  STEGPASS_TRY(model, read_file(models.release_model(), kMaxModelFile, "a model (safetensors)"));
  STEGPASS_TRY(home, open_home(options.home));
  const VaultPassport* cover = home.vault.passport("cover");
  if (cover == nullptr) return Error{Errc::not_found, "the vault holds no cover passport"};
  return Owned{record.mark, std::move(model), *cover, home.owner.thumbprint()};
}

Digest32 of_thief(std::string_view what, std::uint64_t seed, std::uint64_t number) {
  return credential::fast_sha256(
      as_bytes("stegpass.near.v1 " + std::string(what) + " " + std::to_string(seed) + " " + std::to_string(number)));
}

/// One row of the table: a passport, whose key and salt its seed is made of, and what is then read.
class Table {
 public:
  Table(ModelPart& part, const Owned& owned) : part_(part), owned_(owned) {}

  Status add(const std::string& change, double psnr_db, const std::string& seed_of, ByteView picture, const Bytes& seed) {
    STEGPASS_TRY(reading, part_.read_mark(owned_.model, owned_.mark, {change, to_bytes(picture), seed}));
    const double match = reading.bits == 0 ? 0 : static_cast<double>(reading.matches) / static_cast<double>(reading.bits);
    rows_.push_back({{"change", change},
                     {"psnr_db", psnr_db},
                     {"seed_of", seed_of},
                     {"bits", reading.bits},
                     {"matches", reading.matches},
                     {"match", match},
                     {"log10_p", reading.log10_p},
                     {"log10_p_corrected", reading.log10_p_corrected}});
    return Done{};
  }
  /// With a seed that follows from the picture, as `opening.seed-ROLE` demands.
  Status derive(const std::string& change, double psnr_db, const std::string& seed_of, ByteView picture, const Digest32& owner,
                ByteView salt) {
    STEGPASS_TRY(seed, part_.mark_seed(picture, owner, salt));
    return add(change, psnr_db, seed_of, picture, seed);
  }
  const Json& rows() const { return rows_; }

 private:
  ModelPart& part_;
  const Owned& owned_;
  Json rows_ = Json::array();
};

Status fill(Table& table, const Owned& owned, const std::vector<NearPassport>& near, std::uint64_t seed) {
  const VaultPassport& cover = owned.cover;
  STEGPASS_CHECK_OK(table.derive("the owner's own", 100, "owner's key and salt", cover.picture, owned.owner, cover.seed_salt));
  STEGPASS_CHECK_OK(
      table.derive("none", 100, "thief's key, owner's salt", cover.picture, of_thief("key", seed, 0), cover.seed_salt));
  STEGPASS_CHECK_OK(
      table.derive("none", 100, "owner's key, another salt", cover.picture, owned.owner, of_thief("salt", seed, 0)));
  std::uint64_t number = 0;
  for (const NearPassport& one : near) {
    const Digest32 salt = of_thief("salt", seed, ++number);
    STEGPASS_CHECK_OK(table.derive(one.change, one.psnr_db, "owner's key and salt", one.picture, owned.owner, cover.seed_salt));
    STEGPASS_CHECK_OK(table.derive(one.change, one.psnr_db, "thief's key and salt", one.picture, of_thief("key", seed, 0), salt));
    // The picture goes with the model; but this seed follows from another picture, so opening.seed refuses it.
    STEGPASS_CHECK_OK(table.add(one.change, one.psnr_db, "the cover's, stolen", one.picture, cover.seed));
  }
  return Done{};
}

/// Over all rows with a seed that follows from a picture that is not the owner's, or from another key or salt.
struct Claims {
  std::uint64_t bits = 0, matches = 0, count = 0;
  double best_corrected = 0;
};
Claims claims_of(const Json& rows) {
  Claims out;
  for (const Json& row : rows) {
    if (row["seed_of"] == "the cover's, stolen" || row["change"] == "the owner's own") continue;
    out.bits += row["bits"].get<std::uint64_t>();
    out.matches += row["matches"].get<std::uint64_t>();
    out.best_corrected = std::min(out.best_corrected, row["log10_p_corrected"].get<double>());
    ++out.count;
  }
  return out;
}

std::string near_text(const Json& rows, const Claims& claims) {
  std::string text = "attack near";
  for (const Json& row : rows) {
    text += "\n  " + row["change"].get<std::string>() + " (" + with_decimals(row["psnr_db"], 1) + " dB), seed of " +
            row["seed_of"].get<std::string>() + "  " + row["matches"].dump() + " of " + row["bits"].dump() + " bits, log10 p " +
            with_decimals(row["log10_p"].get<double>(), 1);
  }
  const double share = claims.bits == 0 ? 0 : static_cast<double>(claims.matches) / static_cast<double>(claims.bits);
  return text + "\n  " + std::to_string(claims.count) + " claims by a seed that follows from its picture, key and salt: match " +
         with_decimals(share, 4) + ", best corrected log10 p " + with_decimals(claims.best_corrected, 1);
}

Result<Report> near(const NearOptions& options) {
  STEGPASS_CHECK_OK(check_attack_files(options.files));
  STEGPASS_TRY(part, load_model_part());
  STEGPASS_TRY(owned, read_owned(options));
  const auto started = std::chrono::steady_clock::now();
  STEGPASS_TRY(passports, part->near_passports(owned.cover.picture, options.pixels, options.seed));
  Table table(*part, owned);
  STEGPASS_CHECK_OK(fill(table, owned, passports, options.seed));
  const Claims claims = claims_of(table.rows());
  AttackRecord record;
  record.attack = "near";
  record.mark = mark_to_json(owned.mark);
  record.settings = {{"seed", options.seed}, {"pixels", options.pixels}};
  record.models["model"] = to_hex(credential::fast_sha256(owned.model));
  record.passports = {"cover"};
  record.curve = table.rows();
  record.details = {{"claims", claims.count},
                    {"bits", claims.bits},
                    {"matches", claims.matches},
                    {"best_log10_p_corrected", claims.best_corrected}};
  record.images = passports.size();
  record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return finish_isn_attack(record, options.files, "", near_text(table.rows(), claims));
}

int run(const NearOptions& options, Output& output) { return finish(output, near(options)); }

}  // namespace

void setup_attack_near(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<NearOptions>();
  CLI::App* command = group.add_subcommand("near", "Claim a slightly changed owner passport as one's own");
  add_home_options(*command, options->home);
  command->add_option("--models", options->models, "Folder that passport train made")->required();
  command->add_option("--pixels", options->pixels, "Passports that differ by one grey level in one pixel")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Seed of all that is drawn")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{1} << 40))
      ->capture_default_str();
  add_record_files(*command, options->files);
  command->footer("Example: stegpass attack near --home studio --models trained --out near.json");
  bind_command(commands, *command, options, run);
}

}  // namespace stegpass::cli
