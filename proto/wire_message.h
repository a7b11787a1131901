// The encodings of Message, Ack, Publish and PublishBatch in Protocol Buffers, field by field in rising order: put()
// shows them to a sink, a WireSize or a WireWriter.
#pragma once

#include <utility>

#include "proto/event.h"
#include "proto/request.h"
#include "proto/wire_writer.h"

namespace ringcast::proto {

template <class Sink>
void put(const Message& message, Sink& sink) {
  sink.number(1, message.seq);
  sink.text(2, message.topic);
  sink.number(3, std::to_underlying(message.op));
  sink.number(4, std::to_underlying(message.format));
  sink.text(5, message.content_type);
  sink.encoded(message.headers);
  sink.bytes(7, message.payload);
  sink.number(8, message.origin);
  sink.number(9, message.position);
  sink.number(10, message.time_us);
  sink.number(14, message.subscription);
  sink.number(15, std::to_underlying(message.mark));
}

template <class Sink>
void put(const Ack& ack, Sink& sink) {
  sink.number(1, ack.id);
  sink.number(2, ack.seq);
  sink.number(3, ack.origin);
  sink.number(4, ack.position);
  sink.number(5, ack.time_us);
  sink.number(6, ack.duplicate ? 1 : 0);
  sink.number(7, ack.up_to);
}

template <class Sink>
void put(const Publish& publish, Sink& sink) {
  sink.number(1, publish.id);
  sink.text(2, publish.topic);
  sink.number(3, std::to_underlying(publish.op));
  sink.number(4, std::to_underlying(publish.format));
  sink.text(5, publish.content_type);
  sink.encoded(publish.headers);
  sink.bytes(7, publish.payload);
  sink.number(8, publish.producer_seq);
}

template <class Sink>
void put(const PublishBatch& batch, Sink& sink) {
  for (const Publish& publish : batch.messages) {
    WireSize size;
    put(publish, size);
    sink.begin(1, size.size());
    put(publish, sink);
  }
}

}  // namespace ringcast::proto
