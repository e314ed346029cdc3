#include "report.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>

#include "page.hpp"
#include "report_papers.hpp"
#include "report_words.hpp"

namespace stegpass::cli {

using namespace credential;
using html::code;
using html::element;
using html::foreign;
using html::Markup;

namespace {

std::string hex_start(ByteView digest) { return to_hex(digest).substr(0, 16) + "…"; }
std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : std::string(between)) + word;
  return out;
}
std::string fixed(double value) {
  char text[48];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}
std::string duration(std::int64_t seconds) {
  if (seconds % 86400 == 0) return std::to_string(seconds / 86400) + " days";
  return seconds % 3600 == 0 ? std::to_string(seconds / 3600) + " hours" : std::to_string(seconds) + " seconds";
}
std::string plural(std::size_t count, const std::string& one) {
  return std::to_string(count) + " " + one + (count == 1 ? "" : "s");
}

/// Writes one report; its methods add to the document in the order in which it reads.
class ReportWriter {
 public:
  explicit ReportWriter(const ReportInputs& inputs)
      : in_(inputs),
        papers_(view_papers(inputs.bundle.bytes)),
        document_("stegpass verification report: " + std::string(outcome_name(inputs.verdict.outcome()))) {
    list_commands();
  }

  std::string write() {
    put_banner();
    put_subject();
    put_chain();
    put_checks();
    put_missing();
    put_mark();
    put_history();
    put_pictures();
    put_commands();
    put_meaning();
    document_.footer(
        Markup("Written by stegpass from the evidence named above; the same evidence, policy and clock give the same report, "
               "byte by byte. Nothing in it was loaded "
               "from elsewhere, and nothing in it runs."));
    return document_.write();
  }

 private:
  std::size_t count(Outcome outcome) const {
    const auto& checks = in_.verdict.checks();
    return static_cast<std::size_t>(
        std::count_if(checks.begin(), checks.end(), [&](const Check& check) { return check.outcome == outcome; }));
  }
  const Check* first(Outcome outcome) const {
    for (const Check& check : in_.verdict.checks())
      if (check.outcome == outcome) return &check;
    return nullptr;
  }

  void put_banner();
  Markup sentence() const;
  void put_subject();
  std::vector<Fact> license_facts() const;
  void put_chain();
  ChainStep step(std::string title, std::string detail, const std::vector<std::string_view>& prefixes, bool branch = false) const;
  std::vector<ChainStep> steps() const;
  void put_checks();
  void put_missing();
  void put_mark();
  void put_reading(const Json& mark);
  void put_history();
  void put_pictures();
  void list_commands();
  void add_command(const std::string& key, const std::string& line, const Markup& expected);
  std::string repeated_by(std::string_view code) const;
  void put_commands();
  void put_meaning();

  const ReportInputs& in_;
  PapersView papers_;
  Document document_;
  std::vector<Command> commands_;
  std::map<std::string, std::string> letters_;  // what a command is about -> its letter
};

Markup ReportWriter::sentence() const {
  const Outcome outcome = in_.verdict.outcome();
  const Check* deciding = first(outcome);
  if (outcome == Outcome::valid) {
    return "All " + plural(count(Outcome::valid), "check") + " that were made held. " +
           (count(Outcome::not_checked)
                ? plural(count(Outcome::not_checked), "check") + " could not be made with what was brought; see “Not checked”."
                : "");
  }
  if (deciding == nullptr) return "No check could be made.";
  const Markup which = code(deciding->code) + ": " + foreign(deciding->detail, 300);
  return (outcome == Outcome::invalid ? Markup("Something was proved false. ")
                                      : Markup("This cannot be decided with what was brought. ")) +
         which;
}

void ReportWriter::put_banner() {
  const Json policy = in_.description.value("policy", Json::object());
  const std::string age =
      in_.policy.max_age_s ? duration(*in_.policy.max_age_s) : "not said by the policy, so freshness is undecided";
  std::vector<Fact> facts = {
      {"As of", in_.papers.as_of > 0 ? Markup(utc_time(in_.papers.as_of) + ", the time of the ledger's checkpoint")
                                     : Markup("no time, since no trusted checkpoint was found")},
      {"Judged at", utc_time(in_.now) + ", by the verifier's clock"},
      {"Policy", foreign(policy.value("file", ""), 120)},
      {"Demands",
       in_.policy.required.empty() ? Markup("no check beyond the ones always made") : code(joined(in_.policy.required, ", "))},
      {"Oldest allowed", age},
      {"Checks", std::to_string(count(Outcome::valid)) + " valid, " + std::to_string(count(Outcome::invalid)) + " invalid, " +
                     std::to_string(count(Outcome::undecided)) + " undecided, " + std::to_string(count(Outcome::not_checked)) +
                     " not checked"}};
  document_.banner({in_.verdict.outcome(), "Verification report", {}, sentence(), facts});
}

