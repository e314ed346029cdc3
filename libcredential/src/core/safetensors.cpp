#include <stegpass/credential/core/safetensors.hpp>

#include <algorithm>
#include <cassert>
#include <limits>
#include <set>

namespace stegpass {
namespace {

constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;
constexpr std::size_t kMaxDimensions = 16;

/// One short line, whatever names the file has.
Error bad(std::string what) {
  constexpr std::size_t kMost = 300;
  std::replace_if(
      what.begin(), what.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return {Errc::malformed, "safetensors: " + what.substr(0, kMost)};
}

/// Reads the JSON that a safetensors header may hold: objects of strings, whole numbers and arrays of them; nothing else.
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view text) : text_(text) {}

  bool take(char c) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool at_end() { return skip_space(), at_ == text_.size(); }

  Result<std::string> string() {
    if (!take('"')) return bad("header lacks a string at byte " + std::to_string(at_));
    std::string out;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (static_cast<unsigned char>(text_[at_]) < 0x20) return bad("control character in a header string");
      if (text_[at_] != '\\') {
        out += text_[at_++];
        continue;
      }
      STEGPASS_CHECK_OK(escape(out));
    }
    if (!take('"')) return bad("header string does not end");
    return out;
  }

  Result<std::uint64_t> number() {
    skip_space();
    const std::size_t start = at_;
    std::uint64_t value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      const auto digit = static_cast<std::uint64_t>(text_[at_] - '0');
      if (value > (std::numeric_limits<std::int64_t>::max() - digit) / 10) return bad("number too large in the header");
      value = value * 10 + digit;
    }
    const bool leading_zero = at_ - start > 1 && text_[start] == '0';
    if (at_ == start || leading_zero) return bad("header lacks a whole number at byte " + std::to_string(start));
    return value;
  }

  Result<std::vector<std::uint64_t>> numbers(std::size_t most) {
    std::vector<std::uint64_t> out;
    if (!take('[')) return bad("header lacks an array at byte " + std::to_string(at_));
    if (take(']')) return out;
    do {
      STEGPASS_TRY(value, number());
      if (out.size() == most) return bad("header array with more than " + std::to_string(most) + " numbers");
      out.push_back(value);
    } while (take(','));
    if (!take(']')) return bad("header array does not end");
    return out;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) ++at_;
  }

  Status escape(std::string& out) {
    constexpr std::string_view kNames = "\"\\/bfnrt", kValues = "\"\\/\b\f\n\r\t";
    const char name = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (const auto known = kNames.find(name); name != '\0' && known != std::string_view::npos) {
      out += kValues[known];
      at_ += 2;
      return Done{};
    }
    if (name != 'u' || at_ + 6 > text_.size()) return bad("unknown escape in a header string");
    unsigned code = 0;
    for (char c : text_.substr(at_ + 2, 4)) {
      const auto digit = std::string_view("0123456789abcdef").find(static_cast<char>(c >= 'A' && c <= 'F' ? c + 32 : c));
      if (digit == std::string_view::npos) return bad("unknown escape in a header string");
      code = code * 16 + static_cast<unsigned>(digit);
    }
    if (code >= 0x80) return bad("escaped characters beyond ASCII are not read; write them as UTF-8");
    out += static_cast<char>(code);
    at_ += 6;
    return Done{};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

struct Entry {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;
};

Result<Entry> read_entry(HeaderReader& in, std::string name) {
  Entry entry{.name = std::move(name)};
  std::set<std::string> seen;
  if (!in.take('{')) return bad("tensor '" + entry.name + "' is not described by an object");
  do {
    STEGPASS_TRY(field, in.string());
    if (!seen.insert(field).second || !in.take(':')) return bad("tensor '" + entry.name + "' has a repeated or broken field");
    if (field == "dtype") {
      STEGPASS_TRY(dtype, in.string());
      entry.dtype = dtype;
    } else if (field == "shape") {
      STEGPASS_TRY(shape, in.numbers(kMaxDimensions));
      entry.shape.assign(shape.begin(), shape.end());
    } else if (field == "data_offsets") {
      STEGPASS_TRY(offsets, in.numbers(2));
      if (offsets.size() != 2) return bad("tensor '" + entry.name + "' needs two data_offsets");
      entry.begin = offsets[0];
      entry.end = offsets[1];
    } else {
      return bad("tensor '" + entry.name + "' has an unknown field '" + field + "'");
    }
  } while (in.take(','));
  if (!in.take('}') || seen.size() != 3) return bad("tensor '" + entry.name + "' needs dtype, shape and data_offsets");
  return entry;
}

Status read_metadata(HeaderReader& in, std::map<std::string, std::string>& out) {
  if (!in.take('{')) return bad("__metadata__ is not an object");
  if (in.take('}')) return Done{};
  do {
    STEGPASS_TRY(key, in.string());
    if (!in.take(':')) return bad("__metadata__ is broken");
    STEGPASS_TRY(value, in.string());
    if (!out.emplace(key, value).second) return bad("__metadata__ repeats '" + key + "'");
  } while (in.take(','));
  if (!in.take('}')) return bad("__metadata__ does not end");
  return Done{};
}

/// Whether dtype and shape need exactly `bytes` bytes, without overflow.
bool size_fits(const Entry& entry, std::uint64_t bytes) {
  std::uint64_t need = safetensors_element_bytes(entry.dtype);
  for (std::int64_t dimension : entry.shape) {
    const auto factor = static_cast<std::uint64_t>(dimension);
    if (factor == 0) return bytes == 0;
    if (need > bytes / factor) return false;
    need *= factor;
  }
  return need == bytes;
}

Result<std::vector<Entry>> read_header(std::string_view text, std::map<std::string, std::string>& metadata) {
  HeaderReader in(text);
  std::vector<Entry> entries;
  std::set<std::string> names;
  if (!in.take('{')) return bad("the header is not a JSON object");
  if (in.take('}')) return in.at_end() ? Result<std::vector<Entry>>(entries) : bad("bytes after the header's object");
  do {
    STEGPASS_TRY(name, in.string());
    if (!names.insert(name).second || !in.take(':')) return bad("the header repeats or breaks the name '" + name + "'");
    if (name == "__metadata__") {
      STEGPASS_CHECK_OK(read_metadata(in, metadata));
    } else {
      STEGPASS_TRY(entry, read_entry(in, name));
      entries.push_back(std::move(entry));
    }
  } while (in.take(','));
  if (!in.take('}') || !in.at_end()) return bad("the header's object does not end where it should");
  return entries;
}

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      (out += '\\') += c;
    else if (c == '\n')
      out += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20)
      ((out += "\\u00") += "01"[c >> 4]) += "0123456789abcdef"[c & 15];
    else
      out += c;
  }
  return out += '"';
}

