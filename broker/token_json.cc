#include "broker/token_json.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>

namespace ringcast::broker {

namespace {

using simdjson::dom::element;

// What a member is asked for; an error says that it is there and of another type.
using Read = std::optional<TokenError>;

constexpr double kNumericDateMax = 9'007'199'254'740'991;  // 2^53 - 1: beyond, a double's seconds have holes

// True if a member's name comes twice, or if there are too many to be looked through.
bool has_repeats(const simdjson::dom::object& object) {
  std::vector<std::string_view> names;
  for (const auto member : object) names.push_back(member.key);
  if (names.size() > kTokenMembersMax) return true;
  std::ranges::sort(names);
  return std::ranges::adjacent_find(names) != names.end();
}

std::expected<simdjson::dom::object, TokenError> object_of(simdjson::dom::parser& parser, std::string_view json) {
  const simdjson::padded_string padded(json);  // the library reads past the end
  simdjson::dom::object object;
  if (parser.parse(padded).get(object) != simdjson::SUCCESS) return std::unexpected(TokenError::malformed);
  if (has_repeats(object)) return std::unexpected(TokenError::duplicate_member);
  return object;
}

std::string_view as_view(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool has(const simdjson::dom::object& object, std::string_view name) {
  return object[name].error() == simdjson::SUCCESS;
}

// The text of a member, not empty; nothing if it is not there.
Read read_text(const simdjson::dom::object& object, std::string_view name, std::optional<std::string>& into) {
  element value;
  if (object[name].get(value) != simdjson::SUCCESS) return std::nullopt;
  std::string_view text;
  if (value.get(text) != simdjson::SUCCESS) return TokenError::bad_claim;
  if (text.empty() || text.size() > kTokenNameBytesMax) return TokenError::bad_claim;
  into = std::string(text);
  return std::nullopt;
}

Read read_date(const simdjson::dom::object& object, std::string_view name, std::optional<std::int64_t>& into) {
  element value;
  if (object[name].get(value) != simdjson::SUCCESS) return std::nullopt;
  double seconds = 0;
  if (value.get(seconds) != simdjson::SUCCESS) return TokenError::bad_claim;  // whole numbers too
  if (!(seconds >= 0 && seconds <= kNumericDateMax)) return TokenError::bad_claim;
  into = static_cast<std::int64_t>(std::floor(seconds));
  return std::nullopt;
}

Read read_texts(const element& value, std::size_t count_max, std::vector<std::string>& into) {
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS) return TokenError::bad_claim;
  for (const element& one : array) {
    std::string_view text;
    if (one.get(text) != simdjson::SUCCESS || into.size() == count_max) return TokenError::bad_claim;
    into.emplace_back(text);
  }
  return std::nullopt;
}

// `aud` is one or several (RFC 7519 §4.1.3).
Read read_audience(const simdjson::dom::object& object, std::vector<std::string>& into) {
  element value;
  if (object["aud"].get(value) != simdjson::SUCCESS) return std::nullopt;
  std::string_view one;
  if (value.get(one) == simdjson::SUCCESS) {
    into.emplace_back(one);
    return std::nullopt;
  }
  if (const Read wrong = read_texts(value, kTokenAudiencesMax, into)) return wrong;
  if (into.empty()) return TokenError::bad_claim;
  return std::nullopt;
}

Read read_filters(const simdjson::dom::object& ringcast, std::string_view name, std::vector<std::string>& into) {
  element value;
  if (ringcast[name].get(value) != simdjson::SUCCESS) return std::nullopt;
  constexpr std::size_t kFiltersMax = 1024;  // of a token's bytes there is room for no more; Permissions have a limit
  return read_texts(value, kFiltersMax, into);
}

// {"publish": [filters], "subscribe": [filters]}, and nothing else: a right that is misspelt is none.
Read read_permissions(const simdjson::dom::object& object, TokenClaims& claims) {
  element value;
  if (object["ringcast"].get(value) != simdjson::SUCCESS) return std::nullopt;
  simdjson::dom::object ringcast;
  if (value.get(ringcast) != simdjson::SUCCESS) return TokenError::bad_claim;
  if (has_repeats(ringcast)) return TokenError::duplicate_member;
  for (const auto member : ringcast) {
    if (member.key != "publish" && member.key != "subscribe") return TokenError::bad_permissions;
  }
  if (const Read wrong = read_filters(ringcast, "publish", claims.publish)) return wrong;
  return read_filters(ringcast, "subscribe", claims.subscribe);
}

std::string text_of(const simdjson::dom::object& object, std::string_view name) {
  std::string_view text;
  if (object[name].get(text) != simdjson::SUCCESS) return {};
  return std::string(text);
}

JsonKey json_key(const simdjson::dom::object& key) {
  return {.type = text_of(key, "kty"),
          .id = text_of(key, "kid"),
          .algorithm = text_of(key, "alg"),
          .use = text_of(key, "use"),
          .curve = text_of(key, "crv"),
          .x = text_of(key, "x"),
          .y = text_of(key, "y"),
          .n = text_of(key, "n"),
          .e = text_of(key, "e"),
          .k = text_of(key, "k"),
          .is_private = has(key, "d")};
}

}  // namespace

std::expected<TokenHeader, TokenError> read_token_header(std::span<const std::uint8_t> json) {
  simdjson::dom::parser parser;
  const auto object = object_of(parser, as_view(json));
  if (!object) return std::unexpected(object.error());
  if (has(*object, "crit")) return std::unexpected(TokenError::critical);
  std::optional<std::string> type;
  if (read_text(*object, "typ", type)) return std::unexpected(TokenError::bad_type);
  if (type) {
    std::ranges::transform(*type, type->begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    if (*type != "jwt" && *type != "at+jwt") return std::unexpected(TokenError::bad_type);
  }
  std::optional<std::string> algorithm;
  if (read_text(*object, "alg", algorithm) || !algorithm) return std::unexpected(TokenError::malformed);
  TokenHeader header{.algorithm = *std::move(algorithm), .key_id = {}};
  if (read_text(*object, "kid", header.key_id)) return std::unexpected(TokenError::unknown_key);
  return header;
}

std::expected<TokenClaims, TokenError> read_token_claims(std::span<const std::uint8_t> json) {
  simdjson::dom::parser parser;
  const auto object = object_of(parser, as_view(json));
  if (!object) return std::unexpected(object.error());
  TokenClaims claims;
  std::optional<std::string> subject, token_id, issuer;
  std::optional<std::int64_t> expires_s;
  for (const Read wrong :
       {read_text(*object, "sub", subject), read_text(*object, "jti", token_id), read_text(*object, "iss", issuer),
        read_date(*object, "exp", expires_s), read_date(*object, "nbf", claims.not_before_s),
        read_audience(*object, claims.audience), read_permissions(*object, claims)}) {
    if (wrong) return std::unexpected(*wrong);
  }
  if (!subject || !expires_s) return std::unexpected(TokenError::bad_claim);
  claims.subject = *std::move(subject);
  claims.token_id = token_id.value_or("");
  claims.issuer = issuer.value_or("");
  claims.expires_s = *expires_s;
  return claims;
}

std::expected<std::vector<JsonKey>, std::string> read_key_set(std::string_view json) {
  simdjson::dom::parser parser;
  const auto object = object_of(parser, json);
  if (!object) return std::unexpected("is no JSON object, or says something twice");
  simdjson::dom::array keys;
  if ((*object)["keys"].get(keys) != simdjson::SUCCESS) return std::vector{json_key(*object)};
  std::vector<JsonKey> all;
  for (const element& one : keys) {
    simdjson::dom::object key;
    if (one.get(key) != simdjson::SUCCESS) return std::unexpected("has a key that is no JSON object");
    if (has_repeats(key)) return std::unexpected("has a key that says something twice");
    all.push_back(json_key(key));
  }
  return all;
}

}  // namespace ringcast::broker
