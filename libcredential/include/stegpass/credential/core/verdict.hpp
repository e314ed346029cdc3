#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace stegpass {

/// What one check, or all of them together, came to. Ordered by how much it weighs in the sum.
enum class Outcome {
  valid,        ///< checked, and true
  not_checked,  ///< nobody asked, or the policy does not demand it; says what would be needed
  undecided,    ///< asked, but evidence is absent, stale, unknown or unsupported
  invalid,      ///< proved false
};

std::string_view outcome_name(Outcome outcome);

/// One named check: a dotted code (`bundle.digest`), what it came to, one sentence with what was found.
struct Check {
  std::string code;
  Outcome outcome = Outcome::undecided;
  std::string detail;
};

/// Every check made, in order, and what they come to together.
/// The sum is invalid if any check is; else undecided if any is, or if none was made; else valid.
class Verdict {
 public:
  void add(std::string code, Outcome outcome, std::string detail) {
    checks_.push_back({std::move(code), outcome, std::move(detail)});
  }
  void append(const Verdict& other) { checks_.insert(checks_.end(), other.checks_.begin(), other.checks_.end()); }
  const std::vector<Check>& checks() const { return checks_; }
  /// The first check with this code, or null; lives until the verdict is changed.
  const Check* find(std::string_view code) const;
  Outcome outcome() const;

 private:
  std::vector<Check> checks_;
};

}  // namespace stegpass
