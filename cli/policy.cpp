#include <filesystem>
#include <memory>
#include <vector>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/key.hpp>
#include <stegpass/credential/policy_review.hpp>
#include <stegpass/credential/trust_policy.hpp>

#include "command.hpp"
#include "files.hpp"
#include "policy_explain.hpp"
#include "policy_files.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

struct InitOptions {
  std::vector<std::string> logs, owners, certifiers, times, witnesses, required;
  std::string quorum = "all", max_age, out;
  double mark_bound = -30;
  std::string model = "exact";
  bool force = false;
};

struct NamedFile {
  std::string name, file;
};

/// NAME=FILE, or FILE alone, which then also gives the name.
Result<NamedFile> split_named(const std::string& argument) {
  const std::size_t split = argument.find('=');
  const std::string file = split == std::string::npos ? argument : argument.substr(split + 1);
  const std::string name = split == std::string::npos ? std::filesystem::path(file).stem().string() : argument.substr(0, split);
  if (name.empty() || name.find_first_of(" \t\r\n#") != std::string::npos) {
    return Error{Errc::usage, "'" + name + "' is no name; expected one word (NAME=FILE)"};
  }
  return NamedFile{name, file};
}

Result<TrustPolicy::Issuer> read_owner(const std::string& argument) {
  STEGPASS_TRY(named, split_named(argument));
  STEGPASS_TRY(bytes, read_file(named.file, kMaxSmallFile, "an owner's public key (owner.pub)"));
  auto key = PublicKey::decode(bytes);
  if (!key) return Error{Errc::malformed, named.file + " is no public key: " + key.error().detail};
  return TrustPolicy::Issuer{named.name, key->thumbprint()};
}

Result<TrustedRoot> read_root(const std::string& argument) {
  STEGPASS_TRY(named, split_named(argument));
  STEGPASS_TRY(bytes, read_file(named.file, kMaxSmallFile, "a certificate (PEM or DER)"));
  auto certificates = read_certificates(bytes);
  if (!certificates) return Error{certificates.error().code, named.file + " is no certificate: " + certificates.error().detail};
  if (certificates->size() != 1)
    return Error{Errc::malformed, named.file + " holds " + std::to_string(certificates->size()) + " certificates, expected one"};
  return TrustedRoot{named.name, std::move(certificates->front())};
}

/// A code that no verdict ever holds is a slip of the pen, and would leave every verdict undecided.
Status check_required(const std::vector<std::string>& codes) {
  for (const std::string& code : codes) {
    if (!find_check_info(code))
      return Error{Errc::usage, "'" + code + "' is no check of a bundle; stegpass policy explain --checks lists them"};
  }
  return Done{};
}

/// The witnesses, and a group of all of them of which --quorum says how many are needed.
Status add_witnesses(const InitOptions& options, TrustPolicy& policy) {
  if (options.witnesses.empty()) return Done{};
  TrustPolicy::Group group{"witnesses", 0, {}};
  for (const std::string& argument : options.witnesses) {
    STEGPASS_TRY(named, split_named(argument));
    STEGPASS_TRY(verifier, read_vkey(named.file, NoteKind::witness));
    policy.witnesses.push_back({named.name, std::move(verifier)});
    group.members.push_back(named.name);
  }
  if (options.quorum == "all")
    group.needed = group.members.size();
  else if (options.quorum == "any")
    group.needed = 1;
  else
    group.needed = std::stoul(options.quorum);  // more than there are members is refused below
  policy.quorum = group.name;
  policy.groups.push_back(std::move(group));
  return Done{};
}

