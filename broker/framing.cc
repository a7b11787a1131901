#include "broker/framing.h"

#include <algorithm>
#include <array>

#include "broker/event_framing.h"
#include "frame/header.h"

namespace ringcast::broker {

namespace {

void write_frame(const frame::Header& header, Bytes payload, const FrameRecord& record, SegmentWriter& writer) {
  std::array<std::uint8_t, frame::kHeaderSizeMax> head{};
  const std::size_t head_size = frame::encode_header(header, head);
  const MutableBytes out = writer.frame(static_cast<std::uint32_t>(head_size + payload.size()), record);
  std::ranges::copy(Bytes{head}.first(head_size), out.begin());
  std::ranges::copy(payload, out.begin() + static_cast<std::ptrdiff_t>(head_size));
}

}  // namespace

FrameRecord record_of(const topics::Message& message, topics::TopicHandle topic) noexcept {
  return {.origin = message.origin,
          .event = message.op == topics::Op::event,
          .topic = topic,
          .position = message.position,
          .seq = message.seq};
}

Span write_message(Encoding encoding, const Encoded& encoded, const FrameRecord& record, SegmentWriter& writer) {
  const Protocol protocol = protocol_of(encoding);
  if (is_event_stream(protocol)) return write_event(protocol, encoded.payload, record, writer);
  return write_frames(encoded, record, writer);
}

Span write_frames(const Encoded& encoded, const FrameRecord& record, SegmentWriter& writer) {
  Bytes payload = encoded.payload;
  FrameRecord of_frame = record;
  const std::size_t frames = std::max<std::size_t>(1, (payload.size() + kFragmentBytes - 1) / kFragmentBytes);
  writer.begin(static_cast<std::uint32_t>(payload.size() + frames * frame::kServerHeaderSizeMax));
  frame::Header header{.opcode = encoded.kind == FrameKind::text ? frame::Opcode::text : frame::Opcode::binary,
                       .rsv1 = encoded.compressed};  // on the first frame alone (RFC 7692 §6.1)
  for (std::size_t i = 0; i < frames; ++i) {
    const Bytes part = payload.first(std::min(payload.size(), kFragmentBytes));
    payload = payload.subspan(part.size());
    header.fin = payload.empty();
    header.payload_size = part.size();
    write_frame(header, part, of_frame, writer);
    header.opcode = frame::Opcode::continuation;
    header.rsv1 = false;
    of_frame.continues = true;
  }
  return writer.finish();
}

}  // namespace ringcast::broker
