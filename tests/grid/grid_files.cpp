#include <fstream>
#include <iterator>
#include <stdexcept>

#include "grid_tool.hpp"

namespace stegpass::test {

Bytes read_bytes(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot read " + path);
  return Bytes(std::istreambuf_iterator<char>(stream), {});
}

void write_bytes(const std::string& path, ByteView bytes) {
  std::ofstream stream(path, std::ios::binary);
  stream << as_text(bytes);
  if (!stream.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace stegpass::test