std::vector<Fact> ReportWriter::license_facts() const {
  if (!in_.papers.license) return {};
  const License& license = *in_.papers.license;
  std::vector<Fact> out = {{"License", code(to_hex(license.id))},
                           {"Licensee's key", code(license.licensee.thumbprint_uri())},
                           {"In force", utc_time(license.not_before) + " until " + utc_time(license.expires)},
                           {"Terms", foreign(describe_terms(license.terms), 1000)}};
  for (const PersonalClaim& claim : in_.papers.personal)
    out.push_back({"Personal: " + html::clipped(claim.name, 40), foreign(claim.value, 300)});
  return out;
}

void ReportWriter::put_subject() {
  document_.section("What was judged");
  std::vector<Fact> facts = {{"Bundle", foreign(in_.bundle.path, 120)},
                             {"Bundle's SHA-256", code(to_hex(fast_sha256(in_.bundle.bytes)))}};
  if (papers_.bundle) facts.push_back({"Made for", std::string(purpose_name(papers_.bundle->purpose))});
  if (in_.papers.registration) {
    const Registration& registration = *in_.papers.registration;
    std::string owner = "not named in the policy";
    for (const auto& issuer : in_.policy.issuers)
      if (issuer.thumbprint == registration.owner.thumbprint()) owner = issuer.name;
    facts.push_back({"Model", foreign(registration.model_name)});
    facts.push_back({"Model's SHA-256", code(to_hex(registration.model_digest))});
    facts.push_back({"Registration", code(to_hex(registration.id))});
    facts.push_back({"Owner", foreign(owner)});
    facts.push_back({"Owner's key", code(registration.owner.thumbprint_uri())});
  }
  for (Fact& fact : license_facts()) facts.push_back(std::move(fact));
  if (in_.evidence.model)
    facts.push_back(
        {"Model brought", foreign(in_.evidence.model->path, 120) + ", " + plural(in_.evidence.model->bytes.size(), "byte")});
  if (in_.evidence.passport) facts.push_back({"User passport brought", foreign(in_.evidence.passport->path, 120)});
  document_.facts(facts);
}

ChainStep ReportWriter::step(std::string title, std::string detail, const std::vector<std::string_view>& prefixes,
                             bool branch) const {
  return {std::move(title), std::move(detail), sum_of(in_.verdict, prefixes), branch};
}

std::vector<ChainStep> ReportWriter::steps() const {
  const auto& registration = in_.papers.registration;
  const auto& license = in_.papers.license;
  const auto& at = papers_.checkpoint;
  const std::string none = "nothing verified";
  return {
      step("The model's weights", in_.evidence.model ? in_.evidence.model->path : "no file was brought",
           {"model.", "owner.mark", "opening.seed-", "opening.passport-"}),
      step("Registration", registration ? registration->model_name + ", SHA-256 " + hex_start(registration->model_digest) : none,
           {"registration.", "receipt.registration", "key-rotation"}),
      step("License", license ? "until " + utc_time(license->expires) + ", " + hex_start(license->id) : none,
           {"license.", "renewal", "revocation", "suspension", "reinstatement", "transfer", "status.", "receipt.license",
            "receipt.status"},
           true),
      step("User passport", in_.evidence.passport ? in_.evidence.passport->path : "no file was brought",
           {"passport.", "user.", "isn.", "opening.isn-key"}, true),
      step("Licensee", license ? "key " + hex_start(license->licensee.thumbprint()) : none,
           {"identity.", "opening.identity", "holder.", "card."}, true),
      step("Ledger", at ? at->origin : "no checkpoint that reads", {"bundle.", "ledger.", "receipt."}),
      step("Checkpoint", at ? std::to_string(at->tree_size) + " entries, " + utc_time(at->time) : none,
           {"checkpoint.signature", "checkpoint.age", "checkpoint.memory"}),
      step("Witnesses and outside time", in_.policy.quorum.empty() ? "the policy names no quorum" : "quorum " + in_.policy.quorum,
           {"checkpoint.witnesses", "checkpoint.time"}),
  };
}

void ReportWriter::put_chain() {
  document_.section("The chain from the weights to the witnesses");
  document_.figures(
      {{chain_chart(steps()), Markup("Each link sums up its checks below. A broken line leads to a link that did not come out "
                                     "valid. License, user passport and licensee "
                                     "hang on the registration and are held, like it, by the ledger.")},
       {timeline_chart(events_of(papers_, in_)),
        "The same in order of time: statements in the order of the ledger, in the circle the number of the entry."}});
}

