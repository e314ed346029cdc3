#include <algorithm>
#include <functional>

#include <stegpass/credential/core/text.hpp>

#include "papers_fixture.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {
namespace {

std::vector<Statement> one_of_each() {
  Office office;
  return {Office::sign(office.log.key, office.policy_body, kNow),
          Office::sign(office.owner, office.registration, kNow),
          Office::sign(office.owner, office.license, kNow),
          Office::sign(office.owner,
                       Revocation{.id = named_bytes("r", 16), .license_id = office.license.id, .reason = "x", .effective = kNow},
                       kNow),
          Office::sign(office.owner, office.status, kNow),
          Office::sign(office.owner, office.make_suspension(), kNow - kDay),
          Office::sign(office.owner, office.make_reinstatement(), kNow - kDay),
          Office::sign(office.owner, office.make_renewal(), kNow),
          Office::sign(office.owner, office.make_transfer(), kNow - kDay),
          Office::sign(office.owner, office.make_rotation(kNow - kDay), kNow),
          Office::sign(office.claimant, office.make_claim(), kNow),
          Office::sign(office.claimant, office.make_evidence(), kNow),
          Office::sign(office.arbiter, office.make_finding(), kNow)};
}

PublicKey signer_of(const Office& office, const Statement& statement) {
  switch (statement.kind()) {
    case StatementKind::ledger_policy: return office.log.key.public_key();
    case StatementKind::dispute_claim:
    case StatementKind::dispute_evidence: return office.claimant.public_key();
    case StatementKind::dispute_finding: return office.arbiter.public_key();
    default: return office.owner.public_key();
  }
}

// Whether bytes decode as a statement that its signer signed.
bool verifies(ByteView bytes, const PublicKey& key) {
  const Result<Statement> read = Statement::decode(bytes);
  return read && verify_statement(*read, key);
}

// A license statement whose claims or headers were changed by `edit` before it was signed.
Result<Statement> signed_with(const Office& office, const std::function<void(CborMap& header, CborMap& claims)>& edit) {
  const Statement original = Office::sign(office.owner, office.license, kNow);
  CborMap header = *original.message().protected_header.as_map();
  CborMap claims = *decode_cbor(*original.message().payload).value().as_map();
  std::erase_if(header, [](const auto& pair) { return pair.first == Cbor::integer(cose::kAlg); });
  edit(header, claims);
  return Statement::decode(encode_sign1(sign_sign1(office.owner, header, {}, encode_cbor(Cbor::map(claims)))));
}

Cbor& at(CborMap& map, const Cbor& key) {
  for (auto& [found, value] : map) {
    if (found == key) return value;
  }
  map.emplace_back(key, Cbor::null());
  return map.back().second;
}

}  // namespace

TEST_CASE("a ledger policy comes back as it was signed") {
  const Office office;
  const Statement statement = Statement::decode(Office::sign(office.log.key, office.policy_body, kNow).entry()).value();
  CHECK(statement.kind() == StatementKind::ledger_policy);
  CHECK(statement.subject() == "urn:stegpass:ledger:example.org/stegpass");
  const LedgerPolicy& body = *statement.as<LedgerPolicy>();
  CHECK(body.origin == office.policy_body.origin);
  CHECK(body.log_key == office.policy_body.log_key);
  CHECK(body.rules == "stegpass.registration-policy.v1");
  CHECK(body.clock_skew_s == 300);
}

TEST_CASE("a registration comes back as it was signed") {
  const Office office;
  const Statement statement = Statement::decode(Office::sign(office.owner, office.registration, kNow).entry()).value();
  CHECK(statement.kind() == StatementKind::registration);
  CHECK(statement.subject() == model_urn(office.registration.id));
  CHECK(statement.issuer() == office.owner.public_key().thumbprint_uri());
  CHECK(statement.issued_at() == kNow);
  CHECK(statement.kid() == office.owner.public_key().thumbprint());
  const Registration &read = *statement.as<Registration>(), &wrote = office.registration;
  CHECK(read.owner == wrote.owner);
  CHECK(read.id == wrote.id);
  CHECK(read.model_name == wrote.model_name);
  CHECK(read.model_root == wrote.model_root);
  CHECK(read.model_digest == wrote.model_digest);
  CHECK(read.tensor_root == wrote.tensor_root);
  CHECK(read.tensor_count == wrote.tensor_count);
  CHECK(read.owner_model == wrote.owner_model);
  CHECK(read.isn_digest == wrote.isn_digest);
  CHECK(read.accuracy_deployment == wrote.accuracy_deployment);
  CHECK(read.accuracy_verification == wrote.accuracy_verification);
  CHECK_FALSE(read.card);
}

