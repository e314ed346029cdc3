// Keys in other programs' files. Those here were made by OpenSSH 9.2 and OpenSSL 3.0 for these tests and guard nothing.
#include <stegpass/credential/key_formats.hpp>

#include "helpers.hpp"
#include "pem.hpp"

using namespace stegpass;
using namespace stegpass::credential;
using namespace stegpass::test;

namespace {

// ssh-keygen -t ed25519 -N '' -C ada@example, and its .pub.
const std::string kSsh = R"(-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACDsdDj00vnbDR8GunsbnyuqMIkHdNlOPqc9TyY2/fqycgAAAJB+mZCZfpmQ
mQAAAAtzc2gtZWQyNTUxOQAAACDsdDj00vnbDR8GunsbnyuqMIkHdNlOPqc9TyY2/fqycg
AAAEDu4O8KLFP4LLpfSHd+9I/sM4Fk2UmTQPCde7dCZ7lSFex0OPTS+dsNHwa6exufK6ow
iQd02U4+pz1PJjb9+rJyAAAAC2FkYUBleGFtcGxlAQI=
-----END OPENSSH PRIVATE KEY-----
)";
const std::string kSshPublic = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOx0OPTS+dsNHwa6exufK6owiQd02U4+pz1PJjb9+rJy ada@example";
// ssh-keygen -t ed25519 -N secret
const std::string kSshLocked = R"(-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABAEKHtpN4
0VeDPHBX5vrVjFAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIDwtdkh54rWREXFW
IUqk4feNIkgfYr9/2R5gjLfu8iZ/AAAAkKcvcNuD+JpSwxLmZBPnrOTh0uQGKXWQkP2kEP
hR1SpeW+mrp5LHSyLB88hJa9KIf0Vp2ArZM7O6Yg+gOIzCUgKKyozRGR+QpE4N+tVvn7/5
1f7vnNRrxTNKSvjiqIxOea0hti7No2HTMJX285qiHuZZNzFK/NJaAUjquYzcywgRpc/a/6
Njc9giGWFoxRpD7Q==
-----END OPENSSH PRIVATE KEY-----
)";
// openssl genpkey -algorithm ed25519; pkey -pubout; pkcs8 -topk8 -passout pass:secret
const std::string kEd25519 = R"(-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIO0MQlubrDmYnTuGgbS72j0ovncPJT2hZrMUgYFkOg22
-----END PRIVATE KEY-----
)";
const std::string kEd25519Public = R"(-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAlZEx6k8f/GacXlrphiKAb8VxkZ3v3xKA+Goeqw8/NVI=
-----END PUBLIC KEY-----
)";
const std::string kEd25519Locked = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAjTKugZRmnMBgICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEGkwkUcaveWHnPZd8Y5Gx48EQIze
SOUCbFI2SDghkAd2ddSmYwIqnD9oHvMkPT9C+HMTyXSll0la2rKQ+X6fcBgeR0ny
3QEqj3ZtJlg/j+/vFA8=
-----END ENCRYPTED PRIVATE KEY-----
)";
// openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256; the same
const std::string kP256 = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgVyXcGTCx9+WsxAl1
yVYJ2naCuTUSgp8ElRY2UKA9+eyhRANCAAR4YJ3eCDm3C5gT4ksRvtRSnf/u+ut3
fVJv75IdBBIt+oEoFTenAUuPZxaw7EN/+pPHUIOVLdW5kyd84NjTf/1H
-----END PRIVATE KEY-----
)";
const std::string kP256Public = R"(-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeGCd3gg5twuYE+JLEb7UUp3/7vrr
d31Sb++SHQQSLfqBKBU3pwFLj2cWsOxDf/qTx1CDlS3VuZMnfODY03/9Rw==
-----END PUBLIC KEY-----
)";
const std::string kP256Locked = R"(-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiAQQN5Nl21wAICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEBngLBnAGsPAd+o/PTuCy3EEgZBh
dqN5KamFvLDxHRy79K0y2SdJx6kl9NxbK9vYhKEiKAjiTw6bgAEPB83WwdZstVHK
eg88CU/Knmlw+MXVe9+vMz+F3EGJAV/EQCDEn46NmJai/xaMRljq1o4qpAtf0tx4
jTMoE8BvLNLqw80g9DA1ivAytu/7EMKGvAw9dxAqp4XdnWF8iZOKYqhujK4gOwM=
-----END ENCRYPTED PRIVATE KEY-----
)";
// openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384
const std::string kP384 = R"(-----BEGIN PRIVATE KEY-----
MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDYUceiuF1lb2wCkudM
rul6QWXFogNFsT/p9vOCy+2SflMWFIrK+Z/3cDmWjvW/rlChZANiAATCnK/CD0LR
wwamgen6RGoG5aQxyZ8bhjRE5YMOwed8f8bFIuYrh1LgxJHjeLWMQBTXLkEF3qXd
yNvzE2LOvgvzfPsIt83PC8imXjrvpUVOLqq/CNt8kqhl3wfi7Wmy/NI=
-----END PRIVATE KEY-----
)";
// the same key as kP256, by openssl ec
const std::string kOldForm = R"(-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIFcl3BkwsfflrMQJdclWCdp2grk1EoKfBJUWNlCgPfnsoAoGCCqGSM49
AwEHoUQDQgAEeGCd3gg5twuYE+JLEb7UUp3/7vrrd31Sb++SHQQSLfqBKBU3pwFL
j2cWsOxDf/qTx1CDlS3VuZMnfODY03/9Rw==
-----END EC PRIVATE KEY-----
)";

