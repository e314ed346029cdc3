#include <stegpass/credential/request.hpp>

#include <functional>

#include <stegpass/credential/core/text.hpp>

#include "papers_fixture.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {
namespace {

LicenseRequest make_request(const PrivateKey& licensee) {
  return {.licensee = licensee.public_key(),
          .sealing_key = licensee.sealing_public(),
          .registration_id = named_bytes("registration", 16),
          .name = "Licensee 1",
          .identity_picture = named_bytes("picture", 300),
          .issued_at = kNow};
}

Presentation make_presentation() {
  return {.audience = "verifier.example",
          .nonce = named_bytes("nonce", 32),
          .license_id = named_bytes("license", 16),
          .issued_at = kNow};
}

bool request_refused(const std::function<void(LicenseRequest&)>& break_rule) {
  const PrivateKey licensee = named_key("licensee");
  LicenseRequest request = make_request(licensee);
  break_rule(request);
  const Result<Bytes> made = sign_license_request(licensee, request);
  return !made && made.error().code == Errc::usage;
}

bool presentation_refused(const std::function<void(Presentation&)>& break_rule) {
  Presentation presentation = make_presentation();
  break_rule(presentation);
  const Result<Bytes> made = sign_presentation(named_key("licensee"), presentation);
  return !made && made.error().code == Errc::usage;
}

}  // namespace

TEST_CASE("a license request comes back as it was signed") {
  const PrivateKey licensee = named_key("licensee");
  const LicenseRequest wrote = make_request(licensee);
  const LicenseRequest read = decode_license_request(sign_license_request(licensee, wrote).value()).value();
  CHECK(read.licensee == wrote.licensee);
  CHECK(read.sealing_key == wrote.sealing_key);
  CHECK(read.registration_id == wrote.registration_id);
  CHECK(read.name == wrote.name);
  CHECK(read.identity_picture == wrote.identity_picture);
  CHECK(read.issued_at == kNow);
}

TEST_CASE("a license request breaks no rule of its schema") {
  CHECK_FALSE(request_refused([](LicenseRequest&) {}));
  CHECK(request_refused([](LicenseRequest& r) { r.sealing_key.pop_back(); }));
  CHECK(request_refused([](LicenseRequest& r) { r.registration_id.pop_back(); }));
  CHECK(request_refused([](LicenseRequest& r) { r.name = ""; }));
  CHECK(request_refused([](LicenseRequest& r) { r.name = std::string(201, 'a'); }));
  CHECK(request_refused([](LicenseRequest& r) { r.name = "a\x1b[31m"; }));
  CHECK(request_refused([](LicenseRequest& r) { r.identity_picture.clear(); }));
  CHECK(request_refused([](LicenseRequest& r) { r.issued_at = -1; }));
}

TEST_CASE("a request to seal to a point of low order is refused before anything is sealed") {
  for (const std::uint8_t first : {0, 1}) {
    Bytes point(32, 0);
    point[0] = first;
    CHECK(request_refused([&](LicenseRequest& r) { r.sealing_key = point; }));
  }
  CHECK(request_refused([](LicenseRequest& r) {
    r.sealing_key = parse_hex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f").value();
  }));
}

TEST_CASE("an identity picture of over 4 MiB is refused") {
  CHECK_FALSE(request_refused([](LicenseRequest& r) { r.identity_picture.assign(4u << 20, 0); }));
  CHECK(request_refused([](LicenseRequest& r) { r.identity_picture.assign((4u << 20) + 1, 0); }));
}

TEST_CASE("nobody can ask for a license in another's key") {
  CHECK(request_refused([](LicenseRequest& r) { r.licensee = named_key("stranger").public_key(); }));
}

TEST_CASE("no single-bit flip of a license request is read") {
  const PrivateKey licensee = named_key("licensee");
  const Bytes bytes = sign_license_request(licensee, make_request(licensee)).value();
  std::size_t passed = 0;
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    passed += decode_license_request(flipped).ok();
  }
  CHECK(passed == 0);
}

TEST_CASE("every truncation of a license request is refused") {
  const PrivateKey licensee = named_key("licensee");
  const Bytes bytes = sign_license_request(licensee, make_request(licensee)).value();
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(decode_license_request(ByteView(bytes).first(size)).ok());
}

