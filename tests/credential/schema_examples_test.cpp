// The examples in the schema pages are what the code reads and writes.

#include <fstream>
#include <iterator>

#include <stegpass/credential/index_proof.hpp>
#include <stegpass/credential/merkle.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/credential/receipt.hpp>
#include <stegpass/credential/secret_file.hpp>
#include <stegpass/credential/witness.hpp>

#include "helpers.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

// The text of the first block of a schema page that is fenced with this name.
std::string block(const std::string& page, const std::string& name) {
  std::ifstream in(STEGPASS_SOURCE_DIR "/schemas/" + page, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::string fence = "```" + name + "\n";
  const auto start = text.find(fence);
  REQUIRE(start != std::string::npos);
  return text.substr(start + fence.size(), text.find("```", start + 3) - start - fence.size());
}

Bytes hex_block(const std::string& page, const std::string& name = "hex") {
  std::string text = block(page, name);
  std::erase(text, '\n');
  return from_hex(text);
}

}  // namespace

TEST_CASE("the receipt of its schema page verifies under the key there") {
  const PublicKey key = require_ok(PublicKey::decode(hex_block("receipt.md", "key")));
  const Receipt receipt = require_ok(verify_receipt(hex_block("receipt.md"), as_bytes("second"), key));
  CHECK(receipt.origin == "ledger.example/one");
  CHECK(receipt.proof.tree_size == 2);
  CHECK(receipt.proof.leaf_index == 1);
  CHECK(receipt.proof.path == std::vector<Digest32>{merkle_leaf(as_bytes("first"))});
}

TEST_CASE("the checkpoint of its schema page verifies under the key there, and is of the receipt's tree") {
  const std::string vkey = block("checkpoint.md", "vkey");
  const Note note = require_ok(parse_note(block("checkpoint.md", "note")));
  CHECK(verify_note(note, require_ok(NoteVerifier::parse(vkey.substr(0, vkey.size() - 1)))).ok());
  const Checkpoint checkpoint = require_ok(parse_checkpoint(note.text));
  CHECK(checkpoint.root == merkle_node(merkle_leaf(as_bytes("first")), merkle_leaf(as_bytes("second"))));
  CHECK(checkpoint.tree_size == 2);
  CHECK(checkpoint.time == 1790000000);
}

TEST_CASE("the request of the witness page is answered with what stands there, by the key there") {
  const std::string vkey = block("checkpoint.md", "vkey");
  const NoteVerifier log = require_ok(NoteVerifier::parse(vkey.substr(0, vkey.size() - 1)));
  VerifierMemory memory;
  memory.newest["ledger.example/one"] = {"ledger.example/one", 1, merkle_leaf(as_bytes("first")), 1789999000};
  const WitnessRequest wanted{1, {merkle_leaf(as_bytes("second"))}, block("checkpoint.md", "note")};
  CHECK(encode_witness_request(wanted) == block("witness.md", "request"));
  const WitnessRequest request = require_ok(parse_witness_request(block("witness.md", "request")));
  const WitnessAnswer answer =
      answer_witness_request(request, {log}, memory, "witness.example/w1", fixed_key("witness"), 1790000060);
  CHECK(answer.verdict.outcome() == Outcome::valid);
  CHECK(encode_note_signatures({answer.cosignature}) == block("witness.md", "answer"));
  const NoteVerifier witness{"witness.example/w1", fixed_key("witness").public_key(), NoteKind::witness};
  CHECK(witness.to_vkey() + "\n" == block("witness.md", "vkey"));
}

TEST_CASE("record, block and root of the index's schema page are those that the code makes") {
  Digest32 thumbprint;
  thumbprint.fill(0x11);
  const IndexRecord record = index_record({IndexKind::issuer, thumbprint}, 0);
  CHECK(hex_block("ledger-index.md", "record") == to_bytes(ByteView(record)));
  CHECK(hex_block("ledger-index.md", "block") == to_bytes(ByteView(index_block({record}).root)));
  CHECK(hex_block("ledger-index.md", "root") == to_bytes(ByteView(index_root(1, {index_block({record})}))));
}

TEST_CASE("the secret file of its schema page opens with the passphrase there") {
  const SecretBytes passphrase = SecretBytes::copy_of(as_bytes("correct horse"));
  const SecretBytes content = require_ok(decrypt_secret_file(SecretKind::vault, hex_block("secret-file.md"), passphrase));
  CHECK(as_text(content.expose()) == "example");
}
