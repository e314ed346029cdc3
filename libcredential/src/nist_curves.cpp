#include "nist_curves.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include <array>
#include <memory>
#include <new>
#include <stdexcept>

namespace stegpass::credential::nist {
namespace {

constexpr std::size_t kMaxField = 48;

int length(const Curve& curve) { return static_cast<int>(curve.field); }

BnPtr to_number(ByteView bytes) { return BnPtr(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr)); }

Bytes uncompressed(ByteView x, ByteView y) {
  Bytes point;
  point.reserve(1 + x.size() + y.size());
  point.push_back(0x04);
  append(point, x);
  append(point, y);
  return point;
}

// The key of `point` (04 || x || y), with the scalar where one is given; null when OpenSSL refuses it.
PkeyPtr make_key(const Curve& curve, ByteView point, ByteView scalar) {
  const BnPtr secret = scalar.empty() ? nullptr : to_number(scalar);
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  bool done = OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.name, 0) == 1;
  done = done && OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) == 1;
  if (secret) done = done && OSSL_PARAM_BLD_push_BN_pad(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, secret.get(), curve.field) == 1;
  const ParamsPtr params(done ? OSSL_PARAM_BLD_to_param(builder.get()) : nullptr);
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1) return nullptr;
  EVP_PKEY* key = nullptr;
  const int selection = secret ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
  if (EVP_PKEY_fromdata(context.get(), &key, selection, params.get()) != 1) ERR_clear_error();
  return PkeyPtr(key);
}

Bytes raw_from_der(const Curve& curve, const Bytes& der) {
  const std::uint8_t* at = der.data();
  const EcdsaSigPtr pair(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  Bytes raw(2 * curve.field);
  if (!pair || BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), raw.data(), length(curve)) != length(curve) ||
      BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), raw.data() + curve.field, length(curve)) != length(curve)) {
    throw std::runtime_error("openssl wrote no ECDSA signature");
  }
  return raw;
}

// DER of r and s, which are short enough for lengths of one byte: SEQUENCE of two INTEGERs. No allocation.
class DerSignature {
 public:
  explicit DerSignature(ByteView raw) {
    const std::size_t half = raw.size() / 2;
    put_integer(raw.first(half));
    put_integer(raw.subspan(half));
    octets_[0] = 0x30, octets_[1] = static_cast<std::uint8_t>(size_ - 2);
  }
  const std::uint8_t* data() const { return octets_.data(); }
  std::size_t size() const { return size_; }

 private:
  void put_integer(ByteView number) {
    while (number.size() > 1 && number[0] == 0) number = number.subspan(1);
    const bool pad = (number[0] & 0x80) != 0;
    octets_[size_++] = 0x02;
    octets_[size_++] = static_cast<std::uint8_t>(number.size() + pad);
    if (pad) octets_[size_++] = 0;
    size_ = static_cast<std::size_t>(
        std::copy(number.begin(), number.end(), octets_.begin() + static_cast<std::ptrdiff_t>(size_)) - octets_.begin());
  }
  std::array<std::uint8_t, 2 + 2 * (3 + kMaxField)> octets_{};
  std::size_t size_ = 2;
};

}  // namespace

bool is_point(const Curve& curve, ByteView x, ByteView y) {
  static const GroupPtr p256(EC_GROUP_new_by_curve_name(kP256.nid)), p384(EC_GROUP_new_by_curve_name(kP384.nid));
  const EC_GROUP* const group = (curve.nid == kP256.nid ? p256 : p384).get();
  const PointPtr point(EC_POINT_new(group));
  const Bytes octets = uncompressed(x, y);
  if (point && EC_POINT_oct2point(group, point.get(), octets.data(), octets.size(), nullptr) == 1) return true;
  ERR_clear_error();
  return false;
}

PkeyPtr make_public_key(const Curve& curve, ByteView x, ByteView y) { return make_key(curve, uncompressed(x, y), {}); }

std::optional<Bytes> public_point(const Curve& curve, ByteView scalar) {
  const GroupPtr group(EC_GROUP_new_by_curve_name(curve.nid));
  const BnPtr number = to_number(scalar);
  if (BN_is_zero(number.get()) || BN_cmp(number.get(), EC_GROUP_get0_order(group.get())) >= 0) return std::nullopt;
  const PointPtr point(EC_POINT_new(group.get()));
  BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  Bytes octets(1 + 2 * curve.field);
  if (EC_POINT_mul(group.get(), point.get(), number.get(), nullptr, nullptr, nullptr) != 1 ||
      EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, octets.data(), octets.size(), nullptr) !=
          octets.size()) {
    throw std::runtime_error("openssl has no " + std::string(curve.name));
  }
  octets.erase(octets.begin());
  return octets;
}

Bytes sign(const Curve& curve, ByteView scalar, ByteView point, ByteView message) {
  const PkeyPtr key = make_key(curve, uncompressed(point.first(curve.field), point.subspan(curve.field)), scalar);
  const DigestContextPtr context(EVP_MD_CTX_new());
  std::size_t size = 0;
  Bytes der;
  bool done = key && context &&
              EVP_DigestSignInit_ex(context.get(), nullptr, curve.digest, nullptr, nullptr, key.get(), nullptr) == 1 &&
              EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) == 1;
  der.resize(size);
  done = done && EVP_DigestSign(context.get(), der.data(), &size, message.data(), message.size()) == 1;
  if (!done) throw std::runtime_error("openssl cannot sign with " + std::string(curve.name));
  der.resize(size);
  return raw_from_der(curve, der);
}

bool verify(const Curve& curve, EVP_PKEY* key, ByteView message, ByteView signature) {
  if (signature.size() != 2 * curve.field) return false;
  const DigestContextPtr context(EVP_MD_CTX_new());
  if (!context || EVP_DigestVerifyInit_ex(context.get(), nullptr, curve.digest, nullptr, nullptr, key, nullptr) != 1)
    return false;
  const DerSignature der(signature);
  const bool good = EVP_DigestVerify(context.get(), der.data(), der.size(), message.data(), message.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

}  // namespace stegpass::credential::nist