TEST_CASE("a registration keeps the digest of its resilience card") {
  Office office;
  office.registration.card = Digest32{7, 8, 9};
  const Statement statement = Statement::decode(Office::sign(office.owner, office.registration, kNow).entry()).value();
  CHECK(statement.as<Registration>()->card == office.registration.card);
}

TEST_CASE("a registration's mark claim comes back as it was signed") {
  const Office office;
  const Statement statement = Office::sign(office.owner, office.registration, kNow);
  const MarkClaim &read = statement.as<Registration>()->mark, &wrote = office.registration.mark;
  CHECK(read.scheme == wrote.scheme);
  CHECK(read.signature == wrote.signature);
  CHECK(read.pooling == wrote.pooling);
  CHECK(read.architecture == wrote.architecture);
  CHECK(read.layers == wrote.layers);
  CHECK(read.bits == wrote.bits);
  CHECK(read.picture_size == wrote.picture_size);
  CHECK(read.cover == wrote.cover);
  CHECK(read.reserves == wrote.reserves);
}

TEST_CASE("a license comes back as it was signed") {
  const Office office;
  const Statement statement = Statement::decode(Office::sign(office.owner, office.license, kNow).entry()).value();
  CHECK(statement.kind() == StatementKind::license);
  CHECK(statement.subject() == license_urn(office.license.id));
  const License &read = *statement.as<License>(), &wrote = office.license;
  CHECK(read.id == wrote.id);
  CHECK(read.registration_id == wrote.registration_id);
  CHECK(read.licensee == wrote.licensee);
  CHECK(read.not_before == wrote.not_before);
  CHECK(read.expires == wrote.expires);
  CHECK(read.status_index == wrote.status_index);
  CHECK(read.user_passport == wrote.user_passport);
  CHECK(read.identity == wrote.identity);
  CHECK(read.isn_key == wrote.isn_key);
  CHECK(read.reveal_bar_mdb == wrote.reveal_bar_mdb);
  CHECK(read.terms.scope == wrote.terms.scope);
  CHECK(read.terms.territory == wrote.terms.territory);
  CHECK(read.terms.seats == wrote.terms.seats);
}

TEST_CASE("a revocation comes back as it was signed, under the license's subject") {
  const Office office;
  const Revocation wrote = office.make_revocation();
  const Statement statement = Office::sign(office.owner, wrote, kNow - kDay);
  CHECK(statement.kind() == StatementKind::revocation);
  CHECK(statement.subject() == license_urn(office.license.id));
  const Revocation& read = *statement.as<Revocation>();
  CHECK(read.id == wrote.id);
  CHECK(read.license_id == wrote.license_id);
  CHECK(read.reason == wrote.reason);
  CHECK(read.effective == wrote.effective);
}

TEST_CASE("a status list comes back with every state, whatever their number") {
  Office office;
  for (std::size_t count = 0; count < 10; ++count) {
    office.status.states.clear();
    for (std::size_t i = 0; i < count; ++i) office.status.states.push_back(static_cast<std::uint8_t>(i % 3));
    office.status.ttl_s = static_cast<std::int64_t>(count);
    const Statement statement = Office::sign(office.owner, office.status, kNow);
    const StatusList& read = *statement.as<StatusList>();
    CHECK(read.states == office.status.states);
    CHECK(read.registration_id == office.registration.id);
    CHECK(read.ttl_s == office.status.ttl_s);
    CHECK(read.expires == office.status.expires);
  }
}

