#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::model {

/// What a pickle stream of torch.save can hold here. Nothing is called and nothing imported: a class or function is a token, and
/// the few calls that make dictionaries and tensors only write down what they were given.
enum class PickleKind : std::uint8_t { none, boolean, integer, number, text, tuple, list, dict, global, storage, tensor };

/// Name of a kind for messages: "a dict", "an integer".
std::string_view pickle_kind_name(PickleKind kind);

/// A place in Pickle::nodes. Containers hold places, so a value that the stream puts into itself is no cycle of owners.
using PickleRef = std::uint32_t;

struct PickleNode {
  PickleKind kind = PickleKind::none;
  std::int64_t integer = 0;      ///< boolean, integer (0 where it does not fit); place in `storages` or `tensors`; which global
  std::string_view text;         ///< text; name of a global
  std::vector<PickleRef> items;  ///< tuple, list; dict: key, value, key, value, ...
};

/// A storage that the stream refers to.
struct PickleStorage {
  std::string_view key;
  std::string_view dtype;      ///< as safetensors names it
  std::size_t width = 0;       ///< bytes of an element
  std::uint64_t elements = 0;  ///< as the stream claims it
};

/// A tensor over a storage. Sizes, strides and offset are 0 or more; whether they fit the storage is for the reader of the
/// storage.
struct PickleTensor {
  std::size_t storage = 0;
  std::uint64_t offset = 0;
  std::vector<std::int64_t> shape, strides;
};

struct Pickle {
  std::vector<PickleNode> nodes;
  std::vector<PickleStorage> storages;  ///< one a key
  std::vector<PickleTensor> tensors;
  PickleRef root = 0;
  std::size_t bytes = 0;  ///< that the stream took

  const PickleNode& at(PickleRef ref) const { return nodes[ref]; }
  /// The value of a text key, or null. Requires a dict.
  const PickleNode* find(const PickleNode& dict, std::string_view key) const;
};

/// Runs the first pickle stream of `bytes` up to its STOP. Views live as long as `bytes`.
/// Errors  refused, with its name, when the stream asks for a class or function that is not torch.save's for tensors; unsupported
/// on an
///         opcode that torch.save's protocol 2 does not use; malformed on a stream that ends early or makes no sense, on more
///         than a million values, 16 dimensions, or a stream over 64 MiB.
/// Source  CPython's Lib/pickletools.py; torch.save of 1.6 to 2.x, and of the older form.
Result<Pickle> read_pickle(ByteView bytes);

}  // namespace stegpass::model
