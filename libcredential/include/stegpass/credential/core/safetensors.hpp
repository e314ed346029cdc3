#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass {

/// One tensor of a safetensors file: its name, element type as the format names it (F32, BF16, I64, ...), shape and bytes.
struct TensorView {
  std::string name;
  std::string dtype;
  std::vector<std::int64_t> shape;
  ByteView data;  ///< lives as long as the bytes that were parsed
};

/// A parsed safetensors file: tensors in the order of their bytes, and the text metadata.
struct Safetensors {
  std::vector<TensorView> tensors;
  std::map<std::string, std::string> metadata;
};

/// Bytes of one element of `dtype`, or 0 if the type is unknown.
std::size_t safetensors_element_bytes(std::string_view dtype);

/// Reads a safetensors file: eight bytes of header length (little-endian), a JSON header, the data without gaps or overlaps.
/// Errors  malformed on anything else: duplicate names, unknown dtypes, shapes whose product does not fit the offsets,
///         a header over 100 MB, offsets out of order, bytes that no tensor covers.
Result<Safetensors> parse_safetensors(ByteView file);

/// Writes tensors (sorted by name) and metadata as one file, the same bytes for the same content.
/// Requires each data size to fit dtype and shape, and unique names (assertion).
Bytes encode_safetensors(std::vector<TensorView> tensors, const std::map<std::string, std::string>& metadata);

}  // namespace stegpass
