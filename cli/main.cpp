#include <exception>
#include <iostream>
#include <optional>
#include <string_view>

#include "command.hpp"
#include "files.hpp"
#include "model_part.hpp"

namespace {

using namespace stegpass::cli;

/// Whether --json was given, also where parsing failed before it was reached.
bool wants_json(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--json") return true;
  }
  return false;
}

void setup_all(Commands& commands) {
#ifdef STEGPASS_WITH_LEDGER
  setup_init(commands);
#endif
  setup_key(commands);
#ifdef STEGPASS_WITH_LEDGER
  setup_vault(commands);
  setup_data(commands);
  setup_isn(commands);
  setup_passport(commands);
  setup_attack(commands);
#endif
  setup_model(commands);
  setup_license(commands);
#ifdef STEGPASS_WITH_LEDGER
  setup_ledger(commands);
#endif
  setup_policy(commands);
#ifdef STEGPASS_WITH_LEDGER
  setup_bundle(commands);
#endif
  setup_verify(commands);
  setup_dispute(commands);
#ifdef STEGPASS_WITH_LEDGER
  setup_audit(commands);
#endif
  setup_cose(commands);
  setup_time(commands);
  setup_inspect(commands);
}

/// What a mistyped command or option is: that something else is missing is said of it only because it was not understood.
std::optional<std::string> unknown_word(const CLI::App& app) {
  const std::vector<std::string> words = app.remaining(true);
  if (words.empty()) return std::nullopt;
  const bool option = words.front().rfind('-', 0) == 0;
  return std::string(option ? "unknown option '" : "unknown command or argument '") + words.front() + "'";
}

int run(int argc, char** argv) {
  CLI::App app("Proves whose a neural network is and who may use it, so that a stranger can check it offline", "stegpass");
  app.set_version_flag("--version", "stegpass " STEGPASS_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 valid or done, 1 proved false, 2 usage, 3 undecided, 4 file or environment, 5 internal.\n"
      "Example: stegpass verify --bundle license.bundle --policy trust.policy --model release.safetensors");
  Output output(std::cout, std::cerr);
  Commands commands{app, output, {}};
  setup_all(commands);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    const int code = app.exit(success, std::cout, std::cerr);
    return std::cout.flush() ? code : output.fail({stegpass::Errc::io, "cannot write to standard output"});
  } catch (const CLI::ParseError& error) {
    output.set_json(wants_json(argc, argv));
    return output.fail({stegpass::Errc::usage, unknown_word(app).value_or(error.what())},
                       "run the command with --help to see its arguments and an example");
  }
  return commands.chosen ? commands.chosen() : kExitUsage;
}

int guarded_run(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    Output output(std::cout, std::cerr);
    output.set_json(wants_json(argc, argv));
    return output.fail({stegpass::Errc::io, "there is not enough memory for this"});
  } catch (const std::exception& error) {
    Output output(std::cout, std::cerr);
    output.set_json(wants_json(argc, argv));
    return output.fail({stegpass::Errc::internal, error.what()});
  }
}

}  // namespace

int main(int argc, char** argv) {
  install_signal_handlers();
  exit_past_model_part(guarded_run(argc, argv));
}