TEST_CASE("a P-256 owner signs statements that verify") {
  Office office;
  office.owner = named_key("p-256 owner", KeyType::p256);
  office.registration.owner = office.owner.public_key();
  const Statement statement = Office::sign(office.owner, office.registration, kNow);
  CHECK(verify_statement(statement, office.owner.public_key()));
}

TEST_CASE("a statement is a tagged COSE_Sign1 with the headers of the profile") {
  const Office office;
  const Statement statement = Office::sign(office.owner, office.license, kNow);
  const Bytes entry = statement.entry();
  CHECK(entry[0] == 0xd2);
  CHECK(entry[1] == 0x84);
  const Cbor& header = statement.message().protected_header;
  CHECK(header.as_map()->size() == 5);
  CHECK(*header.find(16)->as_text() == "application/stegpass-license+cwt");
  CHECK(*header.find(3)->as_text() == "application/cbor");
  CHECK(*header.find(4)->as_bytes() == to_bytes(office.owner.public_key().thumbprint()));
  CHECK(*header.find(15)->find(6)->as_unsigned() == static_cast<std::uint64_t>(kNow));
}

TEST_CASE("the entry is the statement with an empty unprotected header") {
  Office office;
  const Bundle bundle = office.issue();
  const Statement with = Statement::decode(bundle.statements[2]).value();
  CHECK(with.receipts().size() == 1);
  const Statement without = Statement::decode(with.entry()).value();
  CHECK(without.receipts().empty());
  CHECK(without.entry() == with.entry());
  const Bytes& head = with.message().protected_bytes;
  Bytes expected = {0xd2, 0x84};
  append(expected, encode_cbor(Cbor::bytes(head)));
  expected.push_back(0xa0);
  append(expected, encode_cbor(Cbor::bytes(*with.message().payload)));
  append(expected, encode_cbor(Cbor::bytes(with.message().signature)));
  CHECK(with.entry() == expected);
}

TEST_CASE("receipts travel in label 394 and come back as they were") {
  const Office office;
  const Statement statement = Office::sign(office.owner, office.license, kNow);
  const std::vector<Bytes> receipts = {named_bytes("a", 40), named_bytes("b", 50)};
  const Statement read = Statement::decode(statement.with_receipts(receipts)).value();
  CHECK(read.receipts() == receipts);
  CHECK(statement.with_receipts({}) == statement.entry());
}

TEST_CASE("a statement with seventeen receipts is refused") {
  const Office office;
  const Statement statement = Office::sign(office.owner, office.license, kNow);
  CHECK(Statement::decode(statement.with_receipts(std::vector<Bytes>(16, Bytes{1}))));
  CHECK(Statement::decode(statement.with_receipts(std::vector<Bytes>(17, Bytes{1}))).error().code == Errc::malformed);
}

TEST_CASE("an unprotected header with anything but receipts is refused") {
  const Office office;
  Sign1 message = Office::sign(office.owner, office.license, kNow).message();
  const std::vector<CborMap> wrong = {{{Cbor::integer(33), Cbor::bytes(Bytes{1})}},
                                      {{Cbor::integer(394), Cbor::array({})}},
                                      {{Cbor::integer(394), Cbor::array({Cbor::integer(1)})}},
                                      {{Cbor::text("x"), Cbor::integer(1)}}};
  for (const CborMap& header : wrong) {
    message.unprotected = Cbor::map(header);
    CHECK(Statement::decode(encode_sign1(message)).error().code == Errc::malformed);
  }
}

TEST_CASE("every truncation of every kind of statement is refused") {
  for (const Statement& statement : one_of_each()) {
    const Bytes bytes = statement.entry();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      CHECK_FALSE(Statement::decode(ByteView(bytes).first(size)).ok());
    }
  }
}

TEST_CASE("a statement with a byte after it is refused") {
  for (const Statement& statement : one_of_each()) {
    Bytes bytes = statement.entry();
    bytes.push_back(0);
    CHECK(Statement::decode(bytes).error().code == Errc::malformed);
  }
}

