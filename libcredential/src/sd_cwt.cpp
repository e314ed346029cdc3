#include <stegpass/credential/sd_cwt.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <map>

#include <stegpass/credential/crypto.hpp>

namespace stegpass::credential {
namespace {

constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxDisclosures = 10'000;
constexpr std::int64_t kSdAlg = 170, kAeadClaims = 171, kKcwt = 13, kSha256 = -16, kSdCwtType = 293, kKeyBindingType = 294;
constexpr std::uint64_t kToBeRedactedTag = 58, kToBeDecoyTag = 62;
constexpr std::array<std::int64_t, 8> kNeverRedacted = {1, 3, 4, 5, 6, 7, 8, 39};

Error bad(std::string detail) { return {Errc::malformed, "sd-cwt: " + std::move(detail)}; }

// A disclosure, decoded; `used` once a hash was found that it opens.
struct Opened {
  Cbor parts;
  bool used = false;
};

Result<Opened> read_disclosure(const Bytes& bytes) {
  STEGPASS_TRY(item, decode_foreign_cbor(bytes));
  const CborArray* parts = item.as_array();
  if (!parts || parts->empty() || parts->size() > 3) return bad("a disclosure is not an array of one to three");
  const Bytes* salt = parts->front().as_bytes();
  if (!salt || salt->size() != kDisclosureSaltBytes) return bad("a disclosure's salt is not 16 bytes");
  return Opened{std::move(item)};
}

// Puts disclosed claims in the place of their hashes, from the outside in, since what is disclosed may hold hashes again.
class Revealer {
 public:
  Status add(const Bytes& disclosure) {
    STEGPASS_TRY(opened, read_disclosure(disclosure));
    if (!by_hash_.emplace(redacted_hash(disclosure), std::move(opened)).second) return bad("a disclosure is there twice");
    return Done{};
  }

  Result<Cbor> reveal(const Cbor& item, int depth) {
    if (depth > kMaxDepth) return bad("nesting over 16");
    if (item.as_map()) return reveal_map(*item.as_map(), depth);
    if (item.as_array()) return reveal_array(*item.as_array(), depth);
    if (const Cbor::Tag* tag = item.as_tag()) {
      if (tag->number == kToBeRedactedTag || tag->number == kToBeDecoyTag)
        return bad("a tag that only issuers use among themselves");
      if (tag->number == kRedactedElementTag) return bad("a redacted element outside an array");
    }
    return item;
  }

  bool all_used() const {
    return std::all_of(by_hash_.begin(), by_hash_.end(), [](const auto& entry) { return entry.second.used; });
  }

 private:
  // The disclosure of a hash; null when it is withheld.
  Result<const CborArray*> open(const Cbor& hash) {
    const Bytes* bytes = hash.as_bytes();
    Digest32 digest;
    if (!bytes || bytes->size() != digest.size()) return bad("a redacted claim's hash is not 32 bytes");
    std::copy(bytes->begin(), bytes->end(), digest.begin());
    const auto found = by_hash_.find(digest);
    if (found == by_hash_.end()) return static_cast<const CborArray*>(nullptr);
    if (found->second.used) return bad("one hash stands twice");
    found->second.used = true;
    return found->second.parts.as_array();
  }

  Status reveal_keys(const Cbor& hashes, CborMap& out, int depth) {
    if (!hashes.as_array()) return bad("redacted claim keys are not an array");
    for (const Cbor& hash : *hashes.as_array()) {
      STEGPASS_TRY(parts, open(hash));
      if (!parts || parts->size() == 1) continue;  // withheld, or a decoy
      if (parts->size() != 3) return bad("an array element's disclosure opens a map's claim");
      STEGPASS_CHECK_OK(check_key((*parts)[2], out, depth));
      STEGPASS_TRY(value, reveal((*parts)[1], depth + 1));
      out.emplace_back((*parts)[2], std::move(value));
    }
    return Done{};
  }

  static Status check_key(const Cbor& key, const CborMap& out, int depth) {
    std::int64_t number = 0;
    if (!key.as_text() && !key.as_integer(number)) return bad("a disclosed key is neither an integer nor text");
    const bool top = depth == 0 && !key.as_text();
    if (top && std::find(kNeverRedacted.begin(), kNeverRedacted.end(), number) != kNeverRedacted.end())
      return bad("claim " + std::to_string(number) + " may never be redacted");
    const bool there = std::any_of(out.begin(), out.end(), [&](const auto& pair) { return pair.first == key; });
    return there ? Status(bad("a disclosed key is there already")) : Status(Done{});
  }

  Result<Cbor> reveal_map(const CborMap& map, int depth) {
    CborMap out;
    const Cbor* hashes = nullptr;
    for (const auto& [key, value] : map) {
      if (key.as_simple() && key.as_simple()->value == kRedactedKeys) {
        hashes = &value;
        continue;
      }
      STEGPASS_TRY(inner, reveal(value, depth + 1));
      out.emplace_back(key, std::move(inner));
    }
    if (hashes) STEGPASS_CHECK_OK(reveal_keys(*hashes, out, depth));
    return Cbor::map(std::move(out));
  }

  Result<Cbor> reveal_array(const CborArray& array, int depth) {
    CborArray out;
    for (const Cbor& item : array) {
      const Cbor::Tag* tag = item.as_tag();
      const bool redacted = tag && tag->number == kRedactedElementTag;
      const Cbor* value = &item;
      if (redacted) {
        STEGPASS_TRY(parts, open(tag->content));
        if (!parts || parts->size() == 1) continue;
        if (parts->size() != 2) return bad("a map claim's disclosure opens an array's element");
        value = &(*parts)[1];
      }
      STEGPASS_TRY(inner, reveal(*value, depth + 1));
      out.push_back(std::move(inner));
    }
    return Cbor::array(std::move(out));
  }

