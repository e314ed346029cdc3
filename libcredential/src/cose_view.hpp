#pragma once

#include <cstdint>
#include <optional>

#include <stegpass/credential/cbor_view.hpp>
#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>
#include <stegpass/credential/cose.hpp>

namespace stegpass::credential {

/// A COSE_Sign1 message as it stands in its octets, which must outlive it.
class Sign1View {
 public:
  /// As `decode_sign1` and `decode_foreign_sign1`.
  static Result<Sign1View> read(ByteView bytes);
  static Result<Sign1View> read_foreign(ByteView bytes);

  CborView protected_header() const { return header_->root(); }
  CborView unprotected() const { return parts_[1]; }
  ByteView protected_bytes() const { return protected_bytes_; }
  std::optional<ByteView> payload() const { return parts_[2].as_bytes(); }  ///< nothing: detached
  ByteView signature() const { return *parts_[3].as_bytes(); }
  /// The four parts as they were read, each with its head: protected header, unprotected header, payload, signature.
  ByteView encoded_part(std::size_t part) const { return parts_[part].item().encoded; }
  Sign1 to_sign1() const;

 private:
  enum class Origin { ours, foreign };
  static Result<Sign1View> read(ByteView bytes, Origin origin);
  Sign1View(CborDocument message, CborElements parts) : message_(std::move(message)), parts_(parts) {}

  CborDocument message_;
  CborElements parts_;                  // of it
  std::optional<CborDocument> header_;  // within it
  ByteView protected_bytes_;
};

/// What a signature is over and by: the parts of a message, its algorithm, and bytes that are signed with it.
struct SignedParts {
  std::int64_t algorithm = 0;
  ByteView protected_bytes, external_aad, payload, signature;
};
/// As `verify_sign1`.
Status verify_parts(const SignedParts& parts, const PublicKey& key);

}  // namespace stegpass::credential
