#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <stegpass/credential/secret_file.hpp>
#include <stegpass/credential/witness.hpp>
#include <stegpass/ledger/witness.hpp>

#include "command.hpp"
#include "files.hpp"
#include "policy_files.hpp"
#include "workspace.hpp"

// A witness has a folder of its own: its key, its verifier key, and its memory, without which it does not sign.
namespace stegpass::cli {
namespace {

namespace fs = std::filesystem;
using namespace credential;

struct NewOptions {
  std::string folder, name;
  PassphraseSource passphrase;
};

struct SignOptions {
  std::string folder, request, tiles, out;
  std::vector<std::string> logs;
  bool force = false;
  PassphraseSource passphrase;
};

struct RequestOptions {
  std::string home = ".", out;
  std::uint64_t old_size = 0;
  bool force = false;
};

struct CosignOptions {
  std::string home = ".";
  std::vector<std::string> files, witnesses;
};

fs::path key_path(const fs::path& folder) { return folder / "witness.key"; }
fs::path vkey_path(const fs::path& folder) { return folder / "witness.vkey"; }
fs::path memory_path(const fs::path& folder) { return folder / "memory"; }

Result<Report> make(const NewOptions& options) {
  const fs::path folder = options.folder;
  for (const auto& path : {key_path(folder), vkey_path(folder), memory_path(folder)})
    STEGPASS_CHECK_OK(check_output_in(folder, path.filename().string(), false));
  const bool printable =
      std::all_of(options.name.begin(), options.name.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '+'; });
  if (options.name.empty() || options.name.size() > 200 || !printable)
    return Error{Errc::usage, "the name '" + options.name + "' must be 1 to 200 printable characters without spaces or '+'"};
  const PrivateKey key = PrivateKey::generate(KeyType::ed25519);
  const std::string line = NoteVerifier{options.name, key.public_key(), NoteKind::witness}.to_vkey();
  STEGPASS_TRY(passphrase, read_passphrase(options.passphrase, "New passphrase for " + key_path(folder).string(), true));
  STEGPASS_CHECK_OK(make_folder(folder));
  STEGPASS_CHECK_OK(write_file(key_path(folder), encode_key_file(key, passphrase), {.secret = true}));
  STEGPASS_CHECK_OK(write_file(vkey_path(folder), as_bytes(line + "\n")));
  STEGPASS_CHECK_OK(write_file(memory_path(folder), as_bytes(encode_verifier_memory({}))));
  Report report;
  report.text = "made the witness " + folder.string() + "\n  " + line +
                "\nits memory is what makes its signature worth something: never put an older one back";
  report.figures = {{"folder", folder.string()}, {"name", options.name}, {"vkey", line}};
  return report;
}

Result<VerifierMemory> read_memory(const fs::path& folder) {
  STEGPASS_TRY(bytes, read_file(memory_path(folder), kMaxSmallFile, "what this witness has seen; without it nothing is signed"));
  auto memory = parse_verifier_memory(as_text(bytes));
  if (!memory) return about(memory_path(folder).string(), memory.error());
  return memory;
}

Result<WitnessRequest> read_request(const SignOptions& options, const VerifierMemory& memory) {
  if (options.request.empty() == options.tiles.empty()) return Error{Errc::usage, "one of --request and --tiles is needed"};
  if (!options.tiles.empty()) return ledger::witness_request(options.tiles, memory);
  STEGPASS_TRY(bytes, read_file(options.request, kMaxSmallFile, "a request to a witness"));
  auto request = parse_witness_request(as_text(bytes));
  if (!request) return about(options.request, request.error());
  return request;
}

struct OpenWitness {
  HomeLock lock;  // nobody else signs by this memory meanwhile
  NoteVerifier verifier;
  PrivateKey key;
  VerifierMemory memory;
};

Result<OpenWitness> open_witness(const SignOptions& options) {
  const fs::path folder = options.folder;
  STEGPASS_TRY(lock, HomeLock::take({folder}));
  STEGPASS_TRY(memory, read_memory(folder));
  STEGPASS_TRY(verifier, read_vkey(vkey_path(folder), NoteKind::witness));
  STEGPASS_TRY(passphrase, read_passphrase(options.passphrase, "Passphrase of " + key_path(folder).string()));
  STEGPASS_TRY(key, read_private_key(key_path(folder), passphrase));
  if (key.public_key() != verifier.key)
    return Error{Errc::malformed, vkey_path(folder).string() + " is not of " + key_path(folder).string()};
  return OpenWitness{std::move(lock), std::move(verifier), std::move(key), std::move(memory)};
}

Result<WitnessAnswer> sign(const SignOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  std::vector<NoteVerifier> logs;
  for (const std::string& file : options.logs) {
    STEGPASS_TRY(log, read_vkey(file));
    logs.push_back(std::move(log));
  }
  STEGPASS_TRY(witness, open_witness(options));
  STEGPASS_TRY(request, read_request(options, witness.memory));
  auto answer = answer_witness_request(request, logs, witness.memory, witness.verifier.name, witness.key, current_time());
  if (answer.verdict.outcome() != Outcome::valid) return answer;
  // Remembered before it is said: whoever stops this in between has no second answer of this size.
  const std::string memory = encode_verifier_memory(answer.memory);
  if (auto readable = parse_verifier_memory(memory); !readable) return readable.error();
  STEGPASS_CHECK_OK(write_file(memory_path(options.folder), as_bytes(memory), {.force = true}));
  STEGPASS_CHECK_OK(write_file(options.out, as_bytes(encode_note_signatures({answer.cosignature})), {.force = options.force}));
  return answer;
}

int run_new(const NewOptions& options, Output& output) {
  const auto made = make(options);
  const bool exists = !made && made.error().code == Errc::exists;
  return finish(output, made, exists ? kNothingReplaced : "");
}

int run_sign(const SignOptions& options, Output& output) {
  const auto answer = sign(options);
  if (!answer) return output.fail(answer.error());
  Json more = {{"origin", answer->checkpoint.origin}, {"size", answer->checkpoint.tree_size}};
  if (answer->verdict.outcome() == Outcome::valid) more["out"] = options.out;
  return output.judged(answer->verdict, answer->checkpoint.time, std::move(more));
}

Result<Report> request(const RequestOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  STEGPASS_TRY(log, ledger::Ledger::open(Home{options.home}.ledger(), ledger::Ledger::Mode::read));
  STEGPASS_TRY(asked, ledger::witness_request(log, options.old_size));
  STEGPASS_CHECK_OK(write_file(options.out, as_bytes(encode_witness_request(asked)), {.force = options.force}));
  return Report{options.out,
                {{"out", options.out}, {"old_size", asked.old_size}, {"size", log.size()}, {"hashes", asked.proof.size()}}};
}

int run_request(const RequestOptions& options, Output& output) { return finish(output, request(options)); }

Result<Report> cosign(const CosignOptions& options) {
  std::vector<NoteVerifier> witnesses;
  for (const std::string& file : options.witnesses) {
    STEGPASS_TRY(witness, read_vkey(file, NoteKind::witness));
    witnesses.push_back(std::move(witness));
  }
  std::vector<NoteSignature> lines;
  for (const std::string& file : options.files) {
    STEGPASS_TRY(bytes, read_file(file, kMaxSmallFile, "a witness's cosignature"));
    auto read = parse_note_signatures(as_text(bytes));
    if (!read) return about(file, read.error());
    lines.insert(lines.end(), read->begin(), read->end());
  }
  const Home home{options.home};
  STEGPASS_TRY(lock, HomeLock::take(home, HomeWait::minute));
  static_cast<void>(lock);  // held until the end
  STEGPASS_TRY(log, ledger::Ledger::open(home.ledger(), ledger::Ledger::Mode::read));
  STEGPASS_TRY(note, ledger::add_cosignatures(log, lines, witnesses));
  return Report{note, {{"checkpoint", note}, {"added", lines.size()}}};
}

int run_cosign(const CosignOptions& options, Output& output) {
  return finish(output, cosign(options), "nothing was added; stegpass ledger witness request asks for the newest checkpoint");
}

void setup_new(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<NewOptions>();
  CLI::App& command =
      *group.add_subcommand("new", "Make a witness: a key, its verifier key, and an empty memory, in a folder of its own");
  command.add_option("folder", options->folder, "Where; made if it is not there")->required();
  command.add_option("--name", options->name, "Name of the witness in its signatures, e.g. witness.example.org/w1")->required();
  add_passphrase_options(command, options->passphrase);
  command.footer("Example: stegpass ledger witness new w1 --name witness.example.org/w1");
  bind_command(commands, command, options, run_new);
}

void setup_sign(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<SignOptions>();
  CLI::App& command =
      *group.add_subcommand("sign", "Cosign another's checkpoint, if it continues what this witness has seen of that log");
  command.add_option("folder", options->folder, "The witness's folder")->required();
  command
      .add_option("--log", options->logs,
                  "File with the verifier key (log.vkey) of a log that this witness knows; may be repeated")
      ->required();
  auto* file = command.add_option("--request", options->request, "What the log's owner asks with (ledger witness request)");
  command.add_option("--tiles", options->tiles, "Instead: a folder that ledger export wrote, or any other log's tlog-tiles")
      ->excludes(file);
  command.add_option("--out", options->out, "File for the cosignature, which the owner adds with ledger cosign")->required();
  command.add_flag("--force", options->force, "Replace the output if it exists");
  add_passphrase_options(command, options->passphrase);
  command.footer("Example: stegpass ledger witness sign w1 --log acme/log.vkey --request acme.request --out w1.cosignature");
  bind_command(commands, command, options, run_sign);
}

void setup_request(Commands& commands, CLI::App& group) {
  auto options = std::make_shared<RequestOptions>();
  CLI::App& command = *group.add_subcommand(
      "request", "Write what a witness is asked with: the newest checkpoint, and the proof from what it has seen");
  add_home_option(command, options->home);
  command.add_option("--old", options->old_size, "Size that the witness has seen; 0 for a first request")->capture_default_str();
  command.add_option("--out", options->out, "File for the request")->required();
  command.add_flag("--force", options->force, "Replace the output if it exists");
  command.footer("Example: stegpass ledger witness request --home acme --old 6 --out acme.request");
  bind_command(commands, command, options, run_request);
}

}  // namespace

void setup_ledger_witness(Commands& commands, CLI::App& ledger) {
  CLI::App& group = *ledger.add_subcommand("witness", "Be a witness of another's log, or ask one");
  group.require_subcommand(1);
  setup_new(commands, group);
  setup_sign(commands, group);
  setup_request(commands, group);
  auto options = std::make_shared<CosignOptions>();
  CLI::App& command =
      *ledger.add_subcommand("cosign", "Keep witnesses' cosignatures beside the newest checkpoint, for exports and bundles");
  add_home_option(command, options->home);
  command.add_option("files", options->files, "What witnesses answered (ledger witness sign)")->required();
  command.add_option("--witness", options->witnesses, "File with a witness's verifier key (witness.vkey); may be repeated")
      ->required();
  command.footer("Example: stegpass ledger cosign w1.cosignature --home acme --witness w1/witness.vkey");
  bind_command(commands, command, options, run_cosign);
}

}  // namespace stegpass::cli
