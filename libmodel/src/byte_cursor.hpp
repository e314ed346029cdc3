#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <stegpass/credential/core/bytes.hpp>

namespace stegpass::model {

/// Walks over bytes from the front; what is not there is an empty optional, and nothing is then taken. Views live as long as the
/// bytes.
class ByteCursor {
 public:
  explicit ByteCursor(ByteView bytes) : bytes_(bytes) {}

  std::size_t at() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }

  std::optional<ByteView> take(std::uint64_t count) {
    if (count > left()) return std::nullopt;
    const ByteView view = bytes_.subspan(at_, static_cast<std::size_t>(count));
    at_ += static_cast<std::size_t>(count);
    return view;
  }

  /// A little-endian number of `width` bytes, 1 to 8.
  std::optional<std::uint64_t> number(int width) {
    const auto view = take(static_cast<std::uint64_t>(width));
    if (!view) return std::nullopt;
    std::uint64_t value = 0;
    for (int i = width - 1; i >= 0; --i) value = value << 8 | (*view)[static_cast<std::size_t>(i)];
    return value;
  }

  /// The bytes before the next line feed, which is taken too; of at most `most` bytes.
  std::optional<ByteView> line(std::size_t most) {
    for (std::size_t length = 0; length < left() && length <= most; ++length) {
      if (bytes_[at_ + length] != '\n') continue;
      const ByteView view = bytes_.subspan(at_, length);
      at_ += length + 1;
      return view;
    }
    return std::nullopt;
  }

 private:
  ByteView bytes_;
  std::size_t at_ = 0;
};

}  // namespace stegpass::model