std::string describe(const TensorView& tensor, std::uint64_t begin) {
  std::string out = quote(tensor.name) + ":{\"dtype\":" + quote(tensor.dtype) + ",\"shape\":[";
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) out += (i ? "," : "") + std::to_string(tensor.shape[i]);
  return out + "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(begin + tensor.data.size()) + "]}";
}

}  // namespace

std::size_t safetensors_element_bytes(std::string_view dtype) {
  if (dtype == "F64" || dtype == "I64" || dtype == "U64") return 8;
  if (dtype == "F32" || dtype == "I32" || dtype == "U32") return 4;
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16" || dtype == "U16") return 2;
  if (dtype == "BOOL" || dtype == "U8" || dtype == "I8" || dtype == "F8_E4M3" || dtype == "F8_E5M2") return 1;
  return 0;
}

Result<Safetensors> parse_safetensors(ByteView file) {
  if (file.size() < 8) return bad("shorter than its eight-byte header length");
  std::uint64_t header_bytes = 0;
  for (int i = 7; i >= 0; --i) header_bytes = (header_bytes << 8) | file[static_cast<std::size_t>(i)];
  if (header_bytes > kMaxHeaderBytes || header_bytes > file.size() - 8) {
    return bad("header of " + std::to_string(header_bytes) + " bytes claimed in a file of " + std::to_string(file.size()));
  }
  Safetensors out;
  STEGPASS_TRY(entries, read_header(as_text(file.subspan(8, header_bytes)), out.metadata));
  const ByteView data = file.subspan(8 + header_bytes);
  std::stable_sort(entries.begin(), entries.end(),
                   [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  std::uint64_t covered = 0;
  for (Entry& entry : entries) {
    if (safetensors_element_bytes(entry.dtype) == 0)
      return bad("tensor '" + entry.name + "' has the unknown dtype '" + entry.dtype + "'");
    if (entry.begin != covered || entry.end < entry.begin || entry.end > data.size()) {
      return bad("tensor '" + entry.name + "' overlaps, leaves a gap or passes the end of the file");
    }
    if (!size_fits(entry, entry.end - entry.begin))
      return bad("tensor '" + entry.name + "' has a shape that does not fit its bytes");
    covered = entry.end;
    out.tensors.push_back({entry.name, entry.dtype, entry.shape, data.subspan(entry.begin, entry.end - entry.begin)});
  }
  if (covered != data.size()) return bad(std::to_string(data.size() - covered) + " bytes belong to no tensor");
  return out;
}

Bytes encode_safetensors(std::vector<TensorView> tensors, const std::map<std::string, std::string>& metadata) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorView& a, const TensorView& b) { return a.name < b.name; });
  std::string header = "{";
  if (!metadata.empty()) {
    header += "\"__metadata__\":{";
    for (bool first = true; const auto& [key, value] : metadata) {
      header += (first ? "" : ",") + quote(key) + ":" + quote(value);
      first = false;
    }
    header += "}";
  }
  std::uint64_t offset = 0;
  for (const TensorView& tensor : tensors) {
    header += (header.size() > 1 ? "," : "") + describe(tensor, offset);
    offset += tensor.data.size();
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');
  Bytes out;
  out.reserve(8 + header.size() + offset);
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<std::uint8_t>(header.size() >> (8 * i)));
  append(out, header);
  for (const TensorView& tensor : tensors) append(out, tensor.data);
  return out;
}

}  // namespace stegpass
