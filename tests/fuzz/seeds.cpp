// Writes a seed corpus, one folder a decoder, with the encoders of the tests. Usage: fuzz_seeds FOLDER
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include <stegpass/credential/certificate.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/hash_envelope.hpp>
#include <stegpass/credential/sd_cwt.hpp>

#include "status_list.hpp"
#include "tests/credential/papers_fixture.hpp"

namespace {

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::credential::testing;
namespace fs = std::filesystem;

class Corpus {
 public:
  explicit Corpus(fs::path folder) : folder_(std::move(folder)) {}
  void add(const std::string& decoder, ByteView bytes) {
    fs::create_directories(folder_ / decoder);
    std::ofstream file(folder_ / decoder / std::to_string(count_++), std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }

 private:
  fs::path folder_;
  int count_ = 0;
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
  corpus.add("text", as_bytes(encode_trust_policy(office.policy())));
  corpus.add("text", as_bytes(encode_verifier_memory(office.verify().memory)));
  corpus.add("text", as_bytes(office.owner.public_key().thumbprint_uri()));
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
  Bytes tensors = {60, 0, 0, 0, 0, 0, 0, 0};
  append(tensors, as_bytes(R"({"weight":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}  )"));
  append(tensors, Bytes(8, 1));
  corpus.add("safetensors", tensors);
}

Bytes read_fixture(const std::string& name) {
  std::ifstream in(STEGPASS_SOURCE_DIR "/tests/credential/certificates/" + name, std::ios::binary);
  return to_bytes(std::string_view(std::string(std::istreambuf_iterator<char>(in), {})));
}

void add_standards(Corpus& corpus, const Office& office) {
  for (const char* name : {"owner-chain.pem", "rsa.pem", "time.pem"}) corpus.add("certificate", read_certificates(read_fixture(name)).value().front());
  corpus.add("certificate", read_fixture("owner-chain.pem"));
  corpus.add("time", read_fixture("content.tst"));
  corpus.add("time", read_fixture("content.tsr"));
  const HashEnvelope envelope{HashAlgorithm::sha256, to_bytes(fast_sha256(as_bytes("content"))), "video/mp4", "https://example.org/a.mp4"};
  corpus.add("foreign", encode_sign1(sign_hash_envelope(office.owner, envelope, kNow)));
  const Bytes first = encode_disclosure(Bytes(16, 1), Cbor::text("value"), Cbor::integer(501));
  const Cbor claims = Cbor::map({{Cbor::simple(kRedactedKeys), Cbor::array({Cbor::bytes(redacted_hash(first))})},
                                 {Cbor::integer(65533), Cbor::map({{Cbor::text("bits"), Cbor::integer(2)},
                                                                   {Cbor::text("lst"), Cbor::bytes(pack_status_list({0, 1, 2}))}})}});
  const auto chain = read_certificates(read_fixture("owner-chain.pem")).value();
  corpus.add("foreign", encode_sign1(sign_sign1(office.owner, {{Cbor::integer(33), encode_x5chain(chain)}},
                                                {{Cbor::integer(17), Cbor::array({Cbor::bytes(first)})}}, encode_cbor(claims))));
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return std::cerr << "usage: fuzz_seeds FOLDER\n", 2;
  Corpus corpus(arguments[1]);
  Office office;
  add_statements(corpus, office);
  add_papers(corpus, office);
  add_small(corpus, office);
  add_standards(corpus, office);
}
