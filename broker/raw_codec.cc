#include "broker/raw_codec.h"

namespace ringcast::broker {

std::optional<Encoded> RawCodec::encode(const topics::Message& message, const Opening*) {
  if (message.op == topics::Op::remove) return std::nullopt;
  return Encoded{.kind = message.format == topics::Format::binary ? FrameKind::binary : FrameKind::text,
                 .payload = message.payload()};
}

}  // namespace ringcast::broker
