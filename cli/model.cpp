#include <algorithm>
#include <cmath>
#include <filesystem>

#include <stegpass/credential/certificate.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/statement.hpp>

#include "attack_card.hpp"
#include "command.hpp"
#include "files.hpp"
#include "model_part.hpp"
#include "model_signature.hpp"
#include "training_record.hpp"
#include "workspace.hpp"
#include "workspace_ledger.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;
using credential::MarkClaim;
using credential::Registration;
using credential::Statement;

constexpr double kMarkBound = -30;
constexpr std::size_t kIdBytes = 16, kSaltBytes = 32;

struct RegisterOptions {
  HomeOptions home;
  std::string models, out, isn, certificate, card;
  bool force = false;
};

/// What `passport train` left, read and found to belong together.
struct TrainedModel {
  TrainingRecord record;
  Bytes release;
  std::string name;
  Digest32 owner_digest{}, release_digest{};
};

Status check_digest(const fs::path& path, const Digest32& found, const Digest32& recorded) {
  if (found == recorded) return Done{};
  return Error{Errc::refused, path.string() + " is not the file that training.json records: sha256 " + to_hex(found) +
                                  ", expected " + to_hex(recorded)};
}

Result<TrainedModel> read_trained(const ModelFolder& folder) {
  TrainedModel model;
  STEGPASS_TRY(record, read_training_record(folder.record()));
  STEGPASS_TRY(owner, read_file(folder.owner_model(), kMaxModelFile, "an owner model (safetensors)"));
  STEGPASS_TRY(release, read_file(folder.release_model(), kMaxModelFile, "a release model (safetensors)"));
  model.owner_digest = credential::fast_sha256(owner);
  model.release_digest = credential::fast_sha256(release);
  STEGPASS_CHECK_OK(check_digest(folder.owner_model(), model.owner_digest, record.owner_model));
  STEGPASS_CHECK_OK(check_digest(folder.release_model(), model.release_digest, record.release_model));
  model.record = std::move(record);
  model.release = std::move(release);
  model.name = folder.release_model().filename().string();
  return model;
}

/// Reads every passport's mark from the release model itself; one that does not reach the bound cannot be registered.
Result<std::vector<MarkReading>> read_marks(ModelPart& part, const TrainedModel& model,
                                            const std::vector<OpenPassport>& passports) {
  std::vector<MarkReading> readings;
  for (const OpenPassport& passport : passports) {
    STEGPASS_TRY(reading, part.read_mark(model.release, model.record.mark, passport));
    if (!(reading.log10_p_corrected <= kMarkBound)) {
      return Error{Errc::refused, "the mark of " + reading_to_text(passport.role, reading) + "; expected at most " +
                                      with_decimals(kMarkBound, 0)};
    }
    readings.push_back(std::move(reading));
  }
  return readings;
}

Digest32 seed_commitment(const Vault& vault, const std::string& role, const Digest32& owner) {
  const VaultPassport* passport = vault.passport(role);
  return credential::commitment("mark-seed", owner, passport->commitment_salt, passport->seed);
}

MarkClaim claim_of(const MarkDescription& mark, const OpenHome& home, const std::vector<OpenPassport>& passports,
                   std::uint32_t picture_size) {
  MarkClaim claim;
  claim.scheme = mark.scheme;
  claim.signature = mark.signature;
  claim.pooling = mark.pooling;
  claim.architecture = mark.architecture;
  claim.layers = mark.layers;
  claim.bits = mark.bits;
  claim.picture_size = picture_size;
  const Digest32 owner = home.owner.thumbprint();
  claim.cover = seed_commitment(home.vault, "cover", owner);
  for (std::size_t i = 1; i < passports.size(); ++i)
    claim.reserves.push_back(seed_commitment(home.vault, passports[i].role, owner));
  return claim;
}

std::uint32_t ten_thousandths(double fraction) { return static_cast<std::uint32_t>(std::lround(fraction * 10000)); }

