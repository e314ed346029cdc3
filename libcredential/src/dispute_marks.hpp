#pragma once

#include <stegpass/credential/dispute.hpp>

namespace stegpass::credential {

/// Readings of the models that were made, each of which is a test.
std::uint64_t count_tests(const DisputeFacts& facts);

/// State of every party's mark in every model: [party][model].
std::vector<std::vector<MarkFinding>> judge_marks(const DisputeFacts& facts);

/// Whether a party's passports read in independent models what coins would: the check `controls.binomial`. Undecided when they do
/// not, or when none was read.
Check judge_controls(const DisputeFacts& facts, std::size_t party);

/// "reserve-1, 264 of 264 bits, log10 p -79.5, corrected -54.0"
std::string reading_text(const DisputeFacts& facts, const MarkFinding& mark);

/// A number with so many decimals, never "-0".
std::string decimal_text(double value, int decimals);

}  // namespace stegpass::credential
