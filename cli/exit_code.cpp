#include "exit_code.hpp"

namespace stegpass::cli {

ExitCode exit_code_of(Errc code) {
  switch (code) {
    case Errc::usage: return kExitUsage;
    case Errc::malformed: return kExitUsage;
    case Errc::unsupported: return kExitUndecided;
    case Errc::refused: return kExitUsage;
    case Errc::exists: return kExitUsage;
    case Errc::not_found: return kExitEnvironment;
    case Errc::locked: return kExitEnvironment;
    case Errc::busy: return kExitEnvironment;
    case Errc::io: return kExitEnvironment;
    case Errc::diverged: return kExitInternal;
    case Errc::interrupted: return kExitEnvironment;
    case Errc::internal: return kExitInternal;
  }
  return kExitInternal;
}

ExitCode exit_code_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::valid: return kExitValid;
    case Outcome::invalid: return kExitInvalid;
    case Outcome::undecided:
    case Outcome::not_checked: return kExitUndecided;
  }
  return kExitInternal;
}

}  // namespace stegpass::cli
