#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include <stegpass/credential/statement.hpp>
#include <stegpass/ledger/ledger.hpp>

// Statements for the ledger's benchmarks.
namespace stegpass::bench {

using namespace credential;

inline constexpr std::int64_t kNow = 1'800'000'000;

inline const PrivateKey& signer() {
  static const auto key = PrivateKey::generate(KeyType::ed25519);
  return key;
}

inline Bytes id(std::uint64_t number) {
  Bytes out(8, 0);
  append_big_endian(out, number, 8);
  return out;
}

inline Statement registration() {
  Registration body{.owner = signer().public_key(), .id = id(1)};
  body.model_name = "release.safetensors";
  body.tensor_count = 3;
  body.mark.architecture = "alexnet";
  body.mark.layers = {"features.8"};
  body.mark.bits = 256;
  body.mark.picture_size = 256;
  body.mark.reserves = {Digest32{}, Digest32{1}};
  return sign_statement(signer(), body, kNow).value();
}

inline Statement license(std::uint64_t number) {
  License body{.id = id(1000 + number), .registration_id = id(1), .licensee = signer().public_key()};
  body.not_before = kNow;
  body.expires = kNow + 1'000'000;
  body.status_index = number;
  body.reveal_bar_mdb = 30'000;
  body.terms = {"inference", "worldwide", 1};
  return sign_statement(signer(), body, kNow).value();
}

inline std::vector<Statement> licenses(std::size_t count) {
  static std::vector<Statement> made;
  while (made.size() < count) made.push_back(license(made.size()));
  return {made.begin(), made.begin() + static_cast<std::ptrdiff_t>(count)};
}

/// A log that holds its policy and one registration.
inline ledger::Ledger new_log(const std::filesystem::path& folder) {
  auto log = ledger::Ledger::create(folder, "log.example/bench", signer(), kNow).value();
  log.append({registration()}, signer(), kNow).value();
  return log;
}

}  // namespace stegpass::bench
