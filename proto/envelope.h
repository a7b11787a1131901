// The two envelopes of proto/ringcast.proto, ClientMessage and ServerMessage: which fields they have. Written out here
// for the hot path; a test compares them with the .proto.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace ringcast::proto {

// Names by field number; there is no field 0.
inline constexpr std::array<std::string_view, 8> kRequestNames{"",        "hello",         "subscribe", "unsubscribe",
                                                               "publish", "publish_batch", "change",    "refresh"};
inline constexpr std::array<std::string_view, 14> kEventNames{
    "",           "welcome", "subscribed", "unsubscribed", "message", "ack",      "credit", "snapshot_end",
    "checkpoint", "lag",     "go_away",    "error",        "changed", "refreshed"};

// The fields that are read and written by hand.
inline constexpr std::uint32_t kPublishField = 4;
inline constexpr std::uint32_t kPublishBatchField = 5;
inline constexpr std::uint32_t kMessageField = 4;
inline constexpr std::uint32_t kAckField = 5;

// Empty if there is no request, no event of this number.
[[nodiscard]] constexpr std::string_view request_name(std::uint32_t number) noexcept {
  return number < kRequestNames.size() ? kRequestNames[number] : std::string_view();
}
[[nodiscard]] constexpr std::string_view event_name(std::uint32_t number) noexcept {
  return number < kEventNames.size() ? kEventNames[number] : std::string_view();
}

static_assert(kRequestNames[kPublishField] == "publish");
static_assert(kRequestNames[kPublishBatchField] == "publish_batch");
static_assert(kEventNames[kMessageField] == "message");
static_assert(kEventNames[kAckField] == "ack");

}  // namespace ringcast::proto
