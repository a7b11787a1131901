// Framing: puts what a codec made into a segment: into WebSocket frames of a server (RFC 6455 §5), or as an event of an
// event stream (broker/event_framing.h).
#pragma once

#include <cstddef>

#include "broker/codec.h"
#include "broker/encoding.h"
#include "broker/segment.h"
#include "topics/message.h"

namespace ringcast::broker {

// A longer message goes in frames of this size, so that control frames can pass between them; bytes.
inline constexpr std::size_t kFragmentBytes = 64 * 1024;

// What a frame of this live message carries, for its record.
[[nodiscard]] FrameRecord record_of(const topics::Message& message, topics::TopicHandle topic) noexcept;

// Writes what a codec of this encoding's protocol made of one message, as this encoding sends it.
[[nodiscard]] Span write_message(Encoding encoding, const Encoded& encoded, const FrameRecord& record,
                                 SegmentWriter& writer);

// Writes one WebSocket message, in as many frames as kFragmentBytes asks for. Hot path: once per message and encoding.
[[nodiscard]] Span write_frames(const Encoded& encoded, const FrameRecord& record, SegmentWriter& writer);

}  // namespace ringcast::broker
