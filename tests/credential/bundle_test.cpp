#include <stegpass/credential/bundle.hpp>

#include <algorithm>
#include <functional>
#include <random>

#include "papers_fixture.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {
namespace {

// Puts a fresh SHA-256 at the end, as somebody would who changes a bundle with care.
Bytes resealed(Bytes bytes) {
  const ByteView body = ByteView(bytes).first(bytes.size() - 34);
  const Digest32 digest = sha256(body);
  std::copy(digest.begin(), digest.end(), bytes.end() - 32);
  return bytes;
}

Bytes sealed_array(CborArray items) {
  items.push_back(Cbor::bytes(Digest32{}));
  return resealed(encode_cbor(Cbor::array(std::move(items))));
}

CborArray parts_of(const Bundle& bundle) {
  CborArray items = *decode_cbor(encode_bundle(bundle)).value().as_array();
  items.pop_back();
  return items;
}

bool refused(const std::function<void(CborArray&)>& edit, Errc code = Errc::malformed) {
  Office office;
  CborArray parts = parts_of(office.issue(Purpose::arbiter));
  edit(parts);
  const Result<Bundle> read = decode_bundle(sealed_array(std::move(parts)));
  return !read && read.error().code == code;
}

}  // namespace

TEST_CASE("a bundle of each purpose comes back as it was packed") {
  Office office;
  for (Purpose purpose : {Purpose::public_, Purpose::verifier, Purpose::arbiter}) {
    const Bundle wrote = office.issue(purpose);
    const Bundle read = decode_bundle(encode_bundle(wrote)).value();
    CHECK(read.purpose == purpose);
    CHECK(read.checkpoint == wrote.checkpoint);
    CHECK(read.statements == wrote.statements);
    CHECK(encode_bundle(read) == encode_bundle(wrote));
  }
}

TEST_CASE("a bundle's disclosures come back as they were packed") {
  Office office;
  const Disclosures read = decode_bundle(encode_bundle(office.issue(Purpose::arbiter))).value().disclosures;
  CHECK(read.cover->salt == office.cover.salt);
  CHECK(read.cover->seed == office.cover.seed);
  CHECK(read.isn_key->salt == office.isn_key.salt);
  CHECK(read.isn_key->key == office.isn_key.key);
  CHECK(read.identity->salt == office.identity.salt);
  CHECK(read.identity->picture == office.identity.picture);
  REQUIRE(read.passports.size() == 1);
  CHECK(read.passports[0].role == "reserve-1");
  CHECK(read.passports[0].seed_salt == named_bytes("reserve 1 seed salt", 32));
  CHECK(read.passports[0].seed.seed == office.reserve_1.seed);
  CHECK(read.passports[0].picture == named_bytes("reserve 1 picture", 200));
}

TEST_CASE("a bundle ends in the SHA-256 of all before it") {
  Office office;
  const Bytes bytes = encode_bundle(office.issue());
  const Digest32 digest = sha256(ByteView(bytes).first(bytes.size() - 34));
  CHECK(std::equal(digest.begin(), digest.end(), bytes.end() - 32));
}

TEST_CASE("a bundle whose SHA-256 stands in a tag or in another item is refused: it has one encoding") {
  Office office;
  for (const auto& wrapped : {Cbor::tag(1, Cbor::bytes(Digest32{})), Cbor::array({Cbor::bytes(Digest32{})})}) {
    CborArray items = parts_of(office.issue());
    items.push_back(wrapped);
    CHECK(decode_bundle(resealed(encode_cbor(Cbor::array(std::move(items))))).error().code == Errc::malformed);
  }
}

TEST_CASE("every truncation of a bundle is refused") {
  Office office;
  const Bytes bytes = encode_bundle(office.issue(Purpose::public_));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK(decode_bundle(ByteView(bytes).first(size)).error().code == Errc::malformed);
}

TEST_CASE("a bundle with a byte after it is refused") {
  Office office;
  Bytes bytes = encode_bundle(office.issue());
  bytes.push_back(0);
  CHECK(decode_bundle(bytes).error().code == Errc::malformed);
}

TEST_CASE("a bundle of another version is unsupported, and another array is malformed") {
  CHECK(refused([](CborArray& parts) { parts[0] = Cbor::text("stegpass.bundle.v3"); }, Errc::unsupported));
  CHECK(refused([](CborArray& parts) { parts[0] = Cbor::text("other"); }));
  CHECK(refused([](CborArray& parts) { parts[0] = Cbor::integer(1); }));
}

TEST_CASE("a bundle with an item too many or too few is refused") {
  CHECK(refused([](CborArray& parts) { parts.push_back(Cbor::null()); }));
  CHECK(refused([](CborArray& parts) { parts.pop_back(); }));
}

TEST_CASE("a bundle with an unknown purpose is refused") {
  CHECK(refused([](CborArray& parts) { parts[1] = Cbor::integer(3); }));
  CHECK(refused([](CborArray& parts) { parts[1] = Cbor::text("public"); }));
}

