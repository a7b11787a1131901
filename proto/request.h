// Request: what a client asks of the broker, as plain data: ClientMessage of proto/ringcast.proto, decoded.
//
// Views are borrowed: from the bytes that were read or from the reader (ProtoForm, JsonForm), until its next call.
// Field by field documented in the .proto.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

namespace ringcast::proto {

using Bytes = std::span<const std::uint8_t>;

// Limits of requests, which Welcome tells.
inline constexpr std::uint32_t kHeadersMax = 16;             // of a message: more is a payload's business
inline constexpr std::uint32_t kHeadersBytesMax = 1024;      // names and values together
inline constexpr std::uint32_t kContentTypeBytesMax = 255;   // no registered media type comes near
inline constexpr std::uint32_t kBatchMessagesMax = 1024;     // bounds what one request causes in one turn
inline constexpr std::uint32_t kFeaturesMax = 32;            // wanted in a Hello
inline constexpr std::uint32_t kClientNameBytesMax = 128;    // shown in an operator's list
inline constexpr std::uint32_t kProducerIdBytesMax = 64;     // ours have 32
inline constexpr std::uint32_t kResumeTokenBytesMax = 2048;  // ours have 866 at most; a later broker's may be longer
inline constexpr std::uint32_t kTokenBytesMax = 8192;        // JSON Web Tokens have a tenth of it
inline constexpr std::uint32_t kReceivedMax = 64;            // origins: a broker has no more shards
inline constexpr double kRateHzMin = 0.001;                  // below one in a quarter of an hour, poll
inline constexpr double kRateHzMax = 1000;                   // paces are counted in whole milliseconds
inline constexpr std::uint32_t kJsonDepthMax = 100;          // of a payload: serde_json stops at 128, .NET at 64
inline constexpr std::uint64_t kJsonIntegerMax = (1ULL << 53) - 1;  // exact in every JSON reader (RFC 8259 §6)

enum class Start : std::uint8_t { now, last_values, last_n, since_time, resume };
enum class Delivery : std::uint8_t { unspecified, every, latest };
enum class OnLag : std::uint8_t { unspecified, degrade, skip, close };
enum class Op : std::uint8_t { set, remove, event };
enum class Format : std::uint8_t { binary, text, json };

struct Hello {
  std::uint64_t id = 0;
  std::string_view client;
  std::span<const std::string_view> features;
  std::string_view producer_id;
  std::string_view token;  // not validated here
};

struct OriginPosition {
  std::uint32_t origin = 0;
  std::uint64_t position = 0;

  friend bool operator==(const OriginPosition&, const OriginPosition&) = default;
};

struct Subscribe {
  std::uint64_t id = 0;
  std::string_view filter;  // not validated here
  Start start = Start::now;
  std::uint32_t last_count = 0;
  std::optional<bool> echo;
  Delivery delivery = Delivery::unspecified;
  double max_rate_hz = 0;  // 0, or from kRateHzMin to kRateHzMax with LATEST
  OnLag on_lag = OnLag::unspecified;
  std::uint64_t since_us = 0;                // not 0 with since_time
  std::string_view resume_token;             // not empty with resume; not validated here
  std::span<const OriginPosition> received;  // each origin once
};

// Replaces these options of a live subscription; unspecified ones get their defaults.
struct Change {
  std::uint64_t id = 0;
  std::uint64_t subscription = 0;
  Delivery delivery = Delivery::unspecified;
  double max_rate_hz = 0;
  OnLag on_lag = OnLag::unspecified;
};

// Brings a new token.
struct Refresh {
  std::uint64_t id = 0;
  std::string_view token;  // not empty; not validated here
};

struct Unsubscribe {
  std::uint64_t id = 0;
  std::uint64_t subscription = 0;
};

struct Publish {
  std::uint64_t id = 0;
  std::string_view topic;  // not validated here
  Op op = Op::set;
  Format format = Format::binary;
  std::string_view content_type;
  // As Publish and Message encode them in the .proto: each entry with its tag (field 6, wire type 2) and length. So a
  // message carries them from end to end without being taken apart. Checked: UTF-8, no name twice, within the limits.
  std::string_view headers;
  Bytes payload;  // TEXT: checked to be UTF-8; JSON: checked to be one JSON value
  std::uint64_t producer_seq = 0;
};

struct PublishBatch {
  std::span<const Publish> messages;
};

using Request = std::variant<Hello, Subscribe, Unsubscribe, Publish, PublishBatch, Change, Refresh>;

}  // namespace ringcast::proto
