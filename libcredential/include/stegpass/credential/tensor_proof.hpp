#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/merkle.hpp>

namespace stegpass::credential {

/// That one tensor is part of a registered model, without the others: its leaf and the path from there to the tensor root.
/// Schema  schemas/tensor-proof.cddl
struct TensorProof {
  std::string name;  ///< as in the safetensors file, up to 1,000 bytes
  std::string dtype;
  std::vector<std::int64_t> shape;  ///< up to 16 sizes
  Digest32 data{};                  ///< SHA-256 of the tensor's bytes
  InclusionProof place;
};

/// Proves a tensor of a safetensors file. Errors malformed; not_found when it has no tensor of that name.
Result<TensorProof> prove_tensor(ByteView safetensors_file, std::string_view name);

Bytes encode_tensor_proof(const TensorProof& proof);
/// Errors  malformed; unsupported (another version).
Result<TensorProof> decode_tensor_proof(ByteView bytes);

/// The tensor root that the proof leads to; it proves something once a registration states that root and the tree's size.
/// Errors  malformed when the path does not fit index and size.
Result<Digest32> tensor_root_of(const TensorProof& proof);

}  // namespace stegpass::credential
