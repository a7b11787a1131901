// Token: a JSON Web Token that says who somebody is and what he may do (RFC 7519 in RFC 7515's compact form), checked
// by keys that are here already. Pure: the time comes in, nothing is fetched, nothing of a token is kept or told.
//
// Claims: `sub`, `exp`, `ringcast: {"publish": [filters], "subscribe": [filters]}`; and where they are there `nbf`,
// `aud`, `iss`, `jti`.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "broker/permissions.h"
#include "broker/token_error.h"
#include "broker/token_json.h"
#include "broker/token_keys.h"

namespace ringcast::broker {

// Bytes of a token: what issuers make has a tenth of it, and a head of --max-http-head holds one.
inline constexpr std::size_t kWebTokenSizeMax = 8 * 1024;

struct TokenRules {
  TokenKeys keys;
  std::vector<std::string> audiences;  // `aud` must name one; none: a token with `aud` is for somebody else
  std::string issuer;                  // `iss` must be it; empty: any
  std::int64_t leeway_s = 0;           // by which clocks may differ
};

// Who somebody is, and until when.
struct VerifiedToken {
  std::string subject;
  std::string token_id;         // `jti`; empty: none
  std::int64_t expires_s = 0;   // UTC; the leeway included
  std::uint64_t key_print = 0;  // of the key that signed it
  Permissions permissions;      // with the subject put in
};

// Who the token is of.
[[nodiscard]] std::expected<VerifiedToken, TokenError> verify_token(std::string_view token, const TokenRules& rules,
                                                                    std::int64_t now_s);

}  // namespace ringcast::broker
