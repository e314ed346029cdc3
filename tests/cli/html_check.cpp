#include "html_check.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>

namespace stegpass::test {
namespace {

constexpr std::string_view kRawText[] = {"style", "script"};

/// Reads one tag from just after its '<'; moves `at` behind its '>'.
bool read_tag(const std::string& html, std::size_t& at, Tag& tag, bool& closes, bool& closed) {
  const auto word = [&] {
    const std::size_t from = at;
    while (at < html.size() && (std::isalnum(static_cast<unsigned char>(html[at])) || html[at] == '-' || html[at] == ':')) ++at;
    return html.substr(from, at - from);
  };
  closes = html[at] == '/';
  if (closes) ++at;
  tag.name = word();
  while (at < html.size() && html[at] == ' ') {
    ++at;
    const std::string name = word();
    if (name.empty() || html.compare(at, 2, "=\"") != 0) return false;
    const std::size_t from = at + 2, to = html.find('"', from);
    if (to == std::string::npos || html.substr(from, to - from).find('<') != std::string::npos) return false;
    if (!tag.attributes.emplace(name, html.substr(from, to - from)).second) return false;
    at = to + 1;
  }
  closed = html.compare(at, 2, "/>") == 0;
  at += closed ? 2 : 1;
  return !tag.name.empty() && at <= html.size() && html[at - 1] == '>';
}

std::string unescaped(std::string text) {
  const std::pair<std::string, std::string> entities[] = {
      {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}};
  for (const auto& [from, to] : entities)
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) text.replace(at, from.size(), to);
  return text;
}

}  // namespace

std::vector<Tag> PageRead::all(std::string_view name) const {
  std::vector<Tag> out;
  std::copy_if(tags.begin(), tags.end(), std::back_inserter(out), [&](const Tag& tag) { return tag.name == name; });
  return out;
}

std::string PageRead::text() const {
  std::string out;
  for (const Tag& tag : tags) out += tag.text;
  return unescaped(out);
}

PageRead read_page(const std::string& html) {
  PageRead out;
  std::vector<std::string> open;
  const std::string start = "<!DOCTYPE html>\n";
  if (!html.starts_with(start)) return out.fault = "no doctype", out;
  std::size_t at = start.size();
  while (at < html.size()) {
    const std::size_t next = html.find('<', at);
    const std::string text = html.substr(at, next == std::string::npos ? next : next - at);
    if (!out.tags.empty()) out.tags.back().text += text;
    if (next == std::string::npos) break;
    at = next + 1;
    Tag tag;
    bool closes = false, closed = false;
    if (!read_tag(html, at, tag, closes, closed)) return out.fault = "no tag at " + html.substr(next, 80), out;
    if (closes) {
      if (open.empty() || open.back() != tag.name) return out.fault = "unexpected end of " + tag.name, out;
      open.pop_back();
      if (!out.tags.empty()) out.tags.back().text += " ";
      continue;
    }
    const bool raw = std::find(std::begin(kRawText), std::end(kRawText), tag.name) != std::end(kRawText);
    if (!closed) open.push_back(tag.name);
    out.tags.push_back(tag);
    if (raw) at = std::min(html.find("</" + tag.name, at), html.size());
  }
  if (!open.empty()) out.fault = "not closed: " + open.back();
  return out;
}

std::string page_fault(const PageRead& page, bool scripts_allowed) {
  if (!page.fault.empty()) return page.fault;
  int heading = 0, titles = 0;
  for (const Tag& tag : page.tags) {
    const auto& has = tag.attributes;
    const auto value = [&](const std::string& name) { return has.count(name) ? has.at(name) : std::string(); };
    if (tag.name == "html" && value("lang") != "en") return "no language";
    if (tag.name == "script" && !scripts_allowed) return "a script";
    if (tag.name == "iframe" || tag.name == "object" || tag.name == "embed" || tag.name == "form")
      return "an element " + tag.name;
    if (tag.name == "img" && (value("alt").empty() || !value("src").starts_with("data:image/")))
      return "a picture without text, or from elsewhere";
    if (tag.name == "svg" && value("aria-hidden") != "true" && (value("role") != "img" || value("aria-label").empty()))
      return "a drawing without text";
    if (tag.name == "th" && value("scope") != "col" && value("scope") != "row") return "a header cell without scope";
    if (tag.name == "title") ++titles;
    if (tag.name.size() == 2 && tag.name[0] == 'h' && std::isdigit(static_cast<unsigned char>(tag.name[1]))) {
      const int level = tag.name[1] - '0';
      if (level > heading + 1 || (level == 1 && heading != 0))
        return "heading " + tag.name + " after level " + std::to_string(heading);
      heading = level;
    }
    for (const auto& [name, text] : has) {
      if (name.starts_with("on") || name == "style") return "an attribute " + name;
      const bool loads = name == "href" || name == "src" || name == "srcset" || name == "action" || name == "xlink:href";
      if (loads && text.find(':') != std::string::npos && !text.starts_with("data:image/"))
        return "a reference to " + text.substr(0, 80);
      if (loads && text.starts_with("//")) return "a reference to " + text.substr(0, 80);
    }
  }
  return heading == 0 || titles != 1 ? "no heading or no title" : "";
}

}  // namespace stegpass::test
