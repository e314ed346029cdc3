#pragma once

#include <string>

#include "workspace.hpp"
#include "workspace_ledger.hpp"

namespace stegpass::cli {

/// Keys and ledger, opened for writing; the vault stays closed.
struct Desk {
  HomeLock lock;
  Signers signers;
  OpenLedger ledger;
};
/// Errors  those of the home's lock, keys and ledger.
Result<Desk> open_desk(const Home& home, const credential::SecretBytes& passphrase);
/// The same, asking for the passphrase as the options say.
Result<Desk> open_desk(const HomeOptions& options);

/// When a new status list ends: a time after now. Errors usage.
Result<std::int64_t> status_end(const std::string& text, std::int64_t now);
/// The help of the option that says so.
std::string status_end_help();

}  // namespace stegpass::cli
