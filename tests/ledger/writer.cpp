// A writer in a process of its own, for the tests that need a second one or one that can be killed.
//   ledger_writer hold FOLDER                       waits
//   ledger_writer append FOLDER COUNT LOG OWNER     appends licenses under registration 1, says the index of each once it is
//   acknowledged ledger_writer group FOLDER COUNT LOG OWNER      as append, from four threads; says index and leaf hash of each
//   ledger_writer fill FOLDER COUNT LOG OWNER       as append, on a disk that is full after 256 KiB more in any one file; says
//   "full" and the error
//   ledger_writer series FOLDER COUNT LOG OWNER     appends licenses 1 to COUNT, the same in every run; says the number of each,
//   or "error" and what is wrong ledger_writer export FOLDER TILES LOG OWNER     exports, opening for reading; says "exported",
//   or "error" and what is wrong
// Each first opens the ledger for writing, and says "open". LOG and OWNER are secrets of Ed25519 keys in hexadecimal.

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <iostream>
#include <mutex>
#include <thread>
#include <vector>

#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/crypto.hpp>
#include <stegpass/credential/merkle.hpp>
#include <stegpass/ledger/ledger.hpp>
#include <stegpass/ledger/tiles.hpp>

using namespace stegpass;
using namespace stegpass::ledger;
using credential::PrivateKey;

namespace {

constexpr std::int64_t kNow = 1'800'000'000;

PrivateKey key_of(const char* hex) {
  const auto secret = parse_hex(hex).value();
  return PrivateKey::create(credential::KeyType::ed25519, credential::SecretBytes::copy_of(secret),
                            credential::SecretBytes::random(32))
      .value();
}

credential::Statement next_license(const PrivateKey& owner, std::uint64_t index, Bytes id = credential::random_bytes(16)) {
  credential::License body{.id = std::move(id), .registration_id = Bytes(16, 0), .licensee = owner.public_key()};
  body.registration_id[15] = 1;
  body.not_before = kNow;
  body.expires = kNow + 1'000;
  body.status_index = index;
  body.reveal_bar_mdb = 30'000;
  body.terms = {"inference", "worldwide", 1};
  return sign_statement(owner, body, kNow).value();
}

int append_alone(Ledger& log, std::uint64_t count, const PrivateKey& log_key, const PrivateKey& owner) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto appended = log.append({next_license(owner, log.size())}, log_key, kNow);
    if (!appended) {
      std::cout << "full " << appended.error().detail << std::endl;
      return appended.error().code == Errc::io ? 0 : 1;
    }
    std::cout << appended->at(0).index << std::endl;
  }
  return 0;
}

int say_error(const Error& error) {
  std::cout << "error " << error.detail << std::endl;
  return 1;
}

int append_series(Ledger& log, std::uint64_t count, const PrivateKey& log_key, const PrivateKey& owner) {
  for (std::uint64_t i = 1; i <= count; ++i) {
    Bytes id(8, 0xaa);
    append_big_endian(id, i, 8);
    if (auto appended = log.append({next_license(owner, i, id)}, log_key, kNow); !appended) return say_error(appended.error());
    std::cout << i << std::endl;
  }
  return 0;
}

int export_log(const char* folder, const char* tiles) {
  const auto log = Ledger::open(folder, Ledger::Mode::read);
  if (!log) return say_error(log.error());
  if (auto exported = export_tiles(*log, tiles); !exported) return say_error(exported.error());
  std::cout << "exported" << std::endl;
  return 0;
}

/// Four writers, each with status indices of its own. An answer is said before the next statement of its thread is made.
int append_together(Ledger& log, std::uint64_t count, const PrivateKey& log_key, const PrivateKey& owner) {
  std::mutex saying;
  const auto first = log.size();
  const auto work = [&](std::uint64_t thread) {
    for (std::uint64_t i = 0; i < count; ++i) {
      const auto license = next_license(owner, 4 * (first + i) + thread);
      const auto appended = log.append({license}, log_key, kNow);
      const std::lock_guard lock(saying);
      if (!appended) {
        std::cout << "error " << appended.error().detail << std::endl;
        return;
      }
      std::cout << appended->at(0).index << ' ' << to_hex(credential::merkle_leaf(license.entry())) << std::endl;
    }
  };
  std::vector<std::jthread> threads;
  for (std::uint64_t t = 0; t < 4; ++t) threads.emplace_back(work, t);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string job = argc > 2 ? argv[1] : "";
  if (job != "hold" && argc != 6) return 2;
  if (job == "export") return export_log(argv[2], argv[3]);
  auto log = Ledger::open(argv[2], Ledger::Mode::write);
  if (!log) return say_error(log.error());
  std::cout << "open" << std::endl;
  while (job == "hold") ::pause();
  if (job == "fill") {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{256 * 1024, 256 * 1024};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  const auto run = job == "group" ? append_together : job == "series" ? append_series : append_alone;
  return run(*log, std::stoull(argv[3]), key_of(argv[4]), key_of(argv[5]));
}
