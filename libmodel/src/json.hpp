#pragma once

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace stegpass::model {

/// JSON text of a string; control characters are escaped.
inline std::string json_text(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned char>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

/// JSON text of a number, the shortest from which the same float64 is read back; null when it is not finite.
inline std::string json_number(double value) {
  if (!std::isfinite(value)) return "null";
  char text[40];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

/// Builds one JSON object, members in the order they are added.
class JsonObject {
 public:
  JsonObject& raw(std::string_view name, std::string_view json) {
    if (!body_.empty()) body_ += ',';
    (body_ += json_text(name)) += ':';
    body_ += json;
    return *this;
  }
  JsonObject& text(std::string_view name, std::string_view value) { return raw(name, json_text(value)); }
  JsonObject& number(std::string_view name, double value) { return raw(name, json_number(value)); }
  JsonObject& integer(std::string_view name, std::int64_t value) { return raw(name, std::to_string(value)); }
  JsonObject& boolean(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  std::string str() const { return std::string("{").append(body_).append("}"); }

 private:
  std::string body_;
};

inline std::string json_array(const std::vector<double>& values) {
  std::string out = "[";
  for (const double value : values) out.append(out.size() > 1 ? "," : "").append(json_number(value));
  return out + "]";
}

inline std::string json_texts(const std::vector<std::string>& values) {
  std::string out = "[";
  for (const std::string& value : values) out.append(out.size() > 1 ? "," : "").append(json_text(value));
  return out + "]";
}

}  // namespace stegpass::model
