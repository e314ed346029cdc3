#pragma once

#include <string>

#include <stegpass/credential/core/bytes.hpp>
#include <stegpass/credential/core/result.hpp>

namespace stegpass::credential {

/// A bundle as text for mail: one block of armor (RFC 7468) with the label STEGPASS BUNDLE. The bytes are not looked at.
/// Schema  schemas/bundle.md, "As text"
std::string armor_bundle(ByteView bundle);
/// Whether a file begins as such text does; binary bundles never do.
bool is_armored_bundle(ByteView file);
/// The bytes in such text, which must be exactly as `armor_bundle` writes it: one encoding, nothing before or after.
/// Errors  malformed, saying so where a mail program changed the ends of lines.
Result<Bytes> unarmor_bundle(ByteView file);

}  // namespace stegpass::credential
