#include <stegpass/model/scheme.hpp>

#include <array>
#include <string>

namespace stegpass::model {
namespace {

constexpr std::array<std::string_view, 5> kNames{"sp", "pan", "deepipr-v1", "deepipr-v2", "deepipr-v3"};

}  // namespace

std::string_view scheme_name(Scheme scheme) { return kNames[static_cast<std::size_t>(scheme)]; }

Result<Scheme> parse_scheme(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<Scheme>(i);
  }
  return Error{Errc::unsupported, "scheme '" + std::string(name) + "' is unknown, sp, pan or deepipr-v1, -v2, -v3 expected"};
}

}  // namespace stegpass::model