Result<TrustPolicy> compose_policy(const InitOptions& options) {
  TrustPolicy policy;
  if (options.owners.empty() && options.certifiers.empty())
    return Error{Errc::usage, "needs --owner or --certifier: a policy that trusts no owner decides nothing"};
  for (const std::string& file : options.logs) {
    STEGPASS_TRY(verifier, read_vkey(file));
    policy.logs.push_back(std::move(verifier));
  }
  for (const std::string& argument : options.owners) {
    STEGPASS_TRY(issuer, read_owner(argument));
    policy.issuers.push_back(std::move(issuer));
  }
  STEGPASS_CHECK_OK(add_witnesses(options, policy));
  for (const std::string& argument : options.certifiers) {
    STEGPASS_TRY(root, read_root(argument));
    policy.certifiers.push_back(std::move(root));
  }
  for (const std::string& argument : options.times) {
    STEGPASS_TRY(root, read_root(argument));
    policy.time_roots.push_back(std::move(root));
  }
  if (!options.max_age.empty()) {
    const auto age = parse_time("+" + options.max_age, 0);
    if (!age)
      return Error{Errc::usage, "--max-age is '" + options.max_age + "'; expected a length of time such as 30d, 12h or 600s"};
    policy.max_age_s = *age;
  }
  STEGPASS_CHECK_OK(check_required(options.required));
  policy.required = options.required;
  policy.mark_bound_log10 = options.mark_bound;
  policy.descent_suffices = options.model == "descends";
  return policy;
}

int run_init(const InitOptions& options, Output& output) {
  if (auto free = check_output(options.out, options.force); !free) return output.fail(free.error());
  auto policy = compose_policy(options);
  if (!policy)
    return output.fail(policy.error(), policy.error().code == Errc::usage
                                           ? ""
                                           : "an owner hands out owner.pub and log.vkey from the folder that stegpass init made");
  const std::string text = encode_trust_policy(*policy);
  // What the reader of policies refuses must not be written: a required code with a space in it, say.
  if (auto readable = parse_trust_policy(text); !readable) return output.fail({Errc::usage, readable.error().detail});
  if (auto written = write_file(options.out, as_bytes(text), {.force = options.force}); !written)
    return output.fail(written.error());
  for (const std::string& reason : never_met(*policy)) output.warn("this policy can never be met: " + reason);
  return output.done(options.out, {{"out", options.out}, {"policy", text}, {"never_met", never_met(*policy)}});
}

void setup_policy_init(Commands& commands, CLI::App& parent) {
  auto options = std::make_shared<InitOptions>();
  CLI::App& command =
      *parent.add_subcommand("init", "Write a trust policy: which logs and owners you trust, and what you demand");
  command.add_option("--log", options->logs, "File with a log's verifier key (log.vkey); may be repeated")->required();
  command.add_option("--owner", options->owners,
                     "NAME=FILE or FILE: an owner's public key (owner.pub); this or --certifier is needed; may be repeated");
  command.add_option("--certifier", options->certifiers,
                     "NAME=FILE: a certificate under which owners are trusted (x5chain of their registrations)");
  command.add_option("--time", options->times, "NAME=FILE: a certificate under which timestamp authorities are trusted");
  command.add_option("--witness", options->witnesses,
                     "NAME=FILE or FILE: a witness's verifier key (witness.vkey); may be repeated");
  command.add_option("--quorum", options->quorum, "How many of the witnesses have to have cosigned: all, any, or a number")
      ->check(CLI::IsMember({"all", "any"}) | CLI::Range(1, 1000))
      ->needs("--witness")
      ->capture_default_str();
  command.add_option("--max-age", options->max_age,
                     "Oldest checkpoint and status list that count: 30d, 12h, 600s; without it no verdict is ever valid");
  command.add_option("--require", options->required,
                     "A check that must be made, by its code, e.g. model.digest; may be repeated");
  command.add_option("--mark-bound", options->mark_bound, "Most that an opened mark's corrected log10 p may be")
      ->capture_default_str();
  command
      .add_option("--model", options->model,
                  "exact: a model has to be the registered file; descends: the owner's mark in it will do")
      ->check(CLI::IsMember({"exact", "descends"}))
      ->capture_default_str();
  command.add_option("--out", options->out, "The policy file")->required();
  command.add_flag("--force", options->force, "Replace the output if it exists");
  command.footer("Example: stegpass policy init --log log.vkey --owner acme=owner.pub --max-age 30d --out trust.policy");
  bind_command(commands, command, options, run_init);
}

}  // namespace

void setup_policy(Commands& commands) {
  CLI::App& policy = *commands.app.add_subcommand("policy", "Say whom you trust and what you demand");
  policy.require_subcommand(1);
  setup_policy_init(commands, policy);
  setup_policy_explain(commands, policy);
}

}  // namespace stegpass::cli
