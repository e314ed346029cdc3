#include "ledger_view.hpp"

#include <stegpass/credential/core/text.hpp>

namespace stegpass::cli {
namespace {

using namespace credential;

Json describe_license(const ledger::LicenseState& state) {
  const License& license = state.license;
  Json out = {{"id", to_hex(license.id)},
              {"index", state.index},
              {"licensee", license.licensee.thumbprint_uri()},
              {"not_before", utc_time(license.not_before)},
              {"expires", utc_time(license.expires)},
              {"revoked_by", state.revoked_by ? Json(*state.revoked_by) : Json()}};
  return out;
}

}  // namespace

Json describe_state(const ledger::RegistrationPolicy& state) {
  Json out = Json::array();
  for (const auto& [id, entry] : state.registrations()) {
    Json licenses = Json::array();
    for (const auto& [license_id, license] : entry.licenses) licenses.push_back(describe_license(license));
    out.push_back({{"id", id},
                   {"index", entry.index},
                   {"model", entry.registration.model_name},
                   {"owner", entry.registration.owner.thumbprint_uri()},
                   {"contested", entry.contested},
                   {"newest_status", entry.newest_status ? Json(*entry.newest_status) : Json()},
                   {"licenses", std::move(licenses)}});
  }
  return out;
}

}  // namespace stegpass::cli
