#pragma once

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/statement.hpp>

#include "statement_fields.hpp"

namespace stegpass::credential {

/// Terms as the map `terms` of a license, and back. Rules of the schema are checked by reading alone.
Cbor write_terms(const LicenseTerms& terms);
LicenseTerms read_terms(Fields terms);

}  // namespace stegpass::credential
