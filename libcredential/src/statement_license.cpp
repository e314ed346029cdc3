#include <algorithm>
#include <functional>

#include <stegpass/credential/sd_cwt.hpp>

#include "license_terms.hpp"
#include "statement_body.hpp"

namespace stegpass::credential {
namespace {

constexpr const char* kLicenseClaim = "stegpass.license";
constexpr std::uint64_t kMaxBar = 200'000;

// The claim {"status_list": {"idx", "uri"}} of the status list draft, section 6.3.
std::uint64_t read_status(Fields status, const std::string& uri) {
  Fields list = status.map("status_list");
  const std::uint64_t index = list.number("idx", 0, StatusList::kMaxLicenses - 1);
  list.require(list.text_view("uri") == uri, [&] { return "uri is not " + uri; });
  list.finish();
  status.finish();
  return index;
}

// Hashes of redacted claims and decoys. Ascending, so that their order says nothing of what they are.
std::vector<Digest32> read_personal(Fields& own) {
  const FieldKey key(Cbor::Simple{kRedactedKeys});
  std::vector<Digest32> out;
  if (!own.has(key)) return out;
  for (const CborView item : own.array(key, 1, kMaxPersonalClaims)) {
    const auto hash = item.as_bytes();
    if (!hash || hash->size() != 32) return own.refuse("a redacted claim is not 32 bytes"), out;
    std::copy(hash->begin(), hash->end(), out.emplace_back().begin());
  }
  own.require(std::adjacent_find(out.begin(), out.end(), std::greater_equal<>()) == out.end(), "redacted claims do not ascend");
  return out;
}

CborMap write_personal(const std::vector<Digest32>& personal) {
  CborArray hashes;
  for (const Digest32& hash : personal) hashes.push_back(Cbor::bytes(hash));
  if (hashes.empty()) return {};
  return {field(Cbor::Simple{kRedactedKeys}, Cbor::array(std::move(hashes)))};
}

void read_own(Fields own, License& out) {
  out.registration_id = own.bytes("registration", kIdBytes);
  out.user_passport = own.digest<64>("user-passport");
  out.identity = own.digest<32>("identity");
  out.isn_key = own.digest<32>("isn-key");
  out.reveal_bar_mdb = static_cast<std::uint32_t>(own.number("reveal-bar", 1, kMaxBar));
  out.terms = read_terms(own.map("terms"));
  out.personal = read_personal(own);
  own.finish();
}

}  // namespace

CborMap write_body(const License& body) {
  const Cbor status =
      Cbor::map({field("idx", cbor_number(body.status_index)), field("uri", Cbor::text(status_urn(body.registration_id)))});
  CborMap own = write_personal(body.personal);
  own.push_back(field("registration", Cbor::bytes(body.registration_id)));
  own.push_back(field("user-passport", Cbor::bytes(body.user_passport)));
  own.push_back(field("identity", Cbor::bytes(body.identity)));
  own.push_back(field("isn-key", Cbor::bytes(body.isn_key)));
  own.push_back(field("reveal-bar", cbor_number(body.reveal_bar_mdb)));
  own.push_back(field("terms", write_terms(body.terms)));
  return {field(kExp, cbor_time(body.expires)),
          field(kNbf, cbor_time(body.not_before)),
          field(7, Cbor::bytes(body.id)),
          field(8, confirmation(body.licensee)),
          field(kStatus, Cbor::map({field("status_list", status)})),
          field(kLicenseClaim, Cbor::map(std::move(own)))};
}

std::optional<StatementBody> read_license(Fields& claims) {
  const Bytes id = claims.bytes(7, kIdBytes);
  const std::optional<PublicKey> licensee = claims.confirmation_key(8);
  if (!licensee) return std::nullopt;
  License out{.id = id, .licensee = *licensee};
  out.expires = claims.time(kExp);
  out.not_before = claims.time(kNbf);
  claims.require(out.not_before < out.expires,
                 [&] { return "nbf " + std::to_string(out.not_before) + " is not before exp " + std::to_string(out.expires); });
  read_own(claims.map(kLicenseClaim), out);
  out.status_index = read_status(claims.map(kStatus), status_urn(out.registration_id));
  return out;
}

}  // namespace stegpass::credential
