#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <stegpass/credential/cbor.hpp>
#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/key.hpp>

namespace stegpass::credential {

/// States of other people's tokens (draft-ietf-oauth-status-list), 1, 2, 4 or 8 bits each, kept packed: a million take 128 KB to
/// 1 MB. Our own lists are the statement `StatusList`.
class StatusBits {
 public:
  /// Reads the map {"bits", "lst", ? "aggregation_uri"}. Errors malformed, also for more than 4 MiB inflated.
  static Result<StatusBits> read(const Cbor& list);
  unsigned bits() const { return bits_; }
  std::size_t size() const { return packed_.size() * (8 / bits_); }
  /// The state at an index: 0 valid, 1 invalid, 2 suspended, others as the application says. Errors refused outside the list.
  Result<std::uint8_t> at(std::uint64_t index) const;

 private:
  unsigned bits_ = 1;
  Bytes packed_;
};

/// A Status List Token, checked.
struct StatusToken {
  std::string uri;  ///< sub: what credentials name it by
  std::int64_t issued_at = 0;
  std::optional<std::int64_t> expires, ttl_s;
  StatusBits list;
};
/// Checks typ `application/statuslist+cwt`, signature and shape. Freshness is the caller's to judge.
/// Errors  malformed; as of `verify_sign1`.
Result<StatusToken> verify_status_token(const Sign1& token, const PublicKey& issuer);

}  // namespace stegpass::credential
