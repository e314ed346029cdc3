#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <torch/types.h>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/core/verdict.hpp>
#include <stegpass/model/mark.hpp>

namespace stegpass::model {

/// Which number's sign is the bit that is read.
enum class SignatureMode {
  strict,     ///< sign(s): a statement about the weights; our default
  reference,  ///< sign(s * a1), as the official release; a1 is free, so it proves nothing against an adversary
};

std::string_view signature_mode_name(SignatureMode mode);
/// Errors  unsupported on any other name than `strict` and `reference`.
Result<SignatureMode> parse_signature_mode(std::string_view name);

/// Bits of one layer, and how many were read as demanded.
struct LayerMatch {
  std::string layer;
  int bits = 0;
  int matches = 0;
};

/// What reading one passport from one model gave.
struct MarkReading {
  SignatureMode mode = SignatureMode::strict;
  bool decided = true;  ///< false when the mode needs tensors that a release model does not have; then all is zero
  std::vector<LayerMatch> layers;
  int bits = 0;
  int matches = 0;
  double log10_p = 0;  ///< chance of as many matches by a model made without the passport, before any correction

  double match() const { return bits == 0 ? 0.0 : static_cast<double>(matches) / bits; }
};

/// log10 of P[X >= matches], X binomial with `bits` trials of one half; exact to about twelve digits.
/// Requires 0 <= bits. `matches` <= 0 gives 0, `matches` > bits gives minus infinity.
double log10_binomial_tail(int bits, int matches);

/// Tries that nobody sees: salts, names and layers can all be ground. log10(2^80).
inline constexpr double kLog10UnseenTries = 24.082399653118497;
/// The default bound on the corrected log10 p.
inline constexpr double kDefaultLog10Bound = -30;

/// log10 p after the correction for `passports_tried` passports and for tries unseen; at most 0.
double corrected_log10_p(double log10_p, int passports_tried);

/// The least corrected log10 p that a network of `bits` bits can reach with one passport.
double best_log10_p(int bits);

/// Signs of s against the bits: a zero or a value that is not finite is a mismatch.
/// Shapes  `bits`, `s` (C).
int count_matches(const torch::Tensor& bits, const torch::Tensor& s);

/// Reads a mark from a model file, owner or release model or anything with the same tensors in F32, F64, F16 or BF16.
/// Only the weights of the passport layers (`ConvPlan::conv`) are looked at (and, for `reference`,
/// `LAYER.verification.bn.weight`). Errors  malformed when the file or a shape is not as the architecture demands, not_found when
/// a weight is absent.
Result<MarkReading> read_mark(ByteView weights, const Architecture& architecture, const Mark& mark,
                              SignatureMode mode = SignatureMode::strict);

/// All at once, from what a registration and an opened passport hold.
Result<MarkReading> read_mark(ByteView weights, std::string_view architecture_text, Pooling pooling, const Passport& passport,
                              const MarkSeed& seed, SignatureMode mode = SignatureMode::strict);

/// Judges a reading against `log10_bound` after the correction, under the given check code (`owner.mark`).
/// Undecided when the reading is, or in mode `reference`, which proves nothing.
Check judge_mark(std::string code, const MarkReading& reading, int passports_tried, double log10_bound = kDefaultLog10Bound);

}  // namespace stegpass::model
