#include "status_list.hpp"

#include <zlib.h>

#include <cassert>

#include <stegpass/credential/statement.hpp>

namespace stegpass::credential {
namespace {

constexpr std::size_t kPerByte = 4;
constexpr std::uint8_t kFilling = 3;
constexpr std::size_t kMaxBytes = StatusList::kMaxLicenses / kPerByte;

}  // namespace

// The output grows by doubling.
Result<Bytes> inflate_bounded(ByteView packed, std::size_t bound) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) return Error{Errc::internal, "zlib does not start"};
  stream.next_in = const_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  Bytes out(1024);
  int state = Z_OK;
  while (state == Z_OK && stream.total_out <= bound) {
    if (stream.total_out == out.size()) out.resize(std::min(2 * out.size(), bound + 1));
    stream.next_out = out.data() + stream.total_out;
    stream.avail_out = static_cast<uInt>(out.size() - stream.total_out);
    state = inflate(&stream, Z_NO_FLUSH);
  }
  const std::size_t count = stream.total_out, unread = stream.avail_in;
  inflateEnd(&stream);
  if (count > bound) return Error{Errc::malformed, "status list: inflates to over " + std::to_string(bound) + " bytes"};
  if (state != Z_STREAM_END) return Error{Errc::malformed, "status list: lst is not a whole ZLIB stream"};
  if (unread != 0) return Error{Errc::malformed, "status list: " + std::to_string(unread) + " bytes after the ZLIB stream"};
  out.resize(count);
  return out;
}

Bytes pack_status_list(const std::vector<std::uint8_t>& states) {
  Bytes plain((states.size() + kPerByte - 1) / kPerByte);
  for (std::size_t i = 0; i < kPerByte * plain.size(); ++i) {
    const std::uint8_t state = i < states.size() ? states[i] : kFilling;
    assert(i >= states.size() || state < kFilling);
    plain[i / kPerByte] |= static_cast<std::uint8_t>((state & 3) << (2 * (i % kPerByte)));
  }
  uLongf size = compressBound(static_cast<uLong>(plain.size()));
  Bytes out(size);
  const int state = compress2(out.data(), &size, plain.data(), static_cast<uLong>(plain.size()), Z_BEST_COMPRESSION);
  assert(state == Z_OK), static_cast<void>(state);
  out.resize(size);
  return out;
}

Result<std::vector<std::uint8_t>> unpack_status_list(ByteView packed) {
  STEGPASS_TRY(plain, inflate_bounded(packed, kMaxBytes));
  std::vector<std::uint8_t> states;
  states.reserve(kPerByte * plain.size());
  for (std::uint8_t byte : plain) {
    for (std::size_t slot = 0; slot < kPerByte; ++slot) states.push_back((byte >> (2 * slot)) & 3);
  }
  for (std::size_t i = 1; i < kPerByte && !states.empty() && states.back() == kFilling; ++i) states.pop_back();
  for (std::uint8_t state : states) {
    if (state == kFilling) return Error{Errc::malformed, "status list: a license has the unknown state 3"};
  }
  return states;
}

}  // namespace stegpass::credential
