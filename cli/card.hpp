#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/verdict.hpp>
#include <stegpass/credential/verification.hpp>

#include "model_checks.hpp"

namespace stegpass::cli {

/// What the QR code of a license card says. Schema  schemas/license-card.md
struct CardCode {
  Bytes license;       ///< id, 16 bytes
  Bytes registration;  ///< id, 16 bytes
  Digest32 bundle{};   ///< SHA-256 of the bundle's binary file
};
std::string encode_card_code(const CardCode& code);
/// Errors  malformed; unsupported for another version.
Result<CardCode> parse_card_code(std::string_view text);

/// Adds card.license and card.bundle: whether the code in a picture of a card names the license that was verified, and the bundle
/// at hand. Nothing without a picture.
void check_card(Verdict& verdict, const std::optional<EvidenceFile>& picture, const EvidenceFile& bundle,
                const credential::PaperVerdict& papers);

}  // namespace stegpass::cli
