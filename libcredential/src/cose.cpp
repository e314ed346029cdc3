#include <stegpass/credential/cose.hpp>

#include <algorithm>
#include <array>
#include <cassert>

#include "cbor_heads.hpp"
#include "cose_view.hpp"

namespace stegpass::credential {
namespace {

// The labels whose meaning we act on, and so the only ones that `crit` may name.
constexpr std::array kProcessed = {cose::kAlg, cose::kContentType, cose::kKid, cose::kCwtClaims, cose::kTyp, cose::kVds};

Error bad(std::string detail) { return {Errc::malformed, "cose: " + std::move(detail)}; }

std::string shown(CborView item) { return cbor_diagnostic(item.to_cbor()); }

// The array of four in a message.
Result<CborElements> message_parts(CborView item, bool tag_is_optional) {
  const auto tag = item.as_tag();
  if (tag && tag->first != cose::kSign1Tag) return bad("tag " + std::to_string(tag->first) + ", expected 18");
  if (!tag && !tag_is_optional) return bad("message without tag 18");
  const auto parts = (tag ? tag->second : item).as_array();
  if (!parts || parts->size() != 4) return bad("message is not an array of four");
  if (!(*parts)[0].as_bytes()) return bad("protected header is not a byte string");
  if (!(*parts)[1].as_map()) return bad("unprotected header is not a map");
  if (!(*parts)[2].as_bytes() && !(*parts)[2].is_null()) return bad("payload is neither a byte string nor nil");
  if (!(*parts)[3].as_bytes()) return bad("signature is not a byte string");
  return *parts;
}

bool is_label(CborView label) { return label.as_text() || label.as_integer(); }

// Requires a label.
bool has_label(CborView header, CborView label) {
  return (label.as_text() ? header.find(*label.as_text()) : header.find(*label.as_integer())).has_value();
}

// A label is looked for in both headers one by one, before anything is known to be signed.
constexpr std::size_t kMaxLabels = 64;

Status check_labels(CborView protected_header, CborView unprotected) {
  for (const CborView header : {protected_header, unprotected}) {
    if (header.pairs().size() > kMaxLabels) return bad("over 64 labels in a header");
    for (const auto& [label, value] : header.pairs()) {
      if (!is_label(label)) return bad("label " + shown(label) + " is neither an integer nor text");
    }
  }
  for (const auto& [label, value] : unprotected.pairs()) {
    if (has_label(protected_header, label)) return bad("label " + shown(label) + " in both headers");
  }
  return Done{};
}

Status check_crit(CborView protected_header, CborView unprotected) {
  if (unprotected.find(cose::kCrit)) return bad("crit in the unprotected header");
  const auto crit = protected_header.find(cose::kCrit);
  if (!crit) return Done{};
  if (!crit->as_array() || crit->as_array()->empty()) return bad("crit is not a list of labels");
  for (const CborView label : crit->elements()) {
    if (!is_label(label)) return bad("crit names " + shown(label) + ", which is no label");
    const auto number = label.as_integer();
    const bool processed = number && std::find(kProcessed.begin(), kProcessed.end(), *number) != kProcessed.end();
    if (!processed) return Error{Errc::unsupported, "cose: crit names label " + shown(label)};
    if (!has_label(protected_header, label)) return bad("crit names an absent label");
  }
  return Done{};
}

Error wrong_algorithm(const std::string& found, const PublicKey& key) {
  return {Errc::refused, "cose: algorithm " + found + ", but the key signs with " + std::to_string(cose_algorithm(key.type()))};
}

// Sig_structure (RFC 9052 section 4.4), written as it is encoded: an array of four, the first the text "Signature1".
Bytes sig_structure_of(ByteView protected_bytes, ByteView external_aad, ByteView payload) {
  Bytes out;
  out.reserve(12 + 3 * 9 + protected_bytes.size() + external_aad.size() + payload.size());
  out.push_back(0x84);
  append_cbor_text(out, "Signature1");
  for (const ByteView part : {protected_bytes, external_aad, payload}) append_cbor_bytes(out, part);
  return out;
}

}  // namespace

std::int64_t cose_algorithm(KeyType type) {
  constexpr std::array numbers = {cose::kEd25519, cose::kEsp256, cose::kEsp384, cose::kMlDsa44, cose::kMlDsa65, cose::kMlDsa87};
  return numbers[static_cast<std::size_t>(type)];
}

bool key_type_allows(KeyType type, std::int64_t algorithm) {
  if (algorithm == cose_algorithm(type)) return true;
  return (type == KeyType::ed25519 && algorithm == cose::kEdDsa) || (type == KeyType::p256 && algorithm == cose::kEs256) ||
         (type == KeyType::p384 && algorithm == cose::kEs384);
}

Sign1 sign_sign1(const PrivateKey& key, CborMap protected_header, CborMap unprotected, ByteView payload, bool detached) {
  protected_header.emplace_back(Cbor::integer(cose::kAlg), Cbor::integer(cose_algorithm(key.public_key().type())));
  Sign1 message;
  message.protected_header = Cbor::map(std::move(protected_header));
  message.protected_bytes = encode_cbor(message.protected_header);
  message.unprotected = Cbor::map(std::move(unprotected));
  assert(check_labels(CborDocument(message.protected_header).root(), CborDocument(message.unprotected).root()));
  message.signature = key.sign(sig_structure(message, payload));
  if (!detached) message.payload = to_bytes(payload);
  return message;
}

Bytes encode_sign1(const Sign1& message) {
  return encode_cbor(Cbor::tag(cose::kSign1Tag, Cbor::array({Cbor::bytes(message.protected_bytes), message.unprotected,
                                                             message.payload ? Cbor::bytes(*message.payload) : Cbor::null(),
                                                             Cbor::bytes(message.signature)})));
}

Result<Sign1View> Sign1View::read(ByteView bytes, Origin origin) {
  const bool ours = origin == Origin::ours;
  const auto read_item = ours ? CborDocument::read : CborDocument::read_foreign;
  STEGPASS_TRY(item, read_item(bytes));
  STEGPASS_TRY(parts, message_parts(item.root(), !ours));
  Sign1View out(std::move(item), parts);
  static const Cbor kEmpty = Cbor::map({});
  out.protected_bytes_ = *parts[0].as_bytes();
  if (out.protected_bytes_.empty()) {
    out.header_.emplace(kEmpty);
  } else {
    STEGPASS_TRY(header, read_item(out.protected_bytes_));
    if (!header.root().as_map()) return bad("protected header is not a map");
    if (header.root().as_map()->empty() && ours) return bad("empty protected header not written as an empty string");
    if (header.root().as_map()->empty()) out.protected_bytes_ = {};
    out.header_ = std::move(header);
  }
  STEGPASS_CHECK_OK(check_labels(out.protected_header(), out.unprotected()));
  STEGPASS_CHECK_OK(check_crit(out.protected_header(), out.unprotected()));
  return out;
}

Result<Sign1View> Sign1View::read(ByteView bytes) { return read(bytes, Origin::ours); }
Result<Sign1View> Sign1View::read_foreign(ByteView bytes) { return read(bytes, Origin::foreign); }

Sign1 Sign1View::to_sign1() const {
  Sign1 out{to_bytes(protected_bytes_), protected_header().to_cbor(), unprotected().to_cbor(), {}, to_bytes(signature())};
  if (payload()) out.payload = to_bytes(*payload());
  return out;
}

Result<Sign1> decode_sign1(ByteView bytes) {
  STEGPASS_TRY(message, Sign1View::read(bytes));
  return message.to_sign1();
}

Result<Sign1> decode_foreign_sign1(ByteView bytes) {
  STEGPASS_TRY(message, Sign1View::read_foreign(bytes));
  return message.to_sign1();
}

Bytes sig_structure(const Sign1& message, ByteView payload, ByteView external_aad) {
  return sig_structure_of(message.protected_bytes, external_aad, payload);
}

Status verify_parts(const SignedParts& parts, const PublicKey& key) {
  if (!key_type_allows(key.type(), parts.algorithm)) return wrong_algorithm(std::to_string(parts.algorithm), key);
  if (key.verify(sig_structure_of(parts.protected_bytes, parts.external_aad, parts.payload), parts.signature)) return Done{};
  return Error{Errc::malformed, "signature is not by key " + key.thumbprint_uri() + " over these bytes"};
}

Status verify_sign1(const Sign1& message, const PublicKey& key, std::optional<ByteView> detached_payload, ByteView external_aad) {
  if (message.payload && detached_payload) return bad("payload in the message and beside it");
  if (!message.payload && !detached_payload) return bad("payload neither in the message nor beside it");
  const Cbor* alg = message.protected_header.find(cose::kAlg);
  if (alg == nullptr) return bad("no alg in the protected header");
  std::int64_t algorithm = 0;
  if (!alg->as_integer(algorithm)) return wrong_algorithm(cbor_diagnostic(*alg), key);
  const ByteView payload = message.payload ? ByteView(*message.payload) : *detached_payload;
  return verify_parts({algorithm, message.protected_bytes, external_aad, payload, message.signature}, key);
}

}  // namespace stegpass::credential
