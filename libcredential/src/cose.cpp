#include <stegpass/credential/cose.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <tuple>

namespace stegpass::credential {
namespace {

enum class Origin { ours, foreign };

// The labels whose meaning we act on, and so the only ones that `crit` may name.
constexpr std::array kProcessed = {cose::kAlg, cose::kContentType, cose::kKid, cose::kCwtClaims, cose::kTyp, cose::kVds};

Error bad(std::string detail) { return {Errc::malformed, "cose: " + std::move(detail)}; }

Result<Cbor> decode_item(ByteView bytes, Origin origin) {
  return origin == Origin::ours ? decode_cbor(bytes) : decode_foreign_cbor(bytes);
}

Result<const CborArray*> message_parts(const Cbor& item, Origin origin) {
  const Cbor::Tag* tag = item.as_tag();
  if (tag != nullptr && tag->number != cose::kSign1Tag) return bad("tag " + std::to_string(tag->number) + ", expected 18");
  if (tag == nullptr && origin == Origin::ours) return bad("message without tag 18");
  const CborArray* parts = (tag != nullptr ? tag->content : item).as_array();
  if (parts == nullptr || parts->size() != 4) return bad("message is not an array of four");
  return parts;
}

Result<Cbor> read_protected(const Bytes& bytes, Origin origin) {
  if (bytes.empty()) return Cbor::map({});
  STEGPASS_TRY(header, decode_item(bytes, origin));
  if (header.as_map() == nullptr) return bad("protected header is not a map");
  if (header.as_map()->empty() && origin == Origin::ours) return bad("empty protected header not written as an empty string");
  return std::move(header);
}

bool is_label(const Cbor& label) {
  std::int64_t number = 0;
  return label.as_text() != nullptr || label.as_integer(number);
}

bool has_label(const CborMap& header, const Cbor& label) {
  return std::any_of(header.begin(), header.end(), [&](const auto& pair) { return pair.first == label; });
}

Status check_labels(const CborMap& protected_header, const CborMap& unprotected) {
  for (const CborMap* header : {&protected_header, &unprotected}) {
    for (const auto& [label, value] : *header) {
      if (!is_label(label)) return bad("label " + cbor_diagnostic(label) + " is neither an integer nor text");
    }
  }
  for (const auto& [label, value] : unprotected) {
    if (has_label(protected_header, label)) return bad("label " + cbor_diagnostic(label) + " in both headers");
  }
  return Done{};
}

Status check_crit(const Sign1& message) {
  if (message.unprotected.find(cose::kCrit) != nullptr) return bad("crit in the unprotected header");
  const Cbor* crit = message.protected_header.find(cose::kCrit);
  if (crit == nullptr) return Done{};
  if (crit->as_array() == nullptr || crit->as_array()->empty()) return bad("crit is not a list of labels");
  for (const Cbor& label : *crit->as_array()) {
    if (!is_label(label)) return bad("crit names " + cbor_diagnostic(label) + ", which is no label");
    std::int64_t number = 0;
    const bool processed =
        label.as_integer(number) && std::find(kProcessed.begin(), kProcessed.end(), number) != kProcessed.end();
    if (!processed) return Error{Errc::unsupported, "cose: crit names label " + cbor_diagnostic(label)};
    if (!has_label(*message.protected_header.as_map(), label)) return bad("crit names an absent label");
  }
  return Done{};
}

Result<Sign1> read_message(ByteView bytes, Origin origin) {
  STEGPASS_TRY(item, decode_item(bytes, origin));
  STEGPASS_TRY(parts, message_parts(item, origin));
  const auto& [head, unprotected, payload, signature] = std::tie((*parts)[0], (*parts)[1], (*parts)[2], (*parts)[3]);
  if (head.as_bytes() == nullptr) return bad("protected header is not a byte string");
  if (unprotected.as_map() == nullptr) return bad("unprotected header is not a map");
  if (payload.as_bytes() == nullptr && !payload.is_null()) return bad("payload is neither a byte string nor nil");
  if (signature.as_bytes() == nullptr) return bad("signature is not a byte string");
  STEGPASS_TRY(protected_header, read_protected(*head.as_bytes(), origin));
  STEGPASS_CHECK_OK(check_labels(*protected_header.as_map(), *unprotected.as_map()));
  Sign1 message{*head.as_bytes(), std::move(protected_header), unprotected, {}, *signature.as_bytes()};
  if (message.protected_header.as_map()->empty()) message.protected_bytes.clear();
  if (payload.as_bytes() != nullptr) message.payload = *payload.as_bytes();
  STEGPASS_CHECK_OK(check_crit(message));
  return message;
}

Status check_algorithm(const Sign1& message, const PublicKey& key) {
  const Cbor* alg = message.protected_header.find(cose::kAlg);
  if (alg == nullptr) return bad("no alg in the protected header");
  std::int64_t number = 0;
  if (alg->as_integer(number) && key_type_allows(key.type(), number)) return Done{};
  return Error{Errc::refused, "cose: algorithm " + cbor_diagnostic(*alg) + ", but the key signs with " +
                                  std::to_string(cose_algorithm(key.type()))};
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
  assert(check_labels(protected_header, unprotected));
  Sign1 message;
  message.protected_header = Cbor::map(std::move(protected_header));
  message.protected_bytes = encode_cbor(message.protected_header);
  message.unprotected = Cbor::map(std::move(unprotected));
  message.signature = key.sign(sig_structure(message, payload));
  if (!detached) message.payload = to_bytes(payload);
  return message;
}

Bytes encode_sign1(const Sign1& message) {
  return encode_cbor(Cbor::tag(cose::kSign1Tag, Cbor::array({Cbor::bytes(message.protected_bytes), message.unprotected,
                                                             message.payload ? Cbor::bytes(*message.payload) : Cbor::null(),
                                                             Cbor::bytes(message.signature)})));
}

Result<Sign1> decode_sign1(ByteView bytes) { return read_message(bytes, Origin::ours); }

Result<Sign1> decode_foreign_sign1(ByteView bytes) { return read_message(bytes, Origin::foreign); }

Bytes sig_structure(const Sign1& message, ByteView payload, ByteView external_aad) {
  return encode_cbor(Cbor::array(
      {Cbor::text("Signature1"), Cbor::bytes(message.protected_bytes), Cbor::bytes(external_aad), Cbor::bytes(payload)}));
}

Status verify_sign1(const Sign1& message, const PublicKey& key, std::optional<ByteView> detached_payload, ByteView external_aad) {
  if (message.payload && detached_payload) return bad("payload in the message and beside it");
  if (!message.payload && !detached_payload) return bad("payload neither in the message nor beside it");
  STEGPASS_CHECK_OK(check_algorithm(message, key));
  const ByteView payload = message.payload ? ByteView(*message.payload) : *detached_payload;
  if (key.verify(sig_structure(message, payload, external_aad), message.signature)) return Done{};
  return Error{Errc::malformed, "signature is not by key " + key.thumbprint_uri() + " over these bytes"};
}

}  // namespace stegpass::credential
