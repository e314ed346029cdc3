#include <stegpass/credential/merkle.hpp>
#include <stegpass/credential/note.hpp>
#include <stegpass/credential/witness.hpp>

#include "vectors.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

NoteVerifier log_verifier() {
  return require_ok(NoteVerifier::parse(first_line(read_text(vector_path("c2sp/tessera-log/log.vkey")))));
}

std::string log_note(std::size_t size) { return read_text(vector_path("c2sp/tessera-log/checkpoint." + std::to_string(size))); }

// Leaf hashes of the log's one partial tile, 32 bytes each.
std::vector<Digest32> tile_leaves(std::size_t size) {
  const Bytes tile = read_bytes(vector_path("c2sp/tessera-log/tile/0/000.p/" + std::to_string(size)));
  REQUIRE(tile.size() == 32 * size);
  std::vector<Digest32> leaves;
  for (std::size_t i = 0; i < size; ++i) leaves.push_back(digest_from(ByteView(tile).subspan(32 * i, 32)));
  return leaves;
}

}  // namespace

TEST_CASE("the example note of C2SP verifies under the example key, and its text is kept to the byte") {
  const std::string text = read_text(vector_path("c2sp/signed-note/note.txt"));
  const NoteVerifier verifier = require_ok(NoteVerifier::parse(first_line(read_text(vector_path("c2sp/signed-note/note.vkey")))));
  const Note note = require_ok(parse_note(text));
  CHECK(verify_note(note, verifier).ok());
  CHECK(encode_note(note) == text);
}

TEST_CASE("the example key of C2SP has the id that its text states") {
  const std::string vkey = first_line(read_text(vector_path("c2sp/signed-note/note.vkey")));
  const NoteVerifier verifier = require_ok(NoteVerifier::parse(vkey));
  CHECK(verifier.to_vkey() == vkey);
  CHECK(verifier.key_id() == 0x530d903a);
}

TEST_CASE("all sixteen checkpoints of the tessera log verify and state their size") {
  for (std::size_t size = 0; size <= 15; ++size) {
    const Note note = require_ok(parse_note(log_note(size)));
    CHECK(verify_note(note, log_verifier()).ok());
    CHECK(encode_note(note) == log_note(size));
    const Checkpoint checkpoint = require_ok(parse_checkpoint(note.text));
    CHECK(checkpoint.tree_size == size);
    CHECK(checkpoint.time == 0);
    CHECK(checkpoint.origin == log_verifier().name);
    CHECK(encode_checkpoint(checkpoint) == note.text);
  }
}

TEST_CASE("the roots of the tessera log's checkpoints are those of its tiles") {
  for (std::size_t size = 1; size <= 15; ++size) {
    const Checkpoint checkpoint = require_ok(parse_checkpoint(require_ok(parse_note(log_note(size))).text));
    CHECK(checkpoint.root == merkle_root(tile_leaves(size)));
  }
  CHECK(require_ok(parse_checkpoint(require_ok(parse_note(log_note(0))).text)).root == merkle_root({}));
}

TEST_CASE("the entries of the tessera log hash to the leaves of its tile") {
  const Bytes bundle = read_bytes(vector_path("c2sp/tessera-log/tile/entries/000.p/15"));
  const std::vector<Digest32> leaves = tile_leaves(15);
  ByteView rest(bundle);
  for (const Digest32& leaf : leaves) {
    REQUIRE(rest.size() >= 2);
    const std::size_t size = std::size_t{rest[0]} * 256 + rest[1];
    REQUIRE(rest.size() >= 2 + size);
    CHECK(merkle_leaf(rest.subspan(2, size)) == leaf);
    rest = rest.subspan(2 + size);
  }
  CHECK(rest.empty());
}

TEST_CASE("a tessera checkpoint under another log's name has no signature of ours") {
  const Note note = require_ok(parse_note(log_note(7)));
  check_refused(verify_note(note, {"example.com/other", log_verifier().key}), Errc::not_found);
  Note other = note;
  other.text = require_ok(parse_note(log_note(8))).text;
  check_refused(verify_note(other, log_verifier()), Errc::malformed, "bad");
}

TEST_CASE("the checkpoint in a witness request is read, behind its header and proof") {
  const std::string request = read_text(vector_path("c2sp/tlog-witness/add-checkpoint-request.txt"));
  const Note note = require_ok(parse_note(request.substr(request.find("\n\n") + 2)));
  CHECK(parse_checkpoint(note.text).ok());
  CHECK_FALSE(note.signatures.empty());
}

TEST_CASE("the request and the answer of C2SP tlog-witness are read, and written again to the byte") {
  const std::string text = read_text(vector_path("c2sp/tlog-witness/add-checkpoint-request.txt"));
  const WitnessRequest request = require_ok(parse_witness_request(text));
  CHECK(request.old_size == 20852014);
  CHECK(request.proof.size() == 4);
  CHECK(encode_witness_request(request) == text);
  CHECK(require_ok(parse_checkpoint(require_ok(parse_note(request.checkpoint)).text)).tree_size == 20852163);
  const std::string lines = read_text(vector_path("c2sp/tlog-witness/add-checkpoint-response.txt"));
  const auto cosignatures = require_ok(parse_note_signatures(lines));
  CHECK(encode_note_signatures(cosignatures) == lines);
  REQUIRE_FALSE(cosignatures.empty());
  for (const NoteSignature& line : cosignatures) CHECK(line.signature.size() == 72);  // a time and an Ed25519 signature
}
