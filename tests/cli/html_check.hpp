#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace stegpass::test {

/// A start tag with its attributes as they stand in the file (still escaped).
struct Tag {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::string text;  ///< what follows up to the next tag, still escaped
};

/// A page of ours, read as strictly as it is written: quoted attributes, every element closed.
struct PageRead {
  std::vector<Tag> tags;
  std::string fault;  ///< the first thing that is not as it has to be, or empty
  std::vector<Tag> all(std::string_view name) const;
  /// All text between tags, with the five entities replaced.
  std::string text() const;
};
PageRead read_page(const std::string& html);

/// What keeps a page from being accessible and self-contained, or empty: language, title, headings in order from one h1,
/// alternative text of pictures and drawings, scope of header cells, no script, no event attribute, nothing that is loaded from
/// elsewhere.
std::string page_fault(const PageRead& page, bool scripts_allowed = false);

}  // namespace stegpass::test
