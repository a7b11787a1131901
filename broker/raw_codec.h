// RawCodec: the protocol without a protocol. What a client sends is published as it is to the topic of its URL; what is
// published arrives as it was sent, text as text, binary as binary (README, "Raw topics").
#pragma once

#include "broker/codec.h"

namespace ringcast::broker {

class RawCodec final : public Codec {
 public:
  // A longer message is sent in fragments of this size, so that control frames can pass between them; bytes.
  static constexpr std::size_t kFragmentBytes = 64 * 1024;

  [[nodiscard]] std::string_view subprotocol() const noexcept override { return "ringcast.v1.raw"; }

  // A removal has no value to send: raw subscribers are not told.
  [[nodiscard]] Span encode(const topics::Message& message, SegmentWriter& writer) const override;

  [[nodiscard]] std::expected<Publish, Refusal> decode(std::string_view topic, const Incoming& incoming) const override;
};

// Writes `payload` as one WebSocket message of a server, in as many frames as kFragmentBytes asks for.
[[nodiscard]] Span write_message(bool is_text, Bytes payload, const FrameRecord& record, SegmentWriter& writer);

}  // namespace ringcast::broker
