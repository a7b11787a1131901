#include "broker/raw_codec.h"

namespace ringcast::broker {

Span RawCodec::encode(const topics::Message& message, SegmentWriter& writer) {
  if (message.op == topics::Op::remove) return {};
  const FrameRecord record{.origin = message.origin, .position = message.position, .seq = message.seq};
  const FrameKind kind = message.format == topics::Format::binary ? FrameKind::binary : FrameKind::text;
  return write_message(kind, message.payload(), record, writer);
}

}  // namespace ringcast::broker
