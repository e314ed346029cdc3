#include <stegpass/credential/core/safetensors.hpp>

#include "papers_fixture.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {
namespace {

Bytes two_tensors(const Bytes& a, const Bytes& b) {
  return encode_safetensors({{"b.weight", "F32", {2}, b}, {"a.weight", "F32", {1, 2}, a}}, {});
}

}  // namespace

TEST_CASE("the tensor tree goes over names in bytewise order") {
  const Bytes a = named_bytes("a", 8), b = named_bytes("b", 8);
  const TensorTree tree = tensor_tree(two_tensors(a, b)).value();
  CHECK(tree.names == std::vector<std::string>{"a.weight", "b.weight"});
  CHECK(tree.leaves[0] == tensor_leaf("a.weight", "F32", {1, 2}, sha256(a)));
  CHECK(tree.leaves[1] == tensor_leaf("b.weight", "F32", {2}, sha256(b)));
  CHECK(tree.root == merkle_node(tree.leaves[0], tree.leaves[1]));
}

TEST_CASE("a changed weight changes its own leaf and the root, and no other leaf") {
  const Bytes a = named_bytes("a", 8), b = named_bytes("b", 8), c = named_bytes("c", 8);
  const TensorTree before = tensor_tree(two_tensors(a, b)).value(), after = tensor_tree(two_tensors(a, c)).value();
  CHECK(before.leaves[0] == after.leaves[0]);
  CHECK(before.leaves[1] != after.leaves[1]);
  CHECK(before.root != after.root);
}

TEST_CASE("a tensor's leaf binds name, type, shape and bytes") {
  const Digest32 data = named_digest<32>("data");
  const Digest32 leaf = tensor_leaf("w", "F32", {2, 3}, data);
  CHECK(leaf != tensor_leaf("v", "F32", {2, 3}, data));
  CHECK(leaf != tensor_leaf("w", "I32", {2, 3}, data));
  CHECK(leaf != tensor_leaf("w", "F32", {3, 2}, data));
  CHECK(leaf != tensor_leaf("w", "F32", {2, 3}, named_digest<32>("other")));
}

TEST_CASE("bytes that are no safetensors file have no tensor tree") {
  CHECK(tensor_tree(named_bytes("noise", 100)).error().code == Errc::malformed);
}

TEST_CASE("the OMS root of one file is the SHA-256 of its raw SHA-256") {
  const Digest32 file = sha256(as_bytes("abc"));
  CHECK(oms_root_of_file(file) == sha256(file));
}

}  // namespace stegpass::credential::testing
