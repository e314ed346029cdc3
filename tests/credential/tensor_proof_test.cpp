#include <stegpass/credential/tensor_proof.hpp>

#include <fstream>
#include <iterator>

#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/credential/core/text.hpp>

#include "papers_fixture.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {
namespace {

// A file of `count` tensors of two bytes, a, b, c, ...
Bytes model_of(int count) {
  std::vector<Bytes> data;
  std::vector<TensorView> tensors;
  for (int i = 0; i < count; ++i) data.push_back({static_cast<std::uint8_t>(i), 7});
  for (int i = 0; i < count; ++i)
    tensors.push_back({std::string(1, static_cast<char>('a' + i)), "U8", {2}, data[static_cast<std::size_t>(i)]});
  return encode_safetensors(tensors, {});
}

std::string block_of_page(const std::string& language) {
  std::ifstream file(std::string(STEGPASS_SOURCE_DIR) + "/schemas/tensor-proof.md");
  const std::string page(std::istreambuf_iterator<char>(file), {}), fence = "```" + language + "\n";
  const std::size_t begin = page.find(fence) + fence.size();
  std::string block = page.substr(begin, page.find("```", begin) - begin);
  std::erase_if(block, [](char c) { return c == '\n' || c == ' '; });
  return block;
}

std::string without_spaces(std::string text) {
  std::erase(text, ' ');
  return text;
}

}  // namespace

TEST_CASE("every tensor of models of any size is proved to lie under the model's root") {
  for (const int count : {1, 2, 3, 5, 8, 13, 26}) {
    const Bytes model = model_of(count);
    const TensorTree tree = tensor_tree(model).value();
    for (const std::string& name : tree.names) {
      const TensorProof proof = decode_tensor_proof(encode_tensor_proof(prove_tensor(model, name).value())).value();
      CHECK(tensor_root_of(proof).value() == tree.root);
      CHECK(proof.name == name);
      CHECK(proof.place.tree_size == static_cast<std::uint64_t>(count));
    }
  }
}

TEST_CASE("a tensor that the model does not have cannot be proved") {
  CHECK(prove_tensor(model_of(3), "d").error().code == Errc::not_found);
  CHECK(prove_tensor(as_bytes("no model"), "a").error().code == Errc::malformed);
}

TEST_CASE("a tensor proof that was changed in any bit is refused, or leads to another root, tree or tensor") {
  const TensorProof proof = prove_tensor(model_of(5), "c").value();
  const Digest32 root = tensor_root_of(proof).value();
  const Bytes bytes = encode_tensor_proof(proof);
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    Bytes changed = bytes;
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const auto read = decode_tensor_proof(changed);
    CAPTURE(bit);
    CHECK((!read || tensor_root_of(*read).value() != root || read->place.tree_size != proof.place.tree_size));
  }
}

TEST_CASE("every truncation of a tensor proof is refused, and so is a path that does not fit its place") {
  TensorProof proof = prove_tensor(model_of(5), "c").value();
  const Bytes bytes = encode_tensor_proof(proof);
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK_FALSE(decode_tensor_proof(ByteView(bytes).first(size)).ok());
  proof.place.path.pop_back();
  CHECK(decode_tensor_proof(encode_tensor_proof(proof)).error().code == Errc::malformed);
  proof.place.path.assign(65, {});
  CHECK(decode_tensor_proof(encode_tensor_proof(proof)).error().code == Errc::malformed);
}

TEST_CASE("the example of a tensor proof is real") {
  const Bytes bytes = encode_tensor_proof(prove_tensor(model_of(3), "b").value());
  CHECK(block_of_page("hex") == to_hex(bytes));
  CHECK(block_of_page("cbor-diag") == without_spaces(cbor_diagnostic(*decode_cbor(bytes))));
}

}  // namespace stegpass::credential::testing