TEST_CASE("no single-bit flip of any kind of statement verifies") {
  const Office office;
  for (const Statement& statement : one_of_each()) {
    const Bytes bytes = statement.entry();
    REQUIRE(verifies(bytes, signer_of(office, statement)));
    std::size_t passed = 0;
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      Bytes flipped = bytes;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
      passed += verifies(flipped, signer_of(office, statement));
    }
    CHECK(passed == 0);
  }
}

TEST_CASE("a statement by another signer does not verify") {
  const Office office;
  const PrivateKey stranger = named_key("stranger");
  const Statement statement = Office::sign(stranger, office.license, kNow);
  CHECK(verify_statement(statement, stranger.public_key()));
  CHECK(verify_statement(statement, office.owner.public_key()).error().code == Errc::malformed);
}

TEST_CASE("a statement that names the owner but is signed by a stranger does not verify") {
  const Office office;
  const PrivateKey stranger = named_key("stranger");
  Sign1 message = Office::sign(office.owner, office.license, kNow).message();
  message.signature = stranger.sign(sig_structure(message, *message.payload));
  const Statement forged = Statement::decode(encode_sign1(message)).value();
  CHECK_FALSE(verify_statement(forged, office.owner.public_key()).ok());
  CHECK_FALSE(verify_statement(forged, stranger.public_key()).ok());
}

TEST_CASE("a registration with a bad signature is refused when it is read") {
  const Office office;
  Sign1 message = Office::sign(office.owner, office.registration, kNow).message();
  message.signature[5] ^= 1;
  CHECK(Statement::decode(encode_sign1(message)).error().code == Errc::malformed);
}

TEST_CASE("nobody can sign a registration that carries another's key") {
  const Office office;
  CHECK(sign_statement(named_key("stranger"), office.registration, kNow).error().code == Errc::usage);
  CHECK(sign_statement(named_key("stranger"), office.policy_body, kNow).error().code == Errc::usage);
}

TEST_CASE("claims of the header must equal those of the payload") {
  const Office office;
  CHECK(signed_with(office, [](CborMap&, CborMap&) {}));
  for (int claim : {1, 2, 6}) {
    const auto change = [&](CborMap&, CborMap& claims) {
      at(claims, Cbor::integer(claim)) = claim == 6 ? Cbor::integer(kNow + 1) : Cbor::text("urn:another");
    };
    CHECK(signed_with(office, change).error().code == Errc::malformed);
  }
}

TEST_CASE("the issuer must be the thumbprint in kid") {
  const Office office;
  const auto change = [&](CborMap& header, CborMap& claims) {
    const Cbor other = Cbor::text(named_key("stranger").public_key().thumbprint_uri());
    CborMap common = *at(header, Cbor::integer(15)).as_map();
    at(common, Cbor::integer(1)) = other;
    at(header, Cbor::integer(15)) = Cbor::map(common);
    at(claims, Cbor::integer(1)) = other;
  };
  CHECK(signed_with(office, change).error().detail.find("kid") != std::string::npos);
}

TEST_CASE("an unknown key in any of a license's maps but its terms is refused by name") {
  const Office office;
  const auto refused = [&](const std::function<void(CborMap&, CborMap&)>& edit) {
    const Result<Statement> read = signed_with(office, edit);
    return !read && read.error().code == Errc::malformed && read.error().detail.find("surprise") != std::string::npos;
  };
  const auto surprise = [](CborMap map) {
    map.emplace_back(Cbor::text("surprise"), Cbor::integer(1));
    return Cbor::map(map);
  };
  CHECK(refused([&](CborMap& header, CborMap&) { header.emplace_back(Cbor::text("surprise"), Cbor::integer(1)); }));
  CHECK(refused(
      [&](CborMap& header, CborMap&) { at(header, Cbor::integer(15)) = surprise(*at(header, Cbor::integer(15)).as_map()); }));
  CHECK(refused([&](CborMap&, CborMap& claims) { claims.emplace_back(Cbor::text("surprise"), Cbor::integer(1)); }));
  CHECK(refused([&](CborMap&, CborMap& claims) {
    Cbor& own = at(claims, Cbor::text("stegpass.license"));
    own = surprise(*own.as_map());
  }));
}

