#include "tests/support/catch.hpp"

#include <cstdlib>
#include <fstream>

#include "cli/workspace.hpp"
#include "cli/workspace_ledger.hpp"

using namespace stegpass;
using namespace stegpass::cli;
using credential::StatusList;

namespace {

namespace fs = std::filesystem;

/// A folder that goes when the test ends.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "stegpass-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

const credential::PublicKey& some_key() {
  static const auto key = credential::PrivateKey::generate(credential::KeyType::ed25519);
  return key.public_key();
}

credential::License license_at(std::uint64_t index, std::uint8_t id) {
  credential::License license{.id = Bytes(16, id), .registration_id = Bytes(16, 1), .licensee = some_key()};
  license.status_index = index;
  return license;
}

ledger::RegistrationState state_with(std::vector<std::pair<credential::License, bool>> licenses) {
  ledger::RegistrationState state{.registration = {.owner = some_key()}};
  state.registration.id = Bytes(16, 1);
  for (auto& [license, revoked] : licenses) {
    ledger::LicenseState entry{.license = license};
    if (revoked) entry.revoked_by = 9;
    state.licenses.emplace("license " + std::to_string(license.status_index), entry);
  }
  return state;
}

}  // namespace

TEST_CASE("times that there are not, or that no statement holds, are refused") {
  CHECK(parse_time("2028-02-29", 0).value() == 1835395200);
  CHECK(parse_time("2027-01-01T00:00:59Z", 0).value() == 1798761659);
  CHECK(parse_time("+2h", 100).value() == 7300);
  for (const char* text : {"2027-02-29", "2028-02-31", "2027-13-01", "2027-01-01T00:00:60Z", "2027-01-01T24:00:00Z",
                           "+100000000d", "+1", "soon", ""})
    CHECK(parse_time(text, 0).error().code == Errc::usage);
}

TEST_CASE("a home that one command changes is busy for the next") {
  const Folder folder;
  auto first = HomeLock::take({folder.path()});
  REQUIRE(first);
  const auto second = HomeLock::take({folder.path()});
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Errc::busy);
}

TEST_CASE("a home is free again once the command has ended") {
  const Folder folder;
  { REQUIRE(HomeLock::take({folder.path()})); }
  CHECK(HomeLock::take({folder.path()}));
}

TEST_CASE("a home that does not exist is not found") {
  const auto lock = HomeLock::take({"/nowhere/at/all"});
  REQUIRE_FALSE(lock);
  CHECK(lock.error().code == Errc::not_found);
}

TEST_CASE("pictures in a folder are listed by name, other files are not") {
  const Folder folder;
  for (const char* name : {"b.png", "a.JPG", "notes.txt", "c.jpeg"}) std::ofstream(folder.path() / name) << "x";
  fs::create_directory(folder.path() / "d.png");
  const auto pictures = list_pictures(folder.path());
  REQUIRE(pictures);
  REQUIRE(pictures->size() == 3);
  CHECK((*pictures)[0].filename() == "a.JPG");
  CHECK((*pictures)[2].filename() == "c.jpeg");
}

TEST_CASE("pictures of a folder that is absent are not found") {
  const auto pictures = list_pictures("/nowhere/at/all");
  REQUIRE_FALSE(pictures);
  CHECK(pictures.error().code == Errc::not_found);
}

TEST_CASE("the first license takes index 0 of the status list, the next the one after the last") {
  CHECK(next_status_index(state_with({})) == 0);
  CHECK(next_status_index(state_with({{license_at(0, 2), false}, {license_at(3, 3), true}})) == 4);
}

TEST_CASE("a status list says of each license what the log says") {
  const StatusList list = status_list_of(state_with({{license_at(0, 2), false}, {license_at(1, 3), true}}), 1000);
  CHECK(list.expires == 1000);
  CHECK(list.registration_id == Bytes(16, 1));
  CHECK(list.states == std::vector<std::uint8_t>{StatusList::valid, StatusList::revoked});
}

TEST_CASE("a status list makes room for the license that is about to be added") {
  const auto added = license_at(1, 4);
  const StatusList list = status_list_of(state_with({{license_at(0, 2), true}}), 1000, &added);
  CHECK(list.states == std::vector<std::uint8_t>{StatusList::revoked, StatusList::valid});
}

TEST_CASE("a status list says what is suspended, and calls what was transferred revoked") {
  auto state = state_with({{license_at(0, 2), false}, {license_at(1, 3), false}, {license_at(2, 4), false}});
  state.licenses.at("license 0").suspended_by = 5;
  state.licenses.at("license 1").transferred_by = 6;
  state.licenses.at("license 2").suspended_by = 7;
  state.licenses.at("license 2").reinstated_by = 8;
  CHECK(status_list_of(state, 1000).states ==
        std::vector<std::uint8_t>{StatusList::suspended, StatusList::revoked, StatusList::valid});
}
