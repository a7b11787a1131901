#include "broker/idempotency_header.h"

namespace ringcast::broker {
namespace {

// Four functions out of the one keyed hash: no two of them, nor the home's table of topics, agree on anything.
constexpr std::uint64_t kHigh = 0x6b65'795f'6869'6768U;  // "key_high"
constexpr std::uint64_t kLow = 0x6b65'795f'6c6f'7720U;   // "key_low "
constexpr std::uint64_t kBody = 0x626f'6479'2020'2020U;  // "body    "
constexpr std::uint64_t kType = 0x7479'7065'2020'2020U;  // "type    "

constexpr char kEnd = '\0';  // in no method, topic or key

bool is_visible(char c) noexcept {
  return c >= 0x21 && c <= 0x7e;
}

std::unexpected<HttpRefusal> refuse() {
  return std::unexpected(HttpRefusal{400, "bad_idempotency_key",
                                     "Idempotency-Key is 1 to 255 visible ASCII characters, bare or in double quotes"});
}

}  // namespace

std::expected<std::string, HttpRefusal> read_idempotency_key(std::string_view value) {
  const bool quoted = value.starts_with('"');
  if (quoted) {
    if (value.size() < 2 || !value.ends_with('"')) return refuse();
    value = value.substr(1, value.size() - 2);
  }
  std::string key;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (quoted && value[i] == '\\') {
      ++i;
      if (i == value.size() || (value[i] != '"' && value[i] != '\\')) return refuse();
    } else if (value[i] == '"' || !is_visible(value[i])) {
      return refuse();
    }
    key += value[i];
  }
  if (key.empty() || key.size() > kIdempotencyKeyBytesMax) return refuse();
  return key;
}

topics::KeyedBody hash_idempotency_key(topics::HashKey key, const KeyScope& scope, std::string_view idempotency_key) {
  std::string text;
  text.append(scope.method) += kEnd;
  text.append(scope.topic) += kEnd;
  text.append(idempotency_key) += kEnd;
  text.append(scope.subject);
  return {.key_high = topics::hash_name({.k0 = key.k0 ^ kHigh, .k1 = key.k1}, text),
          .key_low = topics::hash_name({.k0 = key.k0 ^ kLow, .k1 = key.k1}, text)};
}

std::uint64_t hash_body(topics::HashKey key, std::string_view content_type, std::string_view body) noexcept {
  const std::uint64_t of_body = topics::hash_name({.k0 = key.k0 ^ kBody, .k1 = key.k1}, body);
  return topics::hash_name({.k0 = key.k0 ^ kType, .k1 = key.k1 ^ of_body}, content_type);
}

}  // namespace ringcast::broker
