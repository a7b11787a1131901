// SseNotice: what the broker itself says on an event stream, as text: never a message, so a page's onmessage does not
// hear it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ringcast::broker {

// A notice: an event of this name. Its data is {"reason":"…","text":"…"}: for machines, and for people.
struct SseNotice {
  std::string_view event;
  std::string_view reason;
  std::string_view text;
};

// Where a client came back with an id: either at the beginning,
inline constexpr SseNotice kGapRestarted{"gap", "restarted",
                                         "the broker was restarted since; all that it has kept follows"};
inline constexpr SseNotice kGapUnknownId{"gap", "unknown_id",
                                         "Last-Event-ID is not one of this broker's; all that it has kept follows"};
// or behind what was published since, before anything newer.
inline constexpr SseNotice kRecovered{"recovered", "complete", "this is all that was published since"};
inline constexpr SseNotice kConflated{"conflated", "newest",
                                      "these are the newest values since; some before them were left out"};
inline constexpr SseNotice kGapForgotten{"gap", "forgotten",
                                         "something was published since that the broker has not kept"};
// Before the end.
inline constexpr SseNotice kLag{
    "lag", "too_slow", "more waits for you than --max-outbox allows, or for longer than --max-lag-age; come back"};
inline constexpr SseNotice kGoAway{"go_away", "restart", "the broker restarts; come back"};
inline constexpr SseNotice kTooMuchInput{"go_away", "too_much_input",
                                         "nothing can be asked on a connection that carries a stream"};

// The notice as a block of an event stream: its event, and its data in JSON.
[[nodiscard]] std::string write_notice(const SseNotice& notice);

// How long a browser waits before it comes back, milliseconds: thousands that were cut off together come one by one.
inline constexpr std::uint32_t kRetryMinMs = 1'000;
inline constexpr std::uint32_t kRetryMaxMs = 3'000;

// The field that says so, as a block of its own; `random` decides, in that range or another.
struct RetryRange {
  std::uint64_t min_ms = kRetryMinMs;
  std::uint64_t max_ms = kRetryMaxMs;
};
[[nodiscard]] std::string write_retry(std::uint64_t random, const RetryRange& range = {});

// What keeps a silent stream open.
inline constexpr std::string_view kHeartbeat = ":\n\n";

}  // namespace ringcast::broker
