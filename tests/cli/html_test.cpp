#include "html.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <string>

#include "charts.hpp"
#include "html_check.hpp"
#include "page.hpp"
#include "tests/support/catch.hpp"

using namespace stegpass;
using namespace stegpass::cli;
using Catch::Detail::Approx;
using html::Markup;
using stegpass::test::page_fault;
using stegpass::test::read_page;

namespace {

const std::string kHostile =
    "</title></style><script>alert(1)</script><img src=x onerror=alert(2)>\" onload='x' & ]]> <!-- {{7*7}} `";
const std::string kBidi =
    "evil\xe2\x80\xaegnp.exe\xe2\x81\xa6 a\xe2\x80\x8b"
    "b\xef\xbb\xbf";

/// Relative luminance and contrast as WCAG 2.2 defines them.
double channel(int value) {
  const double c = value / 255.0;
  return c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
}
double luminance(std::string_view colour) {
  const auto part = [&](std::size_t at) { return channel(std::stoi(std::string(colour.substr(at, 2)), nullptr, 16)); };
  return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
}
double contrast(std::string_view a, std::string_view b) {
  const double x = luminance(a), y = luminance(b);
  return (std::max(x, y) + 0.05) / (std::min(x, y) + 0.05);
}

/// A document with `text` in every place that takes text.
std::string page_with(const std::string& text) {
  Document page(text);
  page.banner({Outcome::invalid, text, text, text, {{text, text}}})
      .section(text)
      .part(text)
      .paragraph(text)
      .note(text)
      .facts({{text, html::foreign(text)}});
  page.table({text, {{text}, {text}}, {{text, html::code(text)}, {html::link(text, text), text}}});
  page.figures({{chain_chart({{text, text, Outcome::valid, false}, {text, text, Outcome::undecided, true}}), text},
                {match_chart({{text, 3, 4}}), text},
                {timeline_chart({{text, text, text, true, text}}), text},
                {period_chart({text, 0, 100, {{text, 50}}}), text},
                {html::picture(to_bytes(std::string_view("\x89PNG\r\n\x1a\n...")), text), text},
                {html::picture(to_bytes(text + "x"), text), text}});
  page.checks(text, {{{text, Outcome::not_checked, text}, text, text, text}})
      .commands({{text, text, text}})
      .preformatted(text)
      .footer(text);
  return page.write();
}

}  // namespace

TEST_CASE("text becomes markup only by being escaped") {
  CHECK(Markup("<b>&\"'").code() == "&lt;b&gt;&amp;&quot;&#39;");
  CHECK((Markup("a<") + html::element("br", {}) + ">").code() == "a&lt;<br/>&gt;");
  CHECK(html::element("p", {{"class", "\"><script>"}}, "x").code() == "<p class=\"&quot;&gt;&lt;script&gt;\">x</p>");
}

TEST_CASE("broken UTF-8 and control characters become the replacement character") {
  CHECK(html::escape(std::string("a\0b", 3)) ==
        "a\xef\xbf\xbd"
        "b");
  CHECK(html::escape("\x1b[31m\x7f\xc2\x85") == "\xef\xbf\xbd[31m\xef\xbf\xbd\xef\xbf\xbd");
  for (const char* bytes : {"\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xf8\x88\x80\x80\x80"}) {
    INFO(std::string(bytes).size());
    CHECK(html::escape(bytes).find(bytes) == std::string::npos);
    CHECK(html::escape(bytes).starts_with("\xef\xbf\xbd"));
  }
  CHECK(html::escape("\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x9a\x80") == "\xc3\xa9\xe6\xbc\xa2\xf0\x9f\x9a\x80");
}

TEST_CASE("characters that turn text around or hide are written by number") {
  CHECK(html::escape(kBidi) == "evil[U+202E]gnp.exe[U+2066] a[U+200B]b[U+FEFF]");
}

