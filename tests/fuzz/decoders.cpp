#include "decoders.hpp"

#include <cstdio>
#include <cstdlib>

#include <stegpass/credential/bundle.hpp>
#include <stegpass/credential/certificate.hpp>
#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/hash_envelope.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/credential/receipt.hpp>
#include <stegpass/credential/request.hpp>
#include <stegpass/credential/sd_cwt.hpp>
#include <stegpass/credential/statement.hpp>
#include <stegpass/credential/status_token.hpp>
#include <stegpass/credential/timestamp.hpp>
#include <stegpass/credential/trust_policy.hpp>
#include <stegpass/credential/verification.hpp>

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

void take_cbor(ByteView bytes) {
  const auto item = decode_cbor(bytes);
  if (taken(item)) demand(same(encode_cbor(*item), bytes), "one encoding");
  const auto foreign = decode_foreign_cbor(bytes);
  if (taken(foreign)) demand(!cbor_diagnostic(*foreign).empty(), "a notation for every item");
  demand(!item || foreign, "what is ours is read as foreign");
}

void take_sign1(ByteView bytes) {
  const auto message = decode_sign1(bytes);
  if (taken(message)) demand(same(encode_sign1(*message), bytes), "one encoding");
  static_cast<void>(taken(decode_foreign_sign1(bytes)));
}

void take_statement(ByteView bytes) {
  const auto statement = Statement::decode(bytes);
  if (!taken(statement)) return;
  demand(same(statement->with_receipts(statement->receipts(), statement->disclosed()), bytes), "one encoding");
  demand(Statement::decode(statement->entry()).ok(), "an entry is a statement");
}

// Claims under every typ, signed here, so that what stands behind issuer and signature is reached.
void take_claims(ByteView bytes) {
  static const PrivateKey key =
      PrivateKey::create(KeyType::ed25519, SecretBytes::copy_of(Bytes(32, 1)), SecretBytes::copy_of(Bytes(32, 2))).value();
  const auto read = decode_cbor(bytes);
  if (!read || !read->as_map()) return;
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
    static_cast<void>(taken(Statement::decode(encode_sign1(sign_sign1(key, header, {}, payload)))));
  }
}

// A bundle's last 32 bytes are its SHA-256, which no mutation would hit: it is put there.
void take_bundle(ByteView bytes) {
  Bytes file = to_bytes(bytes);
  append(file, Bytes{0x58, 0x20});
  append(file, fast_sha256(bytes));
  const auto bundle = decode_bundle(file);
  if (taken(bundle)) demand(same(encode_bundle(*bundle), file), "one encoding");
  TrustPolicy policy;
  policy.max_age_s = 86400;
  const PaperVerdict papers = verify_papers(file, policy, {.now = 1800000000});
  demand(papers.verdict.outcome() != Outcome::valid, "without a trusted log nothing is valid");
}

void take_receipt(ByteView bytes) {
  static const PublicKey key = PublicKey::create_ed25519(Bytes(32, 7)).value();
  demand(!taken(verify_receipt(bytes, as_bytes("entry"), key)), "no receipt by a key that nobody has");
}

void take_note(ByteView bytes) {
  const auto note = parse_note(as_text(bytes));
  if (taken(note)) {
    demand(encode_note(*note) == as_text(bytes), "one encoding");
    static_cast<void>(taken(parse_checkpoint(note->text)));
  }
  const auto checkpoint = parse_checkpoint(as_text(bytes));
  if (taken(checkpoint)) static_cast<void>(encode_checkpoint(*checkpoint));
  static_cast<void>(taken(NoteVerifier::parse(as_text(bytes))));
}

void take_key(ByteView bytes) {
  const auto key = PublicKey::decode(bytes);
  if (taken(key)) demand(PublicKey::decode(key->encode()).value() == *key, "a key comes back");
}

void take_request(ByteView bytes) {
  static const PublicKey key = PublicKey::create_ed25519(Bytes(32, 7)).value();
  static_cast<void>(taken(decode_license_request(bytes)));
  demand(!taken(verify_presentation(bytes, key)), "no presentation by a key that nobody has");
}

void take_status_list(ByteView bytes) {
  const auto states = unpack_status_list(bytes);
  if (taken(states)) demand(states->size() <= StatusList::kMaxLicenses, "no list is longer than its bound");
}

void take_text(ByteView bytes) {
  const std::string_view text = as_text(bytes);
  const auto policy = parse_trust_policy(text);
  if (taken(policy)) demand(parse_trust_policy(encode_trust_policy(*policy)).ok(), "a policy comes back");
  const auto memory = parse_verifier_memory(text);
  if (taken(memory)) demand(parse_verifier_memory(encode_verifier_memory(*memory)).ok(), "a memory comes back");
  static_cast<void>(taken(parse_hex(text)));
  static_cast<void>(taken(parse_base64(text)));
  static_cast<void>(taken(parse_base64url(text)));
  static_cast<void>(taken(parse_thumbprint_uri(text)));
}

void take_safetensors(ByteView bytes) {
  static_cast<void>(taken(parse_safetensors(bytes)));
  static_cast<void>(taken(tensor_tree(bytes)));
}

// What is read in other people's messages once their signature held; here before it is looked at.
void take_foreign(ByteView bytes) {
  const auto message = decode_foreign_sign1(bytes);
  if (!taken(message)) return;
  static_cast<void>(taken(certificates_of(*message)));
  if (is_hash_envelope(*message)) static_cast<void>(taken(read_hash_envelope(*message)));
  const auto claims = message->payload ? decode_foreign_cbor(*message->payload) : Result<Cbor>(Cbor());
  if (!taken(claims)) return;
  if (const Cbor* list = claims->find(65533)) static_cast<void>(taken(StatusBits::read(*list)));
  std::vector<Bytes> disclosures;
  const Cbor* shown = message->unprotected.find(cose::kSdClaims);
  for (const Cbor& item : shown && shown->as_array() ? *shown->as_array() : CborArray{})
    if (item.as_bytes()) disclosures.push_back(*item.as_bytes());
  const auto revealed = reveal_claims(*claims, disclosures);
  if (taken(revealed)) demand(revealed->as_map() != nullptr, "claims stay a map");
}

void take_certificate(ByteView bytes) {
  static_cast<void>(taken(certificate_key(bytes)));
  static_cast<void>(taken(read_certificates(bytes)));
  demand(!taken(verify_chain({to_bytes(bytes)}, {}, 1800000000)), "no certificate leads to a root that nobody named");
}

void take_time(ByteView bytes) {
  static const Bytes request = encode_time_request(as_bytes("content"), Bytes(16, 0x40));
  demand(!taken(verify_time_token(bytes, as_bytes("content"), {})), "no token by an authority that nobody named");
  static_cast<void>(taken(read_time_response(bytes, request)));
  static_cast<void>(taken(read_time_response(bytes, bytes)));
}

}  // namespace

const std::vector<Decoder>& decoders() {
  static const std::vector<Decoder> all = {
      {"cbor", take_cbor},           {"sign1", take_sign1},
      {"statement", take_statement}, {"claims", take_claims},
      {"bundle", take_bundle},       {"receipt", take_receipt},
      {"note", take_note},           {"key", take_key},
      {"request", take_request},     {"status-list", take_status_list},
      {"text", take_text},           {"safetensors", take_safetensors},
      {"foreign", take_foreign},     {"certificate", take_certificate},
      {"time", take_time},
  };
  return all;
}

}  // namespace stegpass::credential::fuzz