Result<Registration> registration_of(const TrainedModel& model, const VaultRegistration& secret, MarkClaim claim,
                                     const credential::PublicKey& owner) {
  STEGPASS_TRY(tree, credential::tensor_tree(model.release));
  Registration registration{.owner = owner};
  registration.id = secret.id;
  registration.model_name = model.name;
  registration.model_root = credential::oms_root_of_file(model.release_digest);
  registration.model_digest = model.release_digest;
  registration.tensor_root = tree.root;
  registration.tensor_count = tree.leaves.size();
  registration.owner_model =
      credential::commitment("owner-model", owner.thumbprint(), secret.owner_model_salt, model.owner_digest);
  registration.mark = std::move(claim);
  registration.isn_digest = secret.isn;
  registration.accuracy_deployment = ten_thousandths(model.record.accuracy_deployment);
  registration.accuracy_verification = ten_thousandths(model.record.accuracy_verification);
  return registration;
}

/// Refuses a model that the home has registered. A record without its statement was left by a run that ended in between; it does
/// no harm.
Status check_new(const Vault& vault, const ledger::RegistrationPolicy& state, const Digest32& release) {
  for (const VaultRegistration& known : vault.registrations) {
    const bool registered = state.registration(known.id) != nullptr;
    if (registered && known.release_model == release)
      return Error{Errc::refused, "this release model is registered already, as " + to_hex(known.id)};
  }
  return Done{};
}

/// Vault first, since a registration whose salts are lost can never be opened; then the ledger, from where there is no way back.
Result<ledger::Appended> commit(OpenHome& home, OpenLedger& ledger, const Signers& signers, const VaultRegistration& secret,
                                const Statement& statement) {
  if (interrupted()) return Error{Errc::interrupted, "stopped; nothing was registered"};
  const std::vector<VaultRegistration> before = home.vault.registrations;
  home.vault.registrations.push_back(secret);
  STEGPASS_CHECK_OK(save_vault(home));
  auto appended = ledger.log.append({statement}, signers.log, current_time());
  if (appended) return appended->front();
  if (may_be_registered(appended.error())) return Error(appended.error());
  home.vault.registrations = before;
  ignore_result(save_vault(home));  // if this fails too, a record stays that no statement names
  return Error(appended.error());
}

/// The owner's certificate and its chain; none when no file is named.
Result<std::vector<Bytes>> read_owner_chain(const std::string& path) {
  if (path.empty()) return std::vector<Bytes>{};
  STEGPASS_TRY(file, read_file(path, kMaxSmallFile, "the owner's certificate with its chain (PEM)"));
  auto chain = credential::read_certificates(file);
  if (!chain) return Error{chain.error().code, path + ": " + chain.error().detail};
  return chain;
}

/// Digest of a resilience card of this model; none when no file is named.
Result<std::optional<Digest32>> read_card(const std::string& path, const Digest32& release) {
  if (path.empty()) return std::optional<Digest32>{};
  STEGPASS_TRY(file, read_file(path, kMaxPictureFile, "a resilience card (card.json)"));
  const Json card = Json::parse(file.begin(), file.end(), nullptr, false);
  const bool one =
      card.is_object() && card.value("format", Json()) == kCardFormat && card.contains("models") && card["models"].is_object();
  if (!one) return Error{Errc::malformed, path + ": no resilience card"};
  if (card["models"].value("model", Json()) != to_hex(release))
    return Error{Errc::refused, path + ": the card is one of another model"};
  return std::optional<Digest32>{credential::fast_sha256(file)};
}

