#include <algorithm>
#include <array>
#include <memory>
#include <optional>

#include <stegpass/credential/bundle.hpp>
#include <stegpass/credential/bundle_armor.hpp>
#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/model_signature.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/credential/printable.hpp>
#include <stegpass/credential/statement.hpp>
#include <stegpass/credential/trust_policy.hpp>
#include <stegpass/credential/verification.hpp>

#include "command.hpp"
#include "files.hpp"
#include "inspect_cbor.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

constexpr std::array<std::uint8_t, 8> kPngHead = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

struct InspectOptions {
  std::string file;
};

/// What a file is: one name, its content as text for people, and what a program may want to know.
struct Description {
  std::string kind, text;
  Json members = Json::object();
};

Description describe_cbor(ByteView bytes, const Cbor& item) {
  Description out{name_cbor(item), annotate_cbor(item)};
  if (auto key = PublicKey::decode(bytes)) out.members["thumbprint"] = key->thumbprint_uri();
  if (auto statement = Statement::decode(bytes)) {
    out.members["statement"] = statement_kind_name(statement->kind());
    out.members["subject"] = statement->subject();
    out.members["issuer"] = statement->issuer();
    out.members["issued_at"] = utc_time(statement->issued_at());
    out.members["receipts"] = statement->receipts().size();
    if (const auto* finding = statement->as<DisputeFinding>()) {
      out.members["dispute"] = to_hex(finding->dispute_id);
      out.members["outcome"] = outcome_name(finding->outcome);
      out.members["reason"] = finding->reason;
      out.members["evidence"] = finding->evidence.size();
    }
  }
  if (auto bundle = decode_bundle(bytes)) {
    out.members["purpose"] = purpose_name(bundle->purpose);
    out.members["statements"] = bundle->statements.size();
  }
  out.members["diagnostic"] = out.text;
  return out;
}

std::optional<Description> describe_safetensors(ByteView bytes) {
  auto file = parse_safetensors(bytes);
  auto tree = tensor_tree(bytes);
  if (!file || !tree) return std::nullopt;
  Description out{"safetensors"};
  Json tensors = Json::array(), metadata = Json::object();
  for (const auto& [name, value] : file->metadata) {
    metadata[name] = value;
    out.text += "metadata " + Json(name).dump(-1, ' ', true) + " = " + Json(value).dump(-1, ' ', true) + "\n";
  }
  for (const TensorView& tensor : file->tensors) {
    tensors.push_back({{"name", tensor.name}, {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"bytes", tensor.data.size()}});
    out.text += Json(tensor.name).dump(-1, ' ', true) + " " + tensor.dtype + " " + Json(tensor.shape).dump() + "\n";
  }
  out.text += "tensor root " + to_hex(tree->root) + "\n";
  out.members = {{"metadata", metadata}, {"tensors", tensors}, {"tensor_root", to_hex(tree->root)}};
  return out;
}

std::optional<Description> describe_png(ByteView bytes) {
  constexpr std::size_t header_end = 24;  // signature, IHDR's length and name, width, height
  if (bytes.size() < header_end || !std::equal(kPngHead.begin(), kPngHead.end(), bytes.begin())) return std::nullopt;
  const auto number = [&](std::size_t at) {
    return std::uint32_t{bytes[at]} << 24 | std::uint32_t{bytes[at + 1]} << 16 | std::uint32_t{bytes[at + 2]} << 8 |
           bytes[at + 3];
  };
  const std::uint32_t width = number(16), height = number(20);
  return Description{"PNG picture",
                     std::to_string(width) + " x " + std::to_string(height) + " pixels\n",
                     {{"width", width}, {"height", height}}};
}

std::optional<Description> describe_text(ByteView bytes) {
  const std::string_view text = as_text(bytes), line = text.ends_with('\n') ? text.substr(0, text.size() - 1) : text;
  if (auto note = parse_note(text)) {
    auto checkpoint = parse_checkpoint(note->text);
    if (!checkpoint) return Description{"signed note", std::string(text), {{"note", text}}};
    return Description{"checkpoint",
                       std::string(text),
                       {{"origin", checkpoint->origin},
                        {"size", checkpoint->tree_size},
                        {"root", to_hex(checkpoint->root)},
                        {"time", utc_time(checkpoint->time)},
                        {"signatures", note->signatures.size()}}};
  }
  if (auto verifier = NoteVerifier::parse(line)) {
    return Description{
        "log verifier key", std::string(text), {{"name", verifier->name}, {"thumbprint", verifier->key.thumbprint_uri()}}};
  }
  if (auto witness = NoteVerifier::parse(line, NoteKind::witness)) {
    return Description{
        "witness verifier key", std::string(text), {{"name", witness->name}, {"thumbprint", witness->key.thumbprint_uri()}}};
  }
  auto policy = parse_trust_policy(text);
  if (policy && (!policy->logs.empty() || !policy->issuers.empty())) {
    return Description{"trust policy", std::string(text), {{"logs", policy->logs.size()}, {"issuers", policy->issuers.size()}}};
  }
  auto memory = parse_verifier_memory(text);
  if (memory && !memory->newest.empty())
    return Description{"verifier memory", std::string(text), {{"logs", memory->newest.size()}}};
  return std::nullopt;
}

