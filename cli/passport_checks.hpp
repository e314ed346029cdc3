#pragma once

#include <optional>
#include <vector>

#include <stegpass/credential/bundle.hpp>

#include "model_checks.hpp"

namespace stegpass::cli {

/// What came out of the checks that need no model, for those that do.
struct PassportFindings {
  ModelVerdict judged;
  bool passport_reads = false;                             ///< the user passport is a passport, this license's or not
  std::vector<const credential::PassportOpening*> opened;  ///< passports whose seed follows from picture, owner and salt
};

/// Codes  passport.digest, isn.digest, identity.reveal, identity.qr, opening.seed-ROLE. `papers` must outlive what is returned.
PassportFindings check_passports(const credential::PaperVerdict& papers, const ModelEvidence& evidence);

}  // namespace stegpass::cli
