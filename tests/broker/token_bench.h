// Keys and tokens for the tests of what takes them.
#pragma once

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cassert>
#include <string>
#include <string_view>

#include "broker/token.h"
#include "broker/token_sign.h"

namespace ringcast::broker {

inline constexpr std::string_view kTestSecret = "a secret of 32 bytes or more, as it must";

struct KeyPair {
  std::string private_pem;
  std::string public_pem;
};

inline KeyPair key_pair(EVP_PKEY* key) {
  assert(key != nullptr);
  const auto text = [&](auto write) {
    BIO* const bio = BIO_new(BIO_s_mem());
    write(bio);
    char* data = nullptr;
    const auto size = static_cast<std::size_t>(BIO_get_mem_data(bio, &data));
    std::string pem(data, size);
    BIO_free(bio);
    return pem;
  };
  KeyPair pair{
      text([&](BIO* bio) { PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); }),
      text([&](BIO* bio) { PEM_write_bio_PUBKEY(bio, key); }),
  };
  EVP_PKEY_free(key);
  return pair;
}

inline KeyPair ed_pair() {
  return key_pair(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
}
inline KeyPair ec_pair(const char* curve = "P-256") {
  return key_pair(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve));
}
inline KeyPair rsa_pair(std::size_t bits) {
  return key_pair(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", bits));
}

inline TokenKey signing_key(std::string_view text) {
  auto key = read_signing_key(text);
  assert(key);
  return *std::move(key);
}

// Rules that know the test's secret, and nothing else.
inline TokenRules test_rules(std::string_view id = "") {
  TokenRules rules;
  [[maybe_unused]] const auto added = rules.keys.add(id, kTestSecret);
  assert(added);
  return rules;
}

// A token of these claims, signed with the test's secret.
inline std::string test_token(std::string_view claims, std::string_view header = R"({"alg":"HS256"})") {
  return sign_token(signing_key(kTestSecret), header, claims);
}

}  // namespace ringcast::broker
