// The examples in schemas/*.md are real: made here from fixed keys, and compared with what the pages show.
// With STEGPASS_WRITE_EXAMPLES set in the environment the pages are written anew instead.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/hash_envelope.hpp>
#include <stegpass/credential/request.hpp>
#include <stegpass/credential/timestamp.hpp>

#include "papers_fixture.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {
namespace {

std::string page_path(const std::string& name) { return std::string(STEGPASS_SOURCE_DIR) + "/schemas/" + name + ".md"; }

std::string read_page(const std::string& name) {
  std::ifstream file(page_path(name));
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// Begin and length of what stands between the first fence of a language and its end.
std::pair<std::size_t, std::size_t> find_block(const std::string& page, const std::string& language) {
  const std::string fence = "```" + language + "\n";
  const std::size_t begin = page.find(fence);
  if (begin == std::string::npos) return {0, 0};
  const std::size_t end = page.find("```", begin + fence.size());
  return {begin + fence.size(), end - begin - fence.size()};
}

std::string block(const std::string& page, const std::string& language) {
  const auto [begin, size] = find_block(page, language);
  return page.substr(begin, size);
}

Bytes hex_of(const std::string& page) {
  std::string digits = block(page, "hex");
  std::erase(digits, '\n');
  return parse_hex(digits).value();
}

std::string wrapped_hex(ByteView bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 60)
    out += to_hex(bytes.subspan(at, std::min<std::size_t>(60, bytes.size() - at))) + "\n";
  return out;
}

std::string pretty(const Cbor& item, const std::string& indent = "");

std::string pretty_items(const std::vector<std::string>& items, char open, char close, const std::string& indent) {
  std::string out(1, open);
  for (std::size_t i = 0; i < items.size(); ++i) out += (i == 0 ? "\n" : ",\n") + indent + "  " + items[i];
  return items.empty() ? out + close : out + "\n" + indent + close;
}

std::string pretty_bytes(const Bytes& bytes, const std::string& indent) {
  const Result<Cbor> inside = decode_cbor(bytes);
  const bool holds = inside && (inside->as_map() || inside->as_array() || inside->as_tag());
  return holds ? "<< " + pretty(*inside, indent) + " >>" : cbor_diagnostic(Cbor::bytes(bytes));
}

// Diagnostic notation over several lines, with encoded CBOR in byte strings shown as << ... >>.
std::string pretty(const Cbor& item, const std::string& indent) {
  std::vector<std::string> items;
  if (const CborMap* map = item.as_map()) {
    for (const auto& [key, value] : *map) items.push_back(cbor_diagnostic(key) + ": " + pretty(value, indent + "  "));
    return pretty_items(items, '{', '}', indent);
  }
  if (const CborArray* array = item.as_array()) {
    for (const Cbor& value : *array) items.push_back(pretty(value, indent + "  "));
    return pretty_items(items, '[', ']', indent);
  }
  if (const Cbor::Tag* tag = item.as_tag()) return std::to_string(tag->number) + "(" + pretty(tag->content, indent) + ")";
  if (const Bytes* bytes = item.as_bytes()) return pretty_bytes(*bytes, indent);
  return cbor_diagnostic(item);
}

bool writing() { return std::getenv("STEGPASS_WRITE_EXAMPLES") != nullptr; }

void write_block(const std::string& name, const std::string& language, const std::string& text) {
  std::string page = read_page(name);
  const auto [begin, size] = find_block(page, language);
  page.replace(begin, size, text);
  std::ofstream(page_path(name)) << page;
}

void check_example(const std::string& name, const Bytes& expected) {
  const std::string notation = pretty(decode_cbor(expected).value()) + "\n";
  if (writing()) {
    write_block(name, "hex", wrapped_hex(expected));
    write_block(name, "cbor-diag", notation);
  }
  const std::string page = read_page(name);
  REQUIRE_FALSE(page.empty());
  CHECK(to_hex(hex_of(page)) == to_hex(expected));
  CHECK(block(page, "cbor-diag") == notation);
}

// A statement's example: what the page shows decodes, verifies and is of its kind.
void check_statement(StatementKind kind, const Statement& statement, const PublicKey& signer) {
  const std::string name(statement_kind_name(kind));
  check_example(name, statement.entry());
  const Statement read = Statement::decode(hex_of(read_page(name))).value();
  CHECK(read.kind() == kind);
  CHECK(verify_statement(read, signer));
}

}  // namespace

TEST_CASE("the example of a ledger policy is real") {
  const Office office;
  check_statement(StatementKind::ledger_policy, Office::sign(office.log.key, office.policy_body, office.issued_at),
                  office.log.key.public_key());
}

TEST_CASE("the example of a registration is real") {
  const Office office;
  check_statement(StatementKind::registration, Office::sign(office.owner, office.registration, office.issued_at),
                  office.owner.public_key());
}

TEST_CASE("the example of a license is real") {
  const Office office;
  check_statement(StatementKind::license, Office::sign(office.owner, office.license, office.issued_at),
                  office.owner.public_key());
}

TEST_CASE("the example of a revocation is real") {
  const Office office;
  check_statement(StatementKind::revocation, Office::sign(office.owner, office.make_revocation(), kNow - kDay),
                  office.owner.public_key());
}

TEST_CASE("the example of a status list is real") {
  Office office;
  office.status.ttl_s = kDay;
  check_statement(StatementKind::status_list, Office::sign(office.owner, office.status, office.status_at),
                  office.owner.public_key());
}

