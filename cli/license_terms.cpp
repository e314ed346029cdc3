#include "license_terms.hpp"

#include <stegpass/credential/core/text.hpp>

namespace stegpass::cli {

Json terms_json(const credential::LicenseTerms& terms) {
  Json other = Json::object();
  for (const auto& [name, value] : terms.other)
    other[*name.as_text()] = value.as_text() ? *value.as_text() : cbor_diagnostic(value);
  return {{"scope", terms.scope},
          {"territory", terms.territory},
          {"seats", terms.seats},
          {"sublicensing", terms.sublicensing},
          {"text_sha256", terms.text ? Json(to_hex(*terms.text)) : Json()},
          {"other", other},
          {"critical", terms.critical}};
}

}  // namespace stegpass::cli
