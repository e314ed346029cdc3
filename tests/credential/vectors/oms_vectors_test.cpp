// The published bundles of OpenSSF Model Signing and the example of DSSE, from their files.
#include <stegpass/credential/key.hpp>
#include <stegpass/credential/model_signature.hpp>

#include "vectors.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

std::filesystem::path oms(const std::string& name) { return vector_path("oms/" + name); }

std::string key_of_publisher() { return read_text(oms("model-transparency/keys/signing-key-pub.pem")); }
std::string root_of_publisher() { return read_text(oms("model-transparency/keys/ca-cert.pem")); }

ModelSignature bundle_of(const std::filesystem::path& path) { return require_ok(decode_model_signature(read_bytes(path))); }

/// Whether the files beside a bundle have the digests that it lists.
void check_files(const std::filesystem::path& folder, const ModelManifest& manifest) {
  for (const ModelResource& resource : manifest.resources) {
    const std::string name = resource.name == "." ? "signme-1" : resource.name;
    CHECK(resource.digest == to_bytes(ByteView(fast_sha256(read_bytes(folder / name)))));
  }
}

}  // namespace

TEST_CASE("OMS: the bundle of release 0.3.1 verifies, with its one file") {
  const ModelSignature bundle = bundle_of(oms("model-transparency/v0.3.1-elliptic-key/model.sig"));
  CHECK(verify_model_signature(bundle, key_of_publisher()));
  const ModelManifest manifest = require_ok(decode_model_manifest(bundle.payload));
  CHECK(manifest.resources.size() == 1);
  check_files(oms("model-transparency/v0.3.1-elliptic-key"), manifest);
}

TEST_CASE("OMS: the bundle of release 1.0.1 verifies, with its files") {
  const ModelSignature bundle = bundle_of(oms("model-transparency/v1.0.1-elliptic-key/model.sig"));
  CHECK(bundle.key_hint.empty());
  CHECK(verify_model_signature(bundle, key_of_publisher()));
  check_files(oms("model-transparency/v1.0.1-elliptic-key"), require_ok(decode_model_manifest(bundle.payload)));
}

TEST_CASE("OMS: the bundle of release 1.1.0 verifies by the key that its hint names") {
  const ModelSignature bundle = bundle_of(oms("model-transparency/v1.1.0-elliptic-key/model.sig"));
  CHECK(bundle.key_hint.size() == 64);
  CHECK(verify_model_signature(bundle, key_of_publisher()));
  check_files(oms("model-transparency/v1.1.0-elliptic-key"), require_ok(decode_model_manifest(bundle.payload)));
}

TEST_CASE("OMS: the bundle with certificates leads to its root and verifies") {
  const ModelSignature bundle = bundle_of(oms("model-transparency/v1.1.0-certificate/model.sig"));
  const CertifiedSigner signer = require_ok(verify_certified_model_signature(bundle, root_of_publisher()));
  CHECK(signer.subject == "CN = intermediate-ca");
  CHECK(signer.not_before < signer.not_after);
  CHECK(verify_model_signature(bundle, key_of_publisher()).error().code == Errc::refused);
  check_files(oms("model-transparency/v1.1.0-certificate"), require_ok(decode_model_manifest(bundle.payload)));
}

TEST_CASE("OMS: certificates that lead to no root that we have decide nothing") {
  const ModelSignature bundle = bundle_of(oms("model-transparency/v1.1.0-certificate/model.sig"));
  const std::string stranger = read_text(oms("model-transparency/keys/signing-key-cert.pem"));
  CHECK(verify_certified_model_signature(bundle, stranger).error().code == Errc::refused);
  CHECK(verify_certified_model_signature(bundle, "no certificate").error().code == Errc::malformed);
}

TEST_CASE("OMS: no bundle verifies with one byte of its payload or signature changed") {
  for (const char* name : {"v0.3.1-elliptic-key", "v1.0.1-elliptic-key", "v1.1.0-elliptic-key", "v1.1.0-certificate"}) {
    const ModelSignature bundle = bundle_of(oms(std::string("model-transparency/") + name + "/model.sig"));
    for (std::size_t at = 0; at < bundle.payload.size(); at += 31) {
      ModelSignature changed = bundle;
      changed.payload[at] ^= 1;
      CHECK_FALSE(verify_model_signature(changed, key_of_publisher()));
      if (!changed.certificates.empty()) CHECK_FALSE(verify_certified_model_signature(changed, root_of_publisher()).ok());
    }
    for (std::size_t at = 0; at < bundle.signature.size(); ++at) {
      ModelSignature changed = bundle;
      changed.signature[at] ^= 1;
      CHECK_FALSE(verify_model_signature(changed, key_of_publisher()));
    }
  }
}

TEST_CASE("OMS: the valid bundles of the specification verify, and its Sigstore one is unsupported") {
  const std::string folder = "spec/test-vectors/v1.0/valid/";
  CHECK(verify_model_signature(bundle_of(oms(folder + "key.bundle.json")), key_of_publisher()));
  CHECK(verify_certified_model_signature(bundle_of(oms(folder + "certificate.bundle.json")), root_of_publisher()).ok());
  CHECK(decode_model_signature(read_bytes(oms(folder + "sigstore.bundle.json"))).error().code == Errc::unsupported);
}

TEST_CASE("OMS: the invalid bundles of the specification are malformed") {
  const auto files = files_below(oms("spec/test-vectors/v1.0/invalid"), ".json");
  CHECK(files.size() == 4);
  for (const auto& file : files) {
    INFO(file.string());
    check_refused(decode_model_signature(read_bytes(file)), Errc::malformed);
  }
}

TEST_CASE("OMS: a payload with another predicate is no manifest, whatever its signature") {
  const ModelSignature bundle = bundle_of(oms("spec/test-vectors/v1.0/invalid-payload/wrong-predicate.bundle.json"));
  check_refused(decode_model_manifest(bundle.payload), Errc::unsupported, "predicate");
}

TEST_CASE("DSSE: the protocol's example has its octets and its signature") {
  const Json example = read_json(vector_path("dsse/hello-world.json"));
  const std::string type = example.at("payload_type"), text = example.at("payload_utf8");
  const Bytes octets = dsse_pae(type, as_bytes(text));
  CHECK(octets == hex_field(example, "pae_hex"));
  const Json& key = example.at("public_key");
  const PublicKey signer = require_ok(PublicKey::create_p256(hex_field(key, "x_hex"), hex_field(key, "y_hex")));
  const Bytes signature = base64_any(example.at("envelope").at("signatures")[0].at("sig"));
  CHECK(signer.verify(octets, signature));
  for (std::size_t at = 0; at < octets.size(); ++at) {
    Bytes changed = octets;
    changed[at] ^= 1;
    CHECK_FALSE(signer.verify(changed, signature));
  }
}
