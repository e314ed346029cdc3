#pragma once

#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/core/verdict.hpp>

namespace stegpass::cli {

/// What the program tells its caller; the one table is in exit_code.cpp.
enum ExitCode : int {
  kExitValid = 0,        ///< every check passed and at least one was made; or the command did its work
  kExitInvalid = 1,      ///< proved false: evidence altered or malformed, a signature or mark that fails, revoked, expired
  kExitUsage = 2,        ///< wrong arguments, or input that the command cannot use
  kExitUndecided = 3,    ///< evidence absent, stale, unknown key, unsupported
  kExitEnvironment = 4,  ///< file or environment: unreadable path, no space, locked
  kExitInternal = 5,
};

ExitCode exit_code_of(Errc code);
ExitCode exit_code_of(Outcome outcome);

}  // namespace stegpass::cli
