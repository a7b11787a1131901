#include "broker/token_sign.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cassert>
#include <memory>
#include <utility>

#include "broker/base64url.h"
#include "broker/freed_by.h"
#include "broker/json_out.h"

namespace ringcast::broker {

namespace {

using SigningRefused = std::unexpected<std::string>;

constexpr std::size_t kHalfBytes = 32;  // of an ES256 signature (RFC 7518 §3.4)

std::optional<TokenAlgorithm> algorithm_for(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1) return TokenAlgorithm::rs256;
  if (EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_bits(key) == 256) return TokenAlgorithm::es256;
  if (EVP_PKEY_is_a(key, "ED25519") == 1) return TokenAlgorithm::eddsa;
  return std::nullopt;
}

// A PEM that wants a passphrase is refused; without this OpenSSL would ask the terminal.
int no_passphrase(char* /*buffer*/, int /*size*/, int /*writes*/, void* /*data*/) {
  return -1;
}

std::vector<std::uint8_t> hmac(const TokenKey& key, std::string_view text) {
  std::vector<std::uint8_t> mac(EVP_MAX_MD_SIZE);
  std::size_t size = 0;
  const auto secret = key.secret.bytes();
  const auto* const made =
      EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, secret.data(), secret.size(),
                reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(), mac.size(), &size);
  assert(made != nullptr);
  mac.resize(size);
  return mac;
}

std::vector<std::uint8_t> private_signature(const TokenKey& key, std::string_view text) {
  const EVP_MD* const digest = key.algorithm == TokenAlgorithm::eddsa ? nullptr : EVP_sha256();
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  const auto* const in = reinterpret_cast<const unsigned char*>(text.data());
  std::vector<std::uint8_t> signature;
  std::size_t size = 0;
  bool made = EVP_DigestSignInit(context, nullptr, digest, nullptr, key.key.get()) == 1 &&
              EVP_DigestSign(context, nullptr, &size, in, text.size()) == 1;
  if (made) {
    signature.resize(size);
    made = EVP_DigestSign(context, signature.data(), &size, in, text.size()) == 1;
    signature.resize(size);
  }
  EVP_MD_CTX_free(context);
  assert(made && "read_signing_key() gave a private key");
  return signature;
}

// From DER to two numbers of fixed size.
std::vector<std::uint8_t> two_halves(std::span<const std::uint8_t> der) {
  const unsigned char* begin = der.data();
  ECDSA_SIG* const both = d2i_ECDSA_SIG(nullptr, &begin, static_cast<long>(der.size()));
  assert(both != nullptr);
  std::vector<std::uint8_t> signature(2 * kHalfBytes);
  BN_bn2binpad(ECDSA_SIG_get0_r(both), signature.data(), kHalfBytes);
  BN_bn2binpad(ECDSA_SIG_get0_s(both), signature.data() + kHalfBytes, kHalfBytes);
  ECDSA_SIG_free(both);
  return signature;
}

void write_filters(JsonOut& out, std::string_view name, const std::vector<std::string>& filters) {
  if (filters.empty()) return;
  out.key(name).begin_array();
  for (const std::string& filter : filters) out.value(filter);
  out.end_array();
}

std::string claims_of(const TokenWish& wish) {
  JsonOut out;
  out.begin_object();
  if (!wish.issuer.empty()) out.member("iss", wish.issuer);
  out.member("sub", wish.subject);
  if (!wish.audience.empty()) out.member("aud", wish.audience);
  out.member("exp", wish.expires_s).member("iat", wish.issued_s);
  if (!wish.token_id.empty()) out.member("jti", wish.token_id);
  out.key("ringcast").begin_object();
  write_filters(out, "publish", wish.publish);
  write_filters(out, "subscribe", wish.subscribe);
  out.end_object().end_object();
  return out.take();
}

std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

std::expected<TokenKey, std::string> read_signing_key(std::string_view text) {
  TokenKey key{.id = {}, .algorithm = TokenAlgorithm::hs256, .key = {}, .secret = {}};
  if (!text.contains("-----BEGIN")) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.size() < kTokenSecretBytesMin) return SigningRefused("is a secret of less than 32 bytes, or no PEM");
    key.secret = Secret(bytes_of(text));
    return key;
  }
  const std::unique_ptr<BIO, FreedBy<BIO_free>> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  key.key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (key.key == nullptr) return SigningRefused("is no PEM with a private key that needs no passphrase");
  const auto algorithm = algorithm_for(key.key.get());
  if (!algorithm) return SigningRefused("holds a key that is none of RSA, P-256 and Ed25519");
  key.algorithm = *algorithm;
  return key;
}

std::vector<std::uint8_t> sign(const TokenKey& key, std::string_view text) {
  switch (key.algorithm) {
    case TokenAlgorithm::hs256:
      return hmac(key, text);
    case TokenAlgorithm::es256:
      return two_halves(private_signature(key, text));
    case TokenAlgorithm::rs256:
    case TokenAlgorithm::eddsa:
      return private_signature(key, text);
  }
  std::unreachable();
}

std::string sign_token(const TokenKey& key, std::string_view header, std::string_view claims) {
  std::string token;
  append_base64url(bytes_of(header), token);
  token += '.';
  append_base64url(bytes_of(claims), token);
  const auto signature = sign(key, token);
  token += '.';
  append_base64url(signature, token);
  return token;
}

std::string make_token(const TokenKey& key, const TokenWish& wish) {
  JsonOut header;
  header.begin_object().member("alg", name(key.algorithm)).member("typ", "JWT");
  if (!wish.key_id.empty()) header.member("kid", wish.key_id);
  header.end_object();
  return sign_token(key, header.text(), claims_of(wish));
}

}  // namespace ringcast::broker
