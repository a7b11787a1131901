// http_date: the time as the Date field says it (RFC 9110 §5.6.7).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace ringcast::frame {

// "Sun, 06 Nov 1994 08:49:37 GMT": always 29 characters.
struct HttpDate {
  std::array<char, 29> characters;

  [[nodiscard]] std::string_view text() const noexcept { return {characters.data(), characters.size()}; }
};

// `utc_s`: seconds since 1970, UTC. Requires a year from 0 to 9999. Worth keeping for a second: every response has one.
[[nodiscard]] HttpDate http_date(std::int64_t utc_s) noexcept;

}  // namespace ringcast::frame