Report report_of(const RegisterOptions& options, const Registration& registration, std::uint64_t index,
                 const std::vector<OpenPassport>& passports, const std::vector<MarkReading>& readings) {
  Report report;
  report.text = "registered " + registration.model_name + " as " + to_hex(registration.id) + ", entry " + std::to_string(index) +
                " of the ledger";
  Json marks = Json::array();
  for (std::size_t i = 0; i < readings.size(); ++i) {
    report.text += "\n  mark  " + reading_to_text(passports[i].role, readings[i]);
    marks.push_back(reading_to_json(passports[i].role, readings[i]));
  }
  if (registration.card) report.text += "\n  card  SHA-256 " + to_hex(*registration.card);
  report.figures = {{"id", to_hex(registration.id)},
                    {"urn", credential::model_urn(registration.id)},
                    {"index", index},
                    {"model_sha256", to_hex(registration.model_digest)},
                    {"tensor_root", to_hex(registration.tensor_root)},
                    {"marks", marks}};
  if (registration.card) report.figures["card_sha256"] = to_hex(*registration.card);
  if (options.out.empty()) return report;
  report.text += "\n  statement with receipt: " + options.out;
  report.figures["statement"] = options.out;
  return report;
}

Result<Report> register_model(const RegisterOptions& options) {
  if (!options.out.empty()) STEGPASS_CHECK_OK(check_output(options.out, options.force));
  STEGPASS_TRY(certificates, read_owner_chain(options.certificate));
  STEGPASS_TRY(trained, read_trained({options.models}));
  STEGPASS_TRY(card, read_card(options.card, trained.release_digest));
  STEGPASS_TRY(part, load_model_part());
  STEGPASS_TRY(weights, load_isn_weights(options.isn));
  STEGPASS_TRY(home, open_home(options.home));
  STEGPASS_TRY(signers, read_signers(home.home, home.passphrase));
  if (!(signers.owner.public_key() == home.owner))
    return Error{Errc::refused,
                 "this home's key was rotated, and its passports are bound to the key before: a new model needs a new home"};
  STEGPASS_TRY(ledger, open_ledger(home.home, ledger::Ledger::Mode::write));
  STEGPASS_CHECK_OK(check_new(home.vault, ledger.state, trained.release_digest));
  STEGPASS_TRY(passports, open_passports(home.vault));
  STEGPASS_TRY(cover, part->read_passport(passports.front().picture));
  STEGPASS_TRY(readings, read_marks(*part, trained, passports));
  const VaultRegistration secret{credential::random_bytes(kIdBytes), credential::random_bytes(kSaltBytes), trained.owner_digest,
                                 trained.release_digest, credential::fast_sha256(weights)};
  STEGPASS_TRY(registration,
               registration_of(trained, secret, claim_of(trained.record.mark, home, passports, cover.size), home.owner));
  registration.card = card;
  STEGPASS_TRY(statement, credential::sign_statement(signers.owner, registration, current_time(), certificates));
  STEGPASS_TRY(appended, commit(home, ledger, signers, secret, statement));
  if (!options.out.empty()) {
    auto written = [&]() -> Status {
      STEGPASS_TRY(transparent, transparent_statement(ledger.log, appended.index));
      return write_file(options.out, transparent, {.force = options.force});
    }();
    if (!written)
      return about("the model is registered as " + to_hex(secret.id) + ", but the statement was not written", written.error());
  }
  return report_of(options, registration, appended.index, passports, readings);
}

int run(const RegisterOptions& options, Output& output) { return finish(output, register_model(options)); }

}  // namespace

void setup_model_register(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<RegisterOptions>();
  CLI::App* command = group.add_subcommand("register", "Enter a trained model into the ledger, with commitments to its marks");
  add_home_options(*command, options->home);
  command->add_option("--models", options->models, "Folder that passport train left")->required();
  command->add_option("--out", options->out, "Also write the statement with its receipt, for licensees");
  command->add_option("--certificate", options->certificate,
                      "PEM file with the owner key's certificate and its chain, leaf first, to go into the registration");
  command->add_option("--card", options->card,
                      "Resilience card (card.json of attack card), whose digest goes into the registration");
  command->add_option("--isn", options->isn, "ISN weights that will mint for this model; default: those that come with stegpass");
  command->add_flag("--force", options->force, "Replace what is at --out");
  command->footer("Example: stegpass model register --home studio --models trained --out registration.cose");
  bind_command(commands, *command, options, run);
}

}  // namespace stegpass::cli