void ReportWriter::put_checks() {
  document_.section("Every check");
  for (int i = 0; i < kSubjects; ++i) {
    const auto subject = static_cast<Subject>(i);
    std::vector<CheckRow> rows;
    for (const Check& check : in_.verdict.checks())
      if (subject_of(check.code) == subject)
        rows.push_back(
            {check, std::string(question_of(check.code)), evidence_of(check.code, papers_, in_), repeated_by(check.code)});
    document_.checks(subject_title(subject), rows);
  }
}

void ReportWriter::put_missing() {
  Table table{"", {{"Check"}, {"Outcome", true}, {"What it would need"}}, {}};
  for (const Check& check : in_.verdict.checks())
    if (check.outcome == Outcome::not_checked || check.outcome == Outcome::undecided)
      table.rows.push_back({code(check.code), outcome_badge(check.outcome), foreign(check.detail, 1000)});
  document_.section("Not checked");
  if (table.rows.empty()) {
    document_.paragraph("Every check of this program was made.");
    return;
  }
  document_.paragraph("These say nothing for or against the claim. A check that was not made never counts as passed.")
      .table(table);
}

void ReportWriter::put_reading(const Json& mark) {
  const std::string role = mark.value("passport", "passport");
  const std::uint64_t bits = mark.value("bits", std::uint64_t{0}), matches = mark.value("matches", std::uint64_t{0});
  if (bits == 0 || matches > bits) return;
  const double p = mark.value("log10_p", 0.0), corrected = mark.value("log10_p_corrected", 0.0);
  std::vector<MatchBar> bars;
  Table table{"", {{"Layer"}, {"Bits"}, {"Matching"}}, {}};
  for (const Json& layer : mark.value("layers", Json::array())) {
    bars.push_back({layer.value("name", ""), layer.value("matches", std::uint64_t{0}), layer.value("bits", std::uint64_t{0})});
    table.rows.push_back({code(bars.back().label), std::to_string(bars.back().bits), std::to_string(bars.back().matches)});
  }
  // What the correction adds; near 0 it is cut off, and then what is always added for tries unseen is the least it can be.
  const double unseen = 80 * std::log10(2.0), added = corrected < 0 ? std::max(corrected - p, unseen) : unseen;
  document_.part("Read with the passport " + role);
  const std::string chance = "Chance of so many matches in a network that knows nothing of this passport: 10 to the power of " +
                             fixed(p) + "; with all tries allowed for, seen and unseen, " + fixed(corrected) +
                             ". The policy's bound is " + fixed(in_.policy.mark_bound_log10) + ".";
  document_.figures({{match_chart(bars), "Bits that match, by layer."},
                     {null_chart(bits, matches, least_matches(bits, added, in_.policy.mark_bound_log10)), chance}});
  document_.table(table);
}

void ReportWriter::put_mark() {
  const Json marks = in_.description.value("marks", Json::array());
  if (!marks.is_array() || marks.empty()) return;
  document_.section("The owner's mark in the weights");
  for (const Json& mark : marks) put_reading(mark);
}

void ReportWriter::put_history() {
  if (papers_.entries.empty()) return;
  document_.section("Statements and time");
  std::vector<Figure> figures;
  if (in_.papers.license) {
    Period period{"The license is in force", in_.papers.license->not_before, in_.papers.license->expires, {}};
    if (in_.papers.as_of > 0) period.moments.push_back({"as of", in_.papers.as_of});
    period.moments.push_back({"judged", in_.now});
    figures.push_back({period_chart(period), "The license's time, by its own dates and a renewal that holds."});
  }
  document_.figures(figures);
  Table table{"The statements in the bundle", {{"Entry", true}, {"Kind", true}, {"Signed", true}, {"About"}, {"Signed by"}}, {}};
  for (const PaperEntry& entry : papers_.entries)
    table.rows.push_back({entry.index ? std::to_string(*entry.index) : "?", std::string(statement_kind_name(entry.kind)),
                          utc_time(entry.issued_at), code(entry.subject), code(entry.issuer)});
  if (!table.rows.empty()) document_.table(table);
}

void ReportWriter::put_pictures() {
  std::vector<std::string> not_shown;
  const std::vector<Figure> figures = pictures_of(in_, not_shown);
  if (figures.empty() && not_shown.empty()) return;
  document_.section("Pictures").figures(figures);
  for (const std::string& what : not_shown) document_.note("Not shown: " + what);
}

