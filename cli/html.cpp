#include "html.hpp"

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstdio>
#include <utility>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/text.hpp>

namespace stegpass::cli::html {

/// Makes markup of what this file has written.
struct Written {
  static Markup of(std::string code) {
    Markup out;
    out.code_ = std::move(code);
    return out;
  }
};

namespace {

constexpr std::uint32_t kReplacement = 0xfffd;

/// The next character of UTF-8 and how many bytes it takes; U+FFFD and one byte where there is none (RFC 3629).
struct Character {
  std::uint32_t value = kReplacement;
  std::size_t bytes = 1;
};
Character next_character(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  const std::uint8_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t length = first >= 0xf0 && first < 0xf5   ? 4
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xc2 && first < 0xe0 ? 2
                                                             : 0;
  if (length == 0 || text.size() < length) return {};
  std::uint32_t value = first & (0x7f >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    value = value << 6 | (byte(i) & 0x3f);
  }
  constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool wrong = value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000);
  return wrong ? Character{} : Character{value, length};
}

/// Characters that turn the direction of what follows, or leave no trace on paper.
bool is_hidden(std::uint32_t c) {
  constexpr std::pair<std::uint32_t, std::uint32_t> ranges[] = {
      {0xad, 0xad},     {0x61c, 0x61c},   {0x180e, 0x180e}, {0x200b, 0x200b}, {0x200e, 0x200f},
      {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb}, {0xe0000, 0xe0fff}};
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [c](const auto& range) { return c >= range.first && c <= range.second; });
}

bool is_control(std::uint32_t c) { return (c < 0x20 && c != '\n' && c != '\t') || (c >= 0x7f && c < 0xa0); }

void escape_character(std::uint32_t c, std::string_view bytes, std::string& out) {
  char number[16];
  switch (c) {
    case '&': out += "&amp;"; return;
    case '<': out += "&lt;"; return;
    case '>': out += "&gt;"; return;
    case '"': out += "&quot;"; return;
    case '\'': out += "&#39;"; return;
    default: break;
  }
  if (c == kReplacement || is_control(c)) {
    out += "\xef\xbf\xbd";
  } else if (is_hidden(c)) {
    std::snprintf(number, sizeof number, "[U+%04X]", static_cast<unsigned>(c));
    out += number;
  } else {
    out += bytes;
  }
}

std::string written(Attributes attributes) {
  std::string out;
  for (const Attribute& attribute : attributes) {
    out += " " + std::string(attribute.name.name()) + "=\"" + escape(attribute.value) + "\"";
  }
  return out;
}

std::string percent_encoded(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                       c == '-' || c == '/' || c == '#';
    char hex[8];
    std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned>(static_cast<std::uint8_t>(c)));
    out += plain ? std::string(1, c) : hex;
  }
  return out.starts_with('/') ? "." + out : out;
}

std::string_view media_type(ByteView file) {
  const std::string_view text = as_text(file);
  if (text.starts_with("\x89PNG\r\n\x1a\n")) return "image/png";
  return text.starts_with("\xff\xd8\xff") ? "image/jpeg" : "";
}

/// Nothing is loaded, and nothing runs but the one script whose digest is named.
std::string content_policy(const Page& page) {
  std::string out = "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; style-src ";
  out += page.stylesheet_path.empty() ? "'unsafe-inline'" : "'self'";
  if (!page.script.empty()) out += "; script-src 'sha256-" + to_base64(sha256(as_bytes(page.script))) + "'";
  return out;
}

}  // namespace

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const Character c = next_character(text);
    escape_character(c.value, text.substr(0, c.bytes), out);
    text.remove_prefix(c.bytes);
  }
  return out;
}

Markup::Markup(std::string_view text) : code_(escape(text)) {}

Markup element(Tag tag, Attributes attributes, const Markup& content) {
  const std::string name(tag.name());
  return Written::of("<" + name + written(attributes) + ">" + content.code() + "</" + name + ">");
}

Markup element(Tag tag, const Markup& content) { return element(tag, {}, content); }

Markup element(Tag tag, Attributes attributes) { return Written::of("<" + std::string(tag.name()) + written(attributes) + "/>"); }

std::string clipped(std::string_view text, std::size_t most) {
  std::size_t at = 0;
  for (std::size_t count = 0; at < text.size() && count < most; ++count) at += next_character(text.substr(at)).bytes;
  return at >= text.size() ? std::string(text) : std::string(text.substr(0, at)) + "…";
}

std::string shortened(std::string_view text, std::size_t most) {
  const std::string out = clipped(text, most);
  return out == text ? out : out + " (" + std::to_string(text.size()) + " bytes)";
}

Markup foreign(std::string_view text, std::size_t most) { return element("bdi", {{"class", "foreign"}}, shortened(text, most)); }

Markup code(std::string_view text) { return element("code", {}, text); }

Markup link(std::string_view path, const Markup& text) {
  return Written::of("<a href=\"" + escape(percent_encoded(path)) + "\">" + text.code() + "</a>");
}

Markup picture(ByteView file, std::string_view alternative) {
  assert(!alternative.empty());
  const std::string_view type = media_type(file);
  if (type.empty()) return element("p", {}, "This picture is neither PNG nor JPEG and is not shown: " + std::string(alternative));
  return Written::of("<img src=\"data:" + std::string(type) + ";base64," + to_base64(file) + "\" alt=\"" + escape(alternative) +
                     "\"/>");
}

std::string write_page(const Page& page) {
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n";
  out += "<meta http-equiv=\"Content-Security-Policy\" content=\"" + escape(content_policy(page)) + "\"/>\n";
  out +=
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"referrer\" "
      "content=\"no-referrer\"/>\n";
  out += "<title>" + escape(shortened(page.title, 120)) + "</title>\n";
  if (!page.stylesheet_path.empty())
    out += "<link rel=\"stylesheet\" href=\"" + escape(percent_encoded(page.stylesheet_path)) + "\"/>\n";
  if (!page.stylesheet.empty()) out += "<style>\n" + std::string(page.stylesheet) + "</style>\n";
  out += "</head>\n<body>\n" + page.body.code() + "\n";
  if (!page.script.empty()) out += "<script>" + std::string(page.script) + "</script>\n";
  return out + "</body>\n</html>\n";
}

}  // namespace stegpass::cli::html