TEST_CASE("a license that lacks any one of its claims is refused") {
  const Office office;
  for (const Cbor& key : {Cbor::integer(4), Cbor::integer(5), Cbor::integer(7), Cbor::integer(8), Cbor::integer(65535),
                          Cbor::text("stegpass.license")}) {
    const auto drop = [&](CborMap&, CborMap& claims) {
      std::erase_if(claims, [&](const auto& pair) { return pair.first == key; });
    };
    CHECK(signed_with(office, drop).error().code == Errc::malformed);
  }
}

TEST_CASE("kinds are not confusable: claims under another kind's typ are refused") {
  const Office office;
  for (std::size_t i = 0; i < kStatementKinds; ++i) {
    const auto kind = static_cast<StatementKind>(i);
    if (kind == StatementKind::license) continue;
    const auto retype = [&](CborMap& header, CborMap&) { at(header, Cbor::integer(16)) = Cbor::text(statement_typ(kind)); };
    CHECK(signed_with(office, retype).error().code == Errc::malformed);
  }
}

TEST_CASE("a typ that nobody knows is unsupported") {
  const Office office;
  const auto retype = [&](CborMap& header, CborMap&) {
    at(header, Cbor::integer(16)) = Cbor::text("application/stegpass-surprise+cwt");
  };
  CHECK(signed_with(office, retype).error().code == Errc::unsupported);
}

TEST_CASE("another content type than CBOR is refused") {
  const Office office;
  const auto retype = [&](CborMap& header, CborMap&) { at(header, Cbor::integer(3)) = Cbor::text("application/json"); };
  CHECK(signed_with(office, retype).error().code == Errc::malformed);
}

TEST_CASE("an algorithm that nobody knows is unsupported") {
  const Office office;
  Sign1 message = Office::sign(office.owner, office.license, kNow).message();
  CborMap header = *message.protected_header.as_map();
  at(header, Cbor::integer(1)) = Cbor::integer(-48);
  message.protected_header = Cbor::map(header);
  message.protected_bytes = encode_cbor(message.protected_header);
  CHECK(Statement::decode(encode_sign1(message)).error().code == Errc::unsupported);
}

TEST_CASE("a floating-point number in the claims is refused") {
  const Office office;
  const auto change = [](CborMap&, CborMap& claims) { at(claims, Cbor::integer(4)) = Cbor::floating(1.9e9); };
  CHECK(signed_with(office, change).error().code == Errc::malformed);
}

TEST_CASE("a license whose status points to another registration's list is refused") {
  const Office office;
  const auto change = [](CborMap&, CborMap& claims) {
    const Cbor list =
        Cbor::map({{Cbor::text("idx"), Cbor::integer(3)}, {Cbor::text("uri"), Cbor::text(status_urn(named_bytes("other", 16)))}});
    at(claims, Cbor::integer(65535)) = Cbor::map({{Cbor::text("status_list"), list}});
  };
  CHECK(signed_with(office, change).error().code == Errc::malformed);
}

TEST_CASE("a statement of over 2 MiB is refused unread") {
  CHECK(Statement::decode(Bytes((2u << 20) + 1)).error().detail == "statement of over 2 MiB");
}

TEST_CASE("a commitment binds label, owner, salt and content") {
  const Digest32 owner = named_digest<32>("owner"), other = named_digest<32>("other");
  const Bytes salt = named_bytes("salt", 32), content = named_bytes("content", 64);
  const Digest32 made = commitment("mark-seed", owner, salt, content);
  CHECK(made == commitment("mark-seed", owner, salt, content));
  CHECK(made != commitment("isn-key", owner, salt, content));
  CHECK(made != commitment("mark-seed", other, salt, content));
  CHECK(made != commitment("mark-seed", owner, named_bytes("salt 2", 32), content));
  CHECK(made != commitment("mark-seed", owner, salt, named_bytes("content 2", 64)));
}

}  // namespace stegpass::credential::testing
