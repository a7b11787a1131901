#include "perf/nats_reader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frame/header.h"

using namespace ringcast;
using namespace ringcast::perf;

namespace {

using Kind = NatsReader::Found::Kind;

void add(std::vector<std::uint8_t>& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

// A message of stream 7 with that number and that many bytes.
void add_message(std::vector<std::uint8_t>& out, std::uint32_t number, std::size_t size) {
  std::vector<std::uint8_t> payload(size, 'x');
  encode_stamp({.when_ns = 1000 + number, .stream = 7, .number = number}, payload.data());
  add(out, "MSG bench.7 12 " + std::to_string(size) + "\r\n");
  out.insert(out.end(), payload.begin(), payload.end());
  add(out, "\r\n");
}

// The stream in frames of so many bytes, with a ping after the first.
std::vector<std::uint8_t> framed(const std::vector<std::uint8_t>& stream, std::size_t frame_size) {
  std::vector<std::uint8_t> out;
  for (std::size_t at = 0; at < stream.size(); at += frame_size) {
    const std::size_t size = std::min(frame_size, stream.size() - at);
    std::array<std::uint8_t, frame::kHeaderSizeMax> head;
    const auto head_size = frame::encode_header({.opcode = frame::Opcode::binary, .payload_size = size}, head);
    out.insert(out.end(), head.begin(), head.begin() + static_cast<std::ptrdiff_t>(head_size));
    out.insert(out.end(), stream.begin() + static_cast<std::ptrdiff_t>(at),
               stream.begin() + static_cast<std::ptrdiff_t>(at + size));
    if (at == 0) add(out, "\x89\x02hi");
  }
  return out;
}

// What is found, as text, when the bytes come in two pieces.
std::string read_all(const std::vector<std::uint8_t>& bytes, std::size_t cut) {
  NatsReader reader;
  std::string said;
  std::vector<std::uint8_t> kept;
  for (const auto& [begin, end] : {std::pair{std::size_t{0}, cut}, std::pair{cut, bytes.size()}}) {
    kept.insert(kept.end(), bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                bytes.begin() + static_cast<std::ptrdiff_t>(end));
    Bytes in = kept;
    for (;;) {
      const auto found = reader.read(in);
      if (found.kind == Kind::nothing) break;
      if (found.kind == Kind::message) said += "m" + std::to_string(found.stamp.number) + ' ';
      if (found.kind == Kind::ready) said += "ready ";
      if (found.kind == Kind::ping) said += "ping ";
      if (found.kind == Kind::unstamped) said += "other ";
      if (found.kind == Kind::bad) return said + "bad";
      if (found.kind == Kind::error) return said + "error";
    }
    REQUIRE(in.size() <= FrameReader::kTailMax);
    kept.assign(in.begin(), in.end());
  }
  return said;
}

}  // namespace

TEST_CASE("NatsReader finds the same messages however frames and receives cut the stream") {
  std::vector<std::uint8_t> stream;
  add(stream, "INFO {\"server_id\":\"" + std::string(400, 'i') + "\"}\r\nPONG\r\n+OK\r\n");
  add_message(stream, 1, 128);
  add_message(stream, 2, 16);
  add(stream, "MSG bench.7 12 3\r\nabc\r\nPING\r\n");
  add_message(stream, 3, 1000);
  for (const std::size_t frame_size : {stream.size(), std::size_t{1}, std::size_t{7}, std::size_t{300}}) {
    const std::vector<std::uint8_t> bytes = framed(stream, frame_size);
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      std::string said = read_all(bytes, cut);
      const std::size_t ping = said.find("ping ");
      REQUIRE(ping != std::string::npos);
      said.erase(ping, 5);
      REQUIRE(said == "other ready other m1 m2 other other m3 ");
    }
  }
}

TEST_CASE("NatsReader tells a refusal, and what no nats-server says") {
  const auto said = [](std::string_view text) {
    std::vector<std::uint8_t> stream;
    add(stream, text);
    return read_all(framed(stream, stream.size()), 0);
  };
  CHECK(said("-ERR 'Unknown Protocol'\r\n") == "error");
  CHECK(said("HELLO\r\n") == "bad");
  CHECK(said("MSG bench.7 12 x\r\n") == "bad");
  CHECK(said("MSG " + std::string(NatsPacket::kFrontMax, 's') + " 1 3\r\nabc\r\n") == "bad");
}

TEST_CASE("What is said to a nats-server is its protocol") {
  std::vector<std::uint8_t> out;
  append_nats_subscribe(out, "bench.>", 3);
  append_nats_publish(out, "bench.7", Bytes(reinterpret_cast<const std::uint8_t*>("hello"), 5));
  append_nats_ping(out);
  CHECK(std::string(out.begin(), out.end()) == "SUB bench.> 3\r\nPUB bench.7 5\r\nhello\r\nPING\r\n");
}
