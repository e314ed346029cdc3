#include <zlib.h>

#include <stegpass/credential/core/text.hpp>

#include "papers_fixture.hpp"
#include "status_list.hpp"
#include "tests/support/catch.hpp"

namespace stegpass::credential::testing {
namespace {

Bytes deflated(const Bytes& plain) {
  uLongf size = compressBound(static_cast<uLong>(plain.size()));
  Bytes out(size);
  compress2(out.data(), &size, plain.data(), static_cast<uLong>(plain.size()), 9);
  out.resize(size);
  return out;
}

}  // namespace

TEST_CASE("a status list of a million licenses comes back whole") {
  Office office;
  const Bytes noise = named_bytes("states", 1'000'000);
  office.status.states.clear();
  for (std::uint8_t byte : noise) office.status.states.push_back(byte < 250 ? 0 : byte % 3);
  const Statement statement = Office::sign(office.owner, office.status, kNow);
  CHECK(statement.as<StatusList>()->states == office.status.states);
  CHECK(statement.entry().size() < 150'000);
}

TEST_CASE("the status list draft's layout is kept: two bits each, least significant first") {
  const Bytes packed = pack_status_list({1, 2, 0, 0, 2});
  Bytes plain(2);
  uLongf size = 2;
  REQUIRE(uncompress(plain.data(), &size, packed.data(), static_cast<uLong>(packed.size())) == Z_OK);
  CHECK(plain == Bytes{0b00001001, 0b11111110});
}

TEST_CASE("a list packed by another ZLIB level is read the same") {
  CHECK(unpack_status_list(deflated({0b00001001, 0b11111110})).value() == std::vector<std::uint8_t>{1, 2, 0, 0, 2});
}

TEST_CASE("packing a status list gives the same bytes every time") {
  const std::vector<std::uint8_t> states(5000, 1);
  CHECK(pack_status_list(states) == pack_status_list(states));
}

TEST_CASE("a status list as large as allowed is read, and one byte more is refused") {
  CHECK(unpack_status_list(deflated(Bytes(1u << 20))).value().size() == StatusList::kMaxLicenses);
  CHECK(unpack_status_list(deflated(Bytes((1u << 20) + 1))).error().code == Errc::malformed);
}

TEST_CASE("a status list bomb of 64 MiB is refused") {
  const Bytes bomb = deflated(Bytes(64u << 20));
  REQUIRE(bomb.size() < 100'000);
  CHECK(unpack_status_list(bomb).error().detail.find("over 1048576 bytes") != std::string::npos);
}

TEST_CASE("the state 3 is refused but for the filling of the last byte") {
  CHECK(unpack_status_list(deflated({0b00001100})).error().code == Errc::malformed);
  CHECK(unpack_status_list(deflated({0xff})).error().code == Errc::malformed);
  CHECK(unpack_status_list(deflated({0b11111100})).value().size() == 1);
}

TEST_CASE("every truncation of a packed list is refused, and so is a byte after it") {
  Bytes packed = pack_status_list(std::vector<std::uint8_t>(1000, 2));
  for (std::size_t size = 0; size < packed.size(); ++size) CHECK_FALSE(unpack_status_list(ByteView(packed).first(size)).ok());
  packed.push_back(0);
  CHECK(unpack_status_list(packed).error().code == Errc::malformed);
}

TEST_CASE("bytes that are no ZLIB stream are no status list") {
  CHECK(unpack_status_list(named_bytes("noise", 100)).error().code == Errc::malformed);
  CHECK(unpack_status_list({}).error().code == Errc::malformed);
}

}  // namespace stegpass::credential::testing
