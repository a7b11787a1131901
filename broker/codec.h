// Codec: how one protocol writes messages for its subscribers.
//
// One object per encoding and shard, shared by all its sessions: what differs between connections is in the Session.
// Called once per message and encoding, never per subscriber; only what a subscription begins with is its own.
// Thread: one shard's.
#pragma once

#include <cstdint>
#include <string_view>

#include "broker/segment.h"
#include "topics/message.h"

namespace ringcast::broker {

// Which bytes a subscriber gets: a protocol, and later how they are compressed. Small numbers, used as an index.
using Encoding = std::uint8_t;

inline constexpr Encoding kRawEncoding = 0;
inline constexpr Encoding kProtoEncoding = 1;
inline constexpr Encoding kJsonEncoding = 2;
inline constexpr Encoding kEncodings = 3;

// That a message is not live, but one of those that a subscription begins with.
struct Opening {
  std::uint64_t subscription = 0;  // the id that the client knows it by
  bool replay = false;             // one of its last messages; else its last value
};

class Codec {
 public:
  Codec() = default;
  Codec(const Codec&) = delete;
  Codec& operator=(const Codec&) = delete;
  virtual ~Codec() = default;

  // The name in Sec-WebSocket-Protocol.
  [[nodiscard]] virtual std::string_view subprotocol() const noexcept = 0;

  // Writes the frames by which a subscriber learns of `message`; an empty span when it learns nothing.
  [[nodiscard]] virtual Span encode(const topics::Message& message, SegmentWriter& writer) = 0;

  // The same for a message that a subscription begins with.
  [[nodiscard]] virtual Span encode_opening(const topics::Message& message, const Opening& opening,
                                            SegmentWriter& writer) = 0;
};

// Writes `payload` as one WebSocket message of a server, in as many frames as kFragmentBytes asks for.
inline constexpr std::size_t kFragmentBytes = 64 * 1024;  // so that control frames can pass between
enum class FrameKind : std::uint8_t { text, binary };
[[nodiscard]] Span write_message(FrameKind kind, Bytes payload, const FrameRecord& record, SegmentWriter& writer);

}  // namespace ringcast::broker
