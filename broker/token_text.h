// TokenText: `ringcast token`: makes tokens, and says what one says. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "broker/option.h"

namespace ringcast::broker {

// A token as the options say, signed by what the key's file holds. The error is a sentence.
[[nodiscard]] std::expected<std::string, std::string> made_token(const Options& options, std::string_view key,
                                                                 std::int64_t now_s);

// Header and claims, one a line, and what a broker with this key (none: without a key) would say of it. Fails for what
// is no token.
[[nodiscard]] std::expected<std::string, std::string> inspected_token(const Options& options, std::string_view token,
                                                                      const std::optional<std::string>& key,
                                                                      std::int64_t now_s);

}  // namespace ringcast::broker
