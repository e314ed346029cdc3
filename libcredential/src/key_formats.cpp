#include <stegpass/credential/key_formats.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>

#include <stegpass/credential/core/text.hpp>

#include "key_pkcs8.hpp"
#include "pem.hpp"

namespace stegpass::credential {
namespace {

constexpr std::string_view kSshLabel = "OPENSSH PRIVATE KEY", kSshMagic{"openssh-key-v1\0", 15};
constexpr std::string_view kSshEd25519 = "ssh-ed25519", kSshP256 = "ecdsa-sha2-nistp256";
constexpr std::size_t kSecret = 32, kMaxSshPadding = 255;

// SubjectPublicKeyInfo up to the key itself; RFC 8410 section 4, RFC 5480 section 2.
constexpr std::array<std::uint8_t, 12> kEd25519Info = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
constexpr std::array<std::uint8_t, 27> kP256Info = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

void append_ssh(Bytes& out, ByteView string) {
  append_big_endian(out, string.size(), 4);
  append(out, string);
}

Bytes point_of(const PublicKey& key) {
  Bytes point{0x04};
  append(point, key.x());
  append(point, key.y());
  return point;
}

Bytes ssh_blob(const PublicKey& key) {
  Bytes blob;
  if (key.type() == KeyType::ed25519) {
    append_ssh(blob, as_bytes(kSshEd25519));
    append_ssh(blob, key.x());
  } else {
    append_ssh(blob, as_bytes(kSshP256));
    append_ssh(blob, as_bytes("nistp256"));
    append_ssh(blob, point_of(key));
  }
  return blob;
}

/// Reads SSH's strings one after another; what does not fit makes all that follow empty.
class SshReader {
 public:
  explicit SshReader(ByteView bytes) : rest_(bytes) {}
  std::uint32_t number() {
    const ByteView head = raw(4);
    return head.size() == 4 ? std::uint32_t{head[0]} << 24 | std::uint32_t{head[1]} << 16 | std::uint32_t{head[2]} << 8 | head[3]
                            : 0;
  }
  ByteView string() { return raw(number()); }
  ByteView raw(std::size_t size) {
    if (size > rest_.size()) failed_ = true;
    if (failed_) return {};
    const ByteView out = rest_.first(size);
    rest_ = rest_.subspan(size);
    return out;
  }
  bool failed() const { return failed_; }
  ByteView rest() const { return rest_; }

