#include <algorithm>

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/core/text.hpp>

#include "inspect_cbor.hpp"
#include "ledger_site.hpp"
#include "page.hpp"
#include "workspace_ledger.hpp"

namespace stegpass::cli {

using namespace credential;
using html::code;
using html::element;
using html::foreign;
using html::link;
using html::Markup;

namespace {

constexpr const char* kStyle = "style.css";
constexpr const char* kStyleAbove = "../style.css";

/// Recomputes the root from the entry on the page and its path (RFC 9162, section 2.1.3.2), in the reader's browser.
constexpr std::string_view kScript = R"JS("use strict";
(() => {
  const at = id => document.getElementById(id), button = at("check"), answer = at("answer");
  if (!button || !window.crypto || !crypto.subtle) return;
  const bytes = hex => Uint8Array.from(hex.trim().match(/../g) || [], pair => parseInt(pair, 16));
  const hex = hash => Array.from(hash, byte => byte.toString(16).padStart(2, "0")).join("");
  const hash = async (...parts) => {
    const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    parts.reduce((place, part) => (all.set(part, place), place + part.length), 0);
    return new Uint8Array(await crypto.subtle.digest("SHA-256", all));
  };
  const node = (left, right) => hash(Uint8Array.of(1), left, right);
  const root = async () => {
    let index = Number(at("index").textContent), last = Number(at("size").textContent) - 1;
    let sum = await hash(Uint8Array.of(0), bytes(at("octets").textContent));
    for (const item of document.querySelectorAll("[data-path]")) {
      if (last === 0) return "the path is too long";
      const beside = bytes(item.textContent);
      if (index % 2 === 1 || index === last) {
        sum = await node(beside, sum);
        while (index % 2 === 0 && index > 0) { index = index / 2; last = Math.floor(last / 2); }
      } else {
        sum = await node(sum, beside);
      }
      index = Math.floor(index / 2);
      last = Math.floor(last / 2);
    }
    return last === 0 ? hex(sum) : "the path is too short";
  };
  button.classList.remove("hidden");
  button.addEventListener("click", async () => {
    const found = await root(), good = found === at("root").textContent.trim();
    answer.textContent = good ? "The proof holds: entry and path give this root." : "THE PROOF DOES NOT HOLD: entry and path give " + found;
    answer.className = good ? "valid" : "invalid";
  });
})();
)JS";

std::string entry_file(std::uint64_t index) { return std::to_string(index) + ".html"; }
Markup entry_link(std::uint64_t index, std::string_view before = "../entries/") {
  return link(std::string(before) + entry_file(index), "entry " + std::to_string(index));
}
std::string joined(std::string_view folder, const std::string& id) { return std::string(folder) + id + ".html"; }

Markup way_home(std::string_view path) { return element("p", {{"class", "note screen"}}, link(path, "All of this ledger")); }

Markup state_badge(const std::string& state) {
  return outcome_badge(state == "in force" ? Outcome::valid : state == "not yet" ? Outcome::undecided : Outcome::invalid, state);
}

/// A key by the last part of its URI, which is all that differs between two.
Markup key_name(const PublicKey& key) {
  const std::string uri = key.thumbprint_uri();
  return code(uri.substr(uri.rfind(':') + 1));
}

void add_event(std::vector<Fact>& facts, const char* name, const std::optional<std::uint64_t>& index) {
  if (index) facts.push_back({name, entry_link(*index)});
}

Table disputes_of(const ledger::RegistrationState& state) {
  Table out{"Disputes", {{"Dispute"}, {"Ground"}, {"Claimant"}, {"Outcome"}, {"Claim", true}}, {}};
  for (const auto& [id, dispute] : state.disputes)
    out.rows.push_back({code(id), std::string(ground_name(dispute.claim.ground)), key_name(dispute.claim.claimant),
                        dispute.outcome ? std::string(outcome_name(*dispute.outcome)) : "open", entry_link(dispute.index)});
  return out;
}

Markup proof_table(const InclusionProof& proof) {
  Markup rows;
  std::uint64_t index = proof.leaf_index, last = proof.tree_size - 1;
  int step = 0;
  for (const Digest32& hash : proof.path) {
    const bool left = index % 2 == 1 || index == last;
    rows += element("tr", element("th", {{"scope", "row"}}, std::to_string(++step)) + element("td", left ? "left" : "right") +
                              element("td", element("code", {{"data-path", std::to_string(step)}}, to_hex(hash))));
    if (left)
      while (index % 2 == 0 && index > 0) index /= 2, last /= 2;
    index /= 2;
    last /= 2;
  }
  const Markup head =
      element("thead", element("tr", element("th", {{"scope", "col"}}, "Step") + element("th", {{"scope", "col"}}, "Beside") +
                                         element("th", {{"scope", "col"}}, "Hash")));
  return element("table", element("caption", "Inclusion proof (RFC 9162): from the entry's leaf to the checkpoint's root") +
                              head + element("tbody", rows));
}

}  // namespace

