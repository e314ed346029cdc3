#include <algorithm>
#include <filesystem>
#include <system_error>

#include <unistd.h>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/key.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/credential/trust_policy.hpp>
#include <stegpass/ledger/ledger.hpp>

#include "command.hpp"
#include "files.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;
using credential::KeyType;
using credential::PrivateKey;

struct InitOptions {
  std::string folder = ".";
  std::string origin;
  std::string name = "owner";
  PassphraseSource passphrase;
};

constexpr std::string_view kPolicyHead =
    "# Whom this verifier trusts, and how old the evidence may be. Take it from the owner by a way you trust, then change it to "
    "your needs.\n";
constexpr std::int64_t kPolicyMaxAge = 30 * 86400;

/// Names in notes and policies are one word (C2SP signed-note).
Status check_word(std::string_view what, std::string_view word) {
  const bool printable = std::all_of(word.begin(), word.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '+'; });
  if (!word.empty() && word.size() <= 200 && printable) return Done{};
  return Error{Errc::usage, "the " + std::string(what) + " '" + std::string(word) +
                                "' must be 1 to 200 printable characters without spaces or '+'"};
}

/// A folder in which everything is made before any of it gets its name; removed with what is left in it, and so is a home that
/// stayed empty.
class Staging {
 public:
  Staging(const fs::path& home, bool home_is_new)
      : home_(home), home_is_new_(home_is_new), folder_(home / (".stegpass-init." + std::to_string(::getpid()))) {}
  ~Staging() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
    if (home_is_new_) fs::remove(home_, ignored);  // only when it is empty
  }
  const fs::path& folder() const { return folder_; }

 private:
  fs::path home_;
  bool home_is_new_;
  fs::path folder_;
};

std::vector<fs::path> paths_of(const Home& home) {
  return {home.owner_key(), home.owner_public(), home.log_key(), home.log_vkey(),
          home.vault(),     home.trust_policy(), home.ledger()};
}

Status check_nothing_there(const Home& home) {
  for (const fs::path& path : paths_of(home)) {
    std::error_code error;
    if (fs::exists(fs::symlink_status(path, error)))
      return Error{Errc::exists, path.string() + " exists already: this is or was an owner's folder"};
  }
  return Done{};
}

std::string trust_policy_text(const credential::NoteVerifier& log, const std::string& name, const credential::PublicKey& owner) {
  credential::TrustPolicy policy;
  policy.logs.push_back(log);
  policy.issuers.push_back({name, owner.thumbprint()});
  policy.max_age_s = kPolicyMaxAge;
  return std::string(kPolicyHead) + encode_trust_policy(policy);
}

struct Made {
  credential::PublicKey owner;
  credential::NoteVerifier log;
};

Result<Made> fill(const Home& home, const InitOptions& options, const credential::SecretBytes& passphrase) {
  const PrivateKey owner = PrivateKey::generate(KeyType::ed25519), log = PrivateKey::generate(KeyType::ed25519);
  const std::string origin =
      options.origin.empty() ? "stegpass/" + to_hex(log.public_key().thumbprint()).substr(0, 16) : options.origin;
  const credential::NoteVerifier verifier{origin, log.public_key()};
  const WriteOptions secret{.secret = true};
  STEGPASS_CHECK_OK(write_file(home.owner_key(), encode_key_file(owner, passphrase), secret));
  STEGPASS_CHECK_OK(write_file(home.owner_public(), owner.public_key().encode()));
  STEGPASS_CHECK_OK(write_file(home.log_key(), encode_key_file(log, passphrase), secret));
  STEGPASS_CHECK_OK(write_file(home.log_vkey(), as_bytes(verifier.to_vkey() + "\n")));
  STEGPASS_CHECK_OK(write_file(home.vault(), seal_vault(new_vault(), passphrase), secret));
  STEGPASS_CHECK_OK(write_file(home.trust_policy(), as_bytes(trust_policy_text(verifier, options.name, owner.public_key()))));
  STEGPASS_TRY(ledger, ledger::Ledger::create(home.ledger(), origin, log, current_time()));
  static_cast<void>(ledger);  // closed here, before its folder moves
  return Made{owner.public_key(), verifier};
}

Status move_into_place(const Home& from, const Home& to) {
  const auto sources = paths_of(from), targets = paths_of(to);
  for (std::size_t i = 0; i < sources.size(); ++i) {
    std::error_code error;
    fs::rename(sources[i], targets[i], error);
    if (!error) continue;
    for (std::size_t made = 0; made < i; ++made) fs::remove_all(targets[made], error);
    return Error{Errc::io, "cannot write " + targets[i].string()};
  }
  return Done{};
}

Result<Report> init(const InitOptions& options) {
  if (!options.origin.empty()) STEGPASS_CHECK_OK(check_word("origin", options.origin));
  STEGPASS_CHECK_OK(check_word("name", options.name));
  const Home home{options.folder};
  STEGPASS_CHECK_OK(check_nothing_there(home));
  STEGPASS_TRY(passphrase, read_passphrase(options.passphrase, "New passphrase for keys and vault", true));
  std::error_code ignored;
  const Staging staging(home.folder, !fs::exists(home.folder, ignored));
  STEGPASS_CHECK_OK(make_folder(staging.folder()));
  STEGPASS_TRY(made, fill({staging.folder()}, options, passphrase));
  if (interrupted()) return Error{Errc::interrupted, "stopped; nothing was made"};
  STEGPASS_CHECK_OK(move_into_place({staging.folder()}, home));
  Report report;
  report.text = "made the owner's folder " + home.folder.string() + "\n  owner   " + made.owner.thumbprint_uri() +
                "\n  log     " + made.log.to_vkey() + "\n  policy  " + home.trust_policy().string() + " is for those who verify" +
                "\nkeep copies of owner.key, log.key and vault: who loses them loses the proof";
  report.figures = {{"home", home.folder.string()},
                    {"owner", made.owner.thumbprint_uri()},
                    {"origin", made.log.name},
                    {"log", made.log.to_vkey()},
                    {"policy", home.trust_policy().string()}};
  return report;
}

int run(const InitOptions& options, Output& output) {
  const auto report = init(options);
  const bool exists = !report && report.error().code == Errc::exists;
  return finish(output, report, exists ? "choose another folder: keys and vault are never replaced" : "");
}

}  // namespace

void setup_init(Commands& commands) {
  auto options = std::make_shared<InitOptions>();
  CLI::App* command = commands.app.add_subcommand("init", "Make an owner's folder: keys, vault, ledger, trust policy");
  command->add_option("folder", options->folder, "Where; made if it is not there")->capture_default_str();
  command->add_option("--origin", options->origin,
                      "Name of the log in its checkpoints, e.g. models.example.org/log; default: from its key");
  command->add_option("--name", options->name, "How the trust policy names the owner, one word")->capture_default_str();
  add_passphrase_options(*command, options->passphrase);
  command->footer("Example: stegpass init studio --origin models.example.org/log --name studio");
  bind_command(commands, *command, options, run);
}

}  // namespace stegpass::cli
