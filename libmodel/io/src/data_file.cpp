#include <array>
#include <cstring>
#include <memory>

#include <stegpass/credential/core/safetensors.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/model/io/dataset_files.hpp>

#include "folder_tree.hpp"

namespace stegpass::model::io {
namespace {

constexpr std::string_view kFormat = "dataset.v1";
constexpr std::size_t kLabelBytes = 8;
constexpr std::uint64_t kMaxClasses = 65'536;

Error malformed(const std::string& what) { return {Errc::malformed, "data file: " + what}; }

/// The tensors of one part, laid out as the file wants them; the views live as long as this does.
struct FilePart {
  torch::Tensor images;
  Bytes labels;

  explicit FilePart(const LabelledImages& data) : images(data.images.contiguous()) {
    const torch::Tensor wide = data.labels.contiguous();
    for (std::int64_t i = 0; i < data.size(); ++i) {
      const auto label = static_cast<std::uint64_t>(wide.data_ptr<std::int64_t>()[i]);
      for (std::size_t byte = 0; byte < kLabelBytes; ++byte) labels.push_back(static_cast<std::uint8_t>(label >> (8 * byte)));
    }
  }
  void append_views(const std::string& name, std::vector<TensorView>& out) const {
    out.push_back({name + ".images", "U8", images.sizes().vec(), ByteView(images.data_ptr<std::uint8_t>(), images.nbytes())});
    out.push_back({name + ".labels", "I64", {images.size(0)}, labels});
  }
};

std::string join(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : "\n") + name;
  return out;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    out.emplace_back(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return out;
}

/// What the metadata say of both parts.
struct Heading {
  int classes = 0;
  std::vector<std::string> class_names;
  std::string source;
};

std::string text_of(const Safetensors& file, const std::string& key) {
  const auto found = file.metadata.find("stegpass." + key);
  return found == file.metadata.end() ? std::string() : found->second;
}

Result<Heading> read_heading(const Safetensors& file) {
  if (text_of(file, "format") != kFormat) {
    return malformed("format '" + text_of(file, "format") + "', " + std::string(kFormat) + " expected");
  }
  Heading out{0, split_lines(text_of(file, "class_names")), text_of(file, "source")};
  const std::string classes = text_of(file, "classes");
  std::uint64_t count = 0;
  for (const char c : classes)
    count = c >= '0' && c <= '9' && count <= kMaxClasses ? 10 * count + static_cast<std::uint64_t>(c - '0') : kMaxClasses + 1;
  if (count < 2 || count > kMaxClasses)
    return malformed("'" + classes + "' classes, 2 to " + std::to_string(kMaxClasses) + " expected");
  out.classes = static_cast<int>(count);
  if (!out.class_names.empty() && out.class_names.size() != count) {
    return malformed(std::to_string(out.class_names.size()) + " class names for " + classes + " classes");
  }
  for (const std::string& name : out.class_names) {
    if (!is_class_name(name)) return malformed("a class name that is no plain UTF-8");
  }
  return out;
}

Result<TensorView> find_tensor(const Safetensors& file, const std::string& name, std::string_view dtype) {
  for (const TensorView& tensor : file.tensors) {
    if (tensor.name != name) continue;
    if (tensor.dtype != dtype) return malformed(name + " of type " + tensor.dtype + ", " + std::string(dtype) + " expected");
    return tensor;
  }
  return malformed("no tensor " + name);
}

Result<torch::Tensor> read_labels(const TensorView& tensor, std::int64_t count, int classes) {
  if (tensor.shape != std::vector<std::int64_t>{count}) return malformed(tensor.name + " are not one an image");
  torch::Tensor labels = torch::empty({count}, torch::kInt64);
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    std::uint64_t label = 0;
    for (std::size_t byte = kLabelBytes; byte-- > 0;) label = label << 8 | tensor.data[kLabelBytes * i + byte];
    if (label >= static_cast<std::uint64_t>(classes)) {
      return malformed("label " + std::to_string(label) + " of image " + std::to_string(i) + ", 0 to " +
                       std::to_string(classes - 1) + " expected");
    }
    labels.data_ptr<std::int64_t>()[i] = static_cast<std::int64_t>(label);
  }
  return labels;
}

/// The images stay where they are; `owner` keeps them there.
Result<LabelledImages> read_part(const Safetensors& file, const std::string& name, const Heading& heading,
                                 const std::shared_ptr<Bytes>& owner) {
  STEGPASS_TRY(images, find_tensor(file, name + ".images", "U8"));
  STEGPASS_TRY(labels, find_tensor(file, name + ".labels", "I64"));
  const auto& shape = images.shape;
  if (shape.size() != 4 || shape[0] < 1 || shape[1] != 3 || shape[2] != shape[3] || !is_image_side(shape[2])) {
    return malformed(name + ".images are not (N, 3, S, S) with S a multiple of 32 up to 512");
  }
  STEGPASS_TRY(label_tensor, read_labels(labels, shape[0], heading.classes));
  auto* pixels = const_cast<std::uint8_t*>(images.data.data());
  const torch::Tensor view = torch::from_blob(
      pixels, shape, [owner](void*) {}, torch::kUInt8);
  LabelledImages part{view, label_tensor, heading.classes, text_of(file, name + "_name"), heading.class_names};
  const std::string digest = to_hex(dataset_digest(part)), expected = text_of(file, name + "_digest");
  if (digest != expected)
    return malformed(name + " has the digest " + digest.substr(0, 16) + "..., '" + expected.substr(0, 16) + "...' expected");
  return part;
}

}  // namespace

Bytes encode_data_file(const DataSplit& data, std::string_view source) {
  const FilePart train(data.train), test(data.test);
  std::vector<TensorView> views;
  train.append_views("train", views);
  test.append_views("test", views);
  return encode_safetensors(std::move(views), {{"stegpass.format", std::string(kFormat)},
                                               {"stegpass.classes", std::to_string(data.train.classes)},
                                               {"stegpass.class_names", join(data.train.class_names)},
                                               {"stegpass.source", std::string(source)},
                                               {"stegpass.train_name", data.train.name},
                                               {"stegpass.train_digest", to_hex(dataset_digest(data.train))},
                                               {"stegpass.test_name", data.test.name},
                                               {"stegpass.test_digest", to_hex(dataset_digest(data.test))}});
}

Result<DataFile> decode_data_file(Bytes bytes) {
  const auto owner = std::make_shared<Bytes>(std::move(bytes));
  STEGPASS_TRY(file, parse_safetensors(*owner));
  STEGPASS_TRY(heading, read_heading(file));
  if (file.tensors.size() != 4) return malformed(std::to_string(file.tensors.size()) + " tensors, 4 expected");
  STEGPASS_TRY(train, read_part(file, "train", heading, owner));
  STEGPASS_TRY(test, read_part(file, "test", heading, owner));
  if (train.side() != test.side())
    return malformed("images of two sides, " + std::to_string(train.side()) + " and " + std::to_string(test.side()));
  return DataFile{{train, test}, heading.source};
}

}  // namespace stegpass::model::io
