#include "workspace.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>

#include "files.hpp"

namespace stegpass::cli {

namespace fs = std::filesystem;

void add_home_option(CLI::App& command, std::string& home) {
  command.add_option("--home", home, "The owner's folder, as stegpass init made it")->capture_default_str();
}

void add_home_options(CLI::App& command, HomeOptions& options) {
  add_home_option(command, options.home);
  add_passphrase_options(command, options.passphrase);
}

Result<HomeLock> HomeLock::take(const Home& home, HomeWait wait) {
  const int fd = ::open(home.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Error{Errc::not_found, "the folder " + home.folder.string() + " does not exist or cannot be opened"};
  HomeLock lock(fd);
  int tries = wait == HomeWait::minute ? 600 : 1;
  while (::flock(fd, LOCK_EX | LOCK_NB) != 0 && --tries > 0) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  if (tries == 0) return Error{Errc::busy, "another command is changing " + home.folder.string()};
  return lock;
}

HomeLock::HomeLock(HomeLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
HomeLock& HomeLock::operator=(HomeLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
HomeLock::~HomeLock() {
  if (fd_ >= 0) ::close(fd_);
}

Result<OpenHome> open_home(const HomeOptions& options, HomeWait wait) {
  const Home home = options.place();
  STEGPASS_TRY(lock, HomeLock::take(home, wait));
  STEGPASS_TRY(owner, read_public_key(home.owner_public()));
  STEGPASS_TRY(file, read_file(home.vault(), kMaxPictureFile, "an owner's vault"));
  STEGPASS_TRY(passphrase, read_passphrase(options.passphrase, "Passphrase of " + home.folder.string()));
  auto vault = open_vault(file, passphrase);
  if (!vault) return about(home.vault().string(), vault.error());
  return OpenHome{home, std::move(lock), std::move(passphrase), owner, std::move(vault.value())};
}

Status save_vault(const OpenHome& open, const Vault& vault) {
  STEGPASS_TRY(before, read_file(open.home.vault(), kMaxPictureFile, "an owner's vault"));
  STEGPASS_TRY(info, credential::read_secret_file_info(before));  // a cost that was raised stays
  return write_file(open.home.vault(), seal_vault(vault, open.passphrase, info.cost), {.force = true, .secret = true});
}

Result<credential::PrivateKey> read_private_key(const fs::path& path, const credential::SecretBytes& passphrase) {
  STEGPASS_TRY(file, read_file(path, kMaxSmallFile, "an encrypted key"));
  auto key = credential::decode_key_file(file, passphrase);
  if (!key) return about(path.string(), key.error());
  return key;
}

Result<credential::PublicKey> read_public_key(const fs::path& path) {
  STEGPASS_TRY(file, read_file(path, kMaxSmallFile, "a public key (COSE_Key)"));
  auto key = credential::PublicKey::decode(file);
  if (!key) return about(path.string(), key.error());
  return key;
}

Result<credential::Statement> read_statement(const fs::path& path, credential::StatementKind kind) {
  const std::string expected = "a " + std::string(credential::statement_kind_name(kind)) + " statement";
  STEGPASS_TRY(file, read_file(path, kMaxSmallFile, expected));
  auto statement = credential::Statement::decode(file);
  if (!statement) return about(path.string(), statement.error());
  if (statement->kind() != kind) {
    return Error{Errc::usage, path.string() + " is a " + std::string(statement_kind_name(statement->kind())) +
                                  " statement, expected " + expected};
  }
  return statement;
}

Error about(std::string_view what, const Error& error) { return {error.code, std::string(what) + ": " + error.detail}; }

int finish(Output& output, const Result<Report>& result, std::string_view hint) {
  return result ? output.done(result->text, result->figures) : output.fail(result.error(), hint);
}

Result<std::vector<fs::path>> list_pictures(const fs::path& folder) {
  static constexpr std::array<std::string_view, 8> kEndings{".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".ppm", ".webp"};
  std::error_code error;
  std::vector<fs::path> pictures;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::string ending = entry->path().extension().string();
    std::transform(ending.begin(), ending.end(), ending.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const bool picture = std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
    if (picture && entry->is_regular_file(error)) pictures.push_back(entry->path());
  }
  if (error) return Error{Errc::not_found, "cannot read the folder " + folder.string() + ": " + error.message()};
  std::sort(pictures.begin(), pictures.end());
  return pictures;
}

Status make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error || !fs::is_directory(folder, error)) {
    return Error{Errc::io, "cannot make the folder " + folder.string() + (error ? ": " + error.message() : std::string())};
  }
  return Done{};
}

Status check_output_in(const fs::path& folder, std::string_view name, bool force) {
  std::error_code error;
  if (fs::symlink_status(folder, error).type() == fs::file_type::not_found) return Done{};
  return check_output(folder / name, force);
}

std::string with_decimals(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f", decimals, value);
  return text;
}

}  // namespace stegpass::cli
