// Event: what the broker tells a client, as plain data: ServerMessage of proto/ringcast.proto, decoded.
//
// Views are borrowed: from whom the event is made of, or as Request says. Field by field documented in the .proto.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "proto/error_code.h"
#include "proto/request.h"

namespace ringcast::proto {

enum class Mark : std::uint8_t { live, snapshot, replay };
enum class Resumed : std::uint8_t { unspecified, recovered, conflated, gap };

// Of a Lag: with the longest topics it is no larger than what a broker lets an outbox hold anyway.
inline constexpr std::uint32_t kLagRangesMax = 256;

struct Credit {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};

struct Limits {
  std::uint64_t message_bytes = 0;
  std::uint32_t subscriptions = 0;
  std::uint32_t topic_bytes = 0;
  std::uint32_t headers = kHeadersMax;
  std::uint32_t headers_bytes = kHeadersBytesMax;
  std::uint32_t batch_messages = kBatchMessagesMax;
  std::uint32_t producer_window = 0;
};

struct Welcome {
  std::uint64_t id = 0;
  std::string_view epoch;
  std::span<const std::string_view> features;
  Limits limits;
  std::uint32_t ping_interval_ms = 0;
  std::string_view producer_id;
  bool producer_resumed = false;
  Credit credit;  // zero: the feature was not granted
  std::string_view subject;
  std::string_view server;
  std::uint64_t token_expires_us = 0;  // 0: there is none
};

struct Subscribed {
  std::uint64_t id = 0;
  std::string_view filter;
};

struct Unsubscribed {
  std::uint64_t id = 0;
  std::uint64_t subscription = 0;
  std::string_view reason;  // empty: it was asked for
};

struct Refreshed {
  std::uint64_t id = 0;
  std::uint64_t token_expires_us = 0;
};

struct Changed {
  std::uint64_t id = 0;
  std::uint64_t subscription = 0;
};

struct Message {
  std::uint64_t seq = 0;
  std::string_view topic;
  Op op = Op::set;
  Format format = Format::binary;
  std::string_view content_type;
  std::string_view headers;  // as Publish has them
  Bytes payload;
  std::uint32_t origin = 0;
  std::uint64_t position = 0;
  std::uint64_t time_us = 0;
  std::uint64_t subscription = 0;
  Mark mark = Mark::live;
};

struct Ack {
  std::uint64_t id = 0;
  std::uint64_t seq = 0;
  std::uint32_t origin = 0;
  std::uint64_t position = 0;
  std::uint64_t time_us = 0;
  bool duplicate = false;
  std::uint64_t up_to = 0;
};

struct SnapshotEnd {
  std::uint64_t subscription = 0;
  Resumed resumed = Resumed::unspecified;
};

struct Checkpoint {
  std::span<const std::uint64_t> subscriptions;
  std::string_view epoch;
  std::string_view token;
};

struct LagRange {
  std::string_view topic;
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
};

struct Lag {
  std::uint64_t subscription = 0;
  std::uint64_t merged = 0;
  std::uint64_t skipped = 0;
  bool caught_up = false;
  std::span<const LagRange> ranges;  // at most kLagRangesMax
  bool more_ranges = false;
};

struct GoAway {
  std::string_view text;
  std::uint32_t deadline_ms = 0;
  std::uint32_t reconnect_after_ms = 0;
  std::uint32_t reconnect_within_ms = 0;
  bool resume = false;
};

struct Error {
  ErrorCode code = ErrorCode::unspecified;
  std::string_view text;
  std::uint64_t id = 0;
  std::string_view field;
};

using Event = std::variant<Welcome, Subscribed, Unsubscribed, Message, Ack, Credit, SnapshotEnd, Checkpoint, Lag,
                           GoAway, Error, Changed, Refreshed>;

}  // namespace ringcast::proto
