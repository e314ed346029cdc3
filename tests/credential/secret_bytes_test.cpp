#include <stegpass/credential/secret_bytes.hpp>

#include <type_traits>
#include <utility>

#include "helpers.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

TEST_CASE("secret bytes can be moved but not copied") {
  CHECK_FALSE(std::is_copy_constructible_v<SecretBytes>);
  CHECK_FALSE(std::is_copy_assignable_v<SecretBytes>);
  SecretBytes first = SecretBytes::copy_of(Bytes{1, 2, 3});
  SecretBytes second = std::move(first);
  CHECK(second.size() == 3);
  CHECK(second.expose()[2] == 3);
  SecretBytes third = SecretBytes::copy_of(Bytes{4});
  third = std::move(second);
  CHECK(third == SecretBytes::copy_of(Bytes{1, 2, 3}));
}

TEST_CASE("secret bytes start as zeros and compare by content") {
  CHECK(SecretBytes(4) == SecretBytes::copy_of(Bytes(4, 0)));
  CHECK_FALSE(SecretBytes(4) == SecretBytes(5));
  CHECK_FALSE(SecretBytes::copy_of(Bytes{1}) == SecretBytes::copy_of(Bytes{2}));
  CHECK(SecretBytes() == SecretBytes(0));
  CHECK(SecretBytes().empty());
}

TEST_CASE("random secrets have the size asked for and differ") {
  CHECK(SecretBytes::random(32).size() == 32);
  CHECK_FALSE(SecretBytes::random(32) == SecretBytes::random(32));
}
