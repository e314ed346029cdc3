#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/core/verdict.hpp>
#include <stegpass/credential/statement.hpp>

namespace stegpass::credential {

/// One statement of a bundle: decoded, or with the error that decoding gave.
struct Paper {
  StatementKind kind;
  Result<Statement> statement;
  std::size_t place = 0;               ///< in the bundle's order
  std::optional<std::uint64_t> index;  ///< in the ledger, once a receipt showed it
};

/// A bundle's statements in the bundle's order: one of each kind that a license rests on, but any number of key rotations.
class Papers {
 public:
  /// Errors  malformed on two statements of one kind, on a kind that does not belong here and on bytes that are no statement;
  ///         unsupported on a kind that we do not know.
  static Result<Papers> sort(const std::vector<Bytes>& statements);

  /// The paper of a kind, or null; the first of several rotations.
  Paper* find(StatementKind kind);
  std::vector<Paper>& all() { return papers_; }
  /// Whether the ledger indices known so far rise in the bundle's order.
  bool in_order() const;

 private:
  std::vector<Paper> papers_;
};

/// When the evidence of each check was made, by the check's code: a statement's iat, or the checkpoint's time (0: none is known)
/// for what rests on the ledger. Checks whose evidence bears no time have none.
std::map<std::string, std::int64_t> evidence_times(const Verdict& verdict, Papers& papers, std::int64_t checkpoint_time);

}  // namespace stegpass::credential
