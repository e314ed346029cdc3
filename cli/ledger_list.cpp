#include <memory>
#include <string>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/index_proof.hpp>
#include <stegpass/credential/statement.hpp>
#include <stegpass/ledger/ledger.hpp>

#include "command.hpp"
#include "files.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

struct ListOptions {
  std::string home = ".", model, licensee, issuer, prove;
  std::uint64_t at = 0;
  bool force = false;
};

/// A digest as it is written everywhere: 64 hexadecimal digits, or a thumbprint's URI.
Result<Digest32> parse_digest(const std::string& text) {
  constexpr std::string_view kUri = "urn:ietf:params:oauth:ckt:sha-256:";
  const bool is_uri = text.starts_with(kUri);
  const auto bytes = is_uri ? parse_base64url(text.substr(kUri.size())) : parse_hex(text);
  if (!bytes || bytes->size() != 32)
    return Error{Errc::usage, "'" + text + "' is neither 64 hexadecimal digits nor a key's " + std::string(kUri) + "BASE64"};
  Digest32 digest;
  std::copy(bytes->begin(), bytes->end(), digest.begin());
  return digest;
}

Result<IndexKey> key_of(const ListOptions& options) {
  const bool model = !options.model.empty(), licensee = !options.licensee.empty(), issuer = !options.issuer.empty();
  if (model + licensee + issuer != 1) return Error{Errc::usage, "one of --model, --licensee and --issuer is needed"};
  STEGPASS_TRY(digest, parse_digest(model ? options.model : licensee ? options.licensee : options.issuer));
  return IndexKey{model ? IndexKind::model : licensee ? IndexKind::licensee : IndexKind::issuer, digest};
}

Result<Json> describe_entry(const ledger::Ledger& log, std::uint64_t index) {
  STEGPASS_TRY(octets, log.entry(index));
  STEGPASS_TRY(statement, Statement::decode(octets));
  return Json{{"index", index},
              {"kind", statement_kind_name(statement.kind())},
              {"subject", statement.subject()},
              {"issuer", statement.issuer()},
              {"issued_at", utc_time(statement.issued_at())}};
}

Result<std::size_t> write_proof(const ListOptions& options, const ledger::Ledger& log, const IndexKey& key, std::uint64_t size) {
  STEGPASS_TRY(proof, log.prove_list(key, size));
  const auto bytes = encode_index_proof(proof);
  STEGPASS_CHECK_OK(write_file(options.prove, bytes, {.force = options.force}));
  return bytes.size();
}

int run(const ListOptions& options, Output& output) {
  const auto key = key_of(options);
  if (!key) return output.fail(key.error(), "e.g. stegpass ledger list --model DIGEST --home acme");
  auto log = ledger::Ledger::open(Home{options.home}.ledger(), ledger::Ledger::Mode::read);
  if (!log) return output.fail(log.error(), "--home names the folder that stegpass init made");
  const auto size = options.at == 0 ? log->size() : options.at;
  const auto entries = log->list(*key, size);
  if (!entries) return output.fail(entries.error());
  Json found = Json::array();
  std::string text;
  for (const auto index : *entries) {
    auto entry = describe_entry(*log, index);
    if (!entry) return output.fail(entry.error(), "stegpass audit tells what else is wrong with this ledger");
    text += "entry " + std::to_string(index) + ": " + (*entry)["kind"].get<std::string>() + ", " +
            (*entry)["subject"].get<std::string>() + "\n";
    found.push_back(std::move(*entry));
  }
  Json figures{
      {"kind", index_kind_name(key->kind)}, {"digest", to_hex(key->digest)}, {"size", size}, {"entries", std::move(found)}};
  if (!options.prove.empty()) {
    const auto written = write_proof(options, *log, *key, size);
    if (!written) return output.fail(written.error());
    figures["proof"] = options.prove;
    figures["proof_bytes"] = *written;
  }
  return output.done(text + std::to_string(entries->size()) + " of " + std::to_string(size) + " entries\n", figures);
}

}  // namespace

void setup_ledger_list(Commands& commands, CLI::App& ledger) {
  auto options = std::make_shared<ListOptions>();
  CLI::App& command = *ledger.add_subcommand(
      "list", "All statements about a model, to a licensee or by an issuer, and the proof that these are all");
  add_home_option(command, options->home);
  command.add_option("--model", options->model, "SHA-256 of the registered model's file, in hexadecimal");
  command.add_option("--licensee", options->licensee, "Thumbprint of the licensee's key, in hexadecimal or as a URI");
  command.add_option("--issuer", options->issuer, "Thumbprint of the key that signed them");
  command.add_option("--at", options->at,
                     "The log as it was at this size, at which a commit ended if there is to be a proof; now if not given");
  command.add_option("--prove", options->prove, "File for the proof, which stegpass verify --list checks without the ledger");
  command.add_flag("--force", options->force, "Replace the proof if it exists");
  command.footer("Example: stegpass ledger list --model DIGEST --home acme --prove licenses.proof");
  bind_command(commands, command, options, run);
}

}  // namespace stegpass::cli