TEST_CASE("the examples of what changes a license are real") {
  const Office office;
  const PublicKey& owner = office.owner.public_key();
  check_statement(StatementKind::suspension, Office::sign(office.owner, office.make_suspension(), kNow - kDay), owner);
  check_statement(StatementKind::reinstatement, Office::sign(office.owner, office.make_reinstatement(), kNow - kDay), owner);
  check_statement(StatementKind::renewal, Office::sign(office.owner, office.make_renewal(), kNow - kDay), owner);
  check_statement(StatementKind::transfer, Office::sign(office.owner, office.make_transfer(), kNow - kDay), owner);
}

TEST_CASE("the example of a key rotation is real") {
  const Office office;
  check_statement(StatementKind::key_rotation, Office::sign(office.owner, office.make_rotation(kNow - 2 * kDay), kNow - kDay),
                  office.owner.public_key());
}

TEST_CASE("the examples of a dispute are real") {
  const Office office;
  check_statement(StatementKind::dispute_claim, Office::sign(office.claimant, office.make_claim(), kNow - 3 * kDay),
                  office.claimant.public_key());
  check_statement(StatementKind::dispute_evidence, Office::sign(office.claimant, office.make_evidence(), kNow - 2 * kDay),
                  office.claimant.public_key());
  check_statement(StatementKind::dispute_finding, Office::sign(office.arbiter, office.make_finding(), kNow - kDay),
                  office.arbiter.public_key());
}

TEST_CASE("the example of a license request is real") {
  const Office office;
  const LicenseRequest request{.licensee = office.licensee.public_key(),
                               .sealing_key = office.licensee.sealing_public(),
                               .registration_id = office.registration.id,
                               .name = "Licensee 1",
                               .identity_picture = office.identity.picture,
                               .issued_at = office.issued_at};
  check_example("license-request", sign_license_request(office.licensee, request).value());
  CHECK(decode_license_request(hex_of(read_page("license-request"))).value().name == "Licensee 1");
}

TEST_CASE("the example of a presentation is real") {
  const Office office;
  const Presentation presentation{
      .audience = "verifier.example", .nonce = named_bytes("nonce", 16), .license_id = office.license.id, .issued_at = kNow};
  check_example("presentation", sign_presentation(office.licensee, presentation).value());
  CHECK(verify_presentation(hex_of(read_page("presentation")), office.licensee.public_key()).value().nonce == presentation.nonce);
}

TEST_CASE("the example of a bundle is real and its papers are valid") {
  Office office;
  check_example("bundle", encode_bundle(office.issue(Purpose::verifier)));
  CHECK(verify_papers(hex_of(read_page("bundle")), office.policy(), {.now = kNow}).verdict.outcome() == Outcome::valid);
}

// Sealing is randomised, so the page's example is opened instead of made again.
TEST_CASE("the example of a license delivery is real") {
  Office office;
  const LicenseDelivery delivery{office.issue().statements[2], named_bytes("user passport", 64)};
  if (writing() && !open_license_delivery(office.licensee, hex_of(read_page("license-delivery")))) {
    write_block("license-delivery", "hex", wrapped_hex(seal_license_delivery(office.licensee.sealing_public(), delivery)));
  }
  check_example("license-delivery", hex_of(read_page("license-delivery")));
  const LicenseDelivery read = open_license_delivery(office.licensee, hex_of(read_page("license-delivery"))).value();
  CHECK(read.license == delivery.license);
  CHECK(read.user_passport == delivery.user_passport);
}

TEST_CASE("the example of a trust policy is real") {
  const Office office;
  TrustPolicy policy = office.policy();
  policy.required = {"holder.possession"};
  if (writing()) write_block("trust-policy", "text", encode_trust_policy(policy));
  const std::string shown = block(read_page("trust-policy"), "text");
  CHECK(shown == encode_trust_policy(policy));
  CHECK(encode_trust_policy(parse_trust_policy(shown).value()) == shown);
}

TEST_CASE("the example of a hash envelope is real") {
  const Office office;
  const HashEnvelope envelope{HashAlgorithm::sha256, to_bytes(fast_sha256(as_bytes("content"))), "video/mp4",
                              "https://example.org/a.mp4"};
  check_example("hash-envelope", encode_sign1(sign_hash_envelope(office.claimant, envelope, kNow)));
  const Sign1 read = decode_sign1(hex_of(read_page("hash-envelope"))).value();
  CHECK(verify_sign1(read, office.claimant.public_key()));
  CHECK(check_preimage(read_hash_envelope(read).value(), as_bytes("content")));
}

TEST_CASE("the example of a timestamp request is real") {
  Bytes nonce(16);
  for (std::size_t i = 0; i < nonce.size(); ++i) nonce[i] = static_cast<std::uint8_t>(0x40 + i);
  const Bytes request = encode_time_request(as_bytes("content"), nonce);
  if (writing()) write_block("timestamp", "hex", wrapped_hex(request));
  CHECK(to_hex(hex_of(read_page("timestamp"))) == to_hex(request));
}

TEST_CASE("the example of a verifier's memory is real") {
  Office office;
  const VerifierMemory memory = office.verify().memory;
  if (writing()) write_block("verifier-memory", "text", encode_verifier_memory(memory));
  const std::string shown = block(read_page("verifier-memory"), "text");
  CHECK(shown == encode_verifier_memory(memory));
  CHECK(parse_verifier_memory(shown).value().newest == memory.newest);
}

}  // namespace stegpass::credential::testing
