// Makes a log of many really signed statements, for scripts/results ledger. Usage: million_ledger FOLDER COUNT
// Writes FOLDER/ledger and FOLDER/log.vkey, and prints one JSON object: how long it took, how long the log then takes to open, and keys
// to ask for. With COUNT 0 it opens the log that is there, and prints how long that took.

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>

#include <stegpass/credential/core/text.hpp>

#include "ledger_statements.hpp"

namespace {

namespace fs = std::filesystem;
using namespace stegpass;
using namespace stegpass::bench;

constexpr std::uint64_t kTogether = 1024, kLicensees = 1000;

const PublicKey& licensee(std::uint64_t number) {
  static const auto keys = [] {
    std::vector<PublicKey> made;
    for (std::uint64_t i = 0; i < kLicensees; ++i) made.push_back(PrivateKey::generate(KeyType::ed25519).public_key());
    return made;
  }();
  return keys[number % kLicensees];
}

Statement license_to_one_of_many(std::uint64_t number) {
  License body{.id = id(1000 + number), .registration_id = id(1), .licensee = licensee(number)};
  body.not_before = kNow;
  body.expires = kNow + 1'000'000;
  body.status_index = number;
  body.reveal_bar_mdb = 30'000;
  body.terms = {"inference", "worldwide", 1};
  return sign_statement(signer(), body, kNow).value();
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Every thread signs and appends its share, so that one verifies while another's commit waits for the disk.
void fill(ledger::Ledger& log, std::uint64_t count) {
  const auto threads = std::max(2u, std::thread::hardware_concurrency());
  std::vector<std::jthread> workers;
  for (std::uint64_t t = 0; t < threads; ++t)
    workers.emplace_back([&log, count, t, threads] {
      std::vector<Statement> some;
      for (std::uint64_t batch = t; batch * kTogether < count; batch += threads) {
        some.clear();
        for (auto i = batch * kTogether; i < std::min((batch + 1) * kTogether, count); ++i)
          some.push_back(license_to_one_of_many(i));
        log.append(some, signer(), kNow).value();
      }
    });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::cerr << "usage: million_ledger FOLDER COUNT\n", 2;
  const fs::path folder = argv[1];
  const auto count = std::strtoull(argv[2], nullptr, 10);
  auto start = std::chrono::steady_clock::now();
  if (count > 0) {
    fs::create_directories(folder);
    auto log = new_log(folder / "ledger");
    fill(log, count - 2);
  }
  const auto build = seconds_since(start);
  start = std::chrono::steady_clock::now();
  const auto log = ledger::Ledger::open(folder / "ledger", ledger::Ledger::Mode::write).value();
  const auto open = seconds_since(start);
  if (count == 0) return std::cout << "{\"open_for_writing_seconds\": " << open << "}\n", 0;
  std::ofstream(folder / "log.vkey") << NoteVerifier{log.origin(), log.log_key()}.to_vkey() << "\n";
  std::cout << "{\"entries\": " << log.size() << ", \"build_seconds\": " << build << ", \"open_for_writing_seconds\": " << open
            << ", \"licensee\": \"" << to_hex(licensee(0).thumbprint()) << "\", \"model\": \"" << to_hex(Digest32{}) << "\"}\n";
}
