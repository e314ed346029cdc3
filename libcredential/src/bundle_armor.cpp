#include <stegpass/credential/bundle_armor.hpp>

#include <stegpass/credential/core/text.hpp>

#include "pem.hpp"

namespace stegpass::credential {
namespace {

constexpr std::string_view kLabel = "STEGPASS BUNDLE";
constexpr std::string_view kBegin = "-----BEGIN STEGPASS BUNDLE-----\n", kEnd = "-----END STEGPASS BUNDLE-----\n";

Error bad(std::string detail) { return {Errc::malformed, "armored bundle: " + std::move(detail)}; }

}  // namespace

std::string armor_bundle(ByteView bundle) { return write_armor(kLabel, bundle); }

bool is_armored_bundle(ByteView file) { return as_text(file).starts_with(kBegin.substr(0, kBegin.size() - 1)); }

Result<Bytes> unarmor_bundle(ByteView file) {
  const std::string_view text = as_text(file);
  if (text.find('\r') != std::string_view::npos)
    return bad("its lines end in carriage returns, expected line feeds alone (tr -d '\\r' takes them out)");
  if (!text.starts_with(kBegin)) return bad("expected a first line " + std::string(kBegin.substr(0, kBegin.size() - 1)));
  if (text.size() < kBegin.size() + kEnd.size() || !text.ends_with(kEnd))
    return bad("expected a last line " + std::string(kEnd.substr(0, kEnd.size() - 1)) + ", and nothing after it");
  const std::string_view body = text.substr(kBegin.size(), text.size() - kBegin.size() - kEnd.size());
  std::string characters;
  characters.reserve(body.size());
  for (const char c : body)
    if (c != '\n') characters.push_back(c);
  auto bytes = parse_base64(characters);
  if (!bytes || bytes->empty()) return bad("what stands between its first and last line is no base64");
  // Lines of another length hold the same bytes; only one text counts.
  if (armor_bundle(*bytes) != text) return bad("expected lines of 64 characters, the last one shorter");
  return bytes;
}

}  // namespace stegpass::credential
