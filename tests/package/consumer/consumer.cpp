// Signs, hashes into a tree and verifies with the installed libraries alone.

#include <cstdio>

#include <stegpass/credential/core/digest.hpp>
#include <stegpass/credential/core/text.hpp>
#include <stegpass/credential/cose.hpp>
#include <stegpass/credential/key.hpp>
#include <stegpass/credential/merkle.hpp>

int main() {
  using namespace stegpass;
  using namespace stegpass::credential;
  const auto key = PrivateKey::generate(KeyType::ed25519);
  const auto message = decode_sign1(encode_sign1(sign_sign1(key, {}, {}, as_bytes("statement"))));
  if (!message || !verify_sign1(*message, key.public_key())) return 1;
  const std::vector<Digest32> leaves = {merkle_leaf(as_bytes("a")), merkle_leaf(as_bytes("b")), merkle_leaf(as_bytes("c"))};
  const auto root = root_from_inclusion(leaves[2], {3, 2, merkle_path(leaves, 2)});
  if (!root || *root != merkle_root(leaves)) return 1;
  std::printf("root %s\n", to_hex(*root).c_str());
  return 0;
}
