#pragma once

#include <cstdint>
#include <vector>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::credential {

/// Inflates exactly one ZLIB stream to at most `bound` bytes; a bomb costs no more than the bound. Errors malformed.
Result<Bytes> inflate_bounded(ByteView packed, std::size_t bound);

/// Packs states of two bits, least significant first, into a ZLIB stream (level 9, no time or name in it). The last byte is
/// filled with 3, which is no state of ours, so that the count comes back. Requires states below 3 (assertion). Source
/// draft-ietf-oauth-status-list, sections 4.1 and 4.2.
Bytes pack_status_list(const std::vector<std::uint8_t>& states);

/// Errors  malformed on anything but one whole ZLIB stream, on more than StatusList::kMaxLicenses states, on the state 3 before
/// the filling.
Result<std::vector<std::uint8_t>> unpack_status_list(ByteView packed);

}  // namespace stegpass::credential
