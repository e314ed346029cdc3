#pragma once

#include <stegpass/credential/statement.hpp>

#include "output.hpp"

namespace stegpass::cli {

/// Terms of a license as JSON; values of further terms in diagnostic notation.
Json terms_json(const credential::LicenseTerms& terms);

}  // namespace stegpass::cli