SitePages::SitePages(const OpenLedger& ledger, std::string note, Checkpoint checkpoint)
    : ledger_(ledger), note_(std::move(note)), checkpoint_(std::move(checkpoint)) {}

std::string SitePages::index_page() const {
  Document page("Ledger " + checkpoint_.origin);
  page.heading(Markup("Ledger ") + foreign(checkpoint_.origin));
  page.facts({{"As of", utc_time(checkpoint_.time)},
              {"Entries", Markup(std::to_string(checkpoint_.tree_size) + ", ") + link("entries/index.html", "listed here")},
              {"Checkpoint", link("checkpoint.html", "signed by the log, with its witnesses")},
              {"Root", code(to_hex(checkpoint_.root))},
              {"Log's key", code(ledger_.log.log_key().thumbprint_uri())}});
  page.section("Models");
  Table models{"", {{"Model"}, {"Registration"}, {"Owner's key (SHA-256)"}, {"Licenses", true}, {"Contested", true}}, {}};
  Table licenses{"", {{"License"}, {"State", true}, {"Model"}, {"Licensee's key (SHA-256)"}, {"Until", true}}, {}};
  for (const auto& [id, state] : ledger_.state.registrations()) {
    models.rows.push_back({foreign(state.registration.model_name), link(joined("models/", id), code(id)),
                           key_name(state.registration.owner), std::to_string(state.licenses.size()),
                           state.contested ? "yes" : "no"});
    for (const auto& [license_id, license] : state.licenses)
      licenses.rows.push_back({link(joined("licenses/", license_id), code(license_id)),
                               state_badge(state_word(license, checkpoint_.time)), foreign(state.registration.model_name, 60),
                               key_name(license.license.licensee), time_of(license.expires())});
  }
  if (models.rows.empty())
    page.paragraph("No model has been registered yet.");
  else
    page.table(models);
  page.section("Licenses");
  if (licenses.rows.empty())
    page.paragraph("No license has been issued yet.");
  else
    page.table(licenses);
  page.footer(
      "These pages are made by stegpass from the ledger. They are for reading: what counts are the signed statements, their "
      "receipts and the checkpoint, which stegpass verify and "
      "stegpass audit check.");
  return page.write_beside(kStyle);
}

std::string SitePages::checkpoint_page() const {
  Document page("Checkpoint of " + checkpoint_.origin);
  page.heading("The newest checkpoint").put(way_home("index.html"));
  page.facts({{"Log", foreign(checkpoint_.origin)},
              {"Entries", std::to_string(checkpoint_.tree_size)},
              {"Root", code(to_hex(checkpoint_.root))},
              {"Time", utc_time(checkpoint_.time)}});
  page.section("Signatures");
  Table table{"", {{"Name"}, {"Key id"}, {"As"}}, {}};
  if (const auto note = parse_note(note_)) {
    for (const NoteSignature& signature : note->signatures) {
      Bytes id;
      append_big_endian(id, signature.key_id, 4);
      table.rows.push_back({foreign(signature.name), code(to_hex(id)),
                            signature.name == checkpoint_.origin ? "the log" : "a witness, or another key of the log"});
    }
  }
  page.table(table);
  page.paragraph("Who signed is checked by whoever has their keys: this page only lists the lines.");
  page.section("The signed note").preformatted(note_);
  page.paragraph(link("checkpoint", "The note as a file"));
  return page.write_beside(kStyle);
}

