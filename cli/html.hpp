#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

#include <stegpass/credential/core/bytes.hpp>

// Pages for people, built so that text of somebody else cannot become markup: what is not a literal of this source is escaped by
// its type.
namespace stegpass::cli::html {

namespace detail {
constexpr bool same_word(std::string_view a, std::string_view b) { return a == b; }
constexpr bool is_word(std::string_view text) {
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == ':';
    if (!plain) return false;
  }
  return !text.empty();
}
constexpr bool is_any_of(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words)
    if (same_word(text, word)) return true;
  return false;
}
}  // namespace detail

/// The name of an element: a literal of the source, and none that loads or runs anything. Anything else does not compile.
class Tag {
 public:
  consteval Tag(const char* name) : name_(name) {
    if (!detail::is_word(name_)) throw "a tag is letters and digits";
    if (detail::is_any_of(
            name_, {"script", "style", "iframe", "object", "embed", "link", "meta", "base", "form", "img", "a", "foreignObject"}))
      throw "this element has a function of its own, or is not for us";
  }
  constexpr std::string_view name() const { return name_; }

 private:
  std::string_view name_;
};

/// The name of an attribute: likewise, and none that names a resource, a style or a script.
class AttributeName {
 public:
  consteval AttributeName(const char* name) : name_(name) {
    if (!detail::is_word(name_)) throw "an attribute is letters and digits";
    if (name_.starts_with("on") || detail::is_any_of(name_, {"href", "src", "srcset", "srcdoc", "style", "action", "formaction",
                                                             "data", "poster", "xlink:href"}))
      throw "attributes that load or run are written by functions of their own";
  }
  constexpr std::string_view name() const { return name_; }

 private:
  std::string_view name_;
};

struct Attribute {
  AttributeName name;
  std::string value;  ///< any text; escaped when it is written
};
using Attributes = std::initializer_list<Attribute>;

/// A piece of a page. Text becomes one by being escaped; nothing else but the functions below makes any.
class Markup {
 public:
  Markup() = default;
  Markup(std::string_view text);
  Markup(const std::string& text) : Markup(std::string_view(text)) {}
  Markup(const char* text) : Markup(std::string_view(text)) {}

  Markup& operator+=(const Markup& more) {
    code_ += more.code_;
    return *this;
  }
  friend Markup operator+(Markup first, const Markup& second) { return first += second; }
  const std::string& code() const { return code_; }
  bool empty() const { return code_.empty(); }

 private:
  friend struct Written;  // of html.cpp
  std::string code_;
};

/// Text as it may stand between tags and in quoted attributes. Broken UTF-8 and control characters become U+FFFD; characters that
/// turn the direction of text or cannot be seen are written by number, as in [U+202E], so that a name shows what it is.
std::string escape(std::string_view text);

Markup element(Tag tag, Attributes attributes, const Markup& content);
Markup element(Tag tag, const Markup& content);
/// An element without content: br, hr, col, and the shapes of a drawing.
Markup element(Tag tag, Attributes attributes);

/// The first `most` characters of a text, with an ellipsis if there are more; `shortened` also says how many bytes there are.
std::string clipped(std::string_view text, std::size_t most);
std::string shortened(std::string_view text, std::size_t most);
/// Somebody else's text in a line of its own direction (bdi), shortened.
Markup foreign(std::string_view text, std::size_t most = 160);
/// A digest, id or key in a type in which all letters differ; breaks anywhere.
Markup code(std::string_view text);
/// A link to a file beside this page: "../models/0f.html", or "#place" in it. Characters other than letters, digits and ._-/# are
/// percent-encoded, and a path with a colon is made relative, so that no scheme can be smuggled in.
Markup link(std::string_view path, const Markup& text);
/// A PNG or JPEG within the page itself. A file that is neither becomes a sentence that says so. Requires alternative text
/// (assertion).
Markup picture(ByteView file, std::string_view alternative);

/// A whole page. Without a script none can run in it: the page's own policy (CSP) forbids scripts and every load.
struct Page {
  std::string title;
  std::string_view stylesheet;  ///< a constant of ours, written into the page
  std::string stylesheet_path;  ///< or a file beside it
  std::string_view script;      ///< a constant of ours, or empty
  Markup body;
};
std::string write_page(const Page& page);

}  // namespace stegpass::cli::html
