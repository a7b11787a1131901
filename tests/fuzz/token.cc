// The input is a token that somebody brings, or the header and claims of one that an issuer signs, or a file of keys.
#include "broker/token.h"

#include "broker/token_sign.h"
#include "tests/fuzz/property.h"
#include "topics/name.h"

namespace ringcast::fuzz {

namespace {

using broker::TokenKeys;
using broker::TokenRules;

constexpr std::int64_t kNow = 1'700'000'000;
constexpr std::string_view kSecret = "a secret that the fuzzer is not told of";

const TokenRules& token_rules() {
  static const TokenRules rules = [] {
    TokenRules made;
    require(made.keys.add("", kSecret).has_value());
    return made;
  }();
  return rules;
}

// Nobody makes a token without the secret.
void check_brought(std::string_view token) {
  const auto identity = broker::verify_token(token, token_rules(), kNow);
  require(!identity.has_value());
  require(!broker::text(identity.error()).empty());
}

// What an issuer signs is taken whole or not at all.
void check_signed(std::string_view text) {
  static const broker::TokenKey key = *broker::read_signing_key(kSecret);
  const std::size_t cut = text.find('\n');
  const std::string_view header = text.substr(0, cut);
  const std::string_view claims = cut == std::string_view::npos ? "" : text.substr(cut + 1);
  const auto identity = broker::verify_token(broker::sign_token(key, header, claims), token_rules(), kNow);
  if (!identity) return require(identity.error() != broker::TokenError::bad_signature);
  require(!identity->subject.empty());
  require(identity->expires_s > kNow);
  const broker::Permissions& permissions = identity->permissions;
  for (const std::string& filter : permissions.publish) require(topics::validate_filter(filter).has_value());
  for (const std::string& filter : permissions.subscribe) {
    require(topics::validate_filter(filter).has_value());
    require(permissions.may_subscribe(filter));
  }
  require(!permissions.may_publish("$broker/stats"));
}

void check_keys(std::string_view file) {
  TokenKeys keys;
  const auto added = keys.add("k", file);
  require(added.has_value() || !added.error().empty());
  require(!added.has_value() || !keys.empty());
  for (const broker::TokenKey& key : keys.all()) require(!broker::is_signed_by(key, "said", frame::as_bytes("no")));
}

}  // namespace

void check_token(Bytes input) {
  const std::uint8_t kind = take_byte(input);
  const std::string_view text = frame::as_text(input);
  if (kind == 'k') return check_keys(text);
  if (kind == 's') return check_signed(text);
  check_brought(text);
}

}  // namespace ringcast::fuzz
