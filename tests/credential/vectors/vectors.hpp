#pragma once

// Published test vectors: how their files are read. Where each comes from is said in the README beside them.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/credential/helpers.hpp"

namespace stegpass::test {

using Json = nlohmann::json;

inline std::filesystem::path vector_path(const std::string& name) {
  return std::filesystem::path(STEGPASS_SHARED_DIR) / "vectors" / name;
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  INFO(path.string());
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), {}};
}

inline Bytes read_bytes(const std::filesystem::path& path) { return to_bytes(std::string_view(read_text(path))); }

inline Json read_json(const std::filesystem::path& path) { return Json::parse(read_text(path)); }

/// All files below a folder whose name ends in `suffix`, in order.
inline std::vector<std::filesystem::path> files_below(const std::filesystem::path& folder, const std::string& suffix) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && entry.path().extension() == suffix) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  REQUIRE_FALSE(files.empty());
  return files;
}

/// Hex that a vector's field holds, or base64 (standard or for urls, padded or not).
inline Bytes hex_field(const Json& object, const char* name) { return from_hex(object.at(name).get<std::string>()); }

inline Bytes base64_any(std::string text) {
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  text.erase(text.find_last_not_of('=') + 1);
  return require_ok(parse_base64url(text));
}

/// Whether the OpenSSL at hand knows ML-DSA (from 3.5 on). STEGPASS_NEED_ML_DSA=1 makes its absence a failure.
inline bool has_ml_dsa() {
  const auto key = credential::PublicKey::create(credential::KeyType::ml_dsa_44, Bytes(1312, 7));
  if (!key.ok()) check_error(key.error(), Errc::unsupported, "ML-DSA-44");
  if (std::getenv("STEGPASS_NEED_ML_DSA")) REQUIRE(key.ok());
  return key.ok();
}

/// The key of a PEM file with an Ed25519 or uncompressed P-256 or P-384 SubjectPublicKeyInfo, by its length alone.
inline credential::PublicKey key_from_pem(const std::string& pem) {
  using credential::KeyType, credential::PublicKey;
  const std::string begin = "-----BEGIN PUBLIC KEY-----", end = "-----END PUBLIC KEY-----";
  std::string body = pem.substr(begin.size(), pem.find(end) - begin.size());
  std::erase(body, '\n');
  const Bytes der = base64_any(body);
  const ByteView tail(der);
  if (der.size() == 44) return require_ok(PublicKey::create_ed25519(tail.last(32)));
  if (der.size() == 120) return require_ok(PublicKey::create(KeyType::p384, tail.last(96).first(48), tail.last(48)));
  REQUIRE(der.size() == 91);
  return require_ok(PublicKey::create_p256(tail.last(64).first(32), tail.last(32)));
}

}  // namespace stegpass::test