SecretBytes secret(std::string_view text) { return SecretBytes::copy_of(as_bytes(text)); }

Result<PrivateKey> import(const std::string& file, std::string_view passphrase = "") {
  return import_private_key(as_bytes(file), secret(passphrase));
}

bool refused_as(const std::string& file, Errc code, std::string_view word, std::string_view passphrase = "secret") {
  const auto key = import(file, passphrase);
  UNSCOPED_INFO((key ? "taken" : key.error().detail));
  return !key && key.error().code == code && key.error().detail.find(word) != std::string::npos;
}

}  // namespace

TEST_CASE("a label of more than capitals and digits is refused in one line") {
  const auto refused = foreign_key_is_encrypted(as_bytes("-----BEGIN PRIVATE KEY----\nYDK2VwBC\n-----END PRIVATE KEY-----\n"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::malformed);
  CHECK(refused.error().detail.find('\n') == std::string::npos);
}

TEST_CASE("an SSH key without passphrase is imported as the key that its public line names") {
  const PrivateKey key = require_ok(import(kSsh));
  CHECK(key.public_key().type() == KeyType::ed25519);
  CHECK(ssh_public_key(key.public_key(), "ada@example") == kSshPublic);
  CHECK(key.public_key().verify(as_bytes("text"), key.sign(as_bytes("text"))));
}

TEST_CASE("an SSH key under a passphrase is refused with the command that takes it off") {
  CHECK(refused_as(kSshLocked, Errc::unsupported, "ssh-keygen -p -f COPY -N ''"));
}

TEST_CASE("PKCS#8 keys of OpenSSL are imported, plain and encrypted, and their public halves are OpenSSL's") {
  for (const std::string* file : {&kEd25519, &kEd25519Locked}) {
    CHECK(pem_public_key(require_ok(import(*file, "secret")).public_key()) == kEd25519Public);
  }
  for (const std::string* file : {&kP256, &kP256Locked}) {
    CHECK(pem_public_key(require_ok(import(*file, "secret")).public_key()) == kP256Public);
  }
}

TEST_CASE("a file says whether it asks for a passphrase") {
  CHECK_FALSE(require_ok(foreign_key_is_encrypted(as_bytes(kSsh))));
  CHECK_FALSE(require_ok(foreign_key_is_encrypted(as_bytes(kP256))));
  CHECK(require_ok(foreign_key_is_encrypted(as_bytes(kP256Locked))));
  CHECK_FALSE(foreign_key_is_encrypted(as_bytes(kOldForm)).ok());
}

TEST_CASE("a wrong passphrase of a PKCS#8 file is told from damage where that can be") {
  CHECK(refused_as(kEd25519Locked, Errc::locked, "wrong passphrase", "Secret"));
  CHECK(refused_as(kP256Locked, Errc::locked, "wrong passphrase", ""));
}

TEST_CASE("keys that cannot be used here are unsupported by name, with what to do") {
  CHECK(refused_as(kP384, Errc::unsupported, "P-256"));
  CHECK(refused_as(kOldForm, Errc::unsupported, "openssl pkcs8 -topk8"));
  CHECK(refused_as(kP256Public, Errc::unsupported, "PUBLIC KEY"));
}

TEST_CASE("a signing key goes out as encrypted PKCS#8 and comes back the same, with another sealing key") {
  for (const KeyType type : {KeyType::ed25519, KeyType::p256}) {
    const PrivateKey key = PrivateKey::generate(type);
    const std::string file = export_private_key(key, secret("new one"));
    CHECK(file.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    const PrivateKey back = require_ok(import(file, "new one"));
    CHECK(back.public_key() == key.public_key());
    CHECK(back.signing_secret() == key.signing_secret());
    CHECK_FALSE(back.sealing_secret() == key.sealing_secret());
    CHECK(refused_as(file, Errc::locked, "wrong passphrase", "old one"));
  }
}

TEST_CASE("every truncation of a private key file is refused") {
  for (const std::string* file : {&kSsh, &kEd25519, &kP256, &kP256Locked}) {
    for (std::size_t size = 0; size + 1 < file->size(); ++size) {  // without its last line feed it is whole
      CAPTURE(size);
      CHECK_FALSE(import(file->substr(0, size), "secret").ok());
    }
  }
}

TEST_CASE("an SSH key that was changed in any bit is refused, or is the same key with another comment") {
  const Armored armored = require_ok(parse_armor(kSsh));
  const PrivateKey key = require_ok(import(kSsh));
  std::size_t taken = 0;
  for (std::size_t bit = 0; bit < 8 * armored.content.size(); ++bit) {
    Bytes changed = to_bytes(armored.content.expose());
    changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    const auto read = import(write_armor(armored.label, changed));
    if (!read) continue;
    CHECK(read->public_key() == key.public_key());
    ++taken;
  }
  CHECK(taken <= 8 * (4 + 11 + 8));  // name of the key derivation, comment
}

TEST_CASE("a plain PKCS#8 key that was changed in any bit is refused, or another key") {
  for (const std::string* file : {&kEd25519, &kP256}) {
    const Armored armored = require_ok(parse_armor(*file));
    const PrivateKey key = require_ok(import(*file));
    std::size_t same = 0;
    for (std::size_t bit = 0; bit < 8 * armored.content.size(); ++bit) {
      Bytes changed = to_bytes(armored.content.expose());
      changed[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
      const auto read = import(write_armor(armored.label, changed));
      same += read && read->public_key() == key.public_key();
    }
    CHECK(same <= 8);  // bits of the version
  }
}

TEST_CASE("a PKCS#8 file cannot keep us busy for hours") {
  const Armored armored = require_ok(parse_armor(kEd25519Locked));
  Bytes file = to_bytes(armored.content.expose());
  const Bytes rounds = {0x02, 0x02, 0x08, 0x00};  // 2,048 of them
  const auto at = std::search(file.begin(), file.end(), rounds.begin(), rounds.end());
  REQUIRE(at != file.end());
  const auto head = static_cast<std::size_t>(at - file.begin());
  const Bytes more = {0x02, 0x04, 0x7f, 0xff, 0xff, 0xff};
  file.insert(file.erase(at, at + 4), more.begin(), more.end());
  // The lengths of what stands around the number: the whole, its algorithm, the algorithm's parameters, key derivation and its
  // own.
  const auto grow = [&](std::size_t index) { file[index] = static_cast<std::uint8_t>(file[index] + 2); };
  grow(2), grow(4), grow(17), grow(19), grow(head - 11);
  CHECK(refused_as(write_armor(armored.label, file), Errc::unsupported, "2147483647 rounds"));
}

TEST_CASE("armor is one block, of base64, with nothing around it") {
  for (const std::string& text : {std::string(), std::string("-----BEGIN"), " " + kEd25519, "x" + kEd25519, kEd25519 + "x",
                                  kEd25519 + kEd25519, std::string("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"),
                                  std::string("-----BEGIN PRIVATE KEY-----\n****\n-----END PRIVATE KEY-----\n"),
                                  std::string("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")}) {
    CAPTURE(text);
    CHECK(import(text).error().code == Errc::malformed);
  }
  CHECK(import("-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n-----END EC PRIVATE KEY-----\n").error().code ==
        Errc::unsupported);
}

TEST_CASE("a public key has a line for SSH") {
  const PublicKey key = PrivateKey::generate(KeyType::p256).public_key();
  CHECK(ssh_public_key(key).starts_with("ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBB"));
  CHECK(ssh_public_key(key, "name").ends_with(" name"));
}
