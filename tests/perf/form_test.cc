#include "perf/form.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "frame/bytes.h"
#include "frame/header.h"
#include "perf/frame_reader.h"
#include "proto/json_form.h"
#include "proto/proto_form.h"

using namespace ringcast;
using namespace ringcast::perf;

namespace {

constexpr Stamp kStamp{.when_ns = 0x00123456789abcde, .stream = 0x1234, .number = 0x0fedcba};

std::string payload_of(Form form, std::size_t size) {
  std::string payload(size, 'x');
  auto* const begin = reinterpret_cast<std::uint8_t*>(payload.data());
  form == Form::json ? encode_hex_stamp(kStamp, begin) : encode_stamp(kStamp, begin);
  return payload;
}

template <typename T>
std::vector<std::uint8_t> encode(Form form, const T& event) {
  std::vector<std::uint8_t> out;
  form == Form::json ? proto::JsonForm::write(event, out) : proto::ProtoForm::write(event, out);
  return out;
}

// The largest numbers and more members than the load generator's own messages have.
std::vector<std::uint8_t> message_of(Form form, std::string_view payload) {
  return encode(form, proto::Message{.seq = proto::kJsonIntegerMax,
                                     .topic = "bench/4294967295",
                                     .format = form == Form::json ? proto::Format::text : proto::Format::binary,
                                     .content_type = "text/plain",
                                     .payload = frame::as_bytes(payload),
                                     .origin = 63,
                                     .position = proto::kJsonIntegerMax,
                                     .time_us = proto::kJsonIntegerMax});
}

void add_frame(std::vector<std::uint8_t>& out, std::span<const std::uint8_t> payload) {
  std::array<std::uint8_t, frame::kHeaderSizeMax> head;
  const std::size_t size =
      frame::encode_header({.opcode = frame::Opcode::binary, .payload_size = payload.size()}, head);
  out.insert(out.end(), head.begin(), head.begin() + static_cast<std::ptrdiff_t>(size));
  out.insert(out.end(), payload.begin(), payload.end());
}

// What is found when the stream comes cut at `cut`: kinds as digits, a message's with * when its stamp is right.
std::string read_cut(Form form, const std::vector<std::uint8_t>& stream, std::size_t cut) {
  FrameReader reader(form);
  std::string said;
  std::vector<std::uint8_t> kept(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(cut));
  for (const bool last : {false, true}) {
    Bytes in = kept;
    for (;;) {
      const auto found = reader.read(in);
      if (found.kind == FrameReader::Found::Kind::nothing) break;
      said += std::to_string(static_cast<int>(found.kind));
      if (found.kind == FrameReader::Found::Kind::bad) return said;
      if (found.kind == FrameReader::Found::Kind::message && found.stamp == kStamp) said += '*';
    }
    if (last) break;
    REQUIRE(in.size() <= FrameReader::kTailMax);
    kept.assign(in.begin(), in.end());
    kept.insert(kept.end(), stream.begin() + static_cast<std::ptrdiff_t>(cut), stream.end());
  }
  return said;
}

}  // namespace

TEST_CASE("read_front finds the payload where the writers of proto/ put it, and asks for more before that") {
  for (const Form form : {Form::json, Form::proto}) {
    const std::string payload = payload_of(form, 128);
    const std::vector<std::uint8_t> message = message_of(form, payload);
    const Front front = read_front(form, message);
    REQUIRE(front.kind == Front::Kind::message);
    REQUIRE(front.payload_at < kFrontMax);
    CHECK(frame::as_text(Bytes(message).subspan(front.payload_at, payload.size())) == payload);
    for (std::size_t cut = 0; cut < front.payload_at; ++cut) {
      CHECK(read_front(form, Bytes(message).first(cut)).kind == Front::Kind::more);
    }
  }
}

TEST_CASE("read_front tells acks, errors and other events apart, and does not take anything for them") {
  for (const Form form : {Form::json, Form::proto}) {
    CHECK(read_front(form, encode(form, proto::Ack{.id = 7, .seq = 9})).kind == Front::Kind::ack);
    const proto::Event error = proto::Error{.code = proto::ErrorCode::draining, .text = "not now", .id = 7};
    CHECK(read_front(form, encode(form, error)).kind == Front::Kind::error);
    const proto::Event subscribed = proto::Subscribed{.id = 7, .filter = "bench/0"};
    CHECK(read_front(form, encode(form, subscribed)).kind == Front::Kind::ready);
    const proto::Event end = proto::SnapshotEnd{.subscription = 7};
    CHECK(read_front(form, encode(form, end)).kind == Front::Kind::other);
  }
  CHECK(read_front(Form::json, frame::as_bytes("not an object at all")).kind == Front::Kind::bad);
}

TEST_CASE("FrameReader reads each form's messages and events however the stream is cut") {
  for (const Form form : {Form::json, Form::proto}) {
    std::vector<std::uint8_t> stream;
    const proto::Event subscribed = proto::Subscribed{.id = 0, .filter = "bench/0"};
    const proto::Event error = proto::Error{.code = proto::ErrorCode::draining, .text = "not now", .id = 7};
    add_frame(stream, encode(form, subscribed));
    add_frame(stream, message_of(form, payload_of(form, kHexStampSize)));
    add_frame(stream, encode(form, proto::Ack{.id = 7, .seq = 9}));
    add_frame(stream, message_of(form, payload_of(form, 70'000)));
    add_frame(stream, encode(form, error));
    add_frame(stream, message_of(form, payload_of(form, 128)));
    for (std::size_t cut = 0; cut < stream.size(); cut += cut < 1200 || cut > 71'000 ? 1 : 997) {
      REQUIRE(read_cut(form, stream, cut) == "81*61*71*");
    }
  }
}

TEST_CASE("FrameReader calls a message bad whose payload it does not find") {
  std::vector<std::uint8_t> stream;
  const std::string far = R"({"message":{"topic":")" + std::string(300, 'x') + R"(","text":"too far"}})";
  add_frame(stream, frame::as_bytes(far));
  CHECK(read_cut(Form::json, stream, 0) == "5");
}

TEST_CASE("a stamp in hexadecimal comes back as it was") {
  for (const Stamp& stamp :
       {Stamp{}, kStamp, Stamp{.when_ns = (std::uint64_t{1} << 56) - 1, .stream = kStreamsMax, .number = kNumberMax}}) {
    std::array<std::uint8_t, kHexStampSize> digits;
    encode_hex_stamp(stamp, digits.data());
    CHECK(decode_hex_stamp(digits.data()) == stamp);
  }
}
