#include "torch_bytes.hpp"

#include <cstring>

#include <stegpass/credential/core/bytes.hpp>

#include "libmodel/src/zip_reader.hpp"

namespace stegpass::model::testing {

std::string le(std::uint64_t value, int width) {
  std::string out;
  for (int i = 0; i < width; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
  return out;
}

std::string unicode(const std::string& text) { return "X" + le(text.size(), 4) + text; }

std::string global(const std::string& module, const std::string& name) { return "c" + module + "\n" + name + "\n"; }

std::string number(std::int64_t value) {
  if (value == static_cast<std::int32_t>(value)) return "J" + le(static_cast<std::uint64_t>(value), 4);
  return "\x8a\x08" + le(static_cast<std::uint64_t>(value), 8);
}

std::string tuple(const std::vector<std::int64_t>& values) {
  std::string out = "(";
  for (const std::int64_t value : values) out += number(value);
  return out + "t";
}

std::string tensor(const TensorSpec& spec) {
  const std::string storage = "(" + unicode("storage") + global("torch", spec.storage) + unicode(spec.key) + unicode("cpu") +
                              number(spec.elements) + "tQ";
  const std::string hooks = global("collections", "OrderedDict") + ")R";
  return global("torch._utils", "_rebuild_tensor_v2") + "(" + storage + number(spec.offset) + tuple(spec.shape) +
         tuple(spec.strides) + "\x89" + hooks + "tR";
}

std::string as_stream(const std::string& body) { return "\x80\x02" + body + "."; }

std::string dict_stream(const std::vector<std::pair<std::string, std::string>>& items) {
  std::string body = global("collections", "OrderedDict") + ")R(";
  for (const auto& [name, value] : items) body += unicode(name) + value;
  return as_stream(body + "u");
}

std::string zip(const std::vector<std::pair<std::string, std::string>>& files) {
  std::string out, directory;
  for (const auto& [name, data] : files) {
    const std::string crc = le(crc32_of(as_bytes(data)), 4), sizes = le(data.size(), 4) + le(data.size(), 4),
                      at = le(out.size(), 4);
    const std::string common = le(0, 2) + le(0, 2) + le(0, 2) + le(0, 4) + crc + sizes + le(name.size(), 2) + le(0, 2);
    out += "PK\x03\x04" + common + name + data;
    directory += std::string("PK\x01\x02") + le(0, 2) + common + le(0, 2) + le(0, 2) + le(0, 2) + le(0, 4) + at + name;
  }
  const std::string end =
      le(0, 2) + le(0, 2) + le(files.size(), 2) + le(files.size(), 2) + le(directory.size(), 4) + le(out.size(), 4) + le(0, 2);
  return out + directory + "PK\x05\x06" + end;
}

std::string torch_zip(const std::string& stream, const std::vector<std::pair<std::string, std::string>>& storages) {
  std::vector<std::pair<std::string, std::string>> files{{"model/data.pkl", stream}};
  for (const auto& [key, bytes] : storages) files.emplace_back("model/data/" + key, bytes);
  files.emplace_back("model/version", "3\n");
  return zip(files);
}

std::string torch_legacy(const std::string& stream, const std::vector<LegacyStorage>& storages) {
  std::string out = std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.", 21);
  out += as_stream("}(" + unicode("little_endian") + "\x88" + "u") + stream;
  std::string keys = "](", bytes;
  for (const LegacyStorage& storage : storages) {
    keys += unicode(storage.key);
    bytes += le(storage.elements, 8) + storage.bytes;
  }
  return out + as_stream(keys + "e") + bytes;
}

std::string floats(const std::vector<float>& values) {
  std::string out(values.size() * sizeof(float), '\0');
  std::memcpy(out.data(), values.data(), out.size());
  return out;
}

}  // namespace stegpass::model::testing