void ReportWriter::add_command(const std::string& key, const std::string& line, const Markup& expected) {
  const std::string letter(1, static_cast<char>('A' + commands_.size()));
  letters_[key] = letter;
  commands_.push_back({letter, line, expected});
}

void ReportWriter::list_commands() {
  std::vector<std::string> all{"stegpass", "verify"};
  all.insert(all.end(), in_.arguments.begin(), in_.arguments.end());
  add_command(
      "verify", "STEGPASS_NOW=" + std::to_string(in_.now) + " " + shell_line(all),
      "every check again, at the same time of the clock; the same verdict. Without STEGPASS_NOW it is judged as of today.");
  add_command("bundle", "stegpass inspect " + shell_line({in_.bundle.path}),
              "the bundle's statements, receipts and checkpoint in diagnostic notation.");
  add_command("policy", "stegpass policy explain " + shell_line({in_.description.value("/policy/file"_json_pointer, "")}),
              "whom the policy trusts and what it demands, in words.");
  if (in_.evidence.model && in_.papers.registration)
    add_command("model", "sha256sum " + shell_line({in_.evidence.model->path}),
                Markup("prints ") + code(to_hex(in_.papers.registration->model_digest)) + " for the registered file.");
  if (in_.papers.registration && in_.evidence.isn)
    add_command("isn", "sha256sum " + shell_line({in_.evidence.isn->path}),
                Markup("prints ") + code(to_hex(in_.papers.registration->isn_digest)) + " for the registered weights.");
}

std::string ReportWriter::repeated_by(std::string_view what) const {
  std::string out = letters_.at("verify");
  const auto also = [&](const char* key) {
    if (const auto found = letters_.find(key); found != letters_.end()) out += ", " + found->second;
  };
  if (what.starts_with("model.digest")) also("model");
  if (what.starts_with("isn.")) also("isn");
  if (what.starts_with("policy.")) also("policy");
  if (subject_of(what) == Subject::ledger || what.starts_with("receipt.") || what.ends_with(".signature")) also("bundle");
  return out;
}

void ReportWriter::put_commands() {
  document_.section("Commands that repeat it");
  document_
      .paragraph(
          "The letters in the tables above name these commands. None of them needs a network; they read the files under the "
          "names that they had here.")
      .commands(commands_);
}

void ReportWriter::put_meaning() {
  document_.section("How to read this");
  document_.table(
      {"",
       {{"Outcome", true}, {"Means"}},
       {{outcome_badge(Outcome::valid), "Checked, and true."},
        {outcome_badge(Outcome::invalid),
         "Proved false: bytes that were altered, a signature or mark that fails, a license that is revoked or expired. One is "
         "enough for the whole."},
        {outcome_badge(Outcome::undecided),
         "Asked, but the evidence is absent, too old, of an unknown key, or of a kind that this program does not know."},
        {outcome_badge(Outcome::not_checked), "Nobody asked for it, or nothing was brought to check it with."}}});
  document_.note(
      "The verdict holds as of the time above and says nothing of what happened later. A registration shows that its key claimed "
      "these bytes no later than the checkpoint, "
      "not that its holder trained the model. A mark that is read with an opened passport shows, at the stated chance of error, "
      "that whoever committed to the passport had a hand "
      "in these weights. A user passport that is consistent with a model shows that the two go together, not who owns them. "
      "Witnesses show that the ledger told them no "
      "other story, unless they collude with it.");
}

}  // namespace

std::string verification_report(const ReportInputs& inputs) { return ReportWriter(inputs).write(); }

std::vector<std::string> given_arguments(const CLI::App& command, const std::vector<std::string_view>& left_out) {
  const auto is_left_out = [&](const std::string& name) {
    return name == "--help" || name == "--json" || name == "--force" ||
           std::find(left_out.begin(), left_out.end(), name) != left_out.end();
  };
  std::vector<std::string> out;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_name();
    if (option->count() == 0 || is_left_out(name)) continue;
    if (option->get_expected_max() == 0) {  // a flag
      out.push_back(name);
      continue;
    }
    for (const std::string& value : option->results()) {
      out.push_back(name);
      out.push_back(value);
    }
  }
  return out;
}

std::string shell_line(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             std::string_view("_-./:+=@%,").find(c) != std::string_view::npos;
    });
    std::string quoted = word;
    if (!plain) {
      quoted = "'";
      for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string(1, c);
      quoted += "'";
    }
    out += (out.empty() ? "" : " ") + quoted;
  }
  return out;
}

}  // namespace stegpass::cli
