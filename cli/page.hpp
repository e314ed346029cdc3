#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stegpass/credential/core/verdict.hpp>

#include "html.hpp"

// What a report or a ledger page is put together from: a title, a verdict, sections with text, facts, tables, figures and
// commands. One stylesheet for screen, phone and paper; outcomes are told by word and shape, and only then by colour.
namespace stegpass::cli {

/// Colours of the pages, as the stylesheet and the drawings use them. Every text has a contrast of at least 4.5 on its ground (a
/// test computes it).
struct Ink {
  std::string_view text, ground;
};
inline constexpr std::string_view kInk = "#1a2230", kMuted = "#4a5567", kLine = "#cfd6e0", kPaper = "#ffffff", kShade = "#f4f6f9",
                                  kAccent = "#1d3f72";
/// By `Outcome`: valid, not checked, undecided, invalid.
inline constexpr std::array<Ink, 4> kOutcomeInk = {
    {{"#0a5c36", "#e6f4ec"}, {"#4a5567", "#eef1f5"}, {"#7a4a00", "#fff3dc"}, {"#9b1023", "#fdeaec"}}};
inline const Ink& ink_of(Outcome outcome) { return kOutcomeInk[static_cast<std::size_t>(outcome)]; }

/// A time, seconds since 1970, that is not broken over two lines.
html::Markup time_of(std::int64_t seconds);

/// The outcome as people read it: a drawn sign (tick, dash, question mark, cross) and its word, or another one.
html::Markup outcome_badge(Outcome outcome, std::string_view word = {});
/// The sign alone, for drawings: its middle at (x, y), radius 11.
html::Markup outcome_sign(Outcome outcome, double x, double y);

struct Column {
  std::string title;
  bool narrow = false;
};
/// A table; the first cell of each row names it. On a phone every row becomes a block, its cells under their column's title.
struct Table {
  std::string caption;
  std::vector<Column> columns;
  std::vector<std::vector<html::Markup>> rows;
};

/// A picture or drawing with what it shows in words.
struct Figure {
  html::Markup picture;
  html::Markup caption;
};

struct Fact {
  std::string name;
  html::Markup value;
};

/// The page's top: what it came to, in a word, a sentence, and the facts that go with it (as of when, by which policy).
struct Banner {
  Outcome outcome = Outcome::undecided;
  std::string title;  ///< "Verification report"
  std::string word;   ///< "Valid"; empty: the outcome's own
  html::Markup sentence;
  std::vector<Fact> facts;
};

/// A check with what may be said beside it; fields that are empty are left out.
struct CheckRow {
  Check check;
  std::string question;   ///< what it asks, in plain words
  html::Markup evidence;  ///< what it rests on
  std::string repeat;     ///< letters of the commands that make it again
};

/// A command to be typed, with what it has to print.
struct Command {
  std::string letter, line;
  html::Markup expected;
};

/// A document that is written from top to bottom. Headings follow each other in order: title, section, part of a section.
class Document {
 public:
  explicit Document(std::string title) : title_(std::move(title)) {}

  Document& banner(const Banner& banner);
  Document& heading(const html::Markup& title);  ///< of a page without a verdict
  Document& section(std::string_view title);     ///< level 2
  Document& part(std::string_view title);        ///< level 3; requires a section before it (assertion)
  Document& paragraph(const html::Markup& text);
  Document& note(const html::Markup& text);  ///< set apart, in small type
  Document& facts(const std::vector<Fact>& facts);
  Document& table(const Table& table);
  Document& figures(const std::vector<Figure>& figures);  ///< side by side where there is room
  Document& checks(std::string_view caption, const std::vector<CheckRow>& rows);
  Document& commands(const std::vector<Command>& commands);
  Document& preformatted(std::string_view text);
  Document& put(const html::Markup& markup);
  Document& footer(const html::Markup& text);

  /// The page in one file, with its stylesheet in it.
  std::string write() const;
  /// The page of a folder whose stylesheet lies at `stylesheet_path`; `script` as of html::Page.
  std::string write_beside(std::string_view stylesheet_path, std::string_view script = {}) const;

 private:
  html::Page page() const;
  std::string title_;
  html::Markup main_, footer_;
  bool in_section_ = false;
};

/// The stylesheet that `write` puts into a page.
std::string_view page_stylesheet();

}  // namespace stegpass::cli
