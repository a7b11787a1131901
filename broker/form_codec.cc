#include "broker/form_codec.h"

#include <utility>

namespace ringcast::broker {

namespace {

static_assert(std::to_underlying(proto::Op::event) == std::to_underlying(topics::Op::event));
static_assert(std::to_underlying(proto::Op::remove) == std::to_underlying(topics::Op::remove));
static_assert(std::to_underlying(proto::Format::text) == std::to_underlying(topics::Format::text));
static_assert(std::to_underlying(proto::Format::json) == std::to_underlying(topics::Format::json));

proto::Message on_the_wire(const topics::Message& message) {
  return {.seq = message.seq,
          .topic = message.topic(),
          .op = static_cast<proto::Op>(message.op),
          .format = static_cast<proto::Format>(message.format),
          .content_type = message.content_type(),
          .headers = message.headers(),
          .payload = message.payload(),
          .origin = message.origin,
          .position = message.position,
          .time_us = static_cast<std::uint64_t>(message.time_us)};
}

FrameRecord record_of(const topics::Message& message) {
  return {.origin = message.origin, .position = message.position, .seq = message.seq};
}

}  // namespace

template <typename T>
Span FormCodec::write_form(const T& what, const FrameRecord& record, SegmentWriter& writer) {
  if (form_ == Form::json) {
    proto::JsonForm::write(what, scratch_);
  } else {
    proto::ProtoForm::write(what, scratch_);
  }
  const Span span = write_message(frame_kind(), scratch_, record, writer);
  if (scratch_.capacity() > kScratchKeptBytes) scratch_ = {};
  return span;
}

Span FormCodec::encode(const topics::Message& message, SegmentWriter& writer) {
  return write_form(on_the_wire(message), record_of(message), writer);
}

Span FormCodec::encode_opening(const topics::Message& message, const Opening& opening, SegmentWriter& writer) {
  proto::Message wire = on_the_wire(message);
  wire.subscription = opening.subscription;
  wire.mark = opening.replay ? proto::Mark::replay : proto::Mark::snapshot;
  return write_form(wire, record_of(message), writer);
}

std::expected<proto::Request, proto::Fault> FormCodec::read(Bytes in) {
  return form_ == Form::json ? json_.read_request(in) : proto_.read_request(in);
}

Span FormCodec::write(const proto::Event& event, SegmentWriter& writer) {
  return write_form(event, {}, writer);
}

Span FormCodec::write(const proto::Ack& ack, SegmentWriter& writer) {
  return write_form(ack, {}, writer);
}

}  // namespace ringcast::broker
