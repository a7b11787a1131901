#include "broker/token_keys.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>

#include "broker/base64url.h"
#include "broker/freed_by.h"
#include "broker/token_json.h"

namespace ringcast::broker {

namespace {

using KeyRefused = std::unexpected<std::string>;

using Bio = std::unique_ptr<BIO, FreedBy<BIO_free>>;
using BigNumber = std::unique_ptr<BIGNUM, FreedBy<BN_free>>;
using Certificate = std::unique_ptr<X509, FreedBy<X509_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, FreedBy<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, FreedBy<OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreedBy<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreedBy<EVP_MD_CTX_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, FreedBy<ECDSA_SIG_free>>;

constexpr std::size_t kEcPointBytes = 32;  // a coordinate of P-256, and half of an ES256 signature (RFC 7518 §3.4)
constexpr std::size_t kEdKeyBytes = 32;    // RFC 8032 §5.1.5
constexpr std::size_t kHashBytes = 32;
constexpr int kRsaExponentBitsMax = 33;  // 65537 has 17; a check costs as many steps

constexpr std::array<std::string_view, 4> kAlgorithmNames{"HS256", "RS256", "ES256", "EdDSA"};

const unsigned char* as_chars(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// ---- checking ----

bool is_hmac(const TokenKey& key, std::string_view text, std::span<const std::uint8_t> signature) {
  std::array<unsigned char, kHashBytes> mac{};
  std::size_t size = 0;
  const std::span<const std::uint8_t> secret = key.secret.bytes();
  if (EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, secret.data(), secret.size(), as_chars(text), text.size(),
                mac.data(), mac.size(), &size) == nullptr) {
    return false;
  }
  return size == mac.size() && signature.size() == mac.size() &&
         CRYPTO_memcmp(mac.data(), signature.data(), mac.size()) == 0;
}

bool is_verified(const TokenKey& key, const EVP_MD* digest, std::string_view text,
                 std::span<const std::uint8_t> signature) {
  const DigestContext context(EVP_MD_CTX_new());
  const bool verified =
      context != nullptr && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key.key.get()) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), as_chars(text), text.size()) == 1;
  if (!verified) ERR_clear_error();
  return verified;
}

// The two numbers of an ES256 signature as OpenSSL takes them, in DER. Empty if they are not two.
std::vector<std::uint8_t> der_signature(std::span<const std::uint8_t> signature) {
  if (signature.size() != 2 * kEcPointBytes) return {};
  const EcdsaSignature both(ECDSA_SIG_new());
  BigNumber r(BN_bin2bn(signature.data(), kEcPointBytes, nullptr));
  BigNumber s(BN_bin2bn(signature.data() + kEcPointBytes, kEcPointBytes, nullptr));
  if (both == nullptr || r == nullptr || s == nullptr) return {};
  if (ECDSA_SIG_set0(both.get(), r.get(), s.get()) != 1) return {};
  (void)r.release();  // they are the signature's now
  (void)s.release();
  const int size = i2d_ECDSA_SIG(both.get(), nullptr);
  if (size <= 0) return {};
  std::vector<std::uint8_t> der(static_cast<std::size_t>(size));
  unsigned char* end = der.data();
  (void)i2d_ECDSA_SIG(both.get(), &end);
  return der;
}

// ---- reading ----

// What `members` describe, as OpenSSL's key of that type. Null if it is none.
KeyPointer key_from(const char* type, const ParamBuilder& members) {
  const Params params(OSSL_PARAM_BLD_to_param(members.get()));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (params == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
    ERR_clear_error();
    return nullptr;
  }
  return KeyPointer(key);
}

