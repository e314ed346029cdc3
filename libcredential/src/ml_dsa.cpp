#include "ml_dsa.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>

#include <string>

namespace stegpass::credential::ml_dsa {

Result<PkeyPtr> make_public_key(const Parameters& parameters, ByteView key) {
  if (key.size() != parameters.public_key) {
    return Error{Errc::malformed, std::string(parameters.name) + " key of " + std::to_string(key.size()) + " bytes, expected " +
                                      std::to_string(parameters.public_key)};
  }
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, parameters.name, nullptr));
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1) {
    ERR_clear_error();
    return Error{Errc::unsupported, std::string(parameters.name) + " is not in the OpenSSL at hand (" +
                                        OpenSSL_version(OPENSSL_VERSION_STRING) + "), which needs 3.5"};
  }
  OSSL_PARAM members[] = {
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, const_cast<std::uint8_t*>(key.data()), key.size()),
      OSSL_PARAM_construct_end()};
  EVP_PKEY* made = nullptr;
  if (EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_PUBLIC_KEY, members) != 1) {
    ERR_clear_error();
    return Error{Errc::malformed, std::string(parameters.name) + " key is refused by OpenSSL"};
  }
  return PkeyPtr(made);
}

bool verify(const Parameters& parameters, EVP_PKEY* key, ByteView message, ByteView signature) {
  if (signature.size() != parameters.signature) return false;
  const DigestContextPtr context(EVP_MD_CTX_new());
  const bool good = context && EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key, nullptr) == 1 &&
                    EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

}  // namespace stegpass::credential::ml_dsa
