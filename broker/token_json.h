// TokenJson: what the JSON of a token says, and that of a key set (RFC 7515 §4, RFC 7519 §4, RFC 7517), read into plain
// data. What is said twice is refused: two readers could take different ones.
//
// The only file of the broker's tokens that knows a JSON library. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/token_error.h"

namespace ringcast::broker {

inline constexpr std::size_t kTokenNameBytesMax = 256;  // of `sub`, `jti`, `kid`, each of `aud`
inline constexpr std::size_t kTokenMembersMax = 64;     // of one JSON object: issuers add some of their own
inline constexpr std::size_t kTokenAudiencesMax = 64;

struct TokenHeader {
  std::string algorithm;
  std::optional<std::string> key_id;
};

struct TokenClaims {
  std::string subject;
  std::string token_id;  // `jti`; empty: none
  std::string issuer;    // empty: none
  std::vector<std::string> audience;
  std::int64_t expires_s = 0;  // NumericDate (RFC 7519 §2): UTC, seconds since 1970
  std::optional<std::int64_t> not_before_s;
  std::vector<std::string> publish;  // filters as they stand there, neither checked nor filled in
  std::vector<std::string> subscribe;
};

[[nodiscard]] std::expected<TokenHeader, TokenError> read_token_header(std::span<const std::uint8_t> json);
[[nodiscard]] std::expected<TokenClaims, TokenError> read_token_claims(std::span<const std::uint8_t> json);

// One key of a JWKS; members that it does not have are empty. Binary members are still base64url.
struct JsonKey {
  std::string type;       // kty
  std::string id;         // kid
  std::string algorithm;  // alg
  std::string use;
  std::string curve;        // crv
  std::string x, y;         // EC, OKP
  std::string n, e;         // RSA
  std::string k;            // oct
  bool is_private = false;  // has `d`, which a broker does not need
};

// A JWKS (`{"keys":[…]}`) or one JWK. The error is a sentence.
[[nodiscard]] std::expected<std::vector<JsonKey>, std::string> read_key_set(std::string_view json);

}  // namespace ringcast::broker
