#include <stegpass/model/state_dict.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "printable.hpp"
#include "tensor_bytes.hpp"
#include "torch_file.hpp"

namespace stegpass::model {
namespace {

constexpr std::size_t kMaxName = 512;
// A network may name one tensor twice, or keep views of one storage; a file may not claim to be much more than it is.
constexpr std::uint64_t kMaxGrowth = 4;
constexpr std::string_view kParallelPrefix = "module.";

constexpr std::array<std::pair<std::string_view, at::ScalarType>, 10> kTypes = {{{"F64", at::kDouble},
                                                                                 {"F32", at::kFloat},
                                                                                 {"F16", at::kHalf},
                                                                                 {"BF16", at::kBFloat16},
                                                                                 {"I64", at::kLong},
                                                                                 {"I32", at::kInt},
                                                                                 {"I16", at::kShort},
                                                                                 {"I8", at::kChar},
                                                                                 {"U8", at::kByte},
                                                                                 {"BOOL", at::kBool}}};

at::ScalarType type_of(std::string_view dtype) {
  return std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& type) { return type.first == dtype; })->second;
}

/// Elements of a shape, at most `most`, or nothing where there are more; sizes beside a 0 are bounded too, since LibTorch
/// multiplies them.
std::optional<std::uint64_t> count_elements(const std::vector<std::int64_t>& shape, std::uint64_t most) {
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  const std::uint64_t limit = empty ? std::uint64_t{1} << 40 : most;
  std::uint64_t count = 1;
  for (const std::int64_t size : shape) {
    if (size == 0) continue;
    if (static_cast<std::uint64_t>(size) > limit / count) return std::nullopt;
    count *= static_cast<std::uint64_t>(size);
  }
  if (empty) return 0;
  return count <= limit ? std::optional(count) : std::nullopt;
}

/// Whether every element lies within the storage. Requires that no size is 0.
bool lies_within(const PickleTensor& tensor, std::uint64_t elements) {
  if (tensor.offset >= elements) return false;
  std::uint64_t left = elements - 1 - tensor.offset;  // how far the last element may be from the first
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    const auto steps = static_cast<std::uint64_t>(tensor.shape[i] - 1), stride = static_cast<std::uint64_t>(tensor.strides[i]);
    if (steps == 0 || stride == 0) continue;
    if (stride > left / steps) return false;
    left -= stride * steps;
  }
  return true;
}

/// Copies the elements in row-major order, whatever the strides; the file's bytes need not be aligned.
void gather(std::uint8_t* out, const std::uint8_t* storage, const PickleTensor& tensor, std::size_t width) {
  const std::size_t dimensions = tensor.shape.size();
  std::vector<std::int64_t> index(dimensions, 0);
  std::uint64_t at = tensor.offset;
  for (;;) {
    std::memcpy(out, storage + at * width, width);
    out += width;
    std::size_t d = dimensions;
    for (; d-- > 0;) {
      at += static_cast<std::uint64_t>(tensor.strides[d]);
      if (++index[d] < tensor.shape[d]) break;
      at -= static_cast<std::uint64_t>(tensor.strides[d]) * static_cast<std::uint64_t>(tensor.shape[d]);
      index[d] = 0;
    }
    if (d == static_cast<std::size_t>(-1)) return;
  }
}

bool is_row_major(const PickleTensor& tensor) {
  std::int64_t expected = 1;
  for (std::size_t d = tensor.shape.size(); d-- > 0;) {
    if (tensor.shape[d] != 1 && tensor.strides[d] != expected) return false;
    expected *= tensor.shape[d];
  }
  return true;
}

/// Makes tensors of a file, each part of a storage once, and keeps count of their bytes.
class Tensors {
 public:
  Tensors(const TorchFile& file, std::uint64_t file_bytes) : file_(file), left_(kMaxGrowth * file_bytes) {}

  Result<torch::Tensor> make(const std::string& name, const PickleTensor& tensor) {
    const PickleStorage& storage = file_.pickle.storages[tensor.storage];
    const auto count = count_elements(tensor.shape, left_ / storage.width);
    if (!count) return bad_torch_file("the tensors would take more than four times the file's bytes, at " + name);
    left_ -= *count * storage.width;
    const Part part{tensor.storage, tensor.offset, tensor.shape, tensor.strides};
    if (const auto found = made_.find(part); found != made_.end()) return found->second;
    if (*count > 0 && !lies_within(tensor, storage.elements)) {
      return bad_torch_file("tensor " + name + " of shape " + shape_text(tensor.shape) + ", strides " +
                            shape_text(tensor.strides) + " and offset " + std::to_string(tensor.offset) +
                            " does not lie within its storage of " + std::to_string(storage.elements) + " elements");
    }
    torch::Tensor made = torch::empty(tensor.shape, type_of(storage.dtype));
    if (*count > 0) STEGPASS_CHECK_OK(copy(made, name, tensor, *count * storage.width));
    made_.emplace(part, made);
    return made;
  }

 private:
  using Part = std::tuple<std::size_t, std::uint64_t, std::vector<std::int64_t>, std::vector<std::int64_t>>;

