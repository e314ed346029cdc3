#include <filesystem>
#include <memory>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/statement.hpp>

#include "dispute.hpp"
#include "files.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

constexpr std::size_t kIdLength = 16;

struct SignOptions {
  std::string key, out;
  PassphraseSource passphrase;
  bool force = false;
};
struct ClaimOptions {
  SignOptions sign;
  std::string registration, ground = "infringement", statement, arbiter;
};
struct EvidenceOptions {
  SignOptions sign;
  std::string claim, file, media_type = "application/octet-stream", note;
};

void add_sign_options(CLI::App& command, SignOptions& options, const std::string& whose) {
  command.add_option("--key", options.key, whose)->required();
  add_passphrase_options(command, options.passphrase);
  command.add_option("--out", options.out, "The signed statement")->required();
  command.add_flag("--force", options.force, "Replace what is there");
}

Result<PrivateKey> read_key(const SignOptions& options) {
  STEGPASS_TRY(passphrase, read_passphrase(options.passphrase, "Passphrase of " + options.key));
  return read_private_key(options.key, passphrase);
}

Result<Report> hand_out(const SignOptions& options, const PrivateKey& key, const StatementBody& body, const std::string& said,
                        Json figures) {
  STEGPASS_TRY(statement, sign_statement(key, body, current_time()));
  STEGPASS_CHECK_OK(write_file(options.out, statement.entry(), {.force = options.force}));
  figures["out"] = options.out;
  return Report{"wrote " + options.out + ": " + said, std::move(figures)};
}

/// A registration's id, in hexadecimal or from its statement's file.
Result<Bytes> registration_id(const std::string& text) {
  std::error_code ignored;
  if (std::filesystem::exists(text, ignored)) {
    STEGPASS_TRY(statement, read_statement(text, StatementKind::registration));
    return statement.as<Registration>()->id;
  }
  auto id = parse_hex(text);
  if (!id || id->size() != kIdLength)
    return Error{Errc::usage, "'" + text + "' is neither a registration's file nor an id of 32 hexadecimal digits"};
  return id;
}

DisputeGround ground_of(const std::string& name) {
  return name == "ownership" ? DisputeGround::ownership
         : name == "license" ? DisputeGround::license
                             : DisputeGround::infringement;
}

Result<Report> claim(const ClaimOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.sign.out, options.sign.force));
  STEGPASS_TRY(disputed, registration_id(options.registration));
  STEGPASS_TRY(arbiter, read_public_key(options.arbiter));
  STEGPASS_TRY(key, read_key(options.sign));
  const DisputeClaim body{.claimant = key.public_key(),
                          .id = random_bytes(kIdLength),
                          .registration_id = disputed,
                          .ground = ground_of(options.ground),
                          .statement = options.statement,
                          .arbiter = arbiter.thumbprint()};
  return hand_out(options.sign, key, body,
                  "disputes registration " + to_hex(disputed) + ", before arbiter " + arbiter.thumbprint_uri(),
                  {{"dispute", to_hex(body.id)}, {"registration", to_hex(disputed)}, {"arbiter", arbiter.thumbprint_uri()}});
}

Result<Report> evidence(const EvidenceOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.sign.out, options.sign.force));
  STEGPASS_TRY(statement, read_statement(options.claim, StatementKind::dispute_claim));
  STEGPASS_TRY(file, read_file(options.file, kMaxModelFile, "a file to put before the arbiter"));
  STEGPASS_TRY(key, read_key(options.sign));
  const DisputeEvidence body{.party = key.public_key(),
                             .id = random_bytes(kIdLength),
                             .dispute_id = statement.as<DisputeClaim>()->id,
                             .media_type = options.media_type,
                             .bytes = file.size(),
                             .digest = fast_sha256(file),
                             .note = options.note};
  return hand_out(options.sign, key, body, "puts " + options.file + " before the arbiter of dispute " + to_hex(body.dispute_id),
                  {{"dispute", to_hex(body.dispute_id)}, {"evidence", to_hex(body.id)}, {"sha256", to_hex(body.digest)}});
}

int run_claim(const ClaimOptions& options, Output& output) { return finish(output, claim(options)); }
int run_evidence(const EvidenceOptions& options, Output& output) { return finish(output, evidence(options)); }

}  // namespace

void setup_dispute_statements(Commands& commands, CLI::App& group) {
  auto of_claim = std::make_shared<ClaimOptions>();
  CLI::App& claims = *group.add_subcommand("claim", "Dispute a registration, and name who shall decide");
  add_sign_options(claims, of_claim->sign, "The claimant's encrypted key");
  claims.add_option("--registration", of_claim->registration, "The disputed registration: its statement's file, or its id")
      ->required();
  claims
      .add_option("--ground", of_claim->ground,
                  "ownership (the model is mine), license (my license is not kept) or infringement (it is a copy of mine)")
      ->check(CLI::IsMember({"ownership", "license", "infringement"}))
      ->capture_default_str();
  claims.add_option("--statement", of_claim->statement, "What you claim, in words; everybody can read it")->required();
  claims.add_option("--arbiter", of_claim->arbiter, "Public key file of who shall decide")->required();
  claims.footer(
      "Example: stegpass dispute claim --key acme/owner.key --registration rival.cose --statement \"trained on from our "
      "release\" --arbiter arbiter.pub --out claim.cose");
  bind_command(commands, claims, of_claim, run_claim);

  auto of_evidence = std::make_shared<EvidenceOptions>();
  CLI::App& files = *group.add_subcommand("evidence", "Put a file before the arbiter, under your signature");
  add_sign_options(files, of_evidence->sign, "Your encrypted key: the claimant's, or the owner's");
  files.add_option("--claim", of_evidence->claim, "The dispute claim")->required();
  files.add_option("--file", of_evidence->file, "The file; it goes to the arbiter by another way")->required();
  files.add_option("--media-type", of_evidence->media_type, "What the file is")->capture_default_str();
  files.add_option("--note", of_evidence->note, "What it shows")->required();
  files.footer(
      "Example: stegpass dispute evidence --key acme/owner.key --claim claim.cose --file acme.bundle --note \"opens reserve 1\" "
      "--out acme-bundle.cose");
  bind_command(commands, files, of_evidence, run_evidence);
}

}  // namespace stegpass::cli
