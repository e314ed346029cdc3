#include <memory>
#include <optional>

#include <stegpass/credential/certificate.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/hash_envelope.hpp>
#include <stegpass/credential/sd_cwt.hpp>
#include <stegpass/credential/status_token.hpp>
#include <stegpass/credential/verification.hpp>

#include "command.hpp"
#include "files.hpp"
#include "policy_files.hpp"
#include "workspace.hpp"

namespace stegpass::cli {
namespace {

using namespace credential;

struct VerifyOptions {
  std::string file, key, policy, payload, aad, content;
};

/// A COSE_Key in any encoding, or a certificate, whose key is then taken as it is: trust in it is the caller's word.
Result<PublicKey> read_foreign_key(const std::string& path) {
  STEGPASS_TRY(bytes, read_file(path, kMaxSmallFile, "a public key (COSE_Key, or a certificate)"));
  const auto item = decode_foreign_cbor(bytes);
  if (item && item->as_map()) {
    auto key = PublicKey::from_cose_key(*item);
    return key ? std::move(key) : Error{key.error().code, path + ": " + key.error().detail};
  }
  const auto certificates = read_certificates(bytes);
  if (!certificates) return Error{Errc::malformed, path + " is neither a COSE_Key nor a certificate"};
  auto key = certificate_key(certificates->front());
  return key ? std::move(key) : Error{key.error().code, path + ": " + key.error().detail};
}

struct Inputs {
  Bytes message, aad;
  std::optional<Bytes> payload, content;
  std::optional<PublicKey> key;
  std::optional<TrustPolicy> policy;
};

Result<std::optional<Bytes>> read_optional(const std::string& path, std::uint64_t max_bytes, std::string_view expected) {
  if (path.empty()) return std::optional<Bytes>{};
  STEGPASS_TRY(bytes, read_file(path, max_bytes, expected));
  return std::optional(std::move(bytes));
}

Result<Inputs> read_inputs(const VerifyOptions& options) {
  if (options.key.empty() && options.policy.empty()) {
    return Error{Errc::usage, "needs --key with the signer's key, or --policy with lines x509 that its certificate leads to"};
  }
  Inputs out;
  STEGPASS_TRY(message, read_file(options.file, kMaxPictureFile, "a COSE_Sign1 message"));
  out.message = std::move(message);
  if (!options.key.empty()) {
    STEGPASS_TRY(key, read_foreign_key(options.key));
    out.key = std::move(key);
  }
  if (!options.policy.empty()) {
    STEGPASS_TRY(policy, read_trust_policy(options.policy));
    out.policy = std::move(policy);
  }
  STEGPASS_TRY(payload, read_optional(options.payload, kMaxPictureFile, "the detached payload"));
  STEGPASS_TRY(content, read_optional(options.content, kMaxModelFile, "the file that the hash envelope is about"));
  out.payload = std::move(payload), out.content = std::move(content);
  auto aad = parse_hex(options.aad);
  if (!aad) return Error{Errc::usage, "--aad is not hexadecimal"};
  out.aad = std::move(*aad);
  return out;
}

Outcome outcome_of(const Error& error) {
  const bool open = error.code == Errc::unsupported || error.code == Errc::refused || error.code == Errc::not_found;
  return open ? Outcome::undecided : Outcome::invalid;
}

/// When the message says that it was signed (claim iat in label 15); now, where it does not.
std::int64_t signing_time(const Sign1& message) {
  const Cbor* claims = message.protected_header.find(cose::kCwtClaims);
  std::int64_t time = 0;
  const Cbor* iat = claims ? claims->find(6) : nullptr;
  return iat && iat->as_integer(time) ? time : current_time();
}

void judge_key(const Sign1& message, const Inputs& inputs, Verdict& out) {
  const std::optional<ByteView> payload = inputs.payload ? std::optional<ByteView>(*inputs.payload) : std::nullopt;
  const Status held = verify_sign1(message, *inputs.key, payload, inputs.aad);
  if (held) return out.add("message.signature", Outcome::valid, "signed by " + inputs.key->thumbprint_uri());
  // An algorithm that does not go with the key is not the signature of this key, whatever else it is.
  out.add("message.signature", held.error().code == Errc::unsupported ? Outcome::undecided : Outcome::invalid,
          held.error().detail);
}

void judge_certificate(const Sign1& message, const Inputs& inputs, Verdict& out) {
  const std::optional<ByteView> payload = inputs.payload ? std::optional<ByteView>(*inputs.payload) : std::nullopt;
  const std::int64_t at = signing_time(message);
  const auto held = verify_certified(message, inputs.policy->certifiers, at, payload, inputs.aad);
  if (!held) return out.add("message.certificate", outcome_of(held.error()), held.error().detail);
  out.add("message.certificate", Outcome::valid,
          "signed by " + held->subject + ", certified under root " + held->root + ", at " + utc_time(at));
}

Json judge_envelope(const Sign1& message, const Inputs& inputs, Verdict& out) {
  if (!is_hash_envelope(message)) {
    if (inputs.content) out.add("envelope.digest", Outcome::undecided, "the message is no hash envelope");
    return {};
  }
  const auto envelope = read_hash_envelope(message);
  if (!envelope) return out.add("envelope.digest", outcome_of(envelope.error()), envelope.error().detail), Json();
  if (!inputs.content) {
    out.add("envelope.digest", Outcome::not_checked, "needs the file that it is about (--content)");
  } else {
    const Status same = check_preimage(*envelope, *inputs.content);
    out.add("envelope.digest", same ? Outcome::valid : Outcome::invalid,
            same ? "the file's digest is the one that is signed, " + to_hex(envelope->digest) : same.error().detail);
  }
  return {{"digest", to_hex(envelope->digest)}, {"type", envelope->preimage_type}, {"location", envelope->location}};
}

bool has_type(const Sign1& message, std::int64_t number, std::string_view text) {
  const Cbor* typ = message.protected_header.find(cose::kTyp);
  std::int64_t found = 0;
  return typ && ((typ->as_integer(found) && found == number) || (typ->as_text() && *typ->as_text() == text));
}

/// What an SD-CWT discloses, alone or in its holder's key binding token; the key is the issuer's. Null for other messages.
Json judge_claims(const Sign1& message, const Inputs& inputs, Verdict& out) {
  const bool binding = has_type(message, 294, "application/kb+cwt");
  if (!inputs.key || (!binding && !has_type(message, 293, "application/sd-cwt"))) return {};
  const char* code = binding ? "holder.binding" : "claims.disclosed";
  const auto fail = [&](const Error& error) { return out.add(code, outcome_of(error), error.detail), Json(); };
  if (binding) {
    const auto held = verify_key_binding(message, *inputs.key);
    if (!held) return fail(held.error());
    out.add(code, Outcome::valid,
            "the holder " + held->token.holder.thumbprint_uri() + " shows it to \"" + held->audience + "\"");
    return cbor_diagnostic(held->token.claims);
  }
  const auto shown = verify_sd_cwt(message, *inputs.key);
  if (!shown) return fail(shown.error());
  out.add(code, Outcome::valid, "every disclosure opens a hash that is signed");
  return cbor_diagnostic(shown->claims);
}

int run_verify(const VerifyOptions& options, Output& output) {
  const auto inputs = read_inputs(options);
  if (!inputs) return output.fail(inputs.error());
  Verdict verdict;
  Json more = {{"message", options.file}};
  if (const auto message = decode_foreign_sign1(inputs->message)) {
    more["claims"] = judge_claims(*message, *inputs, verdict);
    const bool judged = verdict.find("holder.binding") != nullptr;  // signed by the holder; the issuer's signature is inside
    if (inputs->key && !judged) judge_key(*message, *inputs, verdict);
    if (inputs->policy) judge_certificate(*message, *inputs, verdict);
    more["envelope"] = judge_envelope(*message, *inputs, verdict);
  } else {
    verdict.add("message.form", message.error().code == Errc::unsupported ? Outcome::undecided : Outcome::invalid,
                message.error().detail);
  }
  return output.judged(verdict, 0, more);
}

struct StatusOptions {
  std::string file, key, uri;
  std::uint64_t index = 0;
};

/// Why a list cannot be called in force; nothing when it can.
std::optional<std::string> age_fault(const StatusToken& token, std::int64_t now) {
  if (token.issued_at > now + kClockSkew) return "the list was issued later than now";
  if (!token.expires && !token.ttl_s) return "the list states neither an end nor a time to live, so its age says nothing";
  const bool ended = (token.expires && now >= *token.expires) || (token.ttl_s && now - token.issued_at > *token.ttl_s);
  return ended ? std::optional<std::string>("the list is stale") : std::nullopt;
}

void judge_status(const StatusToken& token, const StatusOptions& options, Verdict& out) {
  const std::int64_t now = current_time();
  out.add("status.signature", Outcome::valid,
          "list " + token.uri + " of " + utc_time(token.issued_at) + ", " + std::to_string(token.list.size()) + " states of " +
              std::to_string(token.list.bits()) + " bits");
  if (options.uri.empty())
    out.add("status.uri", Outcome::not_checked,
            "needs the list's name (--uri) as the status claim of the token in question has it");
  else
    out.add("status.uri", options.uri == token.uri ? Outcome::valid : Outcome::invalid,
            "the list is " + token.uri + (options.uri == token.uri ? "" : ", not " + options.uri));
  const auto age = age_fault(token, now);
  out.add("status.age", age ? Outcome::undecided : Outcome::valid, age.value_or("the list is in force"));
  const auto state = token.list.at(options.index);
  if (!state) return out.add("status.state", Outcome::invalid, state.error().detail);
  const std::string said = "status " + std::to_string(options.index) + " is " + std::to_string(*state);
  if (*state == 0) return out.add("status.state", Outcome::valid, said + ", valid");
  if (*state > 2) return out.add("status.state", Outcome::undecided, said + ", which only its application knows");
  out.add("status.state", Outcome::invalid, said + (*state == 1 ? ", revoked" : ", suspended"));
}

int run_status(const StatusOptions& options, Output& output) {
  const auto bytes = read_file(options.file, kMaxPictureFile, "a status list token");
  if (!bytes) return output.fail(bytes.error());
  const auto key = read_foreign_key(options.key);
  if (!key) return output.fail(key.error());
  Verdict verdict;
  const auto fail = [&](const Error& error) {
    verdict.add("status.signature", error.code == Errc::unsupported ? Outcome::undecided : Outcome::invalid, error.detail);
    return output.judged(verdict, 0);
  };
  const auto message = decode_foreign_sign1(*bytes);
  if (!message) return fail(message.error());
  const auto token = verify_status_token(*message, *key);
  if (!token) return fail(token.error());
  judge_status(*token, options, verdict);
  return output.judged(verdict, token->issued_at, {{"uri", token->uri}, {"states", token->list.size()}});
}

struct EnvelopeOptions {
  std::string file, key, type, location, out;
  bool force = false;
  PassphraseSource passphrase;
};

Result<Report> make_envelope(const EnvelopeOptions& options) {
  STEGPASS_CHECK_OK(check_output(options.out, options.force));
  STEGPASS_TRY(content, read_file(options.file, kMaxModelFile, "the file to sign for"));
  STEGPASS_TRY(passphrase, read_passphrase(options.passphrase, "Passphrase of " + options.key));
  STEGPASS_TRY(key, read_private_key(options.key, passphrase));
  const HashEnvelope envelope{HashAlgorithm::sha256, to_bytes(fast_sha256(content)), options.type, options.location};
  const Sign1 message = sign_hash_envelope(key, envelope, current_time());
  // What the reader refuses must not be written: a type with control characters, say.
  if (auto readable = read_hash_envelope(message); !readable) return Error{Errc::usage, readable.error().detail};
  STEGPASS_CHECK_OK(write_file(options.out, encode_sign1(message), {.force = options.force}));
  return Report{options.out + " signs SHA-256 " + to_hex(envelope.digest) + " of " + options.file,
                {{"out", options.out}, {"digest", to_hex(envelope.digest)}, {"signer", key.public_key().thumbprint_uri()}}};
}

int run_envelope(const EnvelopeOptions& options, Output& output) { return finish(output, make_envelope(options)); }

void setup_verify(Commands& commands, CLI::App& parent) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App& command = *parent.add_subcommand(
      "verify", "Check the signature of any COSE_Sign1: Ed25519, ES256, ES384, ML-DSA where OpenSSL has it");
  command.add_option("file", options->file, "The message, with or without tag 18")->required();
  command.add_option(
      "--key", options->key,
      "The signer's key (of a key binding token: the issuer's): a COSE_Key, or a certificate that you trust as it is");
  command.add_option("--policy", options->policy,
                     "Trust policy; its lines x509 are the roots that the message's x5chain must lead to");
  command.add_option("--payload", options->payload, "File with the payload, where the message leaves it out");
  command.add_option("--aad", options->aad, "External data, in hexadecimal");
  command.add_option("--content", options->content, "The file that a hash envelope (RFC 9995) is about");
  command.footer(
      "Certificates are judged at the message's own iat, or now; whether they were revoked is not looked up.\n"
      "Example: stegpass cose verify report.cose --policy trust.policy --content report.pdf");
  bind_command(commands, command, options, run_verify);
}

void setup_status(Commands& commands, CLI::App& parent) {
  auto options = std::make_shared<StatusOptions>();
  CLI::App& command = *parent.add_subcommand("status", "Look up one state in anybody's status list token (1, 2, 4 or 8 bits)");
  command.add_option("file", options->file, "The token")->required();
  command.add_option("--key", options->key, "The signer's key: a COSE_Key, or a certificate that you trust as it is")->required();
  command.add_option("--index", options->index, "Index of the credential in the list")->required();
  command.add_option("--uri", options->uri, "Name of the list in the credential");
  command.footer("Example: stegpass cose status list.cwt --key issuer.cose --index 1993 --uri https://example.com/statuslists/1");
  bind_command(commands, command, options, run_status);
}

void setup_envelope(Commands& commands, CLI::App& parent) {
  auto options = std::make_shared<EnvelopeOptions>();
  CLI::App& command =
      *parent.add_subcommand("envelope", "Sign the digest of a file that is too large to be signed whole (RFC 9995)");
  command.add_option("file", options->file, "The file, such as a dispute's evidence")->required();
  command.add_option("--key", options->key, "Your encrypted key")->required();
  add_passphrase_options(command, options->passphrase);
  command.add_option("--type", options->type, "Media type of the file")->required();
  command.add_option("--location", options->location, "Where the file can be had");
  command.add_option("--out", options->out, "The message")->required();
  command.add_flag("--force", options->force, "Replace the output if it exists");
  command.footer("Example: stegpass cose envelope recording.mp4 --key me.key --type video/mp4 --out recording.cose");
  bind_command(commands, command, options, run_envelope);
}

}  // namespace

void setup_cose(Commands& commands) {
  CLI::App& group =
      *commands.app.add_subcommand("cose", "Check signed messages of other people's tools; sign digests of large files");
  group.require_subcommand(1);
  setup_verify(commands, group);
  setup_status(commands, group);
  setup_envelope(commands, group);
}

}  // namespace stegpass::cli
