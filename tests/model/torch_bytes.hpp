#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace stegpass::model::testing {

/// Pieces of the bytes that torch.save writes, put together by hand; text stands for bytes here.
std::string le(std::uint64_t value, int width);

std::string unicode(const std::string& text);  ///< BINUNICODE
std::string global(const std::string& module, const std::string& name);
std::string number(std::int64_t value);  ///< BININT, or LONG1 beyond it
std::string tuple(const std::vector<std::int64_t>& values);

struct TensorSpec {
  std::string storage = "FloatStorage", key = "0";
  std::int64_t elements = 6, offset = 0;
  std::vector<std::int64_t> shape = {2, 3}, strides = {3, 1};
};
std::string tensor(const TensorSpec& spec);

/// A whole stream: a dict of these (name, stream of the value).
std::string dict_stream(const std::vector<std::pair<std::string, std::string>>& items);
std::string as_stream(const std::string& body);  ///< PROTO body STOP

/// A zip archive of stored files, with the CRC-32 of their bytes.
std::string zip(const std::vector<std::pair<std::string, std::string>>& files);
/// The zip form of torch.save.
std::string torch_zip(const std::string& stream, const std::vector<std::pair<std::string, std::string>>& storages);
/// The older form; each storage as (key, elements as counted, bytes).
struct LegacyStorage {
  std::string key;
  std::uint64_t elements;
  std::string bytes;
};
std::string torch_legacy(const std::string& stream, const std::vector<LegacyStorage>& storages);

/// float32 values as bytes.
std::string floats(const std::vector<float>& values);

}  // namespace stegpass::model::testing
