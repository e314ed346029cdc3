#pragma once

#include <filesystem>
#include <string>

#include <CLI/CLI.hpp>

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/secret_bytes.hpp>

namespace stegpass::cli {

/// Where a passphrase comes from: a file, a file descriptor, or the terminal; never an argument.
struct PassphraseSource {
  std::string file;  ///< --passphrase-file: its first line
  int fd = -1;       ///< --passphrase-fd
};

/// Adds --passphrase-file and --passphrase-fd; with `which` = "new-" those of a second passphrase, --new-passphrase-file and so
/// on.
void add_passphrase_options(CLI::App& command, PassphraseSource& source, const std::string& which = "");

/// Errors  usage when there is no source and no terminal, or the passphrase is empty; not_found, io.
/// With `confirm` the terminal asks twice.
Result<credential::SecretBytes> read_passphrase(const PassphraseSource& source, const std::string& prompt, bool confirm = false);

}  // namespace stegpass::cli
