// TokenKeys: the keys that tokens are signed with: a fixed table from `kid` to an algorithm and a key, so that a token
// cannot choose how it is checked (RFC 8725 §3.1). Read from PEM, JWKS or secret files; nothing is ever fetched.
//
// Thread: made by one, then read only, by any.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

struct evp_pkey_st;  // OpenSSL's EVP_PKEY: its headers are heavy

namespace ringcast::broker {

enum class TokenAlgorithm : std::uint8_t {
  hs256,  // RFC 7518 §3.2: HMAC with SHA-256
  rs256,  // §3.3: RSASSA-PKCS1-v1_5 with SHA-256
  es256,  // §3.4: ECDSA with P-256 and SHA-256
  eddsa,  // RFC 8037 §3.1: Ed25519
};

// "HS256", "EdDSA": as `alg` says it.
[[nodiscard]] std::string_view name(TokenAlgorithm algorithm) noexcept;
[[nodiscard]] std::optional<TokenAlgorithm> find_token_algorithm(std::string_view name) noexcept;

inline constexpr std::size_t kTokenKeysMax = 64;         // issuers that rotate keys show a few at a time
inline constexpr std::size_t kTokenSecretBytesMin = 32;  // RFC 7518 §3.2: as many as the hash has
inline constexpr int kTokenRsaBitsMin = 2048;            // §3.3
inline constexpr int kTokenRsaBitsMax = 8192;            // a check costs the square of them

struct ReleaseKey {
  void operator()(evp_pkey_st* key) const noexcept;
};
using KeyPointer = std::unique_ptr<evp_pkey_st, ReleaseKey>;

// Bytes that are wiped before their memory is anybody else's.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::span<const std::uint8_t> bytes) : bytes_(bytes.begin(), bytes.end()) {}
  Secret(Secret&&) noexcept = default;
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept { return bytes_; }

 private:
  std::vector<std::uint8_t> bytes_;
};

// Whether `text` is it, found out in a time that tells nothing of where they differ.
[[nodiscard]] bool is_secret(const Secret& secret, std::string_view text);

struct TokenKey {
  std::string id;  // `kid`; empty: the file said none
  TokenAlgorithm algorithm = TokenAlgorithm::hs256;
  KeyPointer key;           // null with hs256
  Secret secret;            // of hs256
  std::uint64_t print = 0;  // by which it is known again: of its bytes, kid and algorithm
};

// Whether `signature` is that of `text` by this key.
[[nodiscard]] bool is_signed_by(const TokenKey& key, std::string_view text, std::span<const std::uint8_t> signature);

class TokenKeys {
 public:
  // Adds what a file holds: a JWKS or JWK, a PEM with a public key or a certificate, or else a secret for HS256, of
  // which one newline at the end is not part. `id` is the `kid` of a PEM or secret; the keys of a JWKS have their own.
  // The error is a sentence that holds nothing of the file.
  [[nodiscard]] std::expected<void, std::string> add(std::string_view id, std::string_view text);

  // The key of this `kid`. Without one the only key there is; null where there are several, or none of this name.
  [[nodiscard]] const TokenKey* find(const std::optional<std::string>& id) const noexcept;

  // The key with this print is among them.
  [[nodiscard]] bool has_print(std::uint64_t print) const noexcept;
  // The same keys once more.
  [[nodiscard]] TokenKeys copy() const;

  [[nodiscard]] bool empty() const noexcept { return keys_.empty(); }
  [[nodiscard]] std::span<const TokenKey> all() const noexcept { return keys_; }
  // Keys of a JWKS that were passed over: for other uses or algorithms.
  [[nodiscard]] std::size_t passed_over() const noexcept { return passed_over_; }

 private:
  [[nodiscard]] std::expected<void, std::string> add_key(TokenKey key);
  [[nodiscard]] std::expected<void, std::string> add_key_set(std::string_view text);

  std::vector<TokenKey> keys_;
  std::size_t passed_over_ = 0;
};

}  // namespace ringcast::broker
