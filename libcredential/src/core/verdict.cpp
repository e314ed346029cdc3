#include <stegpass/credential/core/verdict.hpp>

#include <algorithm>

namespace stegpass {

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::valid: return "valid";
    case Outcome::not_checked: return "not checked";
    case Outcome::undecided: return "undecided";
    case Outcome::invalid: return "invalid";
  }
  return "undecided";
}

const Check* Verdict::find(std::string_view code) const {
  auto found = std::find_if(checks_.begin(), checks_.end(), [&](const Check& check) { return check.code == code; });
  return found == checks_.end() ? nullptr : &*found;
}

Outcome Verdict::outcome() const {
  bool made = false, undecided = false;
  for (const Check& check : checks_) {
    if (check.outcome == Outcome::invalid) return Outcome::invalid;
    made |= check.outcome == Outcome::valid;
    undecided |= check.outcome == Outcome::undecided;
  }
  return made && !undecided ? Outcome::valid : Outcome::undecided;
}

}  // namespace stegpass
