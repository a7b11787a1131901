// Framing: puts what a codec made into WebSocket frames of a server, in a segment (RFC 6455 §5).
#pragma once

#include <cstddef>

#include "broker/codec.h"
#include "broker/segment.h"
#include "topics/message.h"

namespace ringcast::broker {

// A longer message goes in frames of this size, so that control frames can pass between them; bytes.
inline constexpr std::size_t kFragmentBytes = 64 * 1024;

// What a frame of this message carries, for its record.
[[nodiscard]] FrameRecord record_of(const topics::Message& message) noexcept;

// Writes one WebSocket message, in as many frames as kFragmentBytes asks for. Hot path: once per message and encoding.
[[nodiscard]] Span write_frames(const Encoded& encoded, const FrameRecord& record, SegmentWriter& writer);

}  // namespace ringcast::broker
