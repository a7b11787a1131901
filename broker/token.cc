#include "broker/token.h"

#include <algorithm>
#include <array>

#include "broker/base64url.h"

namespace ringcast::broker {

namespace {

using TokenRefused = std::unexpected<TokenError>;

struct Parts {
  std::string_view header, payload, signature;  // base64url
  std::string_view signed_text;                 // the first two with the dot between (RFC 7515 §5.1)
};

std::expected<Parts, TokenError> split(std::string_view token) {
  const std::size_t first = token.find('.');
  if (first == std::string_view::npos) return TokenRefused(TokenError::malformed);
  const std::size_t second = token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return TokenRefused(TokenError::malformed);
  return Parts{.header = token.substr(0, first),
               .payload = token.substr(first + 1, second - first - 1),
               .signature = token.substr(second + 1),
               .signed_text = token.substr(0, second)};
}

// It stands in answers, logs and lists.
bool is_printable(std::string_view subject) {
  return std::ranges::none_of(subject, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::optional<TokenError> check_times(const TokenClaims& claims, const TokenRules& rules, std::int64_t now_s) {
  if (now_s >= claims.expires_s + rules.leeway_s) return TokenError::expired;
  if (claims.not_before_s && now_s + rules.leeway_s < *claims.not_before_s) return TokenError::not_yet_valid;
  return std::nullopt;
}

// Who does not say who he is, is not meant by a token that names somebody (RFC 7519 §4.1.3).
bool is_for_us(const TokenClaims& claims, const TokenRules& rules) {
  if (claims.audience.empty()) return rules.audiences.empty();
  return std::ranges::any_of(claims.audience, [&](const std::string& audience) {
    return std::ranges::find(rules.audiences, audience) != rules.audiences.end();
  });
}

struct Signed {
  std::vector<std::uint8_t> payload;
  std::uint64_t key_print = 0;
};

// What one of the keys has signed; nothing of it is looked at before.
std::expected<Signed, TokenError> read_signed(std::string_view token, const TokenKeys& keys) {
  if (token.empty()) return TokenRefused(TokenError::missing);
  if (token.size() > kWebTokenSizeMax) return TokenRefused(TokenError::too_large);
  const auto parts = split(token);
  if (!parts) return TokenRefused(parts.error());
  const auto header_json = from_base64url(parts->header);
  auto payload_json = from_base64url(parts->payload);
  const auto signature = from_base64url(parts->signature);
  if (!header_json || !payload_json || !signature) return TokenRefused(TokenError::malformed);
  const auto header = read_token_header(*header_json);
  if (!header) return TokenRefused(header.error());
  const TokenKey* const key = keys.find(header->key_id);
  if (key == nullptr) return TokenRefused(TokenError::unknown_key);
  if (header->algorithm != name(key->algorithm)) return TokenRefused(TokenError::wrong_algorithm);
  if (!is_signed_by(*key, parts->signed_text, *signature)) return TokenRefused(TokenError::bad_signature);
  return Signed{.payload = *std::move(payload_json), .key_print = key->print};
}

}  // namespace

std::expected<VerifiedToken, TokenError> verify_token(std::string_view token, const TokenRules& rules,
                                                      std::int64_t now_s) {
  const auto read = read_signed(token, rules.keys);
  if (!read) return TokenRefused(read.error());
  auto claims = read_token_claims(read->payload);
  if (!claims) return TokenRefused(claims.error());
  if (!is_printable(claims->subject) || !is_printable(claims->token_id)) return TokenRefused(TokenError::bad_claim);
  if (const auto wrong = check_times(*claims, rules, now_s)) return TokenRefused(*wrong);
  if (!is_for_us(*claims, rules)) return TokenRefused(TokenError::wrong_audience);
  if (!rules.issuer.empty() && claims->issuer != rules.issuer) return TokenRefused(TokenError::wrong_issuer);
  auto publish = filters_for(std::move(claims->publish), claims->subject);
  auto subscribe = filters_for(std::move(claims->subscribe), claims->subject);
  if (!publish || !subscribe) return TokenRefused(TokenError::bad_permissions);
  return VerifiedToken{.subject = std::move(claims->subject),
                       .token_id = std::move(claims->token_id),
                       .expires_s = claims->expires_s + rules.leeway_s,
                       .key_print = read->key_print,
                       .permissions = {*std::move(publish), *std::move(subscribe)}};
}

}  // namespace ringcast::broker
