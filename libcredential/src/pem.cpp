#include "pem.hpp"

#include <algorithm>

#include <stegpass/credential/core/text.hpp>

#include "sodium_ready.hpp"

namespace stegpass::credential {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ", kEnd = "-----END ", kDashes = "-----";
constexpr std::size_t kMaxLabel = 64, kLine = 64;

Error bad(std::string detail) { return {Errc::malformed, "key file: " + std::move(detail)}; }

/// Base64 without copies that nobody wipes.
Result<SecretBytes> decode_body(std::string_view body) {
  require_sodium();
  SecretBytes decoded(body.size() / 4 * 3 + 3);
  std::size_t size = 0;
  const int done = sodium_base642bin(decoded.expose_mutable(), decoded.size(), body.data(), body.size(), "\r\n", &size, nullptr,
                                     sodium_base64_VARIANT_ORIGINAL);
  if (done != 0 || size == 0) return bad("what stands between its BEGIN and END is no base64");
  return SecretBytes::copy_of(decoded.expose().first(size));
}

}  // namespace

Result<Armored> parse_armor(std::string_view text) {
  if (!text.starts_with(kBegin)) return bad("does not start with -----BEGIN");
  const std::size_t label_end = text.find(kDashes, kBegin.size());
  if (label_end == std::string_view::npos || label_end - kBegin.size() > kMaxLabel)
    return bad("its first line does not end in -----");
  const std::string label(text.substr(kBegin.size(), label_end - kBegin.size()));
  if (!std::all_of(label.begin(), label.end(),
                   [](char c) { return c == ' ' || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }))
    return bad("its first line holds more than capitals and digits");
  const std::size_t body_at = label_end + kDashes.size();
  const std::string end = std::string(kEnd) + label + std::string(kDashes);
  const std::size_t end_at = text.find(end, body_at);
  if (end_at == std::string_view::npos) return bad("has no line " + end);
  const std::string_view tail = text.substr(end_at + end.size());
  if (tail.find_first_not_of(" \t\r\n") != std::string_view::npos) return bad("goes on after " + end);
  const std::string_view body = text.substr(body_at, end_at - body_at);
  if (body.find(':') != std::string_view::npos) {
    return Error{Errc::unsupported, "key file: PEM's old encryption; openssl pkcs8 -topk8 -in FILE -out NEW writes it as PKCS#8"};
  }
  STEGPASS_TRY(content, decode_body(body));
  return Armored{label, std::move(content)};
}

std::string write_armor(std::string_view label, ByteView content) {
  const std::string body = to_base64(content);
  std::string out = std::string(kBegin) + std::string(label) + std::string(kDashes) + "\n";
  for (std::size_t at = 0; at < body.size(); at += kLine) out += body.substr(at, kLine) + "\n";
  return out + std::string(kEnd) + std::string(label) + std::string(kDashes) + "\n";
}

}  // namespace stegpass::credential