  std::map<Digest32, Opened> by_hash_;
};

bool has_type(const Sign1& token, std::int64_t number, std::string_view text) {
  const Cbor* typ = token.protected_header.find(cose::kTyp);
  std::int64_t found = 0;
  return typ && ((typ->as_integer(found) && found == number) || (typ->as_text() && *typ->as_text() == text));
}

Status check_header(const Sign1& token) {
  if (!has_type(token, kSdCwtType, "application/sd-cwt")) return bad("typ is not that of an SD-CWT (293)");
  if (token.protected_header.find(kAeadClaims) || token.unprotected.find(kAeadClaims))
    return Error{Errc::unsupported, "sd-cwt: encrypted disclosures"};
  const Cbor* alg = token.protected_header.find(kSdAlg);
  std::int64_t number = kSha256;
  if (alg && !alg->as_integer(number)) return bad("sd_alg is not a number");
  if (number != kSha256) return Error{Errc::unsupported, "sd-cwt: hash algorithm " + std::to_string(number) + ", expected -16"};
  return Done{};
}

Result<std::vector<Bytes>> read_disclosures(const Sign1& token) {
  std::vector<Bytes> out;
  const Cbor* value = token.unprotected.find(cose::kSdClaims);
  if (!value) return out;
  if (!value->as_array() || value->as_array()->empty() || value->as_array()->size() > kMaxDisclosures)
    return bad("sd_claims is not an array of 1 to 10000");
  for (const Cbor& item : *value->as_array()) {
    if (!item.as_bytes()) return bad("a disclosure is not a byte string");
    out.push_back(*item.as_bytes());
  }
  return out;
}

Result<PublicKey> holder_of(const Cbor& claims) {
  const Cbor* cnf = claims.find(8);
  const Cbor* key = cnf ? cnf->find(1) : nullptr;
  if (!key) return bad("no key in cnf");
  return PublicKey::from_cose_key(*key);
}

// kcwt is the token itself, not a byte string around it.
Result<Sign1> inner_token(const Sign1& binding) {
  const Cbor* item = binding.protected_header.find(kKcwt);
  if (!item) return bad("key binding without the issuer's token (label 13)");
  return decode_foreign_sign1(item->as_bytes() ? *item->as_bytes() : encode_cbor(*item));
}

}  // namespace

Bytes encode_disclosure(ByteView salt, const Cbor& value, const Cbor& key) {
  assert(salt.size() == kDisclosureSaltBytes);
  return encode_cbor(Cbor::array({Cbor::bytes(salt), value, key}));
}

Bytes encode_decoy(ByteView salt) {
  assert(salt.size() == kDisclosureSaltBytes);
  return encode_cbor(Cbor::array({Cbor::bytes(salt)}));
}

Digest32 redacted_hash(ByteView disclosure) { return fast_sha256(encode_cbor(Cbor::bytes(disclosure))); }

Result<Cbor> reveal_claims(const Cbor& claims, const std::vector<Bytes>& disclosures) {
  if (!claims.as_map()) return bad("claims are not a map");
  Revealer revealer;
  for (const Bytes& disclosure : disclosures) STEGPASS_CHECK_OK(revealer.add(disclosure));
  STEGPASS_TRY(out, revealer.reveal(claims, 0));
  if (!revealer.all_used()) return bad("a disclosure opens none of the signed hashes");
  return std::move(out);
}

Result<SdCwt> verify_sd_cwt(const Sign1& token, const PublicKey& issuer) {
  STEGPASS_CHECK_OK(check_header(token));
  STEGPASS_CHECK_OK(verify_sign1(token, issuer));
  STEGPASS_TRY(claims, decode_foreign_cbor(*token.payload));
  STEGPASS_TRY(disclosures, read_disclosures(token));
  STEGPASS_TRY(shown, reveal_claims(claims, disclosures));
  STEGPASS_TRY(holder, holder_of(shown));
  return SdCwt{std::move(shown), std::move(holder)};
}

Result<KeyBinding> verify_key_binding(const Sign1& token, const PublicKey& issuer) {
  if (!has_type(token, kKeyBindingType, "application/kb+cwt")) return bad("typ is not that of a key binding (294)");
  STEGPASS_TRY(inner, inner_token(token));
  STEGPASS_TRY(shown, verify_sd_cwt(inner, issuer));
  STEGPASS_CHECK_OK(verify_sign1(token, shown.holder));
  STEGPASS_TRY(claims, decode_foreign_cbor(*token.payload));
  KeyBinding out{std::move(shown), {}, {}, {}};
  const Cbor *audience = claims.find(3), *issued_at = claims.find(6), *nonce = claims.find(39);
  if (claims.find(1) || claims.find(2)) return bad("key binding with iss or sub");
  if (!audience || !audience->as_text()) return bad("key binding names no audience");
  out.audience = *audience->as_text();
  std::int64_t time = 0;
  if (issued_at && !issued_at->as_integer(time)) return bad("key binding's iat is not an integer");
  if (issued_at) out.issued_at = time;
  if (!issued_at && !claims.find(7)) return bad("key binding has neither iat nor cti");
  if (nonce && nonce->as_bytes()) out.nonce = *nonce->as_bytes();
  return out;
}

}  // namespace stegpass::credential
