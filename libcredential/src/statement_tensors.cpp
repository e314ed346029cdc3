#include <algorithm>

#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/merkle.hpp>
#include <stegpass/credential/statement.hpp>

namespace stegpass::credential {

Digest32 tensor_leaf(std::string_view name, std::string_view dtype, const std::vector<std::int64_t>& shape,
                     const Digest32& data) {
  CborArray dimensions;
  for (std::int64_t size : shape) dimensions.push_back(Cbor::integer(size));
  return merkle_leaf(
      encode_cbor(Cbor::array({Cbor::text(name), Cbor::text(dtype), Cbor::array(std::move(dimensions)), Cbor::bytes(data)})));
}

Result<TensorTree> tensor_tree(ByteView safetensors_file) {
  STEGPASS_TRY(file, parse_safetensors(safetensors_file));
  std::sort(file.tensors.begin(), file.tensors.end(), [](const TensorView& a, const TensorView& b) { return a.name < b.name; });
  TensorTree out;
  for (const TensorView& tensor : file.tensors) {
    out.names.push_back(tensor.name);
    out.leaves.push_back(tensor_leaf(tensor.name, tensor.dtype, tensor.shape, fast_sha256(tensor.data)));
  }
  out.root = merkle_root(out.leaves);
  return out;
}

Digest32 oms_root_of_file(const Digest32& file_digest) { return fast_sha256(file_digest); }

}  // namespace stegpass::credential
