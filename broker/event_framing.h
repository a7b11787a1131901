// Event framing: puts an event of an event stream, whole, into a segment: as one chunk of an HTTP/1.1 body (RFC 9112
// §7.1), or bare for HTTP/1.0, where the connection's end is the body's.
//
// What is written lies between two events for everybody: a notice for one connection can stand before or behind it.
#pragma once

#include <string_view>

#include "broker/encoding.h"
#include "broker/segment.h"

namespace ringcast::broker {

// The end of a body in chunks.
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// Writes `event` in one frame. Requires: `protocol` is an event stream's; an event is not empty. Hot path: once per
// message and encoding.
[[nodiscard]] Span write_event(Protocol protocol, Bytes event, const FrameRecord& record, SegmentWriter& writer);

}  // namespace ringcast::broker
