// Codec: how one protocol writes messages for its subscribers. How the bytes are framed and compressed is not its
// business (broker/framing.h).
//
// One object per protocol and shard, shared by all its sessions: what differs between connections is in the Session.
// Called once per message, never per subscriber; only what a subscription begins with is its own.
// Thread: one shard's.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "broker/segment.h"
#include "topics/message.h"

namespace ringcast::broker {

enum class FrameKind : std::uint8_t { text, binary };

// The payload of one WebSocket message.
struct Encoded {
  FrameKind kind = FrameKind::text;
  Bytes payload;  // the codec's or the message's, until the codec is called again
  bool compressed = false;
};

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

  // What a subscriber is sent to learn of `message`, which is live unless `opening` says else; nothing when it learns
  // nothing.
  [[nodiscard]] virtual std::optional<Encoded> encode(const topics::Message& message, const Opening* opening) = 0;
};

}  // namespace ringcast::broker
