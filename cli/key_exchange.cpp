#include <algorithm>

#include <stegpass/credential/key_formats.hpp>
#include <stegpass/credential/secret_file.hpp>

#include "files.hpp"
#include "key.hpp"

namespace stegpass::cli {
namespace {

using credential::PrivateKey;
using credential::PublicKey;

struct ExportOptions {
  std::string file, format = "ssh", out, comment;
  bool secret = false, force = false;
  PassphraseSource passphrase, new_passphrase;
};

struct ImportOptions {
  std::string from, out, public_out;
  bool force = false;
  PassphraseSource passphrase, source_passphrase;
};

/// The public half in another form; text, but for COSE_Key.
std::string public_form(const ExportOptions& options, const PublicKey& key) {
  if (options.format == "ssh") return ssh_public_key(key, options.comment) + "\n";
  if (options.format == "pem") return pem_public_key(key);
  return std::string(as_text(key.encode()));
}

Status check_export(const ExportOptions& options) {
  const bool control =
      std::any_of(options.comment.begin(), options.comment.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; });
  if (control) return Error{Errc::usage, "the comment holds a control character"};
  const bool binary = options.secret || options.format == "cose";
  if (options.out.empty()) return binary ? Status(Error{Errc::usage, "--out is needed for this form"}) : Status(Done{});
  return check_output(options.out, options.force);
}

Result<Report> export_public(const ExportOptions& options) {
  STEGPASS_TRY(key, read_public_half(options.file, options.passphrase));
  const std::string text = public_form(options, key);
  if (options.out.empty()) {
    Report report = report_of_key("", key);
    report.text = text.substr(0, text.size() - 1);
    report.figures[options.format] = text;
    return report;
  }
  STEGPASS_CHECK_OK(write_file(options.out, as_bytes(text), {.force = options.force}));
  return report_of_key("wrote the public half of " + options.file + " as " + options.format + " to " + options.out, key);
}

Result<Report> export_secret(const ExportOptions& options) {
  STEGPASS_TRY(passphrase, read_passphrase(options.passphrase, "Passphrase of " + options.file));
  STEGPASS_TRY(key, read_private_key(options.file, passphrase));
  STEGPASS_TRY(fresh, read_passphrase(options.new_passphrase, "New passphrase for " + options.out, true));
  const std::string text = export_private_key(key, fresh);
  STEGPASS_CHECK_OK(write_file(options.out, as_bytes(text), {.force = options.force, .secret = true}));
  return report_of_key("wrote the signing key of " + options.file + " as encrypted PKCS#8 to " + options.out +
                           "; the sealing key beside it stays in " + options.file,
                       key.public_key());
}

Result<Report> export_key(const ExportOptions& options) {
  STEGPASS_CHECK_OK(check_export(options));
  return options.secret ? export_secret(options) : export_public(options);
}

Result<Report> import_key(const ImportOptions& options) {
  const KeyFiles files(options.out, options.public_out);
  STEGPASS_CHECK_OK(files.check(options.force));
  STEGPASS_TRY(file, read_file(options.from, kMaxSmallFile, "a private key (OpenSSH or PKCS#8)"));
  auto encrypted = credential::foreign_key_is_encrypted(file);
  if (!encrypted) return about(options.from, encrypted.error());
  credential::SecretBytes opening;
  if (*encrypted) {
    STEGPASS_TRY(given, read_passphrase(options.source_passphrase, "Passphrase of " + options.from));
    opening = std::move(given);
  }
  auto key = credential::import_private_key(file, opening);
  if (!key) return about(options.from, key.error());
  STEGPASS_TRY(passphrase, read_passphrase(options.passphrase, "New passphrase for " + options.out, true));
  STEGPASS_CHECK_OK(files.write(*key, passphrase, options.force));
  Report report = report_of_key("imported " + options.from + " as " + files.secret.string() + " and " + files.open.string() +
                                    ", with a new sealing key beside it",
                                key->public_key());
  report.figures["key"] = files.secret.string();
  report.figures["public"] = files.open.string();
  return report;
}

int run_export(const ExportOptions& options, Output& output) { return finish(output, export_key(options)); }
int run_import(const ImportOptions& options, Output& output) { return finish(output, import_key(options)); }

void setup_export(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<ExportOptions>();
  CLI::App* command = group.add_subcommand(
      "export", "Write a key in another program's form: the public half, or the signing key as encrypted PKCS#8");
  command->add_option("file", options->file, "Key file, encrypted or public")->required();
  command->add_option("--format", options->format, "Of the public half: ssh, pem or cose")
      ->check(CLI::IsMember({"ssh", "pem", "cose"}))
      ->capture_default_str();
  auto* secret = command->add_flag("--private", options->secret,
                                   "The signing key instead, as PKCS#8 under the new passphrase; never in the clear");
  command->add_option("--comment", options->comment, "At the end of an ssh line")->excludes(secret);
  command->add_option("--out", options->out, "Where to; ssh and pem go to standard output without it");
  command->add_flag("--force", options->force, "Replace what is there");
  add_passphrase_options(*command, options->passphrase);
  add_passphrase_options(*command, options->new_passphrase, "new-");
  command->footer(
      "Example: stegpass key export ada.key --format pem --out ada.pem\n         stegpass key export ada.key --private --out "
      "ada-private.pem");
  bind_command(commands, *command, options, run_export);
}

void setup_import(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<ImportOptions>();
  CLI::App* command =
      group.add_subcommand("import", "Take over a signing key of SSH (Ed25519) or of a PEM file (PKCS#8: Ed25519, P-256)");
  command->add_option("--from", options->from, "OpenSSH private key without passphrase, or PKCS#8, plain or encrypted")
      ->required();
  command->add_option("--out", options->out, "The encrypted key file")->required();
  command->add_option("--public", options->public_out, "The public half; default: the same name ending in .pub");
  command->add_flag("--force", options->force, "Replace what is there");
  add_passphrase_options(*command, options->passphrase);
  add_passphrase_options(*command, options->source_passphrase, "source-");
  command->footer(
      "The sealing key is new: what was sealed to another file of this key is opened by that file alone.\n"
      "Example: stegpass key import --from ~/.ssh/id_ed25519 --out ada.key");
  bind_command(commands, *command, options, run_import);
}

}  // namespace

void setup_key_exchange(Commands& commands, CLI::App& group) {
  setup_export(commands, group);
  setup_import(commands, group);
}

}  // namespace stegpass::cli
