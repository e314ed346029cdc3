#include "page.hpp"

#include <cassert>
#include <cstdio>

#include "output.hpp"

namespace stegpass::cli {

using html::Attributes;
using html::element;
using html::Markup;

namespace {

std::string_view class_of(Outcome outcome) { return outcome == Outcome::not_checked ? "notchecked" : outcome_name(outcome); }

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

Markup stroke(std::string_view path, std::string_view colour) {
  return element("path", {{"d", std::string(path)},
                          {"fill", "none"},
                          {"stroke", std::string(colour)},
                          {"stroke-width", "2.6"},
                          {"stroke-linecap", "round"},
                          {"stroke-linejoin", "round"}});
}

/// A circle with a tick, a dashed circle with a dash, a lozenge with a question mark, a square with a cross; around (0, 0).
Markup sign_shape(Outcome outcome) {
  const std::string colour(ink_of(outcome).text), paper(kPaper);
  switch (outcome) {
    case Outcome::valid: return element("circle", {{"r", "11"}, {"fill", colour}}) + stroke("M-5 0.5 L-1.5 4.2 L5.2 -4", paper);
    case Outcome::not_checked:
      return element("circle",
                     {{"r", "10"}, {"fill", paper}, {"stroke", colour}, {"stroke-width", "2"}, {"stroke-dasharray", "3.2 2.6"}}) +
             stroke("M-4 0 H4", colour);
    case Outcome::undecided:
      return element("path", {{"d", "M0 -12 L12 0 L0 12 L-12 0 Z"}, {"fill", colour}}) +
             stroke("M-3 -2.6 A3 3 0 1 1 1 0.3 Q0 0.8 0 2.3", paper) +
             element("circle", {{"cy", "5.8"}, {"r", "1.5"}, {"fill", paper}});
    case Outcome::invalid:
      return element("rect", {{"x", "-10.5"}, {"y", "-10.5"}, {"width", "21"}, {"height", "21"}, {"rx", "2"}, {"fill", colour}}) +
             stroke("M-4.6 -4.6 L4.6 4.6 M4.6 -4.6 L-4.6 4.6", paper);
  }
  return {};
}

Markup sign_picture(Outcome outcome) {
  return element("svg", {{"viewBox", "-13 -13 26 26"}, {"aria-hidden", "true"}, {"focusable", "false"}}, sign_shape(outcome));
}

std::string capital(std::string_view word) {
  std::string out(word);
  if (!out.empty() && out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

Markup fact_list(const std::vector<Fact>& facts) {
  Markup list;
  for (const Fact& fact : facts) list += element("dt", fact.name) + element("dd", fact.value);
  return element("dl", list);
}

// The roles say again what the elements are, since the stylesheet shows tables as blocks on a phone.
Markup head_row(const std::vector<Column>& columns) {
  Markup row;
  for (const Column& column : columns)
    row +=
        element("th", {{"scope", "col"}, {"role", "columnheader"}, {"class", column.narrow ? "narrow" : "wide"}}, column.title);
  return element("thead", {{"role", "rowgroup"}}, element("tr", {{"role", "row"}}, row));
}

Markup body_cell(const Column& column, const Markup& content, bool names_row) {
  const char* width = column.narrow ? "narrow" : "wide";
  if (names_row) return element("th", {{"scope", "row"}, {"role", "rowheader"}, {"class", width}}, content);
  return element("td", {{"role", "cell"}, {"class", width}, {"data-title", column.title}}, content);
}

Markup whole_table(std::string_view kind, std::string_view caption, const std::vector<Column>& columns, const Markup& rows) {
  const Markup title = caption.empty() ? Markup() : element("caption", caption);
  return element("table", {{"class", std::string(kind)}, {"role", "table"}},
                 title + head_row(columns) + element("tbody", {{"role", "rowgroup"}}, rows));
}

Markup check_row(const std::vector<Column>& columns, const CheckRow& row) {
  const Markup name =
      html::code(row.check.code) + (row.question.empty() ? Markup() : element("span", {{"class", "question"}}, row.question));
  // No <td> may be the badge's alone: empty ones vanish on a phone, so does the title before them.
  Markup cells = element("td", {{"role", "cell"}, {"class", "narrow"}}, outcome_badge(row.check.outcome));
  cells += body_cell(columns[1], name, true) + body_cell(columns[2], html::foreign(row.check.detail, 4000), false);
  cells += body_cell(columns[3], row.evidence, false) + body_cell(columns[4], row.repeat, false);
  return element("tr", {{"role", "row"}, {"class", std::string(class_of(row.check.outcome))}}, cells);
}

}  // namespace

Markup time_of(std::int64_t seconds) {
  const std::string text = utc_time(seconds);
  return element("time", {{"datetime", text}}, text);
}

Markup outcome_badge(Outcome outcome, std::string_view word) {
  return element("span", {{"class", "badge " + std::string(class_of(outcome))}},
                 sign_picture(outcome) + capital(word.empty() ? outcome_name(outcome) : word));
}

Markup outcome_sign(Outcome outcome, double x, double y) {
  return element("g", {{"transform", "translate(" + number(x) + " " + number(y) + ")"}}, sign_shape(outcome));
}

Document& Document::banner(const Banner& banner) {
  const std::string word = banner.word.empty() ? capital(outcome_name(banner.outcome)) : banner.word;
  const std::string kind(class_of(banner.outcome));
  return put(element("h1", banner.title) +
             element("div", {{"class", "banner " + kind}},
                     element("p", {{"class", "word " + kind}}, sign_picture(banner.outcome) + element("span", word)) +
                         element("p", {{"class", "sentence"}}, banner.sentence) + fact_list(banner.facts)));
}

Document& Document::heading(const Markup& title) { return put(element("h1", title)); }

Document& Document::section(std::string_view title) {
  in_section_ = true;
  return put(element("h2", title));
}

Document& Document::part(std::string_view title) {
  assert(in_section_);
  return put(element("h3", title));
}

Document& Document::paragraph(const Markup& text) { return put(element("p", text)); }
Document& Document::note(const Markup& text) { return put(element("p", {{"class", "note"}}, text)); }
Document& Document::facts(const std::vector<Fact>& facts) { return facts.empty() ? *this : put(fact_list(facts)); }

Document& Document::table(const Table& table) {
  Markup rows;
  for (const std::vector<Markup>& cells : table.rows) {
    assert(cells.size() == table.columns.size());
    Markup row;
    for (std::size_t i = 0; i < cells.size(); ++i) row += body_cell(table.columns[i], cells[i], i == 0);
    rows += element("tr", {{"role", "row"}}, row);
  }
  return put(whole_table("plain", table.caption, table.columns, rows));
}

Document& Document::figures(const std::vector<Figure>& figures) {
  if (figures.empty()) return *this;
  Markup all;
  for (const Figure& figure : figures) all += element("figure", figure.picture + element("figcaption", figure.caption));
  const bool photographs = figures.front().picture.code().starts_with("<img");
  return put(element("div", {{"class", photographs ? "figures pictures" : "figures"}}, all));
}

Document& Document::checks(std::string_view caption, const std::vector<CheckRow>& rows) {
  if (rows.empty()) return *this;
  const std::vector<Column> columns = {
      {"Outcome", true}, {"Check", false}, {"What was found", false}, {"Rests on", false}, {"Repeat", true}};
  Markup all;
  for (const CheckRow& row : rows) all += check_row(columns, row);
  return put(whole_table("checks", caption, columns, all));
}

Document& Document::commands(const std::vector<Command>& commands) {
  Markup all;
  for (const Command& command : commands) {
    const Markup letter = element("span", {{"class", "letter"}}, command.letter);
    all += element("div", {{"class", "command"}},
                   element("pre", element("code", command.line)) + element("p", letter + command.expected));
  }
  return put(all);
}

Document& Document::preformatted(std::string_view text) { return put(element("pre", text)); }

Document& Document::put(const Markup& markup) {
  main_ += markup;
  return *this;
}

Document& Document::footer(const Markup& text) {
  footer_ += element("p", text);
  return *this;
}

html::Page Document::page() const {
  const Markup foot = footer_.empty() ? Markup() : element("footer", footer_);
  return {.title = title_, .stylesheet = {}, .stylesheet_path = {}, .script = {}, .body = element("main", main_) + foot};
}

std::string Document::write() const {
  html::Page out = page();
  out.stylesheet = page_stylesheet();
  return html::write_page(out);
}

std::string Document::write_beside(std::string_view stylesheet_path, std::string_view script) const {
  html::Page out = page();
  out.stylesheet_path = std::string(stylesheet_path);
  out.script = script;
  return html::write_page(out);
}

}  // namespace stegpass::cli