 private:
  ByteView rest_;
  bool failed_ = false;
};

bool same(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

Error bad_ssh(std::string detail) { return {Errc::malformed, "SSH key: " + std::move(detail)}; }

/// What an SSH key file holds outside its secret part; views into the file.
struct SshFile {
  std::string_view cipher;
  ByteView blob, secrets;
};

Result<SshFile> read_ssh_file(ByteView content) {
  SshReader reader(content);
  if (as_text(reader.raw(kSshMagic.size())) != kSshMagic) return bad_ssh("does not start with openssh-key-v1");
  SshFile out;
  out.cipher = as_text(reader.string());
  reader.string(), reader.string();  // key derivation and its options
  const std::uint32_t count = reader.number();
  out.blob = reader.string();
  out.secrets = reader.string();
  if (reader.failed() || !reader.rest().empty()) return bad_ssh("its lengths do not fit its size");
  if (count != 1) return Error{Errc::unsupported, "SSH key: " + std::to_string(count) + " keys in one file, expected one"};
  return out;
}

/// Whether the padding counts 1, 2, 3, ... as OpenSSH writes it.
bool is_padding(ByteView bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != i + 1) return false;
  }
  return bytes.size() <= kMaxSshPadding;
}

Result<SigningSecret> read_ssh(ByteView content) {
  STEGPASS_TRY(file, read_ssh_file(content));
  if (file.cipher != "none") {
    return Error{Errc::unsupported,
                 "SSH key under a passphrase (bcrypt): make a copy of the file, take its passphrase off with "
                 "ssh-keygen -p -f COPY -N '' and import the copy"};
  }
  SshReader reader(file.secrets);
  const std::uint32_t check = reader.number(), again = reader.number();
  const std::string_view type = as_text(reader.string());
  if (!reader.failed() && check == again && type != kSshEd25519) {
    return Error{Errc::unsupported,
                 "SSH key of another type than Ed25519: ssh-keygen -p -m PKCS8 -f COPY writes ECDSA keys as PKCS#8"};
  }
  const ByteView point = reader.string(), secret = reader.string();
  reader.string();  // comment
  if (reader.failed() || check != again || !is_padding(reader.rest())) return bad_ssh("its secret part is damaged");
  if (secret.size() != 2 * kSecret || !same(secret.last(kSecret), point))
    return bad_ssh("its secret is not 64 bytes that end in its point");
  STEGPASS_TRY(open, PublicKey::create_ed25519(point));
  if (!same(ssh_blob(open), file.blob)) return bad_ssh("its public key is not that of its secret part");
  SigningSecret out{KeyType::ed25519, SecretBytes::copy_of(secret.first(kSecret))};
  STEGPASS_TRY(key, PrivateKey::create(out.type, SecretBytes::copy_of(out.secret.expose()), SecretBytes::random(kSecret)));
  if (!(key.public_key() == open)) return bad_ssh("its point is not that of its seed");
  return out;
}

Error other_label(const std::string& label) {
  if (label == "EC PRIVATE KEY" || label == "EC PARAMETERS") {
    return {Errc::unsupported,
            "key file: PEM of OpenSSL's older form; openssl pkcs8 -topk8 -in FILE -out NEW writes it as PKCS#8"};
  }
  const bool plain = std::all_of(label.begin(), label.end(), [](char c) { return c >= ' ' && c < 0x7f; });
  return {Errc::unsupported, "key file: a block of type " + (plain ? "\"" + label + "\"" : std::string("unreadable")) +
                                 ", expected OPENSSH PRIVATE KEY, PRIVATE KEY or ENCRYPTED PRIVATE KEY"};
}

Result<SigningSecret> read_secret(const Armored& armored, const SecretBytes& passphrase) {
  const ByteView content = armored.content.expose();
  if (armored.label == kSshLabel) return read_ssh(content);
  if (armored.label == kPkcs8Label) return read_pkcs8(content);
  if (armored.label == kEncryptedPkcs8Label) return read_encrypted_pkcs8(content, passphrase);
  return other_label(armored.label);
}

}  // namespace

std::string ssh_public_key(const PublicKey& key, std::string_view comment) {
  assert(std::none_of(comment.begin(), comment.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }));
  const std::string_view type = key.type() == KeyType::ed25519 ? kSshEd25519 : kSshP256;
  return std::string(type) + " " + to_base64(ssh_blob(key)) + (comment.empty() ? "" : " " + std::string(comment));
}

std::string pem_public_key(const PublicKey& key) {
  const bool ed25519 = key.type() == KeyType::ed25519;
  Bytes info = ed25519 ? to_bytes(kEd25519Info) : to_bytes(kP256Info);
  append(info, key.x());
  append(info, key.y());
  return write_armor("PUBLIC KEY", info);
}

Result<bool> foreign_key_is_encrypted(ByteView file) {
  STEGPASS_TRY(armored, parse_armor(as_text(file)));
  if (armored.label == kEncryptedPkcs8Label) return true;
  if (armored.label == kPkcs8Label || armored.label == kSshLabel) return false;
  return other_label(armored.label);
}

Result<PrivateKey> import_private_key(ByteView file, const SecretBytes& passphrase) {
  STEGPASS_TRY(armored, parse_armor(as_text(file)));
  STEGPASS_TRY(signing, read_secret(armored, passphrase));
  return PrivateKey::create(signing.type, std::move(signing.secret), SecretBytes::random(kSecret));
}

std::string export_private_key(const PrivateKey& key, const SecretBytes& passphrase) {
  assert(!passphrase.empty());
  return write_armor(kEncryptedPkcs8Label, write_encrypted_pkcs8(key, passphrase));
}

}  // namespace stegpass::credential
