#include "broker/frame_reader.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "broker/compressor.h"
#include "broker/form_codec.h"
#include "broker/framing.h"
#include "topics/message_pool.h"

using namespace ringcast::broker;
namespace topics = ringcast::topics;
namespace proto = ringcast::proto;

namespace {

std::string payload_of(std::size_t size) {
  std::string payload;
  while (payload.size() < size) payload += "price " + std::to_string(payload.size() * 7919 % 1'000) + ", ";
  payload.resize(size);
  return payload;
}

}  // namespace

TEST_CASE("a message is read back from its frames: both forms, each compression, in one frame or several") {
  SegmentPool segments;
  SegmentWriter writer(segments);
  topics::MessagePool pool;
  FrameReader reader;
  Compressor compressor(0);
  for (const Protocol protocol : {Protocol::proto, Protocol::json}) {
    FormCodec codec(protocol == Protocol::json ? FormCodec::Form::json : FormCodec::Form::proto);
    for (const Compression compression :
         {Compression::none, Compression::window9, Compression::window12, Compression::window15}) {
      for (const std::size_t size : {std::size_t{0}, std::size_t{300}, std::size_t{60'000}, std::size_t{200'000}}) {
        CAPTURE(static_cast<int>(protocol));
        CAPTURE(static_cast<int>(compression));
        CAPTURE(size);
        const std::string text = payload_of(size);
        topics::Message* message =
            pool.make({.topic = "ticker/\xc3\xa9",
                       .content_type = "text/plain",
                       .payload = {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()},
                       .format = topics::Format::text});
        message->seq = 7;
        message->position = 1'234;
        message->origin = 3;
        auto encoded = codec.encode(*message, nullptr);
        REQUIRE(encoded.has_value());
        const Compression window = compressor.window(encoded->payload.size(), compression);
        if (window != Compression::none) encoded = compressor.compress(*encoded, window);
        const Encoding encoding = encoding_of(protocol, compression);
        const Span span = write_message(encoding, *encoded, record_of(*message, {}), writer);
        const auto read = reader.read(encoding, span.segment->bytes(span.offset, span.length));
        REQUIRE(read.has_value());
        CHECK(read->topic == "ticker/\xc3\xa9");
        CHECK(read->content_type == "text/plain");
        CHECK(read->seq == 7);
        CHECK(read->position == 1'234);
        CHECK(read->origin == 3);
        CHECK(read->format == proto::Format::text);
        CHECK(std::string(read->payload.begin(), read->payload.end()) == text);
        CHECK_FALSE(reader.read(encoding, span.segment->bytes(span.offset, span.length - 1)).has_value());
        pool.release(message);
      }
    }
  }
}

TEST_CASE("what is no message of the full protocol is not read as one") {
  SegmentPool segments;
  SegmentWriter writer(segments);
  FrameReader reader;
  FormCodec json(FormCodec::Form::json);
  const Span lag = write_frames(json.encode(proto::Event{proto::Lag{.merged = 3}}), {}, writer);
  CHECK_FALSE(reader.read(encoding_of(Protocol::json), lag.segment->bytes(lag.offset, lag.length)).has_value());
  const std::string raw = "any";
  const Encoded encoded{.kind = FrameKind::text,
                        .payload = {reinterpret_cast<const std::uint8_t*>(raw.data()), raw.size()}};
  const Span other = write_frames(encoded, {}, writer);
  for (const Protocol protocol : {Protocol::raw, Protocol::json, Protocol::proto}) {
    CHECK_FALSE(reader.read(encoding_of(protocol), other.segment->bytes(other.offset, other.length)).has_value());
  }
}
