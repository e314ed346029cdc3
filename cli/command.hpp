#pragma once

#include <functional>
#include <memory>

#include <CLI/CLI.hpp>

#include "output.hpp"

namespace stegpass::cli {

/// What a command's `setup` is given: the parser to add itself to, and where to leave what is to be run.
/// A command file has an options struct, `setup_NAME(Commands&)` that binds flags, and a `run` that takes the struct and the
/// output.
struct Commands {
  CLI::App& app;
  Output& output;
  std::function<int()> chosen;  ///< set by the callback of the command that was parsed
};

/// CLI11 reads a negative number into an unsigned one by going round; here it is refused, and the option named.
inline void refuse_negative_counts(CLI::App& command) {
  for (CLI::Option* option : command.get_options()) {
    if (option->get_type_name().rfind("UINT", 0) != 0) continue;
    option->check(
        [](const std::string& text) { return !text.empty() && text.front() == '-' ? text + " is negative" : std::string(); });
  }
}

/// Adds --json to `command` and arranges for `run` to be called with the parsed `options`.
template <class Options>
void bind_command(Commands& commands, CLI::App& command, std::shared_ptr<Options> options, int (*run)(const Options&, Output&)) {
  refuse_negative_counts(command);
  auto json = std::make_shared<bool>(false);
  command.add_flag("--json", *json, "One JSON object on standard output, in every outcome");
  command.callback([&commands, options, run, json] {
    commands.output.set_json(*json);
    commands.chosen = [&commands, options, run] { return run(*options, commands.output); };
  });
}

/// Adds --device and --precision, with what the two hold as defaults; an empty precision stands for one that is chosen elsewhere.
inline void add_device(CLI::App& command, std::string& device, std::string& precision) {
  command.add_option("--device", device, "cpu or cuda")->check(CLI::IsMember({"cpu", "cuda"}))->capture_default_str();
  auto* option = command.add_option("--precision", precision,
                                    "fp32, bf16, or auto: bf16 where the processor or GPU multiplies it in hardware, else fp32");
  option->check(CLI::IsMember({"auto", "fp32", "bf16"}));
  if (!precision.empty()) option->capture_default_str();
}

void setup_init(Commands&);
void setup_key(Commands&);
void setup_vault(Commands&);
void setup_data(Commands&);
void setup_isn(Commands&);
void setup_passport(Commands&);
void setup_model(Commands&);
void setup_license(Commands&);
void setup_ledger(Commands&);
void setup_ledger_tiles(Commands&, CLI::App& ledger);    // its export and import
void setup_ledger_witness(Commands&, CLI::App& ledger);  // its witness and cosign
void setup_ledger_care(Commands&, CLI::App& ledger);     // its backup, restore, check, stats and watch
void setup_ledger_list(Commands&, CLI::App& ledger);
void setup_ledger_site(Commands&, CLI::App& ledger);
void setup_policy(Commands&);
void setup_bundle(Commands&);
void setup_verify(Commands&);
void setup_dispute(Commands&);
void setup_attack(Commands&);
void setup_attack_network(Commands&, CLI::App& attack);  // those that need a network
void setup_attack_card(Commands&, CLI::App& attack);
void setup_attack_rerun(Commands&, CLI::App& attack);
void setup_attack_isn(Commands&, CLI::App& attack);  // on the ISN and by licensees
void setup_audit(Commands&);
void setup_cose(Commands&);
void setup_time(Commands&);
void setup_inspect(Commands&);

}  // namespace stegpass::cli