/// Records of trainings, attacks and cards: JSON that says its format, or is of the training record's shape.
std::optional<Description> describe_json(ByteView bytes) {
  const Json json = Json::parse(bytes.begin(), bytes.end(), nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const bool training = json.contains("mark") && json.contains("run");
  const Json format = json.value("format", Json());
  const bool ours = format.is_string() && format.get<std::string>().rfind("stegpass.", 0) == 0;
  if (!training && !ours) return std::nullopt;
  return Description{ours ? "record, " + format.get<std::string>() : "training record",
                     json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n",
                     {{"record", json}}};
}

std::optional<Description> describe_model_signature(ByteView bytes) {
  const auto signature = decode_model_signature(bytes);
  if (!signature) return std::nullopt;
  const std::string by = signature->certificates.empty() ? "key with hint " + signature->key_hint
                                                         : std::to_string(signature->certificates.size()) + " certificates";
  Description out{"model signature",
                  "signed by " + by + "\n",
                  {{"certificates", signature->certificates.size()}, {"key_hint", signature->key_hint}}};
  const auto manifest = decode_model_manifest(signature->payload);
  if (!manifest) return out;
  for (const ModelResource& resource : manifest->resources) out.text += to_hex(resource.digest) + "  " + resource.name + "\n";
  out.text += "root " + to_hex(manifest->root()) + "  " + manifest->model_name + "\n";
  out.members.update(
      {{"model", manifest->model_name}, {"root", to_hex(manifest->root())}, {"resources", manifest->resources.size()}});
  return out;
}

/// A bundle in its text for mail: what is in it, and the digest by which it goes.
std::optional<Description> describe_armored(ByteView text) {
  const auto bytes = unarmor_bundle(text);
  const auto item = bytes ? decode_cbor(*bytes) : Result<Cbor>(Errc::malformed, "");
  if (!item) return std::nullopt;
  Description out = describe_cbor(*bytes, *item);
  out.kind += ", armored";
  out.text = "bundle's own SHA-256 " + to_hex(fast_sha256(*bytes)) + "\n" + out.text;
  out.members["bundle_sha256"] = to_hex(fast_sha256(*bytes));
  return out;
}

std::optional<Description> describe(ByteView bytes) {
  if (is_armored_bundle(bytes)) return describe_armored(bytes);
  if (auto picture = describe_png(bytes)) return picture;
  if (auto model = describe_safetensors(bytes)) return model;
  if (auto text = describe_text(bytes)) return text;
  if (auto signature = describe_model_signature(bytes)) return signature;
  if (auto json = describe_json(bytes)) return json;
  if (auto item = decode_cbor(bytes)) return describe_cbor(bytes, *item);
  return std::nullopt;
}

/// Text of somebody else's file must not steer a terminal; tabs are spaces.
std::string printable_lines(std::string whole) {
  std::replace(whole.begin(), whole.end(), '\t', ' ');
  std::string_view text = whole;
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    out += printable(text.substr(0, end)) + "\n";
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

int run(const InspectOptions& options, Output& output) {
  auto bytes = read_file(options.file, kMaxModelFile, "a file of stegpass");
  if (!bytes) return output.fail(bytes.error());
  auto found = describe(*bytes);
  if (!found) {
    return output.fail({Errc::malformed, options.file +
                                             " is none of our files, or is damaged; expected CBOR in deterministic encoding, a "
                                             "note, a policy, a key, a record, safetensors or PNG"});
  }
  const std::string digest = to_hex(fast_sha256(*bytes));
  Json members = {{"kind", found->kind}, {"bytes", bytes->size()}, {"sha256", digest}};
  members.update(found->members);
  return output.done("# " + found->kind + ", " + std::to_string(bytes->size()) + " bytes, SHA-256 " + digest + "\n" +
                         printable_lines(found->text),
                     members);
}

}  // namespace

void setup_inspect(Commands& commands) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App& command =
      *commands.app.add_subcommand("inspect", "Show what is in a file: statements, bundles and keys in diagnostic notation");
  command.add_option("file", options->file, "A statement, bundle, key, note, policy, proof, record, safetensors or PNG")
      ->required();
  command.footer("Example: stegpass inspect license.bundle");
  bind_command(commands, command, options, run);
}

}  // namespace stegpass::cli
