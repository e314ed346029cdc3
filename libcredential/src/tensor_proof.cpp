#include <stegpass/credential/tensor_proof.hpp>

#include <algorithm>

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/statement.hpp>

#include "statement_fields.hpp"

namespace stegpass::credential {
namespace {

constexpr std::string_view kMagic = "stegpass.tensor-proof.v1";
constexpr std::size_t kParts = 8, kMaxName = 1000, kMaxDtype = 16, kMaxDimensions = 16, kMaxPath = 64;

Error bad(std::string detail) { return {Errc::malformed, "tensor proof: " + std::move(detail)}; }

bool read_digest(const Cbor& item, Digest32& out) {
  const Bytes* bytes = item.as_bytes();
  if (!bytes || bytes->size() != out.size()) return false;
  std::copy(bytes->begin(), bytes->end(), out.begin());
  return true;
}

Status read_shape(const Cbor& item, std::vector<std::int64_t>& out) {
  const CborArray* sizes = item.as_array();
  if (!sizes || sizes->size() > kMaxDimensions) return bad("its shape is not up to 16 sizes");
  for (const Cbor& size : *sizes) {
    std::int64_t value = -1;
    if (!size.as_integer(value) || value < 0) return bad("its shape holds something else than a size");
    out.push_back(value);
  }
  return Done{};
}

Status read_path(const Cbor& item, std::vector<Digest32>& out) {
  const CborArray* nodes = item.as_array();
  if (!nodes || nodes->size() > kMaxPath) return bad("its path is not up to 64 nodes");
  for (const Cbor& node : *nodes) {
    if (!read_digest(node, out.emplace_back())) return bad("a node of its path is not 32 bytes");
  }
  return Done{};
}

Cbor node_array(const std::vector<Digest32>& nodes) {
  CborArray out;
  for (const Digest32& node : nodes) out.push_back(Cbor::bytes(node));
  return Cbor::array(std::move(out));
}

}  // namespace

Result<TensorProof> prove_tensor(ByteView safetensors_file, std::string_view name) {
  STEGPASS_TRY(file, parse_safetensors(safetensors_file));
  STEGPASS_TRY(tree, tensor_tree(safetensors_file));
  const auto tensor =
      std::find_if(file.tensors.begin(), file.tensors.end(), [&](const TensorView& one) { return one.name == name; });
  if (tensor == file.tensors.end()) return Error{Errc::not_found, "the model has no tensor of that name"};
  if (!is_plain_text(name, kMaxName)) return bad("the tensor's name is not 1 to 1000 bytes of text without control characters");
  const auto index = static_cast<std::uint64_t>(std::find(tree.names.begin(), tree.names.end(), name) - tree.names.begin());
  return TensorProof{tensor->name,
                     tensor->dtype,
                     tensor->shape,
                     fast_sha256(tensor->data),
                     {tree.leaves.size(), index, merkle_path(tree.leaves, index)}};
}

Bytes encode_tensor_proof(const TensorProof& proof) {
  CborArray shape;
  for (const std::int64_t size : proof.shape) shape.push_back(Cbor::integer(size));
  return encode_cbor(
      Cbor::array({Cbor::text(kMagic), Cbor::text(proof.name), Cbor::text(proof.dtype), Cbor::array(std::move(shape)),
                   Cbor::bytes(proof.data), Cbor::unsigned_integer(proof.place.leaf_index),
                   Cbor::unsigned_integer(proof.place.tree_size), node_array(proof.place.path)}));
}

Result<TensorProof> decode_tensor_proof(ByteView bytes) {
  STEGPASS_TRY(item, decode_cbor(bytes));
  const CborArray* parts = item.as_array();
  const std::string* magic = parts && !parts->empty() ? (*parts)[0].as_text() : nullptr;
  if (!magic) return bad("not one of ours");
  if (*magic != kMagic)
    return Error{Errc::unsupported,
                 "tensor proof of format " + cbor_diagnostic((*parts)[0]) + ", expected " + std::string(kMagic)};
  if (parts->size() != kParts) return bad(std::to_string(parts->size()) + " parts, expected 8");
  TensorProof out;
  const std::string *name = (*parts)[1].as_text(), *dtype = (*parts)[2].as_text();
  if (!name || !is_plain_text(*name, kMaxName)) return bad("its name is not 1 to 1000 bytes of text without control characters");
  if (!dtype || !is_plain_text(*dtype, kMaxDtype)) return bad("its element type is not a short text");
  out.name = *name, out.dtype = *dtype;
  STEGPASS_CHECK_OK(read_shape((*parts)[3], out.shape));
  if (!read_digest((*parts)[4], out.data)) return bad("its digest is not 32 bytes");
  const std::uint64_t *index = (*parts)[5].as_unsigned(), *size = (*parts)[6].as_unsigned();
  if (!index || !size || *index >= *size) return bad("its index is not below its tree's size");
  out.place.leaf_index = *index, out.place.tree_size = *size;
  STEGPASS_CHECK_OK(read_path((*parts)[7], out.place.path));
  STEGPASS_TRY(root, tensor_root_of(out));
  static_cast<void>(root);
  return out;
}

Result<Digest32> tensor_root_of(const TensorProof& proof) {
  return root_from_inclusion(tensor_leaf(proof.name, proof.dtype, proof.shape, proof.data), proof.place);
}

}  // namespace stegpass::credential
