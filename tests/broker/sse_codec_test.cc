#include "broker/sse_codec.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "broker/event_framing.h"
#include "broker/framing.h"
#include "broker/sse_notice.h"
#include "frame/bytes.h"
#include "frame/http_body.h"
#include "tests/broker/event_source.h"
#include "topics/message_pool.h"

namespace ringcast::broker::test {

namespace {

struct Fixture {
  SegmentPool segments;
  SegmentWriter writer{segments};
  topics::MessagePool pool;
  SseCodec payload{SseCodec::Form::payload};
  SseCodec json{SseCodec::Form::json};

  std::string encode(SseCodec& codec, std::string_view text, topics::Format format, topics::Op op = topics::Op::set) {
    topics::Message* message =
        pool.make({.topic = "a/b", .payload = frame::as_bytes(text), .op = op, .format = format});
    message->seq = 7;
    const auto encoded = codec.encode(*message, nullptr);
    pool.release(message);
    REQUIRE(encoded.has_value());
    return std::string(frame::as_text(encoded->payload));
  }

  std::string frame(Protocol protocol, std::string_view event) {
    const Span span = write_event(protocol, frame::as_bytes(event), {.seq = 1}, writer);
    CHECK(span.segment->records(span.offset, span.offset + span.length).size() == 1);
    return std::string(frame::as_text(span.segment->bytes(span.offset, span.length)));
  }
};

std::vector<StreamEvent> heard(std::string_view stream) {
  EventSource source;
  source.feed(stream);
  CHECK(source.between_blocks());
  return source.take_events();
}

// What the format can say of a text: every line break is a line feed.
std::string with_line_feeds(std::string text) {
  for (std::size_t at = text.find("\r\n"); at != std::string::npos; at = text.find("\r\n", at)) text.erase(at, 1);
  for (char& c : text) c = c == '\r' ? '\n' : c;
  return text;
}

// The body of these chunks, cut in pieces of `size` bytes; fails if they are not exactly one body.
std::string unchunk(std::string_view chunks, std::size_t size) {
  frame::BodyReader reader({.kind = frame::Framing::Kind::chunked, .length = 0}, 1 << 24);
  std::string body;
  while (!chunks.empty()) {
    std::string_view piece = chunks.substr(0, size);
    chunks.remove_prefix(piece.size());
    while (!piece.empty()) {
      const auto step = reader.next(frame::as_bytes(piece));
      REQUIRE(step.kind != frame::BodyReader::Step::Kind::failed);
      REQUIRE(step.consumed > 0);  // nothing behind the last chunk
      body += frame::as_text(step.data);
      piece.remove_prefix(step.consumed);
    }
  }
  CHECK(reader.next({}).kind == frame::BodyReader::Step::Kind::done);
  return body;
}

}  // namespace

TEST_CASE("sse: a text arrives as it was sent, but for its kinds of line breaks") {
  const std::string rows[] = {"hello",    "",       " two  spaces ", ": a colon",  "data: x",      "\n",
                              "\r",       "\r\n",   "a\nb",          "a\rb",       "a\r\nb",       "a\n\rb",
                              "a\r\r\nb", "\na",    "a\n",           "a\r",        "a\r\n",        "\n\n",
                              "\r\n\r\n", "a\n\nb", "a\n\r\n\rb",    "\r\n\n\r\r", "\xef\xbb\xbf", "tab\tand é 🛰"};
  Fixture f;
  for (const std::string& text : rows) {
    CAPTURE(text);
    for (const auto format : {topics::Format::text, topics::Format::json}) {
      CHECK(heard(f.encode(f.payload, text, format)) ==
            std::vector<StreamEvent>{{.data = with_line_feeds(text), .last_event_id = ""}});
    }
  }
}

TEST_CASE("sse: texts of random line breaks arrive, however the stream is cut") {
  std::mt19937 random(3);
  Fixture f;
  for (int i = 0; i < 2'000; ++i) {
    std::string text;
    for (auto size = random() % 12; size > 0; --size) text += "\r\n\n\rab :"[random() % 8];
    CAPTURE(text);
    const std::string stream = f.encode(f.payload, text, topics::Format::text);
    EventSource source;
    for (const char c : stream) source.feed({&c, 1});
    REQUIRE(source.take_events() == std::vector<StreamEvent>{{.data = with_line_feeds(text), .last_event_id = ""}});
  }
}

TEST_CASE("sse: binary comes in base64, in one line") {
  Fixture f;
  CHECK(heard(f.encode(f.payload, std::string("\0\xff\n\r", 4), topics::Format::binary)) ==
        std::vector<StreamEvent>{{.data = "AP8KDQ==", .last_event_id = ""}});
  CHECK(heard(f.encode(f.payload, "", topics::Format::binary)) ==
        std::vector<StreamEvent>{{.data = "", .last_event_id = ""}});
}

TEST_CASE("sse: JSON names the topic and is one line, whatever line breaks the payload had") {
  Fixture f;
  CHECK(heard(f.encode(f.json, "{\n\"px\":\r\n1}", topics::Format::json)) ==
        std::vector<StreamEvent>{
            {.data = R"({"message":{"seq":7,"topic":"a/b","json":{ "px":  1}}})", .last_event_id = ""}});
  CHECK(
      heard(f.encode(f.json, "a\nb", topics::Format::text)) ==
      std::vector<StreamEvent>{{.data = R"({"message":{"seq":7,"topic":"a/b","text":"a\nb"}})", .last_event_id = ""}});
  CHECK(heard(f.encode(f.json, "\xff", topics::Format::binary)) ==
        std::vector<StreamEvent>{
            {.data = R"({"message":{"seq":7,"topic":"a/b","base64":"/w=="}})", .last_event_id = ""}});
}

TEST_CASE("sse: a removal is a notice where payloads are bare, and a message of JSON; an event is a message") {
  Fixture f;
  const std::string removed = R"({"message":{"seq":7,"topic":"a/b","op":"remove"}})";
  CHECK(heard(f.encode(f.payload, "", topics::Format::binary, topics::Op::remove)) ==
        std::vector<StreamEvent>{{.type = "remove", .data = removed, .last_event_id = ""}});
  CHECK(heard(f.encode(f.json, "", topics::Format::binary, topics::Op::remove)) ==
        std::vector<StreamEvent>{{.data = removed, .last_event_id = ""}});
  CHECK(heard(f.encode(f.payload, "x", topics::Format::text, topics::Op::event)) ==
        std::vector<StreamEvent>{{.data = "x", .last_event_id = ""}});
}

TEST_CASE("sse: what a subscription begins with is marked in JSON, and bare as any other") {
  Fixture f;
  topics::Message* message = f.pool.make(
      {.topic = "t", .payload = frame::as_bytes("x"), .op = topics::Op::set, .format = topics::Format::text});
  message->seq = 1;
  const Opening opening;
  CHECK(frame::as_text(f.json.encode(*message, &opening)->payload) ==
        "data: {\"message\":{\"seq\":1,\"topic\":\"t\",\"text\":\"x\",\"mark\":\"snapshot\"}}\n\n");
  CHECK(frame::as_text(f.payload.encode(*message, &opening)->payload) == "data: x\n\n");
  f.pool.release(message);
}

TEST_CASE("sse: each event is one chunk, or bare where there are no chunks") {
  Fixture f;
  for (const std::size_t size :
       std::initializer_list<std::size_t>{1, 9, 15, 16, 17, 255, 256, 4095, 4096, 65'536, 1'000'000}) {
    CAPTURE(size);
    const std::string event(size, 'x');
    CHECK(f.frame(Protocol::sse_unchunked, event) == event);
    CHECK(f.frame(Protocol::sse_json_unchunked, event) == event);
    for (const Protocol protocol : {Protocol::sse, Protocol::sse_json}) {
      const std::string chunk = f.frame(protocol, event);
      CHECK(unchunk(chunk + std::string(kLastChunk), chunk.size()) == event);
    }
  }
  CHECK(f.frame(Protocol::sse, "data: x\n\n") == "9\r\ndata: x\n\n\r\n");
  const std::string three = f.frame(Protocol::sse, "one") + f.frame(Protocol::sse, "two") + std::string(kLastChunk);
  for (std::size_t cut = 1; cut < three.size(); ++cut) CHECK(unchunk(three, cut) == "onetwo");
}

TEST_CASE("sse: a message goes as its encoding says, whichever it is") {
  Fixture f;
  const Encoded encoded{.kind = FrameKind::text, .payload = frame::as_bytes("data: x\n\n")};
  const auto bytes = [&](Protocol protocol) {
    const Span span = write_message(encoding_of(protocol), encoded, {}, f.writer);
    return std::string(frame::as_text(span.segment->bytes(span.offset, span.length)));
  };
  CHECK(bytes(Protocol::raw) ==
        "\x81\x09"
        "data: x\n\n");
  CHECK(bytes(Protocol::sse) == "9\r\ndata: x\n\n\r\n");
  CHECK(bytes(Protocol::sse_json) == "9\r\ndata: x\n\n\r\n");
  CHECK(bytes(Protocol::sse_unchunked) == "data: x\n\n");
  CHECK(bytes(Protocol::sse_json_unchunked) == "data: x\n\n");
}

TEST_CASE("sse: notices are events, the waiting time is in its range, a heartbeat is nothing at all") {
  EventSource source;
  source.feed(write_notice(kGapRestarted));
  const auto events = source.take_events();
  REQUIRE(events.size() == 1);
  CHECK(events[0].type == "gap");
  CHECK(events[0].data.starts_with(R"({"reason":"restarted","text":")"));
  CHECK(!source.reconnection_time_ms());
  for (const std::uint64_t random : {std::uint64_t{0}, std::uint64_t{2'000}, std::uint64_t{2'001}, UINT64_MAX}) {
    source.feed(write_retry(random));
    REQUIRE(source.reconnection_time_ms());
    CHECK(*source.reconnection_time_ms() >= kRetryMinMs);
    CHECK(*source.reconnection_time_ms() <= kRetryMaxMs);
  }
  source.feed(kHeartbeat);
  CHECK(source.comments() == 1);
  CHECK(source.between_blocks());
  CHECK(source.take_events().empty());
}

}  // namespace ringcast::broker::test