TEST_CASE("a bundle whose checkpoint is no text or over 64 KiB is refused") {
  CHECK(refused([](CborArray& parts) { parts[2] = Cbor::bytes(Bytes{1}); }));
  CHECK(refused([](CborArray& parts) { parts[2] = Cbor::text(std::string((64u << 10) + 1, 'a')); }));
}

TEST_CASE("a bundle with 65 statements or a statement that is no byte string is refused") {
  CHECK(refused([](CborArray& parts) { parts[3] = Cbor::array(CborArray(65, Cbor::bytes(Bytes{1}))); }));
  CHECK(refused([](CborArray& parts) { parts[3] = Cbor::array({Cbor::text("x")}); }));
}

TEST_CASE("an unknown disclosure is refused") {
  CHECK(refused([](CborArray& parts) {
    CborMap disclosures = *parts[4].as_map();
    disclosures.emplace_back(Cbor::text("vault"), Cbor::bytes(Bytes{1}));
    parts[4] = Cbor::map(disclosures);
  }));
}

TEST_CASE("a public bundle opens nothing, and a verifier's one no passport") {
  Office office;
  Bundle bundle = office.issue(Purpose::arbiter);
  bundle.purpose = Purpose::verifier;
  CHECK(decode_bundle(encode_bundle(bundle)).error().code == Errc::malformed);
  bundle.disclosures.passports.clear();
  CHECK(decode_bundle(encode_bundle(bundle)).ok());
  bundle.purpose = Purpose::public_;
  CHECK(decode_bundle(encode_bundle(bundle)).error().code == Errc::malformed);
}

TEST_CASE("salts have 32 bytes, seeds and keys 64") {
  Office office;
  const auto breaks = [&](const std::function<void(Disclosures&)>& edit) {
    Bundle bundle = office.issue(Purpose::arbiter);
    edit(bundle.disclosures);
    return !decode_bundle(encode_bundle(bundle)).ok();
  };
  CHECK(breaks([](Disclosures& d) { d.cover->salt.pop_back(); }));
  CHECK(breaks([](Disclosures& d) { d.cover->seed.pop_back(); }));
  CHECK(breaks([](Disclosures& d) { d.isn_key->key.push_back(0); }));
  CHECK(breaks([](Disclosures& d) { d.identity->picture.clear(); }));
  CHECK(breaks([](Disclosures& d) { d.passports[0].seed_salt.pop_back(); }));
}

TEST_CASE("a passport's role is cover or a reserve's number, each once") {
  Office office;
  const auto takes = [&](const std::string& role) {
    Bundle bundle = office.issue(Purpose::arbiter);
    bundle.disclosures.passports[0].role = role;
    return decode_bundle(encode_bundle(bundle)).ok();
  };
  for (const char* role : {"cover", "reserve-1", "reserve-64"}) CHECK(takes(role));
  for (const char* role : {"reserve", "reserve-", "reserve-0", "reserve-01", "reserve-1x", "reserve-100", "Cover", "user"})
    CHECK_FALSE(takes(role));
  Bundle twice = office.issue(Purpose::arbiter);
  twice.disclosures.passports.push_back(twice.disclosures.passports[0]);
  CHECK_FALSE(decode_bundle(encode_bundle(twice)).ok());
}

TEST_CASE("purposes have names") {
  for (Purpose purpose : {Purpose::public_, Purpose::verifier, Purpose::arbiter})
    CHECK(parse_purpose(purpose_name(purpose)).value() == purpose);
  CHECK(parse_purpose("court").error().code == Errc::usage);
}

TEST_CASE("of a thousand random single-byte changes none is valid, and each is named") {
  Office office;
  const Bytes bytes = encode_bundle(office.issue(Purpose::arbiter));
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    Bytes changed = bytes;
    changed[random() % bytes.size()] ^= static_cast<std::uint8_t>(1 + random() % 255);
    const PaperVerdict papers = verify_papers(changed, office.policy(), {.now = kNow});
    CHECK(papers.verdict.outcome() == Outcome::invalid);
    REQUIRE(papers.verdict.checks().size() == 1);
    CHECK(papers.verdict.checks()[0].code == "bundle.bytes");
  }
}

TEST_CASE("a thousand changes with the SHA-256 made anew are never valid either, each with a named check") {
  Office office;
  const Bytes bytes = encode_bundle(office.issue(Purpose::verifier));
  std::mt19937 random(2);
  for (int i = 0; i < 1000; ++i) {
    Bytes changed = bytes;
    changed[random() % (bytes.size() - 34)] ^= static_cast<std::uint8_t>(1 + random() % 255);
    const PaperVerdict papers = verify_papers(resealed(changed), office.policy(), {.now = kNow});
    CHECK(papers.verdict.outcome() != Outcome::valid);
    const auto& checks = papers.verdict.checks();
    const bool named = std::any_of(checks.begin(), checks.end(), [](const Check& check) {
      return (check.outcome == Outcome::invalid || check.outcome == Outcome::undecided) && !check.code.empty() &&
             !check.detail.empty();
    });
    CHECK(named);
  }
}

}  // namespace stegpass::credential::testing
