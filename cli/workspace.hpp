#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/key.hpp>
#include <stegpass/credential/statement.hpp>

#include "output.hpp"
#include "passphrase.hpp"
#include "vault.hpp"

namespace stegpass::cli {

/// The names in an owner's home folder, as `stegpass init` lays it out.
struct Home {
  std::filesystem::path folder = ".";

  std::filesystem::path owner_key() const { return folder / "owner.key"; }
  /// Where `key rotate` keeps the keys that handed over, from 1.
  std::filesystem::path rotated_key(int number) const { return folder / ("owner.key." + std::to_string(number)); }
  std::filesystem::path owner_public() const { return folder / "owner.pub"; }
  std::filesystem::path log_key() const { return folder / "log.key"; }
  std::filesystem::path log_vkey() const { return folder / "log.vkey"; }
  std::filesystem::path vault() const { return folder / "vault"; }
  std::filesystem::path ledger() const { return folder / "ledger"; }
  std::filesystem::path trust_policy() const { return folder / "trust.policy"; }
};

/// Flags of every command that works in a home folder.
struct HomeOptions {
  std::string home = ".";
  PassphraseSource passphrase;
  Home place() const { return {home}; }
};
void add_home_option(CLI::App& command, std::string& home);
/// --home and where the passphrase comes from.
void add_home_options(CLI::App& command, HomeOptions& options);

/// How long to wait for a command that holds the folder.
enum class HomeWait { none, minute };

/// Keeps other commands from changing the same home folder; given back when it goes. Move-only.
class HomeLock {
 public:
  /// Errors  not_found; busy when another command holds it, or still holds it after the wait; io.
  static Result<HomeLock> take(const Home& home, HomeWait wait = HomeWait::none);
  HomeLock(HomeLock&& other) noexcept;
  HomeLock& operator=(HomeLock&& other) noexcept;
  ~HomeLock();

 private:
  explicit HomeLock(int fd) : fd_(fd) {}
  int fd_;
};

/// A home whose vault is open; nothing else changes the folder while this lives.
struct OpenHome {
  Home home;
  HomeLock lock;
  credential::SecretBytes passphrase;
  credential::PublicKey owner;
  Vault vault;
};
/// Errors  not_found (no home there), locked (wrong passphrase), busy, malformed.
Result<OpenHome> open_home(const HomeOptions& options, HomeWait wait = HomeWait::none);
/// Replaces the vault file; whole or not at all.
Status save_vault(const OpenHome& open, const Vault& vault);
inline Status save_vault(const OpenHome& open) { return save_vault(open, open.vault); }

/// Errors  not_found; malformed; locked; each naming the file.
Result<credential::PrivateKey> read_private_key(const std::filesystem::path& path, const credential::SecretBytes& passphrase);
Result<credential::PublicKey> read_public_key(const std::filesystem::path& path);
/// A statement file of the kind that is expected.
Result<credential::Statement> read_statement(const std::filesystem::path& path, credential::StatementKind kind);

/// An error with the file or thing that it is about in front.
Error about(std::string_view what, const Error& error);

/// What a command that did its work says, as text and as JSON.
struct Report {
  std::string text;
  Json figures = Json::object();
};
/// Ends a command: the report, or the error with its hint.
int finish(Output& output, const Result<Report>& result, std::string_view hint = {});

/// Picture files in a folder (png, jpg, jpeg, bmp, tif, tiff, ppm, webp), sorted by name. Errors not_found.
Result<std::vector<std::filesystem::path>> list_pictures(const std::filesystem::path& folder);

/// Makes a folder unless it is there. Errors io.
Status make_folder(const std::filesystem::path& folder);
/// As check_output, for a file in a folder that need not be there yet.
Status check_output_in(const std::filesystem::path& folder, std::string_view name, bool force);

/// "36.42"
std::string with_decimals(double value, int decimals);

}  // namespace stegpass::cli