KeyPointer rsa_key(const JsonKey& json) {
  const auto n = from_base64url(json.n);
  const auto e = from_base64url(json.e);
  if (!n || !e || n->empty() || e->empty() || n->size() > kTokenRsaBitsMax / 8 + 1) return nullptr;
  const BigNumber modulus(BN_bin2bn(n->data(), static_cast<int>(n->size()), nullptr));
  const BigNumber exponent(BN_bin2bn(e->data(), static_cast<int>(e->size()), nullptr));
  const ParamBuilder members(OSSL_PARAM_BLD_new());
  if (OSSL_PARAM_BLD_push_BN(members.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(members.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
    return nullptr;
  }
  return key_from("RSA", members);
}

KeyPointer ec_key(const JsonKey& json) {
  const auto x = from_base64url(json.x);
  const auto y = from_base64url(json.y);
  if (!x || !y || x->size() != kEcPointBytes || y->size() != kEcPointBytes) return nullptr;
  std::vector<std::uint8_t> point{4};  // uncompressed: both coordinates follow (SEC 1 §2.3.3)
  point.insert(point.end(), x->begin(), x->end());
  point.insert(point.end(), y->begin(), y->end());
  const ParamBuilder members(OSSL_PARAM_BLD_new());
  if (OSSL_PARAM_BLD_push_utf8_string(members.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(members.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
    return nullptr;
  }
  return key_from("EC", members);
}

KeyPointer ed_key(const JsonKey& json) {
  const auto x = from_base64url(json.x);
  if (!x || x->size() != kEdKeyBytes) return nullptr;
  return KeyPointer(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, x->data(), x->size()));
}

std::optional<TokenAlgorithm> algorithm_of(const JsonKey& json) {
  std::optional<TokenAlgorithm> algorithm;
  if (json.type == "RSA") algorithm = TokenAlgorithm::rs256;
  if (json.type == "EC" && json.curve == "P-256") algorithm = TokenAlgorithm::es256;
  if (json.type == "OKP" && json.curve == "Ed25519") algorithm = TokenAlgorithm::eddsa;
  if (json.type == "oct") algorithm = TokenAlgorithm::hs256;
  if (!algorithm || (!json.use.empty() && json.use != "sig")) return std::nullopt;
  if (!json.algorithm.empty() && json.algorithm != name(*algorithm)) return std::nullopt;
  return algorithm;
}

std::expected<TokenKey, std::string> key_of(const JsonKey& json, TokenAlgorithm algorithm) {
  TokenKey key{.id = json.id, .algorithm = algorithm, .key = {}, .secret = {}};
  if (json.is_private) return KeyRefused("holds a private key: a broker needs the public one alone");
  switch (algorithm) {
    case TokenAlgorithm::hs256:
      if (const auto bytes = from_base64url(json.k)) key.secret = Secret(*bytes);
      return key;
    case TokenAlgorithm::rs256:
      key.key = rsa_key(json);
      break;
    case TokenAlgorithm::es256:
      key.key = ec_key(json);
      break;
    case TokenAlgorithm::eddsa:
      key.key = ed_key(json);
      break;
  }
  if (key.key == nullptr) return KeyRefused("has a key that is not well formed");
  return key;
}

// The public key of a PEM, or of the certificate in it.
KeyPointer read_pem(std::string_view text) {
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  KeyPointer key;
  if (text.contains("-----BEGIN CERTIFICATE-----")) {
    const Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate != nullptr) key.reset(X509_get_pubkey(certificate.get()));
  } else {
    key.reset(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  }
  ERR_clear_error();
  return key;
}

bool is_p256(const EVP_PKEY* key) {
  std::array<char, 64> group{};
  std::size_t size = 0;
  return EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1 &&
         std::string_view(group.data(), size) == "prime256v1";
}

// The one algorithm that is spoken with a key of this type.
std::optional<TokenAlgorithm> algorithm_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1) return TokenAlgorithm::rs256;
  if (EVP_PKEY_is_a(key, "EC") == 1 && is_p256(key)) return TokenAlgorithm::es256;
  if (EVP_PKEY_is_a(key, "ED25519") == 1) return TokenAlgorithm::eddsa;
  return std::nullopt;
}

// 64 bits of a hash: whoever could make another key with the same one has the private half of neither.
std::uint64_t print_of(const TokenKey& key) {
  std::vector<std::uint8_t> bytes{static_cast<std::uint8_t>(key.algorithm)};
  const auto add = [&](std::span<const std::uint8_t> more) { bytes.insert(bytes.end(), more.begin(), more.end()); };
  if (key.key != nullptr) {
    unsigned char* der = nullptr;
    const int size = i2d_PUBKEY(key.key.get(), &der);
    if (size > 0) add({der, static_cast<std::size_t>(size)});
    OPENSSL_free(der);
  } else {
    add(key.secret.bytes());
  }
  add({as_chars(key.id), key.id.size()});
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
  SHA256(bytes.data(), bytes.size(), hash.data());
  OPENSSL_cleanse(bytes.data(), bytes.size());
  std::uint64_t print = 0;
  for (std::size_t i = 0; i < sizeof print; ++i) print = print << 8U | hash[i];
  return print;
}

std::string_view why_weak(const TokenKey& key) {
  if (key.algorithm == TokenAlgorithm::hs256 && key.secret.bytes().size() < kTokenSecretBytesMin)
    return "has a secret of less than 32 bytes: who has one token could guess it";
  if (key.algorithm != TokenAlgorithm::rs256) return {};
  const int bits = EVP_PKEY_get_bits(key.key.get());
  if (bits < kTokenRsaBitsMin || bits > kTokenRsaBitsMax) return "has an RSA key that is not of 2048 to 8192 bits";
  BIGNUM* exponent = nullptr;
  if (EVP_PKEY_get_bn_param(key.key.get(), OSSL_PKEY_PARAM_RSA_E, &exponent) != 1) return "has no RSA key";
  const BigNumber owned(exponent);
  if (BN_num_bits(exponent) > kRsaExponentBitsMax || BN_is_odd(exponent) == 0 || BN_is_one(exponent) == 1)
    return "has an RSA key with an unusual exponent";
  return {};
}

}  // namespace

std::string_view name(TokenAlgorithm algorithm) noexcept {
  return kAlgorithmNames[static_cast<std::size_t>(algorithm)];
}

std::optional<TokenAlgorithm> find_token_algorithm(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(kAlgorithmNames, name);
  if (found == kAlgorithmNames.end()) return std::nullopt;
  return static_cast<TokenAlgorithm>(found - kAlgorithmNames.begin());
}

