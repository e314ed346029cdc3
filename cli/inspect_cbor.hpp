#pragma once

#include <string>

#include <stegpass/credential/cbor.hpp>

namespace stegpass::cli {

/// What a CBOR item of ours is, in words: a statement's typ, a bundle, a key, an encrypted file; "CBOR" when it is none of ours.
std::string name_cbor(const credential::Cbor& item);

/// Diagnostic notation (RFC 8949 section 8) over several lines, with the registries' names of header labels, claims and key
/// members as comments, embedded COSE messages opened as << >>, and byte strings over 64 bytes cut short with their length.
std::string annotate_cbor(const credential::Cbor& item);

}  // namespace stegpass::cli