  Status copy(torch::Tensor& made, const std::string& name, const PickleTensor& tensor, std::uint64_t bytes) const {
    const std::size_t width = file_.pickle.storages[tensor.storage].width;
    const std::uint8_t* from = file_.storages[tensor.storage].data();
    auto* out = static_cast<std::uint8_t*>(made.data_ptr());
    if (is_row_major(tensor)) {
      std::memcpy(out, from + tensor.offset * width, static_cast<std::size_t>(bytes));
    } else {
      gather(out, from, tensor, width);
    }
    const bool truth =
        made.scalar_type() != at::kBool || std::all_of(out, out + bytes, [](std::uint8_t value) { return value <= 1; });
    return truth ? Status(Done{}) : bad_torch_file("tensor " + name + " of truth values holds a byte over 1");
  }

  const TorchFile& file_;
  std::uint64_t left_;
  std::map<Part, torch::Tensor> made_;
};

/// What a file is about, and its other entries.
struct Chosen {
  const PickleNode* dict = nullptr;
  std::vector<std::string> left_out;
};

std::string key_text(const PickleNode& key) {
  if (key.kind == PickleKind::integer) return std::to_string(key.integer);
  const std::string quoted = printable(key.text);
  return key.kind == PickleKind::text ? quoted.substr(1, quoted.size() - 2) : std::string(pickle_kind_name(key.kind));
}

/// Python takes the last of two entries of one name, others the first: one file would be two models.
Status check_unique(const Pickle& pickle, const PickleNode& dict) {
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    const PickleNode& key = pickle.at(dict.items[i]);
    if (key.kind == PickleKind::text && !seen.insert(key.text).second)
      return bad_torch_file("the entry " + printable(key.text) + " is there twice");
  }
  return Done{};
}

Result<Chosen> choose(const Pickle& pickle) {
  const PickleNode& root = pickle.at(pickle.root);
  if (root.kind != PickleKind::dict)
    return bad_torch_file("it holds " + std::string(pickle_kind_name(root.kind)) + ", a dict of tensors expected");
  STEGPASS_CHECK_OK(check_unique(pickle, root));
  for (const std::string_view entry : {"state_dict", "model_state_dict", "model", "net"}) {
    const PickleNode* inner = pickle.find(root, entry);
    if (inner == nullptr || inner->kind != PickleKind::dict) continue;
    STEGPASS_CHECK_OK(check_unique(pickle, *inner));
    Chosen chosen{inner, {}};
    for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
      if (pickle.at(root.items[i]).text != entry) chosen.left_out.push_back(key_text(pickle.at(root.items[i])));
    }
    return chosen;
  }
  return Chosen{&root, {}};
}

Result<std::string> tensor_name(const PickleNode& key) {
  if (key.kind != PickleKind::text)
    return bad_torch_file("a tensor's name is " + std::string(pickle_kind_name(key.kind)) + ", a text expected");
  if (key.text.empty() || key.text.size() > kMaxName || !is_printable(key.text)) {
    return bad_torch_file("a tensor's name is " + printable(key.text) + "; expected 1 to 512 printable ASCII characters");
  }
  return std::string(key.text);
}

void drop_parallel_prefix(StateDict& dict) {
  const auto has = [](const auto& item) {
    return item.first.size() > kParallelPrefix.size() && item.first.rfind(kParallelPrefix, 0) == 0;
  };
  if (!std::all_of(dict.tensors.begin(), dict.tensors.end(), has)) return;
  for (auto& item : dict.tensors) item.first.erase(0, kParallelPrefix.size());
}

Result<StateDict> state_dict_of(const TorchFile& file, std::size_t file_bytes) {
  const Pickle& pickle = file.pickle;
  STEGPASS_TRY(chosen, choose(pickle));
  StateDict out{{}, std::move(chosen.left_out)};
  Tensors tensors(file, file_bytes);
  for (std::size_t i = 0; i + 1 < chosen.dict->items.size(); i += 2) {
    const PickleNode &key = pickle.at(chosen.dict->items[i]), &value = pickle.at(chosen.dict->items[i + 1]);
    if (value.kind != PickleKind::tensor) {
      out.left_out.push_back(key_text(key));
      continue;
    }
    STEGPASS_TRY(name, tensor_name(key));
    STEGPASS_TRY(tensor, tensors.make(name, pickle.tensors[static_cast<std::size_t>(value.integer)]));
    out.tensors.emplace_back(name, tensor);
  }
  if (out.tensors.empty()) return bad_torch_file("its dict holds no tensors (nor do its entries 'state_dict' and 'model')");
  drop_parallel_prefix(out);
  return out;
}

}  // namespace

bool is_torch_file(ByteView file) { return is_torch_zip(file) || is_torch_legacy(file); }

Result<StateDict> parse_state_dict(ByteView file) {
  if (!is_torch_file(file)) return bad_torch_file("it begins neither as a zip archive nor with torch.save's magic number");
  STEGPASS_TRY(parts, is_torch_zip(file) ? read_torch_zip(file) : read_torch_legacy(file));
  return state_dict_of(parts, file.size());
}

std::string tensor_dtype(const torch::Tensor& tensor) {
  const auto type =
      std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& known) { return known.second == tensor.scalar_type(); });
  return type == kTypes.end() ? "" : std::string(type->first);
}

}  // namespace stegpass::model
