// Makes a log of many really signed statements, for scripts/results ledger. Usage: million_ledger FOLDER COUNT
// Writes FOLDER/ledger and FOLDER/log.vkey, and prints one JSON object: how long it took, what a log of 1,000, 2,000, 5,000 ...
// entries costs as it grows, and keys to ask for. With COUNT 0 it opens the log that is there, and prints how long that took.

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>

#include <stegpass/credential/core/text.hpp>

#include "ledger_statements.hpp"

namespace {

namespace fs = std::filesystem;
using namespace stegpass;
using namespace stegpass::bench;

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kTogether = 1024, kLicensees = 1000;
constexpr std::uint64_t kOthers = 2;  ///< entries that are no license: policy and registration

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

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Every thread signs and appends its share of licenses `from` to `to`, so that one verifies while another's commit waits for the
/// disk.
void fill(ledger::Ledger& log, std::uint64_t from, std::uint64_t to) {
  const auto threads = std::max(2u, std::thread::hardware_concurrency());
  std::vector<std::jthread> workers;
  for (std::uint64_t t = 0; t < threads; ++t)
    workers.emplace_back([&log, from, to, t, threads] {
      std::vector<Statement> some;
      for (std::uint64_t first = from + t * kTogether; first < to; first += threads * kTogether) {
        some.clear();
        for (auto i = first; i < std::min(first + kTogether, to); ++i) some.push_back(license_to_one_of_many(i));
        log.append(some, signer(), kNow).value();
      }
    });
}

/// Mean time of the receipts of entries that are spread over the log, in microseconds.
double receipt_us(const ledger::Ledger& log) {
  constexpr std::uint64_t kReceipts = 1000;
  const auto start = Clock::now();
  for (std::uint64_t i = 0; i < kReceipts; ++i) log.receipt(i * 2'654'435'761 % log.size()).value();
  return 1e6 * seconds_since(start) / kReceipts;
}

double open_ms(const fs::path& folder, ledger::Ledger::Mode mode) {
  const auto start = Clock::now();
  const auto log = ledger::Ledger::open(folder, mode).value();
  return 1e3 * seconds_since(start);
}

std::uint64_t bytes_in(const fs::path& folder) {
  std::uint64_t bytes = 0;
  for (const auto& file : fs::recursive_directory_iterator(folder)) bytes += file.is_regular_file() ? file.file_size() : 0;
  return bytes;
}

/// What this process holds now, in megabytes (proc(5): the second figure of statm, in pages).
double resident_mb() {
  std::uint64_t all = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> all >> resident;
  return double(resident) * double(::sysconf(_SC_PAGESIZE)) / 1e6;
}

/// 1,000, 2,000, 5,000, 10,000 ... below `count`, and `count`: where the log is measured while it grows.
std::vector<std::uint64_t> sizes_up_to(std::uint64_t count) {
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t decade = 1000; decade < count; decade *= 10)
    for (const std::uint64_t step : {1, 2, 5})
      if (decade * step < count) sizes.push_back(decade * step);
  sizes.push_back(count);
  return sizes;
}

/// Appends until the log has `size` entries; what that took, and what a log of that size costs, as a JSON object.
std::string grow(const fs::path& folder, std::uint64_t size) {
  const auto opening = Clock::now();
  auto log = ledger::Ledger::open(folder, ledger::Ledger::Mode::write).value();
  const double writing = 1e3 * seconds_since(opening);
  const std::uint64_t before = log.size();
  const auto start = Clock::now();
  fill(log, before - kOthers, size - kOthers);
  const double rate = double(size - before) / seconds_since(start);
  std::ostringstream out;
  out << "{\"entries\": " << log.size() << ", \"appends_per_second\": " << rate << ", \"receipt_us\": " << receipt_us(log)
      << ", \"open_for_reading_ms\": " << open_ms(folder, ledger::Ledger::Mode::read)
      << ", \"opened_for_writing_ms\": " << writing << ", \"memory_mb\": " << resident_mb() << ", \"bytes\": " << bytes_in(folder)
      << "}";
  return out.str();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return std::cerr << "usage: million_ledger FOLDER COUNT\n", 2;
  const fs::path folder = argv[1];
  const std::uint64_t count = std::strtoull(argv[2], nullptr, 10);
  if (count == 0) {
    std::cout << "{\"open_for_writing_seconds\": " << open_ms(folder / "ledger", ledger::Ledger::Mode::write) / 1e3 << "}\n";
    return 0;
  }
  fs::create_directories(folder);
  const auto start = Clock::now();
  {
    const auto log = new_log(folder / "ledger");
    std::ofstream(folder / "log.vkey") << NoteVerifier{log.origin(), log.log_key()}.to_vkey() << "\n";
  }
  std::string growth;
  for (const std::uint64_t size : sizes_up_to(std::max(count, kOthers))) {
    growth += (growth.empty() ? "" : ", ") + grow(folder / "ledger", size);
    std::cerr << "million_ledger: " << size << " of " << count << " entries\n";
  }
  std::cout << "{\"entries\": " << count << ", \"build_seconds\": " << seconds_since(start) << ", \"growth\": [" << growth
            << "], \"licensee\": \"" << to_hex(licensee(0).thumbprint()) << "\", \"model\": \"" << to_hex(Digest32{}) << "\"}\n";
}
