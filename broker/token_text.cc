#include "broker/token_text.h"

#include <algorithm>

#include "broker/base64url.h"
#include "broker/token.h"
#include "broker/token_sign.h"

namespace ringcast::broker {

namespace {

using TextRefused = std::unexpected<std::string>;

// A part of a token for a terminal: nothing in it can move a cursor.
std::expected<std::string, std::string> readable(std::string_view part) {
  const auto bytes = from_base64url(part);
  if (!bytes) return TextRefused("this is no JSON Web Token");
  std::string text(bytes->begin(), bytes->end());
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

std::string verdict_of(const Options& options, std::string_view token, std::string_view key, std::int64_t now_s) {
  TokenRules rules;
  if (const auto added = rules.keys.add(options.token_key_id, key); !added) {
    return "the key's file " + added.error();
  }
  if (!options.token_make_audience.empty()) rules.audiences = {options.token_make_audience};
  rules.issuer = options.token_make_issuer;
  const auto verified = verify_token(token, rules, now_s);
  if (!verified) return "not taken: " + std::string(text(verified.error()));
  return "taken; it holds for another " + std::to_string(verified->expires_s - now_s) + " s";
}

}  // namespace

std::expected<std::string, std::string> made_token(const Options& options, std::string_view key_text,
                                                   std::int64_t now_s) {
  constexpr std::int64_t kSecondMs = 1'000;
  const auto key = read_signing_key(key_text);
  if (!key) return TextRefused("the key's file " + key.error());
  for (const auto* filters : {&options.token_publish, &options.token_subscribe}) {
    if (const auto valid = filters_for(*filters, options.token_subject); !valid) return TextRefused(valid.error());
  }
  return make_token(*key, {.subject = options.token_subject,
                           .issued_s = now_s,
                           .expires_s = now_s + options.token_expires_ms / kSecondMs,
                           .key_id = options.token_key_id,
                           .token_id = options.token_id,
                           .issuer = options.token_make_issuer,
                           .audience = options.token_make_audience,
                           .publish = options.token_publish,
                           .subscribe = options.token_subscribe});
}

std::expected<std::string, std::string> inspected_token(const Options& options, std::string_view token,
                                                        const std::optional<std::string>& key, std::int64_t now_s) {
  const std::size_t first = std::min(token.find('.'), token.size());
  const std::size_t second = std::min(token.find('.', first + 1), token.size());
  if (first == token.size() || second == token.size()) return TextRefused("this is no JSON Web Token");
  const auto header = readable(token.substr(0, first));
  const auto claims = readable(token.substr(first + 1, second - first - 1));
  if (!header) return header;
  if (!claims) return claims;
  const std::string verdict =
      key ? verdict_of(options, token, *key, now_s) : "not checked: --key FILE says whose signature it should be";
  return *header + "\n" + *claims + "\n" + verdict + "\n";
}

}  // namespace ringcast::broker
