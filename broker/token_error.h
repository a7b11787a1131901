// TokenError: why a token is not taken (RFC 7519, RFC 8725).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringcast::broker {

enum class TokenError : std::uint8_t {
  missing,           // no token, where one is needed
  too_large,         // kWebTokenSizeMax
  malformed,         // RFC 7515 §7.1: three parts of base64url, the first two JSON objects
  duplicate_member,  // RFC 7519 §4: two readers could take different ones
  bad_type,          // `typ` is something else (RFC 8725 §3.11)
  critical,          // RFC 7515 §4.1.11: `crit` names what must be understood, and nothing is
  unknown_key,       // `kid` names none of the keys, or is missing where there are several
  wrong_algorithm,   // `alg` is not the key's, as `none` never is (RFC 8725 §3.1)
  bad_signature,
  bad_claim,        // a claim that is needed is missing, or is not of its type, or larger than it may be
  expired,          // `exp`
  not_yet_valid,    // `nbf`
  wrong_audience,   // `aud`
  wrong_issuer,     // `iss`
  bad_permissions,  // a filter is not valid, too many, or `%u` for a subject that is no single level
  revoked,          // by `jti` or `sub`
};
inline constexpr std::size_t kTokenErrors = 16;

// Its name as it stands above, and a short sentence for people that holds nothing of the token.
[[nodiscard]] std::string_view name(TokenError error) noexcept;
[[nodiscard]] std::string_view text(TokenError error) noexcept;

}  // namespace ringcast::broker
