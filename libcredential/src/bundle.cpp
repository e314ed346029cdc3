#include <stegpass/credential/bundle.hpp>

#include <algorithm>
#include <array>

#include <stegpass/credential/crypto.hpp>

#include "statement_fields.hpp"

namespace stegpass::credential {
namespace {

constexpr std::string_view kVersion = "stegpass.bundle.v1", kTimedVersion = "stegpass.bundle.v2",
                           kVersionStem = "stegpass.bundle.";
constexpr std::size_t kMaxBundle = std::size_t{64} << 20, kMaxNote = std::size_t{64} << 10, kMaxStatements = 64,
                      kMaxToken = std::size_t{64} << 10, kMaxPassports = 65;
constexpr std::size_t kTailBytes = 34;  // 58 20 and a SHA-256
constexpr std::array<std::string_view, 3> kPurposes = {"public", "verifier", "arbiter"};

Cbor write_seed(const SeedOpening& seed) {
  return Cbor::map({field("salt", Cbor::bytes(seed.salt)), field("seed", Cbor::bytes(seed.seed))});
}

Cbor write_passport(const PassportOpening& passport) {
  return Cbor::map({field("role", Cbor::text(passport.role)), field("seed-salt", Cbor::bytes(passport.seed_salt)),
                    field("seed", write_seed(passport.seed)), field("picture", Cbor::bytes(passport.picture))});
}

Cbor write_disclosures(const Disclosures& disclosures) {
  CborMap out;
  if (const auto& cover = disclosures.cover) out.push_back(field("cover", write_seed(*cover)));
  if (const auto& key = disclosures.isn_key) {
    out.push_back(field("isn-key", Cbor::map({field("salt", Cbor::bytes(key->salt)), field("key", Cbor::bytes(key->key))})));
  }
  if (const auto& identity = disclosures.identity) {
    out.push_back(field(
        "identity", Cbor::map({field("salt", Cbor::bytes(identity->salt)), field("picture", Cbor::bytes(identity->picture))})));
  }
  CborArray passports;
  for (const PassportOpening& passport : disclosures.passports) passports.push_back(write_passport(passport));
  if (!passports.empty()) out.push_back(field("passports", Cbor::array(std::move(passports))));
  return Cbor::map(std::move(out));
}

SeedOpening read_seed(Fields seed) {
  SeedOpening out{seed.bytes("salt", kSaltBytes), seed.bytes("seed", kSeedBytes)};
  seed.finish();
  return out;
}

// "cover", or "reserve-" and a number from 1 without leading zeros.
bool is_role(std::string_view role) {
  if (role == "cover") return true;
  constexpr std::string_view stem = "reserve-";
  if (!role.starts_with(stem) || role.size() > stem.size() + 2) return false;
  role.remove_prefix(stem.size());
  return !role.empty() && role[0] != '0' && std::all_of(role.begin(), role.end(), [](char c) { return c >= '0' && c <= '9'; });
}

PassportOpening read_passport(Fields passport) {
  PassportOpening out;
  out.role = passport.text("role", 16);
  passport.require(is_role(out.role), "role is neither cover nor reserve-N");
  out.seed_salt = passport.bytes("seed-salt", kSaltBytes);
  out.seed = read_seed(passport.map("seed"));
  out.picture = passport.bytes("picture", 1, kMaxBundle);
  passport.finish();
  return out;
}

std::vector<PassportOpening> read_passports(Fields& fields, std::optional<Error>& error) {
  std::vector<PassportOpening> out;
  for (const CborView item : fields.array("passports", 1, kMaxPassports)) {
    out.push_back(read_passport(Fields(item, "disclosures.passports", error)));
    const auto same = [&](const PassportOpening& passport) { return passport.role == out.back().role; };
    fields.require(std::count_if(out.begin(), out.end(), same) == 1, "two passports have one role");
  }
  return out;
}

Disclosures read_disclosures(CborView item, std::optional<Error>& error) {
  Disclosures out;
  Fields fields(item, "disclosures", error);
  if (fields.has("cover")) out.cover = read_seed(fields.map("cover"));
  if (fields.has("isn-key")) {
    Fields key = fields.map("isn-key");
    out.isn_key = KeyOpening{key.bytes("salt", kSaltBytes), key.bytes("key", kSeedBytes)};
    key.finish();
  }
  if (fields.has("identity")) {
    Fields identity = fields.map("identity");
    out.identity = IdentityOpening{identity.bytes("salt", kSaltBytes), identity.bytes("picture", 1, kMaxBundle)};
    identity.finish();
  }
  if (fields.has("passports")) out.passports = read_passports(fields, error);
  fields.finish();
  return out;
}

Status check_tail(ByteView bytes) {
  if (bytes.size() > kMaxBundle) return Error{Errc::malformed, "bundle of over 64 MiB"};
  if (bytes.size() <= kTailBytes)
    return Error{Errc::malformed, "bundle of " + std::to_string(bytes.size()) + " bytes is too short"};
  const ByteView tail = bytes.last(kTailBytes);
  if (tail[0] != 0x58 || tail[1] != 0x20)
    return Error{Errc::malformed, "bundle does not end in a SHA-256: truncated or no bundle"};
  if (!equal_constant_time(fast_sha256(bytes.first(bytes.size() - kTailBytes)), tail.subspan(2))) {
    return Error{Errc::malformed, "bundle's bytes do not give the SHA-256 at its end: changed or truncated"};
  }
  return Done{};
}

Status check_version(CborElements items) {
  const auto version = items.empty() ? std::nullopt : items[0].as_text();
  if (!version || !version->starts_with(kVersionStem))
    return Error{Errc::malformed, "no bundle: does not begin with " + std::string(kVersion)};
  const bool timed = *version == kTimedVersion;
  if (*version != kVersion && !timed)
    return Error{Errc::unsupported, "bundle of another version than " + std::string(kVersion) + " and v2"};
  const std::size_t expected = timed ? 7 : 6;
  if (items.size() != expected) {
    return Error{Errc::malformed, "bundle has " + std::to_string(items.size()) + " items, expected " + std::to_string(expected)};
  }
  return Done{};
}

Result<std::vector<Bytes>> read_statements(CborView item) {
  const auto items = item.as_array();
  if (!items || items->size() > kMaxStatements)
    return Error{Errc::malformed, "bundle: statements are not an array of at most 64"};
  std::vector<Bytes> out;
  for (const CborView statement : *items) {
    if (!statement.as_bytes()) return Error{Errc::malformed, "bundle: a statement is not a byte string"};
    out.push_back(to_bytes(*statement.as_bytes()));
  }
  return out;
}

// What a purpose does not open must not be there.
Status check_purpose(const Bundle& bundle) {
  const Disclosures& open = bundle.disclosures;
  if (bundle.purpose == Purpose::public_ && (open.cover || open.isn_key || open.identity || !open.passports.empty())) {
    return Error{Errc::malformed, "bundle: a public one opens something"};
  }
  if (bundle.purpose == Purpose::verifier && !open.passports.empty()) {
    return Error{Errc::malformed, "bundle: a verifier's one opens a passport"};
  }
  return Done{};
}

}  // namespace

std::string_view purpose_name(Purpose purpose) { return kPurposes[static_cast<std::size_t>(purpose)]; }

Result<Purpose> parse_purpose(std::string_view name) {
  const auto found = std::find(kPurposes.begin(), kPurposes.end(), name);
  if (found != kPurposes.end()) return static_cast<Purpose>(found - kPurposes.begin());
  return Error{Errc::usage, "purpose \"" + std::string(name) + "\" is none of public, verifier, arbiter"};
}

Bytes encode_bundle(const Bundle& bundle) {
  CborArray statements;
  for (const Bytes& statement : bundle.statements) statements.push_back(Cbor::bytes(statement));
  CborArray items = {Cbor::text(bundle.time_token ? kTimedVersion : kVersion),
                     cbor_number(static_cast<std::uint64_t>(bundle.purpose)), Cbor::text(bundle.checkpoint),
                     Cbor::array(std::move(statements)), write_disclosures(bundle.disclosures)};
  if (bundle.time_token) items.push_back(Cbor::bytes(*bundle.time_token));
  items.push_back(Cbor::bytes(Digest32{}));
  Bytes out = encode_cbor(Cbor::array(std::move(items)));
  out.resize(out.size() - kTailBytes);
  const Digest32 digest = fast_sha256(out);
  append(out, Bytes{0x58, 0x20});
  append(out, digest);
  return out;
}

Result<Bundle> decode_bundle(ByteView bytes) {
  STEGPASS_CHECK_OK(check_tail(bytes));
  STEGPASS_TRY(document, CborDocument::read(bytes));
  if (!document.root().as_array()) return Error{Errc::malformed, "no bundle: not an array"};
  const CborElements items = *document.root().as_array();
  STEGPASS_CHECK_OK(check_version(items));
  const auto digest = items[items.size() - 1].as_bytes();  // and not within a tag, which would be a second encoding
  if (!digest || digest->size() != Digest32{}.size()) return Error{Errc::malformed, "bundle: the last item is not its SHA-256"};
  const auto purpose = items[1].as_unsigned();
  const auto checkpoint = items[2].as_text();
  if (!purpose || *purpose >= kPurposes.size()) return Error{Errc::malformed, "bundle: purpose is none of 0, 1, 2"};
  if (!checkpoint || checkpoint->size() > kMaxNote)
    return Error{Errc::malformed, "bundle: checkpoint is not a text of at most 64 KiB"};
  Bundle out{.purpose = static_cast<Purpose>(*purpose), .checkpoint = std::string(*checkpoint)};
  STEGPASS_TRY(statements, read_statements(items[3]));
  out.statements = std::move(statements);
  std::optional<Error> error;
  out.disclosures = read_disclosures(items[4], error);
  if (error) return *error;
  STEGPASS_CHECK_OK(check_purpose(out));
  if (items.size() == 6) return out;
  const auto token = items[5].as_bytes();
  if (!token || token->empty() || token->size() > kMaxToken)
    return Error{Errc::malformed, "bundle: the timestamp is not 1 byte to 64 KiB"};
  out.time_token = to_bytes(*token);
  return out;
}

}  // namespace stegpass::credential
