#pragma once

#include <string_view>

#include <stegpass/credential/core/result.hpp>

namespace stegpass::model {

/// How a passport enters a layer y = W x. s and s' are W . u of the scale and the bias picture (`mark.hpp`), N0 and N1 norms,
/// a0, c0, a1, c1 trained gains and offsets, TLP = Linear C -> C/4, LeakyReLU, Linear C/4 -> C without bias.
///
///     scheme        deployment branch     verification branch                              source
///     sp            a0 N0(y) + c0         g (a1 N1(y) + c1) + h, g = TLP(s), h = TLP(s')   Cui et al., CVPR 2024
///     pan           a0 N0(y) + c0         g N1(y) + h, g = TLP(s), h = TLP(s')             Zhang et al., NeurIPS 2020
///     deepipr-v1    s N0(y) + s'          the same: the network runs with its passport     Fan et al., NeurIPS 2019
///     deepipr-v2    a0 N0(y) + c0         s N0(y) + s'                                     Fan et al., NeurIPS 2019
///     deepipr-v3    as V2, trained on trigger images too, which show ownership from outside
///
/// N0 and N1 keep statistics of their own under batch norm; other norms have none.
enum class Scheme { sp, pan, deepipr_v1, deepipr_v2, deepipr_v3 };

std::string_view scheme_name(Scheme scheme);
/// Errors  unsupported on any other name than those above.
Result<Scheme> parse_scheme(std::string_view name);

/// Whether the two branches differ: in DeepIPR's V1 they do not.
inline bool has_two_branches(Scheme scheme) { return scheme != Scheme::deepipr_v1; }

}  // namespace stegpass::model