void ReleaseKey::operator()(evp_pkey_st* key) const noexcept {
  EVP_PKEY_free(key);
}

Secret& Secret::operator=(Secret&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

Secret::~Secret() {
  if (!bytes_.empty()) OPENSSL_cleanse(bytes_.data(), bytes_.size());
}

bool is_secret(const Secret& secret, std::string_view text) {
  // Hashes have one size, so their comparison takes one time.
  std::array<unsigned char, SHA256_DIGEST_LENGTH> wanted{};
  std::array<unsigned char, SHA256_DIGEST_LENGTH> given{};
  SHA256(secret.bytes().data(), secret.bytes().size(), wanted.data());
  SHA256(as_chars(text), text.size(), given.data());
  return CRYPTO_memcmp(wanted.data(), given.data(), wanted.size()) == 0;
}

bool is_signed_by(const TokenKey& key, std::string_view text, std::span<const std::uint8_t> signature) {
  switch (key.algorithm) {
    case TokenAlgorithm::hs256:
      return is_hmac(key, text, signature);
    case TokenAlgorithm::rs256:
      return is_verified(key, EVP_sha256(), text, signature);
    case TokenAlgorithm::es256: {
      const auto der = der_signature(signature);
      return !der.empty() && is_verified(key, EVP_sha256(), text, der);
    }
    case TokenAlgorithm::eddsa:
      return is_verified(key, nullptr, text, signature);
  }
  return false;
}

std::expected<void, std::string> TokenKeys::add(std::string_view id, std::string_view text) {
  if (text.starts_with('{') || text.starts_with("\xef\xbb\xbf{")) return add_key_set(text);
  // Never taken for a secret: a token signed with the public key's own text would be right then.
  if (text.contains("-----BEGIN")) {
    if (text.contains("PRIVATE KEY")) return KeyRefused("holds a private key: a broker needs the public one alone");
    TokenKey key{.id = std::string(id), .algorithm = {}, .key = read_pem(text), .secret = {}};
    if (key.key == nullptr) return KeyRefused("is no PEM with a public key or a certificate");
    const auto algorithm = algorithm_of(key.key.get());
    if (!algorithm) return KeyRefused("holds a key that is none of RSA, P-256 and Ed25519");
    key.algorithm = *algorithm;
    return add_key(std::move(key));
  }
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  TokenKey key{.id = std::string(id), .algorithm = TokenAlgorithm::hs256, .key = {}, .secret = {}};
  key.secret = Secret({as_chars(text), text.size()});
  return add_key(std::move(key));
}

std::expected<void, std::string> TokenKeys::add_key_set(std::string_view text) {
  const auto keys = read_key_set(text);
  if (!keys) return KeyRefused(keys.error());
  std::size_t added = 0;
  for (const JsonKey& json : *keys) {
    const auto algorithm = algorithm_of(json);
    if (!algorithm) {
      ++passed_over_;
      continue;
    }
    auto key = key_of(json, *algorithm);
    if (!key) return KeyRefused(key.error());
    if (const auto taken = add_key(*std::move(key)); !taken) return taken;
    ++added;
  }
  if (added == 0) return KeyRefused("has no key that is for HS256, RS256, ES256 or EdDSA");
  return {};
}

std::expected<void, std::string> TokenKeys::add_key(TokenKey key) {
  if (const std::string_view why = why_weak(key); !why.empty()) return KeyRefused(std::string(why));
  if (key.id.size() > kTokenNameBytesMax) return KeyRefused("has a key whose kid is longer than 256 bytes");
  if (keys_.size() == kTokenKeysMax) return KeyRefused("is one key too many: there are 64 at most");
  if (std::ranges::find(keys_, key.id, &TokenKey::id) != keys_.end()) {
    return KeyRefused(key.id.empty() ? "is a second key without a kid: give one as KID=FILE"
                                     : "has a kid that another key has already");
  }
  key.print = print_of(key);
  keys_.push_back(std::move(key));
  return {};
}

bool TokenKeys::has_print(std::uint64_t print) const noexcept {
  return std::ranges::find(keys_, print, &TokenKey::print) != keys_.end();
}

TokenKeys TokenKeys::copy() const {
  TokenKeys same;
  same.passed_over_ = passed_over_;
  for (const TokenKey& key : keys_) {
    if (key.key != nullptr) EVP_PKEY_up_ref(key.key.get());
    same.keys_.push_back({.id = key.id,
                          .algorithm = key.algorithm,
                          .key = KeyPointer(key.key.get()),
                          .secret = Secret(key.secret.bytes()),
                          .print = key.print});
  }
  return same;
}

const TokenKey* TokenKeys::find(const std::optional<std::string>& id) const noexcept {
  if (!id) return keys_.size() == 1 ? &keys_.front() : nullptr;
  const auto found = std::ranges::find(keys_, *id, &TokenKey::id);
  if (found != keys_.end()) return &*found;
  // One key that nobody named is meant by any name.
  return keys_.size() == 1 && keys_.front().id.empty() ? &keys_.front() : nullptr;
}

}  // namespace ringcast::broker
