#include <stegpass/credential/certificate.hpp>

#include <fstream>
#include <iterator>

#include <stegpass/credential/hash_envelope.hpp>

#include "helpers.hpp"
#include "papers_fixture.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::credential::testing;
using namespace stegpass::test;

namespace {

Bytes file(const std::string& name) {
  std::ifstream in(STEGPASS_SOURCE_DIR "/tests/credential/certificates/" + name, std::ios::binary);
  return to_bytes(std::string_view(std::string(std::istreambuf_iterator<char>(in), {})));
}
std::vector<Bytes> chain(const std::string& name) { return require_ok(read_certificates(file(name))); }
std::vector<TrustedRoot> roots(const std::string& name = "root.pem") { return {{"test", chain(name).front()}}; }

Cbor sha256_x5t(const Bytes& certificate) { return Cbor::array({num(-16), bin(fast_sha256(certificate))}); }

/// A message by the owner with these headers.
Sign1 signed_with(CborMap protected_header, CborMap unprotected = {}) {
  return require_ok(decode_foreign_sign1(
      encode_sign1(sign_sign1(named_key("owner"), std::move(protected_header), std::move(unprotected), as_bytes("payload")))));
}

}  // namespace

TEST_CASE("a chain that leads to a trusted root gives the leaf's key and both names") {
  const CertifiedKey certified = require_ok(verify_chain(chain("owner-chain.pem"), roots(), kNow));
  CHECK(certified.key == named_key("owner").public_key());
  CHECK(certified.subject == "CN=owner");
  CHECK(certified.root == "test");
}

