#include "report_papers.hpp"

#include <algorithm>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/receipt.hpp>

namespace stegpass::cli {

using namespace credential;
using html::Markup;

namespace {

const PublicKey* log_key_of(const std::vector<Statement>& statements) {
  for (const Statement& statement : statements)
    if (const auto* policy = statement.as<LedgerPolicy>()) return &policy->log_key;
  return nullptr;
}

PaperEntry entry_of(const Statement& statement, const PublicKey* log_key) {
  PaperEntry out{{}, statement.kind(), statement.issued_at(), statement.subject(), statement.issuer()};
  if (log_key == nullptr || statement.receipts().size() != 1) return out;
  if (auto receipt = verify_receipt(statement.receipts()[0], statement.entry(), *log_key)) out.index = receipt->proof.leaf_index;
  return out;
}

/// The kind of statement that a check is about: `receipt.license` and `license.dates` are about the license.
std::string_view kind_of(std::string_view code) {
  if (code.starts_with("receipt.")) code.remove_prefix(8);
  if (code.starts_with("license.status") || code.starts_with("status")) return "status-list";
  if (code.starts_with("ledger.policy")) return "ledger-policy";
  return code.substr(0, code.find('.'));
}

std::string file_words(const EvidenceFile& file) {
  return html::shortened(file.path, 80) + ", " + std::to_string(file.bytes.size()) + " bytes";
}

Markup file_or_none(const std::optional<EvidenceFile>& file) {
  return file ? html::foreign(file_words(*file), 200) : Markup("not given");
}

Markup checkpoint_words(const PapersView& papers) {
  if (!papers.checkpoint) return "no checkpoint that reads";
  const Checkpoint& at = *papers.checkpoint;
  return Markup("checkpoint of ") + html::foreign(at.origin, 80) + ", " + std::to_string(at.tree_size) + " entries, " +
         time_of(at.time);
}

Markup entry_words(const PaperEntry& entry) {
  const std::string number = entry.index ? "entry " + std::to_string(*entry.index) : "entry without a receipt that holds";
  return Markup(number + ", signed ") + time_of(entry.issued_at);
}

/// urn:stegpass:license:0f... without what all subjects begin with.
std::string without_prefix(const std::string& subject) {
  return subject.starts_with("urn:stegpass:") ? subject.substr(13) : subject;
}

std::string capital(std::string_view kind) {
  std::string out(kind);
  std::replace(out.begin(), out.end(), '-', ' ');
  if (!out.empty()) out[0] = static_cast<char>(out[0] - 'a' + 'A');
  return out;
}

}  // namespace

const PaperEntry* PapersView::find(std::string_view kind) const {
  const auto found = std::find_if(entries.rbegin(), entries.rend(),
                                  [&](const PaperEntry& entry) { return statement_kind_name(entry.kind) == kind; });
  return found == entries.rend() ? nullptr : &*found;
}

PapersView view_papers(ByteView bytes) {
  PapersView out;
  auto bundle = decode_bundle(bytes);
  if (!bundle) return out;
  std::vector<Statement> statements;
  for (const Bytes& file : bundle->statements)
    if (auto statement = Statement::decode(file)) statements.push_back(std::move(*statement));
  const PublicKey* log_key = log_key_of(statements);
  for (const Statement& statement : statements) out.entries.push_back(entry_of(statement, log_key));
  if (auto note = parse_note(bundle->checkpoint)) {
    for (const NoteSignature& signature : note->signatures) out.signers.push_back(signature.name);
    if (auto checkpoint = parse_checkpoint(note->text)) out.checkpoint = std::move(*checkpoint);
  }
  out.bundle = std::move(*bundle);
  return out;
}

Markup evidence_of(std::string_view code, const PapersView& papers, const ReportInputs& inputs) {
  const auto about = [&](std::string_view prefix) { return code.starts_with(prefix); };
  if (about("bundle.")) return html::foreign(file_words(inputs.bundle), 200);
  if (about("checkpoint.")) return checkpoint_words(papers);
  if (about("policy.")) return html::foreign(inputs.description.value("/policy/file"_json_pointer, ""), 80);
  if (about("license.text")) return "the contract";
  if (about("opening.")) return "what the bundle opens";
  if (about("holder.")) return "the presentation";
  if (about("card.")) return "the card's picture";
  if (about("isn."))
    return inputs.evidence.isn ? file_or_none(inputs.evidence.isn) : Markup("the weights that come with the program");
  if (about("passport.") || about("identity.")) return file_or_none(inputs.evidence.passport);
  if (about("user.")) return file_or_none(inputs.evidence.model) + "; " + file_or_none(inputs.evidence.passport);
  if (about("model.") || about("owner.")) return file_or_none(inputs.evidence.model);
  const PaperEntry* entry = papers.find(kind_of(code));
  return entry ? entry_words(*entry) : Markup();
}

std::vector<Event> events_of(const PapersView& papers, const ReportInputs& inputs) {
  std::vector<Event> out;
  for (const PaperEntry& entry : papers.entries)
    out.push_back({capital(statement_kind_name(entry.kind)), utc_time(entry.issued_at), without_prefix(entry.subject), true,
                   entry.index ? std::to_string(*entry.index) : "?"});
  if (papers.checkpoint) {
    std::string signers;
    for (const std::string& name : papers.signers) signers += (signers.empty() ? "signed by " : ", ") + name;
    out.push_back({"Checkpoint of " + std::to_string(papers.checkpoint->tree_size) + " entries",
                   utc_time(papers.checkpoint->time), signers, false, "C"});
  }
  out.push_back({"This verdict", utc_time(inputs.now), "by the verifier's clock", false, "V"});
  return out;
}

}  // namespace stegpass::cli
