#include "seeds.hpp"

#include <fstream>
#include <iterator>

#include <stegpass/credential/bundle_armor.hpp>
#include <stegpass/credential/certificate.hpp>
#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/hash_envelope.hpp>
#include <stegpass/credential/index_proof.hpp>
#include <stegpass/credential/key_formats.hpp>
#include <stegpass/credential/model_signature.hpp>
#include <stegpass/credential/sd_cwt.hpp>
#include <stegpass/credential/secret_file.hpp>
#include <stegpass/credential/tensor_proof.hpp>

#include "status_list.hpp"
#include "tests/credential/papers_fixture.hpp"

namespace stegpass::credential {
namespace {

using namespace testing;

class Corpus {
 public:
  void add(const std::string& decoder, ByteView bytes) { seeds.push_back({decoder, to_bytes(bytes)}); }
  std::vector<fuzz::Seed> seeds;
};

std::vector<Statement> statements_of(const Office& office) {
  const auto by_owner = [&](const StatementBody& body) { return Office::sign(office.owner, body, kNow - kDay); };
  return {Office::sign(office.log.key, office.policy_body, kNow),
          by_owner(office.registration),
          by_owner(office.license),
          by_owner(office.make_revocation()),
          by_owner(office.status),
          by_owner(office.make_suspension()),
          by_owner(office.make_reinstatement()),
          by_owner(office.make_renewal()),
          by_owner(office.make_transfer()),
          by_owner(office.make_rotation(kNow - 2 * kDay)),
          Office::sign(office.claimant, office.make_claim(), kNow),
          Office::sign(office.claimant, office.make_evidence(), kNow),
          Office::sign(office.arbiter, office.make_finding(), kNow)};
}

void add_statements(Corpus& corpus, const Office& office) {
  for (const Statement& statement : statements_of(office)) {
    corpus.add("statement", statement.entry());
    corpus.add("sign1", statement.entry());
    corpus.add("cbor", *statement.message().payload);
    corpus.add("claims", *statement.message().payload);
  }
}

void add_papers(Corpus& corpus, Office& office) {
  for (const Purpose purpose : {Purpose::public_, Purpose::verifier, Purpose::arbiter}) {
    const Bytes file = encode_bundle(office.issue(purpose));
    corpus.add("bundle", ByteView(file).first(file.size() - 34));
  }
  corpus.add("statement", office.issue().statements[2]);
  corpus.add("receipt", office.log.receipt(1));
  corpus.add("note", as_bytes(office.log.checkpoint(kNow)));
  corpus.add("note", as_bytes(office.log.verifier().to_vkey()));
  corpus.add("note", as_bytes("old 0\n\n" + office.log.checkpoint(kNow)));
  corpus.add("text", as_bytes(encode_trust_policy(office.policy())));
  corpus.add("text", as_bytes(encode_verifier_memory(office.verify().memory)));
  corpus.add("text", as_bytes(office.owner.public_key().thumbprint_uri()));
  corpus.add("text", as_bytes(armor_bundle(Bytes(100, 7))));
}

void add_small(Corpus& corpus, const Office& office) {
  corpus.add("key", office.owner.public_key().encode());
  corpus.add("key", named_key("p-256", KeyType::p256).public_key().encode());
  corpus.add("status-list", pack_status_list({0, 1, 2, 0, 1}));
  corpus.add("status-list", pack_status_list(std::vector<std::uint8_t>(100'000, 1)));
  const Presentation presentation{
      .audience = "verifier.example", .nonce = named_bytes("nonce", 16), .license_id = office.license.id, .issued_at = kNow};
  corpus.add("request", sign_presentation(office.licensee, presentation).value());
  const LicenseRequest request{.licensee = office.licensee.public_key(),
                               .sealing_key = office.licensee.sealing_public(),
                               .registration_id = office.registration.id,
                               .name = "Licensee 1",
                               .identity_picture = office.identity.picture,
                               .issued_at = kNow};
  corpus.add("request", sign_license_request(office.licensee, request).value());
  IndexRange range{
      5, 1, {index_record({IndexKind::model, Digest32{1}}, 1), index_record({IndexKind::issuer, Digest32{2}}, 2)}, {}};
  ignore_result(add_range_hashes(range, [](std::uint64_t, std::uint64_t) { return Result<Digest32>(Digest32{3}); }));
  corpus.add("index-proof",
             encode_index_proof({"note", {IndexKind::issuer, Digest32{2}}, {range}, {{to_bytes("entry"), {Digest32{4}}}}}));
  const Bytes tensors = encode_safetensors({{"weight", "F32", {2}, named_bytes("weight", 8)}}, {{"note", "of a seed"}});
  corpus.add("safetensors", tensors);
  corpus.add("tensor-proof", encode_tensor_proof(prove_tensor(tensors, "weight").value()));
}

// Keys of other programs. The plain ones are put together from what `read_pkcs8` and SSH's file take.
void add_foreign_keys(Corpus& corpus) {
  const std::string begin = "-----BEGIN PRIVATE KEY-----\n", end = "\n-----END PRIVATE KEY-----\n";
  Bytes der = parse_hex("302e020100300506032b657004220420").value();
  append(der, named_bytes("seed", 32));
  corpus.add("private-key", as_bytes(begin + to_base64(der) + end));
  corpus.add("secret-file", encode_key_file(named_key("owner"), SecretBytes::copy_of(as_bytes("secret")), {1, 8}));
}

void add_model(Corpus& corpus) {
  ModelManifest manifest{.model_name = "model", .ignore_paths = {".git"}};
  manifest.resources = {{"a.bin", named_bytes("a", 32)}, {"folder/b.bin", named_bytes("b", 32)}};
  const ModelSignature signature = sign_model(named_key("p-256", KeyType::p256), manifest).value();
  corpus.add("model-signature", as_bytes(encode_model_signature(signature)));
  corpus.add("model-manifest", signature.payload);
  corpus.add("json", signature.payload);
}

Bytes read_fixture(const std::string& name) {
  std::ifstream in(STEGPASS_SOURCE_DIR "/tests/credential/certificates/" + name, std::ios::binary);
  return to_bytes(std::string_view(std::string(std::istreambuf_iterator<char>(in), {})));
}

void add_standards(Corpus& corpus, const Office& office) {
  for (const char* name : {"owner-chain.pem", "rsa.pem", "time.pem"})
    corpus.add("certificate", read_certificates(read_fixture(name)).value().front());
  corpus.add("certificate", read_fixture("owner-chain.pem"));
  for (const char* name : {"content.tst.base64", "content.tsr.base64"})
    corpus.add("time", parse_base64(as_text(read_fixture(name))).value());
  const HashEnvelope envelope{HashAlgorithm::sha256, to_bytes(fast_sha256(as_bytes("content"))), "video/mp4",
                              "https://example.org/a.mp4"};
  corpus.add("foreign", encode_sign1(sign_hash_envelope(office.owner, envelope, kNow)));
  const Bytes first = encode_disclosure(Bytes(16, 1), Cbor::text("value"), Cbor::integer(501));
  const Cbor claims = Cbor::map(
      {{Cbor::simple(kRedactedKeys), Cbor::array({Cbor::bytes(redacted_hash(first))})},
       {Cbor::integer(65533),
        Cbor::map({{Cbor::text("bits"), Cbor::integer(2)}, {Cbor::text("lst"), Cbor::bytes(pack_status_list({0, 1, 2}))}})}});
  const auto chain = read_certificates(read_fixture("owner-chain.pem")).value();
  corpus.add("foreign", encode_sign1(sign_sign1(office.owner, {{Cbor::integer(33), encode_x5chain(chain)}},
                                                {{Cbor::integer(17), Cbor::array({Cbor::bytes(first)})}}, encode_cbor(claims))));
}

}  // namespace

std::vector<fuzz::Seed> fuzz::seeds() {
  Corpus corpus;
  Office office;
  add_statements(corpus, office);
  add_papers(corpus, office);
  add_small(corpus, office);
  add_foreign_keys(corpus);
  add_model(corpus);
  add_standards(corpus, office);
  return std::move(corpus.seeds);
}

}  // namespace stegpass::credential
