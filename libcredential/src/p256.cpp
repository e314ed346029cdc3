#include "p256.hpp"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>

#include <stdexcept>

#include "openssl_handles.hpp"

namespace stegpass::credential::p256 {
namespace {

constexpr int kField = 32;

struct FreeOpensslBytes {
  void operator()(std::uint8_t* bytes) const { OPENSSL_free(bytes); }
};

BnPtr to_number(ByteView bytes) { return BnPtr(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr)); }

Bytes uncompressed(ByteView x, ByteView y) {
  Bytes point;
  point.reserve(1 + 2 * kField);
  point.push_back(0x04);
  append(point, x);
  append(point, y);
  return point;
}

// The key of `point` (04 || x || y), with the scalar where one is given; null when OpenSSL refuses it.
PkeyPtr make_key(ByteView point, ByteView scalar) {
  const BnPtr secret = scalar.empty() ? nullptr : to_number(scalar);
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  bool done = OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1;
  done = done && OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1;
  if (secret) done = done && OSSL_PARAM_BLD_push_BN_pad(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, secret.get(), kField) == 1;
  const ParamsPtr params(done ? OSSL_PARAM_BLD_to_param(builder.get()) : nullptr);
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1) return nullptr;
  EVP_PKEY* key = nullptr;
  const int selection = secret ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
  if (EVP_PKEY_fromdata(context.get(), &key, selection, params.get()) != 1) ERR_clear_error();
  return PkeyPtr(key);
}

Bytes raw_from_der(const Bytes& der) {
  const std::uint8_t* at = der.data();
  const EcdsaSigPtr pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  Bytes raw(2 * kField);
  if (!pair || BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), raw.data(), kField) != kField ||
      BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), raw.data() + kField, kField) != kField) {
    throw std::runtime_error("openssl wrote no ECDSA signature");
  }
  return raw;
}

Bytes der_from_raw(ByteView raw) {
  const EcdsaSigPtr pair(ECDSA_SIG_new());
  BnPtr r = to_number(raw.first(kField)), s = to_number(raw.subspan(kField));
  if (!pair || !r || !s || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) throw std::bad_alloc();
  static_cast<void>(r.release()), static_cast<void>(s.release());  // the pair owns them now
  std::uint8_t* buffer = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &buffer);
  const std::unique_ptr<std::uint8_t, FreeOpensslBytes> owned(buffer);
  if (size <= 0) throw std::bad_alloc();
  return Bytes(buffer, buffer + size);
}

}  // namespace

bool is_point(ByteView x, ByteView y) { return make_key(uncompressed(x, y), {}) != nullptr; }

std::optional<Bytes> public_point(ByteView scalar) {
  const GroupPtr group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  const BnPtr number = to_number(scalar);
  if (BN_is_zero(number.get()) || BN_cmp(number.get(), EC_GROUP_get0_order(group.get())) >= 0) return std::nullopt;
  const PointPtr point(EC_POINT_new(group.get()));
  BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  Bytes octets(1 + 2 * kField);
  if (EC_POINT_mul(group.get(), point.get(), number.get(), nullptr, nullptr, nullptr) != 1 ||
      EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, octets.data(), octets.size(), nullptr) !=
          octets.size()) {
    throw std::runtime_error("openssl has no P-256");
  }
  octets.erase(octets.begin());
  return octets;
}

Bytes sign(ByteView scalar, ByteView point, ByteView message) {
  const PkeyPtr key = make_key(uncompressed(point.first(kField), point.subspan(kField)), scalar);
  const DigestContextPtr context(EVP_MD_CTX_new());
  std::size_t size = 0;
  Bytes der;
  bool done = key && context && EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
              EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) == 1;
  der.resize(size);
  done = done && EVP_DigestSign(context.get(), der.data(), &size, message.data(), message.size()) == 1;
  if (!done) throw std::runtime_error("openssl cannot sign with P-256");
  der.resize(size);
  return raw_from_der(der);
}

bool verify(ByteView x, ByteView y, ByteView message, ByteView signature) {
  if (signature.size() != 2 * kField) return false;
  const PkeyPtr key = make_key(uncompressed(x, y), {});
  const DigestContextPtr context(EVP_MD_CTX_new());
  if (!key || !context || EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1) return false;
  const Bytes der = der_from_raw(signature);
  const bool good = EVP_DigestVerify(context.get(), der.data(), der.size(), message.data(), message.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

}  // namespace stegpass::credential::p256
