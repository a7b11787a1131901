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

}  // namespace

template <typename T>
Encoded FormCodec::written(const T& what) {
  if (scratch_.capacity() > kScratchKeptBytes) scratch_ = {};
  if (form_ == Form::json) {
    proto::JsonForm::write(what, scratch_);
  } else {
    proto::ProtoForm::write(what, scratch_);
  }
  return {.kind = frame_kind(), .payload = scratch_};
}

std::optional<Encoded> FormCodec::encode(const topics::Message& message, const Opening* opening) {
  proto::Message wire = on_the_wire(message);
  if (opening != nullptr) {
    wire.subscription = opening->subscription;
    wire.mark = opening->replay ? proto::Mark::replay : proto::Mark::snapshot;
  }
  return written(wire);
}

Encoded FormCodec::encode(const proto::Event& event) {
  return written(event);
}

Encoded FormCodec::encode(const proto::Ack& ack) {
  return written(ack);
}

std::expected<proto::Request, proto::Fault> FormCodec::read(Bytes in) {
  return form_ == Form::json ? json_.read_request(in) : proto_.read_request(in);
}

}  // namespace ringcast::broker