TEST_CASE("chains that are not trusted, have ended, lack a link or are not for signing are refused") {
  check_refused(verify_chain(chain("owner-chain.pem"), roots("other-root.pem"), kNow), Errc::refused, "certificate of CN=owner");
  check_refused(verify_chain(chain("owner-chain.pem"), {}, kNow), Errc::refused, "certificate of CN=owner");
  check_refused(verify_chain(chain("expired-chain.pem"), roots(), kNow), Errc::refused, "expired");
  check_refused(verify_chain({chain("owner-chain.pem").front()}, roots(), kNow), Errc::refused, "issuer");
  check_refused(verify_chain(chain("encipher-chain.pem"), roots(), kNow), Errc::refused, "key usage");
  CHECK(verify_chain(chain("expired-chain.pem"), roots(), 1'600'000'000).ok());
}

TEST_CASE("a certificate with a changed byte is not trusted") {
  std::vector<Bytes> changed = chain("owner-chain.pem");
  for (std::size_t at = 0; at < changed.front().size(); ++at) {
    changed.front()[at] ^= 1;
    INFO("byte " << at);
    CHECK_FALSE(verify_chain(changed, roots(), kNow).ok());
    changed.front()[at] ^= 1;
  }
  CHECK(verify_chain(changed, roots(), kNow).ok());
}

TEST_CASE("certificates that are none, end early, or have an RSA key are refused by name") {
  const Bytes whole = chain("root.pem").front();
  check_refused(check_certificate(Bytes{}), Errc::malformed, "X.509");
  for (std::size_t size = 0; size < whole.size(); ++size) CHECK_FALSE(check_certificate(ByteView(whole).first(size)).ok());
  Bytes longer = whole;
  longer.push_back(0);
  check_refused(check_certificate(longer), Errc::malformed, "after it");
  check_refused(check_certificate(Bytes(70'000, 0x30)), Errc::malformed, "64 KiB");
  check_refused(certificate_key(chain("rsa.pem").front()), Errc::unsupported, "RSA");
  check_refused(read_certificates(as_bytes("no certificate")), Errc::malformed, "X.509");
}

TEST_CASE("a message verifies by its certificate when something that is signed names it") {
  const auto papers = chain("owner-chain.pem");
  const Cbor x5chain = encode_x5chain(papers);
  CHECK(verify_certified(signed_with({{num(33), x5chain}}), roots(), kNow).ok());
  CHECK(verify_certified(signed_with({{num(34), sha256_x5t(papers.front())}}, {{num(33), x5chain}}), roots(), kNow).ok());
  CHECK(verify_certified(signed_with({{num(4), bin(named_key("owner").public_key().thumbprint())}}, {{num(33), x5chain}}),
                         roots(), kNow)
            .ok());
  check_refused(verify_certified(signed_with({}, {{num(33), x5chain}}), roots(), kNow), Errc::refused,
                "nothing that is signed names it");
  check_refused(verify_certified(signed_with({}), roots(), kNow), Errc::not_found, "x5chain");
}

TEST_CASE("an x5t of another certificate, another hash, and a chain of the wrong shape are refused") {
  const auto papers = chain("owner-chain.pem");
  const auto judged = [&](CborMap header) { return verify_certified(signed_with(std::move(header)), roots(), kNow); };
  check_refused(judged({{num(33), encode_x5chain(papers)}, {num(34), sha256_x5t(papers.back())}}), Errc::malformed,
                "x5t names another");
  check_refused(judged({{num(33), encode_x5chain(papers)}, {num(34), Cbor::array({num(-15), bin(Bytes(8))})}}), Errc::unsupported,
                "-15");
  check_refused(judged({{num(33), Cbor::array({bin(papers.front())})}}), Errc::malformed, "x5chain");
  check_refused(judged({{num(33), Cbor::array({bin(papers.front()), num(1)})}}), Errc::malformed, "not a byte string");
  check_refused(judged({{num(33), txt("chain")}}), Errc::malformed, "x5chain");
}

TEST_CASE("a certificate of another key than the signer's does not verify the message") {
  const auto message = require_ok(decode_foreign_sign1(
      encode_sign1(sign_sign1(named_key("somebody"), {{num(33), encode_x5chain(chain("owner-chain.pem"))}}, {}, Bytes{1}))));
  check_refused(verify_certified(message, roots(), kNow), Errc::malformed, "signature");
}

TEST_CASE("a registration with its owner's certificate is trusted under the policy's root, and by the same key alone") {
  Office office;
  const auto sign = [&](const std::string& papers) {
    return sign_statement(office.owner, office.registration, office.issued_at, chain(papers));
  };
  const std::vector<Statement> statements = {
      Office::sign(office.log.key, office.policy_body, office.issued_at), require_ok(sign("owner-chain.pem")),
      Office::sign(office.owner, office.license, office.issued_at), Office::sign(office.owner, office.status, office.status_at)};
  const Bytes bundle = encode_bundle(office.pack(statements));
  TrustPolicy policy = office.policy();
  policy.issuers.clear();
  check_only(verify_papers(bundle, policy, {.now = kNow}), {"registration.issuer"}, Outcome::undecided);
  policy.certifiers = roots("other-root.pem");
  check_only(verify_papers(bundle, policy, {.now = kNow}), {"registration.issuer"}, Outcome::undecided);
  policy.certifiers = roots();
  const PaperVerdict papers = verify_papers(bundle, policy, {.now = kNow});
  check_only(papers, {}, Outcome::valid);
  CHECK(detail_of(papers, "registration.issuer").find("CN=owner under root test") != std::string::npos);
  check_refused(sign("rsa.pem"), Errc::usage, "RSA");
  office.owner = named_key("somebody");
  office.registration.owner = office.owner.public_key();
  check_refused(sign("owner-chain.pem"), Errc::usage, "not the signer");
}

TEST_CASE("no other statement than a registration may carry certificates") {
  Office office;
  check_refused(sign_statement(office.owner, office.license, office.issued_at, chain("owner-chain.pem")), Errc::usage,
                "unknown key 33");
}

TEST_CASE("policy lines x509 and time come back as they were written, and hold one certificate each") {
  TrustPolicy wrote = Office().policy();
  wrote.certifiers = roots(), wrote.time_roots = roots("other-root.pem");
  const TrustPolicy read = require_ok(parse_trust_policy(encode_trust_policy(wrote)));
  CHECK(read.certifiers == wrote.certifiers);
  CHECK(read.time_roots == wrote.time_roots);
  check_refused(parse_trust_policy("x509 name AAAA"), Errc::malformed, "X.509");
  check_refused(parse_trust_policy("x509 name"), Errc::malformed, "expected: x509");
  check_refused(parse_trust_policy("time name *"), Errc::malformed);
  const std::string line = encode_trust_policy(wrote).substr(encode_trust_policy(wrote).find("x509 "));
  check_refused(parse_trust_policy(line.substr(0, line.find('\n') + 1) + line), Errc::malformed, "twice");
}

TEST_CASE("a hash envelope comes back as it was signed and knows its content") {
  const PrivateKey key = named_key("owner");
  const HashEnvelope wrote{HashAlgorithm::sha256, to_bytes(fast_sha256(as_bytes("content"))), "video/mp4",
                           "https://example.org/a.mp4"};
  const Sign1 message = require_ok(decode_sign1(encode_sign1(sign_hash_envelope(key, wrote, kNow))));
  CHECK(verify_sign1(message, key.public_key()).ok());
  CHECK(is_hash_envelope(message));
  const HashEnvelope read = require_ok(read_hash_envelope(message));
  CHECK(read.digest == wrote.digest);
  CHECK(read.preimage_type == "video/mp4");
  CHECK(read.location == "https://example.org/a.mp4");
  CHECK(check_preimage(read, as_bytes("content")).ok());
  check_refused(check_preimage(read, as_bytes("Content")), Errc::malformed, "digest is");
}

TEST_CASE("hash envelopes take SHA-256, -384 and -512 with a digest of their length, and nothing in the wrong header") {
  const auto judged = [](CborMap header, std::size_t payload, CborMap unprotected = {}) {
    return read_hash_envelope(sign_sign1(named_key("owner"), std::move(header), std::move(unprotected), Bytes(payload)));
  };
  CHECK(judged({{num(258), num(-16)}}, 32).ok());
  CHECK(judged({{num(258), num(-43)}, {num(259), num(50)}}, 48).ok());
  CHECK(judged({{num(258), num(-44)}}, 64).ok());
  check_refused(judged({{num(258), num(-16)}}, 31), Errc::malformed, "32 bytes");
  check_refused(judged({{num(258), num(-15)}}, 8), Errc::unsupported, "-15");
  check_refused(judged({}, 32), Errc::malformed, "258");
  check_refused(judged({{num(258), num(-16)}, {num(3), txt("text/plain")}}, 32), Errc::malformed, "label 3");
  check_refused(judged({{num(258), num(-16)}}, 32, {{num(259), txt("text/plain")}}), Errc::malformed, "unprotected");
  check_refused(judged({{num(258), num(-16)}, {num(260), txt("a\nb")}}, 32), Errc::malformed, "260");
}
