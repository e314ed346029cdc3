#include <filesystem>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/key.hpp>
#include <stegpass/credential/secret_file.hpp>

#include "command.hpp"
#include "files.hpp"
#include "key.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;
using credential::KeyType;
using credential::PrivateKey;
using credential::PublicKey;

struct NewOptions {
  std::string out, public_out, type = "ed25519";
  bool force = false;
  PassphraseSource passphrase;
};

struct ShowOptions {
  std::string file, public_out;
  bool force = false;
  PassphraseSource passphrase;
};

Result<Report> make(const NewOptions& options) {
  const KeyFiles files(options.out, options.public_out);
  STEGPASS_CHECK_OK(files.check(options.force));
  STEGPASS_TRY(passphrase, read_passphrase(options.passphrase, "New passphrase for " + options.out, true));
  const PrivateKey key = PrivateKey::generate(options.type == "p256" ? KeyType::p256 : KeyType::ed25519);
  STEGPASS_CHECK_OK(files.write(key, passphrase, options.force));
  Report report = report_of_key("made the key " + files.secret.string() + " and " + files.open.string(), key.public_key());
  report.figures["key"] = files.secret.string();
  report.figures["public"] = files.open.string();
  return report;
}

/// What an encrypted file says of its cost to everybody; nothing of a public key.
void add_cost(Report& report, const std::string& path) {
  auto file = read_file(path, kMaxSmallFile, "a key");
  const auto info = file ? credential::read_secret_file_info(*file) : Result<credential::SecretFileInfo>(file.error());
  if (!info) return;
  report.text += "\n  passphrase  Argon2id, " + std::to_string(info->cost.passes) + " passes over " +
                 std::to_string(info->cost.memory_kib) + " KiB";
  report.figures["cost"] = {{"passes", info->cost.passes}, {"memory_kib", info->cost.memory_kib}};
}

Result<Report> show(const ShowOptions& options) {
  if (!options.public_out.empty()) STEGPASS_CHECK_OK(check_output(options.public_out, options.force));
  STEGPASS_TRY(key, read_public_half(options.file, options.passphrase));
  if (!options.public_out.empty()) STEGPASS_CHECK_OK(write_file(options.public_out, key.encode(), {.force = options.force}));
  Report report = report_of_key(options.file, key);
  add_cost(report, options.file);
  return report;
}

int run_new(const NewOptions& options, Output& output) { return finish(output, make(options)); }
int run_show(const ShowOptions& options, Output& output) { return finish(output, show(options)); }

void setup_new(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<NewOptions>();
  CLI::App* command =
      group.add_subcommand("new", "Make a signing key with a sealing key beside it, encrypted under a passphrase");
  command->add_option("--out", options->out, "The encrypted key file")->required();
  command->add_option("--public", options->public_out, "The public half; default: the same name ending in .pub");
  command->add_option("--type", options->type, "ed25519 or p256")
      ->check(CLI::IsMember({"ed25519", "p256"}))
      ->capture_default_str();
  command->add_flag("--force", options->force, "Replace what is there");
  add_passphrase_options(*command, options->passphrase);
  command->footer("Example: stegpass key new --out licensee.key");
  bind_command(commands, *command, options, run_new);
}

void setup_show(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<ShowOptions>();
  CLI::App* command = group.add_subcommand("show", "Show type and thumbprint of a key; an encrypted one asks for its passphrase");
  command->add_option("file", options->file, "Key file, encrypted or public")->required();
  command->add_option("--public", options->public_out, "Also write the public half here");
  command->add_flag("--force", options->force, "Replace what is there");
  add_passphrase_options(*command, options->passphrase);
  command->footer("Example: stegpass key show licensee.pub");
  bind_command(commands, *command, options, run_show);
}

}  // namespace

Result<PublicKey> read_public_half(const std::string& file, const PassphraseSource& source) {
  STEGPASS_TRY(bytes, read_file(file, kMaxSmallFile, "a key"));
  if (auto open = PublicKey::decode(bytes)) return open;
  STEGPASS_CHECK_OK(check_key_file(file));
  STEGPASS_TRY(passphrase, read_passphrase(source, "Passphrase of " + file));
  STEGPASS_TRY(key, read_private_key(file, passphrase));
  return key.public_key();
}

Status check_key_file(const std::string& file) {
  STEGPASS_TRY(bytes, read_file(file, kMaxSmallFile, "an encrypted key"));
  if (PublicKey::decode(bytes)) return Error{Errc::usage, file + " is the public half; the encrypted key is the other file"};
  auto info = credential::read_secret_file_info(bytes);
  return info ? Status(Done{}) : Status(Error{info.error().code, file + " is no encrypted key of ours: " + info.error().detail});
}

Report report_of_key(std::string first_line, const PublicKey& key) {
  Report report;
  report.text = std::move(first_line) + "\n  type        " + std::string(key_type_name(key.type())) + "\n  thumbprint  " +
                key.thumbprint_uri();
  report.figures = {{"type", key_type_name(key.type())},
                    {"thumbprint", key.thumbprint_uri()},
                    {"thumbprint_hex", to_hex(key.thumbprint())},
                    {"public_key", to_hex(key.encode())}};
  return report;
}

KeyFiles::KeyFiles(const std::string& secret_path, const std::string& open_path)
    : secret(secret_path), open(open_path.empty() ? fs::path(secret_path).replace_extension(".pub") : fs::path(open_path)) {}

Status KeyFiles::check(bool force) const {
  if (secret == open) return Error{Errc::usage, "the key and its public half cannot both be " + secret.string()};
  STEGPASS_CHECK_OK(check_output(secret, force));
  return check_output(open, force);
}

Status KeyFiles::write(const PrivateKey& key, const credential::SecretBytes& passphrase, bool force) const {
  const Bytes file = encode_key_file(key, passphrase);
  if (interrupted()) return Error{Errc::interrupted, "stopped; no key was written"};
  STEGPASS_CHECK_OK(write_file(secret, file, {.force = force, .secret = true}));
  const auto written = write_file(open, key.public_key().encode(), {.force = force});
  std::error_code ignored;
  if (!written && !force) fs::remove(secret, ignored);  // half a pair would only be in the way
  return written;
}

void setup_key(Commands& commands) {
  CLI::App* group = commands.app.add_subcommand("key", "Make, show, move, protect and rotate keys");
  group->require_subcommand(1);
  setup_new(commands, *group);
  setup_show(commands, *group);
  setup_key_exchange(commands, *group);
  setup_key_protect(commands, *group);
#ifdef STEGPASS_WITH_LEDGER
  setup_key_rotate(commands, *group);
#endif
}

}  // namespace stegpass::cli
