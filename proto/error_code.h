// ErrorCode: why a request of the full protocol was refused (proto/ringcast.proto), and the refusal itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringcast::proto {

enum class ErrorCode : std::uint8_t {
  unspecified = 0,
  malformed = 1,
  unknown_field = 2,
  bad_value = 3,
  missing_field = 4,
  unsupported = 5,
  bad_topic = 6,
  bad_filter = 7,
  forbidden = 8,
  id_in_use = 9,
  id_not_rising = 10,
  unknown_subscription = 11,
  hello_too_late = 12,
  too_many_subscriptions = 13,
  too_many_filters = 14,
  too_many_topics = 15,
  memory_full = 16,
  too_large = 17,
  draining = 18,
  too_old = 19,
  fenced = 20,
  too_many_producers = 21,
  token_refused = 22,
};

// The code's name in JSON: "unknown_field". "unspecified" for a number that is none.
[[nodiscard]] std::string_view name(ErrorCode code) noexcept;

// Why something that was read is not taken.
struct Fault {
  ErrorCode code = ErrorCode::malformed;
  std::string text;      // a sentence for people
  std::string field;     // "subscribe.max_rate_hz"; empty when no field is to blame
  std::uint64_t id = 0;  // of the request, where it could be read
};

}  // namespace ringcast::proto