std::string SitePages::model_page(const std::string& id, const ledger::RegistrationState& state) const {
  const Registration& model = state.registration;
  Document page("Model " + model.model_name);
  page.heading(Markup("Model ") + foreign(model.model_name)).put(way_home("../index.html"));
  std::vector<Fact> facts = {
      {"Registration", code(id)},
      {"Entered as", entry_link(state.index)},
      {"Signed", utc_time(state.issued_at)},
      {"Owner", code(model.owner.thumbprint_uri())},
      {"Owner's key at this checkpoint", code(state.signer().thumbprint_uri())},
      {"Contested", state.contested ? "yes: another owner registered the same bytes" : "no"},
      {"SHA-256 of the file", code(to_hex(model.model_digest))},
      {"Tensors", std::to_string(model.tensor_count) + ", root " + to_hex(model.tensor_root)},
      {"Mark", std::to_string(model.mark.bits) + " bits, scheme " + model.mark.scheme + ", pooling " + model.mark.pooling}};
  add_event(facts, "Newest status list", state.newest_status);
  for (const std::uint64_t rotation : state.rotations) facts.push_back({"Key rotation", entry_link(rotation)});
  page.facts(facts).section("Licenses");
  Table licenses{"", {{"License"}, {"State", true}, {"Licensee's key (SHA-256)"}, {"From", true}, {"Until", true}}, {}};
  for (const auto& [license_id, license] : state.licenses)
    licenses.rows.push_back({link(joined("../licenses/", license_id), code(license_id)),
                             state_badge(state_word(license, checkpoint_.time)), key_name(license.license.licensee),
                             time_of(license.license.not_before), time_of(license.expires())});
  if (licenses.rows.empty())
    page.paragraph("None.");
  else
    page.table(licenses);
  const Table disputes = disputes_of(state);
  if (!disputes.rows.empty()) page.section("Disputes").table(disputes);
  return page.write_beside(kStyleAbove);
}

std::string SitePages::license_page(const std::string& id, const ledger::RegistrationState& owner,
                                    const ledger::LicenseState& state) const {
  const License& license = state.license;
  Document page("License " + id);
  page.heading("License " + id).put(way_home("../index.html"));
  std::vector<Fact> facts = {
      {"State", state_badge(state_word(state, checkpoint_.time))},
      {"As of", utc_time(checkpoint_.time)},
      {"Model", link(joined("../models/", to_hex(license.registration_id)), foreign(owner.registration.model_name, 80))},
      {"Licensee's key", code(license.licensee.thumbprint_uri())},
      {"From", utc_time(license.not_before)},
      {"Until", utc_time(state.expires())},
      {"Terms", foreign(describe_terms(license.terms), 1000)},
      {"User passport", code(to_hex(license.user_passport))},
      {"Entered as", entry_link(state.index)}};
  add_event(facts, "Renewed by", state.renewed_by);
  add_event(facts, "Suspended by", state.suspended_by);
  add_event(facts, "Reinstated by", state.reinstated_by);
  add_event(facts, "Transferred by", state.transferred_by);
  add_event(facts, "Took the place of another by", state.succeeds_by);
  add_event(facts, "Revoked by", state.revoked_by);
  add_event(facts, "Newest status list", owner.newest_status);
  page.facts(facts);
  return page.write_beside(kStyleAbove);
}

