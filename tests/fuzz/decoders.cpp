#include "decoders.hpp"

#include <cstdio>
#include <cstdlib>

#include <stegpass/credential/bundle.hpp>
#include <stegpass/credential/bundle_armor.hpp>
#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/certificate.hpp>
#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/hash_envelope.hpp>
#include <stegpass/credential/index_proof.hpp>
#include <stegpass/credential/key_formats.hpp>
#include <stegpass/credential/model_signature.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/credential/receipt.hpp>
#include <stegpass/credential/request.hpp>
#include <stegpass/credential/sd_cwt.hpp>
#include <stegpass/credential/secret_file.hpp>
#include <stegpass/credential/statement.hpp>
#include <stegpass/credential/status_token.hpp>
#include <stegpass/credential/tensor_proof.hpp>
#include <stegpass/credential/timestamp.hpp>
#include <stegpass/credential/trust_policy.hpp>
#include <stegpass/credential/verification.hpp>
#include <stegpass/credential/witness.hpp>

#include "json.hpp"
#include "status_list.hpp"

namespace stegpass::credential::fuzz {
namespace {

void demand(bool holds, const char* rule) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", rule);
  std::abort();
}

bool same(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

/// What every refusal has: one line that says something.
template <class T>
bool taken(const Result<T>& result) {
  if (result) return true;
  demand(!result.error().detail.empty() && result.error().detail.find('\n') == std::string::npos, "a refusal is one line");
  demand(result.error().code != Errc::internal, "nobody's bytes are our mistake");
  return false;
}

bool take_cbor(ByteView bytes) {
  const auto item = decode_cbor(bytes);
  if (taken(item)) demand(same(encode_cbor(*item), bytes), "one encoding");
  const auto foreign = decode_foreign_cbor(bytes);
  if (taken(foreign)) demand(!cbor_diagnostic(*foreign).empty(), "a notation for every item");
  demand(!item || foreign, "what is ours is read as foreign");
  return item.ok();
}

bool take_sign1(ByteView bytes) {
  const auto message = decode_sign1(bytes);
  if (taken(message)) demand(same(encode_sign1(*message), bytes), "one encoding");
  static_cast<void>(taken(decode_foreign_sign1(bytes)));
  return message.ok();
}

bool take_index_proof(ByteView bytes) {
  const auto proof = decode_index_proof(bytes);
  if (!taken(proof)) return false;
  demand(same(encode_index_proof(*proof), bytes), "one encoding");
  for (const auto& range : proof->blocks) static_cast<void>(taken(root_of_range(range)));
  return true;
}

bool take_statement(ByteView bytes) {
  const auto statement = Statement::decode(bytes);
  if (!taken(statement)) return false;
  demand(same(statement->with_receipts(statement->receipts(), statement->disclosed()), bytes), "one encoding");
  demand(Statement::decode(statement->entry()).ok(), "an entry is a statement");
  return true;
}

// Claims under every typ, signed here, so that what stands behind issuer and signature is reached.
bool take_claims(ByteView bytes) {
  static const PrivateKey key =
      PrivateKey::create(KeyType::ed25519, SecretBytes::copy_of(Bytes(32, 1)), SecretBytes::copy_of(Bytes(32, 2))).value();
  const auto read = decode_cbor(bytes);
  if (!read || !read->as_map()) return false;
  bool any = false;
  CborMap claims = *read->as_map(), common;
  for (auto& [label, value] : claims) {
    if (label == Cbor::integer(1)) value = Cbor::text(key.public_key().thumbprint_uri());
    if (label == Cbor::integer(1) || label == Cbor::integer(2) || label == Cbor::integer(6)) common.emplace_back(label, value);
  }
  const Bytes payload = encode_cbor(Cbor::map(claims));
  for (std::size_t kind = 0; kind < kStatementKinds; ++kind) {
    CborMap header = {{Cbor::integer(3), Cbor::text("application/cbor")},
                      {Cbor::integer(4), Cbor::bytes(key.public_key().thumbprint())},
                      {Cbor::integer(15), Cbor::map(common)},
                      {Cbor::integer(16), Cbor::text(statement_typ(static_cast<StatementKind>(kind)))}};
    any = taken(Statement::decode(encode_sign1(sign_sign1(key, header, {}, payload)))) || any;
  }
  return any;
}

// A bundle's last 32 bytes are its SHA-256, which no mutation would hit: it is put there.
bool take_bundle(ByteView bytes) {
  Bytes file = to_bytes(bytes);
  append(file, Bytes{0x58, 0x20});
  append(file, fast_sha256(bytes));
  const auto bundle = decode_bundle(file);
  if (taken(bundle)) demand(same(encode_bundle(*bundle), file), "one encoding");
  TrustPolicy policy;
  policy.max_age_s = 86400;
  const PaperVerdict papers = verify_papers(file, policy, {.now = 1800000000});
  demand(papers.verdict.outcome() != Outcome::valid, "without a trusted log nothing is valid");
  return bundle.ok();
}

bool take_receipt(ByteView bytes) {
  static const PublicKey key = PublicKey::create_ed25519(Bytes(32, 7)).value();
  demand(!taken(verify_receipt(bytes, as_bytes("entry"), key)), "no receipt by a key that nobody has");
  return false;
}

bool take_note(ByteView bytes) {
  const auto note = parse_note(as_text(bytes));
  if (taken(note)) {
    demand(encode_note(*note) == as_text(bytes), "one encoding");
    static_cast<void>(taken(parse_checkpoint(note->text)));
  }
  const auto request = parse_witness_request(as_text(bytes));
  if (taken(request)) demand(encode_witness_request(*request) == as_text(bytes), "one encoding");
  static_cast<void>(taken(parse_note_signatures(as_text(bytes))));
  static_cast<void>(taken(NoteVerifier::parse(as_text(bytes), NoteKind::witness)));
  const auto checkpoint = parse_checkpoint(as_text(bytes));
  if (taken(checkpoint)) static_cast<void>(encode_checkpoint(*checkpoint));
  const auto verifier = NoteVerifier::parse(as_text(bytes));
  return taken(verifier) || note.ok() || checkpoint.ok();
}

bool take_key(ByteView bytes) {
  const auto key = PublicKey::decode(bytes);
  if (taken(key)) demand(PublicKey::decode(key->encode()).value() == *key, "a key comes back");
  return key.ok();
}

bool take_request(ByteView bytes) {
  static const PublicKey key = PublicKey::create_ed25519(Bytes(32, 7)).value();
  demand(!taken(verify_presentation(bytes, key)), "no presentation by a key that nobody has");
  return taken(decode_license_request(bytes));
}

bool take_status_list(ByteView bytes) {
  const auto states = unpack_status_list(bytes);
  if (taken(states)) demand(states->size() <= StatusList::kMaxLicenses, "no list is longer than its bound");
  return states.ok();
}

bool take_text(ByteView bytes) {
  const std::string_view text = as_text(bytes);
  const auto policy = parse_trust_policy(text);
  if (taken(policy)) demand(parse_trust_policy(encode_trust_policy(*policy)).ok(), "a policy comes back");
  const auto memory = parse_verifier_memory(text);
  if (taken(memory)) demand(parse_verifier_memory(encode_verifier_memory(*memory)).ok(), "a memory comes back");
  const auto bundle = unarmor_bundle(bytes);
  if (taken(bundle)) demand(armor_bundle(*bundle) == text, "one armor");
  static_cast<void>(taken(parse_hex(text)));
  static_cast<void>(taken(parse_base64(text)));
  static_cast<void>(taken(parse_base64url(text)));
  return taken(parse_thumbprint_uri(text)) || policy.ok() || memory.ok();
}

bool take_safetensors(ByteView bytes) {
  const bool tree = taken(tensor_tree(bytes));
  return taken(parse_safetensors(bytes)) && tree;
}

bool take_tensor_proof(ByteView bytes) {
  const auto proof = decode_tensor_proof(bytes);
  if (!taken(proof)) return false;
  demand(same(encode_tensor_proof(*proof), bytes), "one encoding");
  demand(tensor_root_of(*proof).ok(), "a path that fits its place");
  return true;
}

// Keys under a passphrase cost whole seconds by design; their parameters have cases of their own.
bool take_private_key(ByteView bytes) {
  const auto encrypted = foreign_key_is_encrypted(bytes);
  return taken(encrypted) && !*encrypted && taken(import_private_key(bytes, SecretBytes()));
}

bool take_secret_file(ByteView bytes) {
  const auto info = read_secret_file_info(bytes);
  if (!taken(info) || info->cost.memory_kib > 64 || info->cost.passes > 2) return false;
  return taken(decrypt_secret_file(info->kind, bytes, SecretBytes::copy_of(as_bytes("secret"))));
}

bool take_json(ByteView bytes) {
  const auto item = parse_json(as_text(bytes));
  if (!taken(item)) return false;
  const auto again = parse_json(encode_json(*item));
  demand(again.ok() && *again == *item, "what is written is read again");
  return true;
}

bool take_model_manifest(ByteView bytes) {
  const auto manifest = decode_model_manifest(bytes);
  if (!taken(manifest)) return false;
  const auto again = decode_model_manifest(as_bytes(encode_model_manifest(*manifest)));
  demand(again.ok() && again->resources == manifest->resources && again->root() == manifest->root(), "a manifest comes back");
  return true;
}

bool take_model_signature(ByteView bytes) {
  const auto bundle = decode_model_signature(bytes);
  if (!taken(bundle)) return false;
  static const std::string key =
      pem_public_key(PrivateKey::create(KeyType::p256, SecretBytes::copy_of(Bytes(32, 3)), SecretBytes::copy_of(Bytes(32, 4)))
                         .value()
                         .public_key());
  demand(!verify_model_signature(*bundle, key), "no signature by a key that nobody used");
  static_cast<void>(taken(verify_certified_model_signature(*bundle, key)));
  return true;
}

// What is read in other people's messages once their signature held; here before it is looked at.
bool take_foreign(ByteView bytes) {
  const auto message = decode_foreign_sign1(bytes);
  if (!taken(message)) return false;
  static_cast<void>(taken(certificates_of(*message)));
  if (is_hash_envelope(*message)) static_cast<void>(taken(read_hash_envelope(*message)));
  const auto claims = message->payload ? decode_foreign_cbor(*message->payload) : Result<Cbor>(Cbor());
  if (!taken(claims)) return true;
  if (const Cbor* list = claims->find(65533)) static_cast<void>(taken(StatusBits::read(*list)));
  std::vector<Bytes> disclosures;
  const Cbor* shown = message->unprotected.find(cose::kSdClaims);
  for (const Cbor& item : shown && shown->as_array() ? *shown->as_array() : CborArray{})
    if (item.as_bytes()) disclosures.push_back(*item.as_bytes());
  const auto revealed = reveal_claims(*claims, disclosures);
  if (taken(revealed)) demand(revealed->as_map() != nullptr, "claims stay a map");
  return true;
}

bool take_certificate(ByteView bytes) {
  const bool key = taken(certificate_key(bytes)), read = taken(read_certificates(bytes));
  demand(!taken(verify_chain({to_bytes(bytes)}, {}, 1800000000)), "no certificate leads to a root that nobody named");
  return key || read;
}

bool take_time(ByteView bytes) {
  static const Bytes request = encode_time_request(as_bytes("content"), Bytes(16, 0x40));
  demand(!taken(verify_time_token(bytes, as_bytes("content"), {})), "no token by an authority that nobody named");
  const bool answer = taken(read_time_response(bytes, request));
  return taken(read_time_response(bytes, bytes)) || answer;
}

}  // namespace

const std::vector<Decoder>& decoders() {
  static const std::vector<Decoder> all = {
      {"cbor", take_cbor},
      {"sign1", take_sign1},
      {"statement", take_statement},
      {"claims", take_claims},
      {"bundle", take_bundle},
      {"receipt", take_receipt},
      {"note", take_note},
      {"key", take_key},
      {"request", take_request},
      {"status-list", take_status_list},
      {"text", take_text},
      {"safetensors", take_safetensors},
      {"index-proof", take_index_proof},
      {"tensor-proof", take_tensor_proof},
      {"private-key", take_private_key},
      {"secret-file", take_secret_file},
      {"json", take_json},
      {"model-manifest", take_model_manifest},
      {"model-signature", take_model_signature},
      {"foreign", take_foreign},
      {"certificate", take_certificate},
      {"time", take_time},
  };
  return all;
}

}  // namespace stegpass::credential::fuzz
