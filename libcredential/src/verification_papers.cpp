#include "verification_papers.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <stegpass/credential/cose.hpp>

namespace stegpass::credential {
namespace {

// The kind that a statement claims to be, read from its `typ` alone, so that one that does not decode can be named.
std::optional<StatementKind> claimed_kind(ByteView bytes) {
  const Result<Sign1> message = decode_sign1(bytes);
  const Cbor* typ = message ? message->protected_header.find(cose::kTyp) : nullptr;
  if (!typ || !typ->as_text()) return std::nullopt;
  for (std::size_t kind = 0; kind < kStatementKinds; ++kind) {
    if (*typ->as_text() == statement_typ(static_cast<StatementKind>(kind))) return static_cast<StatementKind>(kind);
  }
  return std::nullopt;
}

bool is_of_dispute(StatementKind kind) {
  return kind == StatementKind::dispute_claim || kind == StatementKind::dispute_evidence ||
         kind == StatementKind::dispute_finding;
}

// The kind of statement that a check is about; none where it is about something else.
std::optional<StatementKind> subject_of(std::string_view code) {
  using Kind = StatementKind;
  constexpr std::array<std::pair<std::string_view, Kind>, 11> subjects = {{{"ledger.policy", Kind::ledger_policy},
                                                                           {"registration.", Kind::registration},
                                                                           {"key-rotation", Kind::key_rotation},
                                                                           {"license.status", Kind::status_list},
                                                                           {"license.", Kind::license},
                                                                           {"status.age", Kind::status_list},
                                                                           {"renewal", Kind::renewal},
                                                                           {"suspension", Kind::suspension},
                                                                           {"reinstatement", Kind::reinstatement},
                                                                           {"transfer", Kind::transfer},
                                                                           {"revocation", Kind::revocation}}};
  const auto found =
      std::find_if(subjects.begin(), subjects.end(), [&](const auto& subject) { return code.starts_with(subject.first); });
  return found == subjects.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace

std::map<std::string, std::int64_t> evidence_times(const Verdict& verdict, Papers& papers, std::int64_t checkpoint_time) {
  std::map<std::string, std::int64_t> out;
  for (const Check& check : verdict.checks()) {
    const auto kind = subject_of(check.code);
    const Paper* paper = kind ? papers.find(*kind) : nullptr;
    const bool of_ledger = check.code.starts_with("checkpoint.") || check.code.starts_with("receipt.");
    if (paper && paper->statement)
      out[check.code] = paper->statement->issued_at();
    else if (of_ledger && checkpoint_time > 0)
      out[check.code] = checkpoint_time;
  }
  return out;
}

Result<Papers> Papers::sort(const std::vector<Bytes>& statements) {
  Papers out;
  for (std::size_t i = 0; i < statements.size(); ++i) {
    const std::string where = "statement " + std::to_string(i) + ": ";
    Result<Statement> statement = Statement::decode(statements[i]);
    const std::optional<StatementKind> kind = statement ? statement->kind() : claimed_kind(statements[i]);
    if (!kind) return Error{statement.error().code, where + statement.error().detail};
    const std::string name(statement_kind_name(*kind));
    if (is_of_dispute(*kind)) return Error{Errc::malformed, where + "a " + name + ", on which no license rests"};
    if (*kind != StatementKind::key_rotation && out.find(*kind))
      return Error{Errc::malformed, where + "a second " + name + ", expected one"};
    out.papers_.push_back({*kind, std::move(statement), i, {}});
  }
  return out;
}

Paper* Papers::find(StatementKind kind) {
  const auto found = std::find_if(papers_.begin(), papers_.end(), [&](const Paper& paper) { return paper.kind == kind; });
  return found == papers_.end() ? nullptr : &*found;
}

bool Papers::in_order() const {
  std::optional<std::uint64_t> last;
  for (const Paper& paper : papers_) {
    if (paper.index && last && *paper.index <= *last) return false;
    if (paper.index) last = paper.index;
  }
  return true;
}

}  // namespace stegpass::credential