TEST_CASE("long text is cut at a character and says how long it was") {
  const std::string name(10'000, 'n');
  CHECK(html::shortened(name, 10) == "nnnnnnnnnn… (10000 bytes)");
  CHECK(html::shortened("\xc3\xa9\xc3\xa9\xc3\xa9", 2) == "\xc3\xa9\xc3\xa9… (6 bytes)");
  CHECK(html::shortened("whole", 5) == "whole");
}

TEST_CASE("a link leads to a file beside the page and nowhere else") {
  CHECK(html::link("../models/0f.html", "x").code() == "<a href=\"../models/0f.html\">x</a>");
  CHECK(html::link("javascript:alert(1)", "x").code() == "<a href=\"javascript%3Aalert%281%29\">x</a>");
  CHECK(html::link("//elsewhere.example/x", "x").code() == "<a href=\".//elsewhere.example/x\">x</a>");
  CHECK(html::link("a\"b?c&d", "x").code() == "<a href=\"a%22b%3Fc%26d\">x</a>");
}

TEST_CASE("only PNG and JPEG are put into a page") {
  CHECK(html::picture(to_bytes(std::string_view("\x89PNG\r\n\x1a\n")), "a")
            .code()
            .starts_with("<img src=\"data:image/png;base64,"));
  CHECK(html::picture(to_bytes(std::string_view("<svg onload=alert(1)>")), "a").code().find("svg") == std::string::npos);
}

TEST_CASE("hostile text leaves every page well formed and without scripts") {
  for (const std::string& text :
       {kHostile, kBidi, std::string(10'000, '<'), std::string("\xff\xfe\0\x01", 4), std::string("plain")}) {
    const auto page = read_page(page_with(text));
    INFO(page.fault);
    CHECK(page_fault(page) == "");
    CHECK(page.all("script").empty());
    CHECK(page.all("img").size() == 1);
    CHECK(page_with(text).find("\xe2\x80\xae") == std::string::npos);
  }
  CHECK(read_page(page_with(kHostile)).text().find(kHostile) != std::string::npos);
}

TEST_CASE("a page forbids by its own policy what it does not contain") {
  const std::string page = page_with("x");
  CHECK(page.find("default-src &#39;none&#39;; img-src data:; base-uri &#39;none&#39;") != std::string::npos);
  CHECK(page.find("script-src") == std::string::npos);
  const std::string scripted = Document("x").heading("x").write_beside("../style.css", "1;");
  CHECK(scripted.find("script-src &#39;sha256-") != std::string::npos);
  CHECK(scripted.find("unsafe-inline") == std::string::npos);
}

TEST_CASE("every text of a page has a contrast of at least 4.5") {
  for (const Ink& ink : kOutcomeInk) {
    CHECK(contrast(ink.text, ink.ground) >= 4.5);
    CHECK(contrast(ink.text, kPaper) >= 4.5);
    CHECK(contrast(kInk, ink.ground) >= 4.5);
    CHECK(contrast(kMuted, ink.ground) >= 4.5);
    CHECK(page_stylesheet().find(ink.ground) != std::string_view::npos);
    CHECK(page_stylesheet().find(ink.text) != std::string_view::npos);
  }
  for (const std::string_view text : {kInk, kMuted, kAccent}) {
    CHECK(contrast(text, kPaper) >= 4.5);
    CHECK(contrast(text, kShade) >= 4.5);
  }
  CHECK(contrast(kPaper, kAccent) >= 4.5);
}

TEST_CASE("an outcome is told by its word and its shape") {
  std::array<std::string, 4> shapes;
  for (int i = 0; i < 4; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    const std::string badge = outcome_badge(outcome).code();
    std::string word(outcome_name(outcome));
    word[0] = static_cast<char>(std::toupper(word[0]));
    CHECK(badge.find(word) != std::string::npos);
    shapes[static_cast<std::size_t>(i)] = badge.substr(badge.find("<path"), 40);
  }
  for (std::size_t i = 1; i < 4; ++i) CHECK(shapes[i] != shapes[i - 1]);
}

TEST_CASE("the binomial tail is the exact one") {
  CHECK(log10_tail(10, 10) == Approx(-10 * std::log10(2.0)).epsilon(1e-12));
  CHECK(log10_tail(4, 2) == Approx(std::log10(11.0 / 16)).epsilon(1e-12));
  CHECK(log10_tail(7, 0) == Approx(0).margin(1e-12));
  CHECK(log10_tail(2560, 2560) == Approx(-2560 * std::log10(2.0)).epsilon(1e-12));
}

TEST_CASE("the least number of matches is the first whose tail is within the bound") {
  const auto least = least_matches(256, 24.08, -30);
  REQUIRE(least);
  CHECK(log10_tail(256, *least) + 24.08 <= -30);
  CHECK(log10_tail(256, *least - 1) + 24.08 > -30);
  CHECK(!least_matches(64, 24.08, -30));
}

TEST_CASE("a drawing says in words what it shows") {
  const std::string chart = null_chart(256, 250, 210).code();
  CHECK(chart.find("role=\"img\"") != std::string::npos);
  CHECK(chart.find("observed 250") != std::string::npos);
  CHECK(chart.find("met from 210 on") != std::string::npos);
  CHECK(match_chart({{"features.4", 128, 128}}).code().find("features.4 128 of 128 (100.0 %)") != std::string::npos);
  CHECK(chain_chart({{"Weights", "", Outcome::valid, false}, {"Ledger", "", Outcome::invalid, false}})
            .code()
            .find("Weights valid; Ledger invalid") != std::string::npos);
}

TEST_CASE("the same document has the same bytes") { CHECK(page_with("x") == page_with("x")); }
