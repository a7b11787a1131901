#include "broker/raw_codec.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "broker/framing.h"
#include "frame/parser.h"
#include "topics/message_pool.h"

namespace ringcast::broker {

namespace {

struct Fixture {
  SegmentPool segments;
  SegmentWriter writer{segments};
  topics::MessagePool pool;
  RawCodec codec;

  topics::Message* make(std::string_view payload, topics::Format format, topics::Op op = topics::Op::set) {
    return pool.make({.topic = "t",
                      .payload = {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()},
                      .op = op,
                      .format = format});
  }

  Span encode(const topics::Message& message) {
    const auto encoded = codec.encode(message, nullptr);
    REQUIRE(encoded.has_value());
    return write_frames(*encoded, record_of(message, {}), writer);
  }
};

// What a client reads: every message as its kind and text.
std::vector<std::pair<frame::Event::Kind, std::string>> read(Bytes frames) {
  std::vector<std::uint8_t> copy(frames.begin(), frames.end());
  frame::Parser parser({.role = frame::Role::client, .message_size_max = std::size_t{1} << 24});
  std::vector<std::pair<frame::Event::Kind, std::string>> messages;
  for (std::size_t at = 0; at < copy.size();) {
    const auto step = parser.next(MutableBytes{copy}.subspan(at));
    at += step.consumed;
    REQUIRE(step.event.kind != frame::Event::Kind::failed);
    if (step.event.kind == frame::Event::Kind::need_more) continue;
    messages.emplace_back(step.event.kind, std::string(step.event.payload.begin(), step.event.payload.end()));
  }
  return messages;
}

}  // namespace

TEST_CASE("raw: text and JSON arrive as text, binary as binary") {
  using Kind = frame::Event::Kind;
  const std::pair<topics::Format, Kind> rows[] = {
      {topics::Format::text, Kind::text}, {topics::Format::json, Kind::text}, {topics::Format::binary, Kind::binary}};
  for (const auto& [format, kind] : rows) {
    Fixture f;
    topics::Message* message = f.make("hello", format);
    const Span span = f.encode(*message);
    const auto got = read(span.segment->bytes(span.offset, span.length));
    REQUIRE(got.size() == 1);
    CHECK(got[0].first == kind);
    CHECK(got[0].second == "hello");
    f.pool.release(message);
  }
}

TEST_CASE("raw: an empty payload is an ordinary message, a removal is none") {
  Fixture f;
  topics::Message* empty = f.make("", topics::Format::text);
  const Span span = f.encode(*empty);
  CHECK(read(span.segment->bytes(span.offset, span.length)).size() == 1);
  topics::Message* removal = f.make("", topics::Format::binary, topics::Op::remove);
  CHECK(!f.codec.encode(*removal, nullptr));
  f.pool.release(empty);
  f.pool.release(removal);
}

TEST_CASE("raw: a message over the fragment size goes in frames between which control frames can pass") {
  for (const std::size_t size : {kFragmentBytes, kFragmentBytes + 1, std::size_t{1'000'000}}) {
    CAPTURE(size);
    Fixture f;
    const std::string payload(size, 'x');
    topics::Message* message = f.make(payload, topics::Format::text);
    const Span span = f.encode(*message);
    const auto got = read(span.segment->bytes(span.offset, span.length));
    REQUIRE(got.size() == 1);
    CHECK(got[0].second == payload);
    const std::size_t frames = (size + kFragmentBytes - 1) / kFragmentBytes;
    CHECK(span.segment->records(span.offset, span.offset + span.length).size() == frames);
    f.pool.release(message);
  }
}

}  // namespace ringcast::broker
