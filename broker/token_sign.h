// TokenSign: makes tokens, as an issuer does: for `ringcast token` and for tests. The broker itself makes none. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/token_keys.h"

namespace ringcast::broker {

// A key that signs: a PEM with an unencrypted private key (RSA, P-256, Ed25519), or else a secret for HS256, of which
// one newline at the end is not part. The error is a sentence that holds nothing of the file.
[[nodiscard]] std::expected<TokenKey, std::string> read_signing_key(std::string_view text);

// The signature of `text`, as a token has it (RFC 7515 §5.1). Requires: a key of read_signing_key().
[[nodiscard]] std::vector<std::uint8_t> sign(const TokenKey& key, std::string_view text);

// A token of a header and claims in JSON, which are taken as they are.
[[nodiscard]] std::string sign_token(const TokenKey& key, std::string_view header, std::string_view claims);

struct TokenWish {
  std::string subject;
  std::int64_t issued_s = 0;
  std::int64_t expires_s = 0;
  std::string key_id;  // these empty: none
  std::string token_id;
  std::string issuer;
  std::string audience;
  std::vector<std::string> publish;
  std::vector<std::string> subscribe;
};

// The token that says so.
[[nodiscard]] std::string make_token(const TokenKey& key, const TokenWish& wish);

}  // namespace ringcast::broker
