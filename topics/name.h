// Names: what is a topic, what is a filter, and which filter matches which topic (MQTT 5 §4.7).
//
// A topic is a path of levels: `ticker/nasdaq/AAPL`. Levels are separated by `/` and may be empty. A filter may hold
// `+` (exactly one level) and, as its last level, `#` (the level above it and everything below). Names are compared
// byte by byte, without normalisation. Topics that begin with `$` belong to the broker: `#` and a leading `+` never
// match them.
#pragma once

#include <cstddef>
#include <expected>
#include <string_view>

#include "topics/error.h"

namespace ringcast::topics {

inline constexpr std::size_t kNameSizeMax = 1'024;  // bytes: a URL of usual servers (8 KiB) holds it percent-encoded
inline constexpr std::size_t kLevelsMax = 64;       // bounds every walk down a trie

// Whether `name` is a topic: something to publish to.
[[nodiscard]] std::expected<void, Error> validate_topic(std::string_view name) noexcept;

// Whether `name` is a filter: something to subscribe to. Every topic is one.
[[nodiscard]] std::expected<void, Error> validate_filter(std::string_view name) noexcept;

// Whether the valid filter `filter` holds `+` or `#`, so that it may match more than one topic.
[[nodiscard]] bool is_wildcard(std::string_view filter) noexcept;

// Whether `name` belongs to the broker: it begins with `$`.
[[nodiscard]] constexpr bool is_reserved(std::string_view name) noexcept {
  return name.starts_with('$');
}

// Whether the valid filter matches the valid topic: the reference that tries and walks are tested against.
// `a/#` matches `a` too (MQTT 5 §4.7.1.2); `#`, `+/x` do not match `$a`, `$a/x` (§4.7.2).
[[nodiscard]] bool matches(std::string_view filter, std::string_view topic) noexcept;

// Whether a topic may match both valid filters. True of a few that no topic can match both of: `$` is not looked at.
[[nodiscard]] bool overlap(std::string_view one, std::string_view other) noexcept;

// Takes the first level off `rest` and gives it: "a/b" -> "a", rest "b". `rest.data()` is null after the last level,
// which is how "a" (one level) and "a/" (two, the second empty) differ. Requires: rest.data() != nullptr.
[[nodiscard]] constexpr std::string_view take_level(std::string_view& rest) noexcept {
  const std::size_t slash = rest.find('/');
  const std::string_view level = rest.substr(0, slash);
  rest = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
  return level;
}

}  // namespace ringcast::topics
