#include "verification_papers.hpp"

#include <algorithm>

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

}  // namespace

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
