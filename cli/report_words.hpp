#pragma once

#include <string_view>
#include <vector>

#include <stegpass/credential/core/verdict.hpp>

namespace stegpass::cli {

/// Subjects by which a report orders checks, as its sections and the links of its chain.
enum class Subject { model, registration, license, passport, ledger, policy, other };
inline constexpr int kSubjects = 7;
std::string_view subject_title(Subject subject);
/// Of any code, also those that are not known here.
Subject subject_of(std::string_view code);

/// What a check asks, in plain words; empty for codes that are not known here.
std::string_view question_of(std::string_view code);

/// What some checks come to together: invalid, else undecided, else valid if one was made, else not checked.
Outcome sum_of(const Verdict& verdict, const std::vector<std::string_view>& prefixes);

}  // namespace stegpass::cli
