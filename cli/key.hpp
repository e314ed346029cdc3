#pragma once

#include <string>

#include <CLI/CLI.hpp>

#include <stegpass/credential/key.hpp>

#include "command.hpp"
#include "passphrase.hpp"
#include "workspace.hpp"

namespace stegpass::cli {

/// Adds `stegpass key export` and `stegpass key import`.
void setup_key_exchange(Commands& commands, CLI::App& group);
/// Adds `stegpass key protect`.
void setup_key_protect(Commands& commands, CLI::App& group);
/// Adds `stegpass key rotate`, which needs the ledger.
void setup_key_rotate(Commands& commands, CLI::App& group);

/// A public key file as it is, or the public half of an encrypted one, for which the passphrase is asked.
Result<credential::PublicKey> read_public_half(const std::string& file, const PassphraseSource& passphrase);

/// Whether a file is an encrypted key, before its passphrase is asked for. Errors  usage on a public half; malformed; those of
/// read_file.
Status check_key_file(const std::string& file);

/// Type and thumbprint under a first line.
Report report_of_key(std::string first_line, const credential::PublicKey& key);

/// A new key's two files, KEY and its public half; written both or neither. `open` empty: the same name ending in .pub.
struct KeyFiles {
  KeyFiles(const std::string& secret, const std::string& open);
  std::filesystem::path secret, open;
  /// Whether both may be written.
  Status check(bool force) const;
  Status write(const credential::PrivateKey& key, const credential::SecretBytes& passphrase, bool force) const;
};

}  // namespace stegpass::cli