std::string SitePages::entry_page(const SiteEntry& entry) const {
  const std::string number = std::to_string(entry.index), kind(statement_kind_name(entry.statement.kind()));
  Document page("Entry " + number + ": " + kind);
  page.heading("Entry " + number + ": " + kind).put(way_home("../index.html"));
  page.facts({{"About", code(entry.statement.subject())},
              {"Signed by", code(entry.statement.issuer())},
              {"Signed", utc_time(entry.statement.issued_at())},
              {"Taken by the ledger", utc_time(entry.time)},
              {"As a file", link(number + ".cose", "the statement with its receipt")}});
  page.section("It is in the ledger");
  page.facts({{"Entry", element("span", {{"id", "index"}}, number)},
              {"Entries in the tree", element("span", {{"id", "size"}}, std::to_string(entry.proof.tree_size))},
              {"Leaf hash", code(to_hex(merkle_leaf(entry.octets)))},
              {"Root", element("code", {{"id", "root"}}, to_hex(checkpoint_.root))},
              {"Checkpoint", link("../checkpoint.html", "signed by the log, with its witnesses")}});
  page.put(proof_table(entry.proof));
  page.put(
      element("p", element("button", {{"id", "check"}, {"type", "button"}, {"class", "button hidden"}}, "Check this proof here") +
                       Markup(" ") + element("output", {{"id", "answer"}, {"role", "status"}}, "")));
  page.paragraph(
      "Without a browser: stegpass inspect shows the file with its receipt, and stegpass audit replays the whole ledger.");
  page.section("What it says");
  const auto item = decode_cbor(entry.octets);
  page.preformatted(item ? annotate_cbor(*item) : "not CBOR");
  page.put(element("details", element("summary", "The entry's octets in hexadecimal") +
                                  element("pre", {{"id", "octets"}}, to_hex(entry.octets))));
  return page.write_beside(kStyleAbove, kScript);
}

std::string SitePages::list_page(const std::vector<EntryLine>& lines, std::size_t page_number, std::size_t pages) const {
  Document page("Entries of " + checkpoint_.origin);
  page.heading("Entries").put(way_home("../index.html"));
  Table table{"", {{"Entry", true}, {"Kind", true}, {"Signed", true}, {"About"}}, {}};
  for (const EntryLine& line : lines)
    table.rows.push_back({link(entry_file(line.index), std::to_string(line.index)), std::string(statement_kind_name(line.kind)),
                          time_of(line.issued_at), code(line.subject)});
  page.table(table);
  Markup others;
  if (page_number > 0) others += link(list_file(page_number - 1), "Earlier entries");
  if (page_number > 0 && page_number + 1 < pages) others += Markup(" · ");
  if (page_number + 1 < pages) others += link(list_file(page_number + 1), "Later entries");
  if (!others.empty()) page.paragraph(others);
  return page.write_beside(kStyleAbove);
}

std::string SitePages::list_file(std::size_t page_number) {
  return page_number == 0 ? "index.html" : "page-" + std::to_string(page_number) + ".html";
}

Status SitePages::put_front(const PutFile& put) const {
  STEGPASS_CHECK_OK(put(kStyle, as_bytes(page_stylesheet())));
  STEGPASS_CHECK_OK(put("index.html", as_bytes(index_page())));
  STEGPASS_CHECK_OK(put("checkpoint.html", as_bytes(checkpoint_page())));
  STEGPASS_CHECK_OK(put("checkpoint", as_bytes(note_)));
  for (const auto& [id, state] : ledger_.state.registrations()) {
    STEGPASS_CHECK_OK(put("models/" + id + ".html", as_bytes(model_page(id, state))));
    for (const auto& [license_id, license] : state.licenses)
      STEGPASS_CHECK_OK(put("licenses/" + license_id + ".html", as_bytes(license_page(license_id, state, license))));
  }
  return Done{};
}

Status SitePages::put_entry(const SiteEntry& entry, const PutFile& put) const {
  return put("entries/" + entry_file(entry.index), as_bytes(entry_page(entry)));
}

Status SitePages::put_list(const std::vector<EntryLine>& lines, const PutFile& put) const {
  const std::size_t pages = (lines.size() + kListed - 1) / kListed;
  for (std::size_t page = 0; page < pages; ++page) {
    const auto first = lines.begin() + static_cast<std::ptrdiff_t>(page * kListed),
               last = lines.begin() + static_cast<std::ptrdiff_t>(std::min(lines.size(), (page + 1) * kListed));
    STEGPASS_CHECK_OK(put("entries/" + list_file(page), as_bytes(list_page({first, last}, page, pages))));
  }
  return Done{};
}

}  // namespace stegpass::cli
