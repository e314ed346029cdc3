#include <stegpass/model/scheme.hpp>

#include "parse_name.hpp"

namespace stegpass::model {
namespace {

constexpr std::array<std::string_view, 5> kSchemes{"sp", "pan", "deepipr-v1", "deepipr-v2", "deepipr-v3"};

}  // namespace

std::string_view scheme_name(Scheme scheme) { return kSchemes[static_cast<std::size_t>(scheme)]; }
Result<Scheme> parse_scheme(std::string_view name) { return parse_name<Scheme>("scheme", name, kSchemes); }

}  // namespace stegpass::model