TEST_CASE("a request, a presentation and a statement are not taken for one another") {
  const Office office;
  const Bytes request = sign_license_request(office.licensee, make_request(office.licensee)).value();
  const Bytes presentation = sign_presentation(office.licensee, make_presentation()).value();
  const Bytes license = Office::sign(office.owner, office.license, kNow).entry();
  CHECK(Statement::decode(request).error().code == Errc::unsupported);
  CHECK(Statement::decode(presentation).error().code == Errc::unsupported);
  CHECK(decode_license_request(presentation).error().code == Errc::malformed);
  CHECK(decode_license_request(license).error().code == Errc::malformed);
  CHECK(verify_presentation(request, office.licensee.public_key()).error().code == Errc::malformed);
  CHECK(verify_presentation(license, office.owner.public_key()).error().code == Errc::malformed);
}

TEST_CASE("a license delivery opens with the licensee's key") {
  Office office;
  const LicenseDelivery wrote{office.issue().statements[2], named_bytes("user passport", 5000)};
  const Bytes sealed = seal_license_delivery(office.licensee.sealing_public(), wrote);
  const LicenseDelivery read = open_license_delivery(office.licensee, sealed).value();
  CHECK(read.license == wrote.license);
  CHECK(read.user_passport == wrote.user_passport);
}

TEST_CASE("a license delivery to another key stays locked") {
  Office office;
  const Bytes sealed = seal_license_delivery(office.licensee.sealing_public(), {office.issue().statements[2], Bytes{1}});
  CHECK(open_license_delivery(named_key("stranger"), sealed).error().code == Errc::locked);
}

TEST_CASE("a license delivery with another licensee's license is refused") {
  Office office;
  const PrivateKey other = named_key("other licensee");
  const Bytes sealed = seal_license_delivery(other.sealing_public(), {office.issue().statements[2], Bytes{1}});
  CHECK(open_license_delivery(other, sealed).error().code == Errc::refused);
}

TEST_CASE("a license delivery with another statement than a license is malformed") {
  Office office;
  const Bytes sealed = seal_license_delivery(office.licensee.sealing_public(), {office.issue().statements[1], Bytes{1}});
  CHECK(open_license_delivery(office.licensee, sealed).error().code == Errc::malformed);
}

TEST_CASE("a changed license delivery does not open") {
  Office office;
  const Bytes sealed = seal_license_delivery(office.licensee.sealing_public(), {office.issue().statements[2], Bytes{1}});
  for (std::size_t i = 0; i < sealed.size(); i += 7) {
    Bytes changed = sealed;
    changed[i] ^= 0x10;
    CHECK_FALSE(open_license_delivery(office.licensee, changed).ok());
  }
}

TEST_CASE("a license delivery of another version is unsupported") {
  const Office office;
  const Bytes other = encode_cbor(Cbor::array({Cbor::text("stegpass.license-delivery.v2"), Cbor::bytes(Bytes(100))}));
  CHECK(open_license_delivery(office.licensee, other).error().code == Errc::unsupported);
}

TEST_CASE("a presentation comes back as it was signed") {
  const PrivateKey licensee = named_key("licensee");
  const Presentation wrote = make_presentation();
  const Presentation read = verify_presentation(sign_presentation(licensee, wrote).value(), licensee.public_key()).value();
  CHECK(read.audience == wrote.audience);
  CHECK(read.nonce == wrote.nonce);
  CHECK(read.license_id == wrote.license_id);
  CHECK(read.issued_at == wrote.issued_at);
}

TEST_CASE("a presentation breaks no rule of its schema") {
  CHECK_FALSE(presentation_refused([](Presentation&) {}));
  CHECK(presentation_refused([](Presentation& p) { p.audience = ""; }));
  CHECK(presentation_refused([](Presentation& p) { p.audience = std::string(1001, 'a'); }));
  CHECK(presentation_refused([](Presentation& p) { p.nonce.clear(); }));
  CHECK(presentation_refused([](Presentation& p) { p.nonce.assign(65, 0); }));
  CHECK(presentation_refused([](Presentation& p) { p.license_id.pop_back(); }));
}

TEST_CASE("a presentation by another key than the licensee's does not verify") {
  const Bytes bytes = sign_presentation(named_key("stranger"), make_presentation()).value();
  CHECK(verify_presentation(bytes, named_key("licensee").public_key()).error().code == Errc::malformed);
}

TEST_CASE("no single-bit flip of a presentation verifies") {
  const PrivateKey licensee = named_key("licensee");
  const Bytes bytes = sign_presentation(licensee, make_presentation()).value();
  std::size_t passed = 0;
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    passed += verify_presentation(flipped, licensee.public_key()).ok();
  }
  CHECK(passed == 0);
}

}  // namespace stegpass::credential::testing
