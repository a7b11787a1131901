// Codec: how one protocol writes messages for its subscribers and reads what its clients send.
//
// One object per protocol and shard, shared by all its sessions: what differs between connections is in the Session.
// Called once per message and encoding, never per subscriber.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "broker/segment.h"
#include "topics/message.h"

namespace ringcast::broker {

// Which bytes a subscriber gets: a protocol, and later how they are compressed. Small numbers, used as an index.
using Encoding = std::uint8_t;

inline constexpr Encoding kRawEncoding = 0;

// A message that a client sent, whole and checked by frame::Parser.
struct Incoming {
  bool is_text = false;
  Bytes payload;
};

// A publish as a protocol reads it. Views are into the incoming message or the session.
struct Publish {
  std::string_view topic;
  topics::Format format = topics::Format::binary;
  Bytes payload;
};

// Why a connection must end: a WebSocket close code and its reason.
struct Refusal {
  std::uint16_t code = 0;
  std::string_view reason;
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
  [[nodiscard]] virtual Span encode(const topics::Message& message, SegmentWriter& writer) const = 0;

  // Reads what a client whose URL names `topic` sent.
  [[nodiscard]] virtual std::expected<Publish, Refusal> decode(std::string_view topic,
                                                               const Incoming& incoming) const = 0;
};

}  // namespace ringcast::broker
