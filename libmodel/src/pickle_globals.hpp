#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace stegpass::model {

/// What a known global does when it is called, or that it is a storage type.
enum class PickleGlobal { ordered_dict, tensor, parameter, parameter_with_state, storage };

struct KnownGlobal {
  std::string_view module, name;
  PickleGlobal meaning;
  std::string_view dtype = {};  ///< of storage types
  std::size_t width = 0;
};

/// Every name that a stream may ask for; any other ends the reading.
inline constexpr std::array<KnownGlobal, 16> kKnownGlobals = {{
    {"collections", "OrderedDict", PickleGlobal::ordered_dict},
    {"torch._utils", "_rebuild_tensor_v2", PickleGlobal::tensor},
    {"torch._utils", "_rebuild_parameter", PickleGlobal::parameter},
    {"torch._utils", "_rebuild_parameter_with_state", PickleGlobal::parameter_with_state},
    {"torch", "FloatStorage", PickleGlobal::storage, "F32", 4},
    {"torch", "DoubleStorage", PickleGlobal::storage, "F64", 8},
    {"torch", "HalfStorage", PickleGlobal::storage, "F16", 2},
    {"torch", "BFloat16Storage", PickleGlobal::storage, "BF16", 2},
    {"torch", "LongStorage", PickleGlobal::storage, "I64", 8},
    {"torch", "IntStorage", PickleGlobal::storage, "I32", 4},
    {"torch", "ShortStorage", PickleGlobal::storage, "I16", 2},
    {"torch", "CharStorage", PickleGlobal::storage, "I8", 1},
    {"torch", "ByteStorage", PickleGlobal::storage, "U8", 1},
    {"torch", "BoolStorage", PickleGlobal::storage, "BOOL", 1},
    {"torch", "UntypedStorage", PickleGlobal::storage, "U8", 1},
    {"torch.storage", "UntypedStorage", PickleGlobal::storage, "U8", 1},
}};

}  // namespace stegpass::model
