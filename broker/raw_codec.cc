#include "broker/raw_codec.h"

#include <algorithm>
#include <array>

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

Span write_message(bool is_text, Bytes payload, const FrameRecord& record, SegmentWriter& writer) {
  const std::size_t frames =
      std::max<std::size_t>(1, (payload.size() + RawCodec::kFragmentBytes - 1) / RawCodec::kFragmentBytes);
  writer.begin(static_cast<std::uint32_t>(payload.size() + frames * frame::kServerHeaderSizeMax));
  frame::Header header{.opcode = is_text ? frame::Opcode::text : frame::Opcode::binary};
  for (std::size_t i = 0; i < frames; ++i) {
    const Bytes part = payload.first(std::min(payload.size(), RawCodec::kFragmentBytes));
    payload = payload.subspan(part.size());
    header.fin = payload.empty();
    header.payload_size = part.size();
    write_frame(header, part, record, writer);
    header.opcode = frame::Opcode::continuation;
  }
  return writer.finish();
}

Span RawCodec::encode(const topics::Message& message, SegmentWriter& writer) const {
  if (message.op == topics::Op::remove) return {};
  const FrameRecord record{.origin = message.origin, .position = message.position, .seq = message.seq};
  return write_message(message.format != topics::Format::binary, message.payload(), record, writer);
}

std::expected<Publish, Refusal> RawCodec::decode(std::string_view topic, const Incoming& incoming) const {
  return Publish{.topic = topic,
                 .format = incoming.is_text ? topics::Format::text : topics::Format::binary,
                 .payload = incoming.payload};
}

}  // namespace ringcast::broker
