#include "proto/error_code.h"

#include <array>

namespace ringcast::proto {

namespace {

constexpr std::array<std::string_view, 23> kNames{
    "unspecified",      "malformed",
    "unknown_field",    "bad_value",
    "missing_field",    "unsupported",
    "bad_topic",        "bad_filter",
    "forbidden",        "id_in_use",
    "id_not_rising",    "unknown_subscription",
    "hello_too_late",   "too_many_subscriptions",
    "too_many_filters", "too_many_topics",
    "memory_full",      "too_large",
    "draining",         "too_old",
    "fenced",           "too_many_producers",
    "token_refused",
};

}  // namespace

std::string_view name(ErrorCode code) noexcept {
  const auto index = static_cast<std::size_t>(code);
  return index < kNames.size() ? kNames[index] : kNames[0];
}

}  // namespace ringcast::proto
