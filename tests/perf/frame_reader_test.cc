#include "perf/frame_reader.h"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "frame/header.h"

using namespace ringcast;
using namespace ringcast::perf;

namespace {

void add_frame(std::vector<std::uint8_t>& out, frame::Opcode opcode, bool fin,
               const std::vector<std::uint8_t>& payload) {
  std::array<std::uint8_t, frame::kHeaderSizeMax> head;
  const auto size = frame::encode_header({.opcode = opcode, .fin = fin, .payload_size = payload.size()}, head);
  out.insert(out.end(), head.begin(), head.begin() + static_cast<std::ptrdiff_t>(size));
  out.insert(out.end(), payload.begin(), payload.end());
}

std::vector<std::uint8_t> stamped(std::uint32_t number, std::size_t size) {
  std::vector<std::uint8_t> payload(size, 'x');
  encode_stamp({.when_ns = 1000 + number, .stream = 7, .number = number}, payload.data());
  return payload;
}

// What the stream says, as text, when it comes in pieces of at most `piece` bytes, cut first at `cut`.
std::string read_all(const std::vector<std::uint8_t>& stream, std::size_t cut, std::size_t piece) {
  FrameReader reader;
  std::string said;
  std::vector<std::uint8_t> kept;
  for (std::size_t at = 0; at < stream.size();) {
    const std::size_t end = std::min(stream.size(), at == 0 && cut > 0 ? cut : at + piece);
    kept.insert(kept.end(), stream.begin() + static_cast<std::ptrdiff_t>(at),
                stream.begin() + static_cast<std::ptrdiff_t>(end));
    at = end;
    Bytes in = kept;
    for (;;) {
      const auto found = reader.read(in);
      if (found.kind == FrameReader::Found::Kind::nothing) break;
      using Kind = FrameReader::Found::Kind;
      const bool stamped = found.kind == Kind::message;
      const bool control = found.kind == Kind::ping || found.kind == Kind::close;
      said += std::to_string(static_cast<int>(found.kind)) + ":" + std::to_string(stamped ? found.stamp.number : 0) +
              ":" + (control ? std::string(found.payload.begin(), found.payload.end()) : "") + " ";
      if (found.kind == Kind::bad) return said;
    }
    REQUIRE(in.size() <= FrameReader::kTailMax);
    kept.assign(in.begin(), in.end());
  }
  return said;
}

}  // namespace

TEST_CASE("FrameReader finds the same messages however the stream is cut") {
  std::vector<std::uint8_t> stream;
  add_frame(stream, frame::Opcode::binary, true, stamped(1, 16));
  add_frame(stream, frame::Opcode::text, true, stamped(2, 125));
  add_frame(stream, frame::Opcode::ping, true, {'p', 'i', 'n', 'g'});
  add_frame(stream, frame::Opcode::binary, true, stamped(3, 126));
  add_frame(stream, frame::Opcode::binary, false, stamped(4, 300));  // in three fragments, a ping between
  add_frame(stream, frame::Opcode::ping, true, {});
  add_frame(stream, frame::Opcode::continuation, false, {});
  add_frame(stream, frame::Opcode::continuation, true, stamped(9, 20));  // its payload is no stamp
  add_frame(stream, frame::Opcode::binary, true, stamped(5, 70000));
  add_frame(stream, frame::Opcode::binary, true, {'s', 'h', 'o', 'r', 't'});
  add_frame(stream, frame::Opcode::pong, true, {'x'});
  add_frame(stream, frame::Opcode::close, true, {3, 232});
  const std::string whole = read_all(stream, 0, stream.size());
  CHECK(whole == std::string("1:1: 1:2: 3:0:ping 1:3: 3:0: 1:4: 1:5: 2:0: 4:0:\x03\xe8 ", 51));
  CHECK(read_all(stream, 0, 1) == whole);
  for (std::size_t cut = 1; cut < stream.size(); cut += cut < 1200 ? 1 : 997) {
    REQUIRE(read_all(stream, cut, stream.size()) == whole);
  }
}

TEST_CASE("FrameReader reports what no server may send") {
  CHECK(read_all({0x82, 0x80, 0, 0, 0, 0}, 0, 99) == "5:0: ");  // masked
  CHECK(read_all({0xc2, 0x00}, 0, 99) == "5:0: ");              // a reserved bit
  CHECK(read_all({0x89, 126, 0, 126}, 0, 99) == "5:0: ");       // a ping of 126 bytes
}

TEST_CASE("a stamp comes back as it was, in bytes that are ASCII") {
  for (const Stamp& stamp :
       {Stamp{}, Stamp{.when_ns = (std::uint64_t{1} << 56) - 1, .stream = kStreamsMax, .number = kNumberMax},
        Stamp{.when_ns = 0x00123456789abcde, .stream = 0x1234, .number = 0x0fedcba}}) {
    std::array<std::uint8_t, kStampSize> bytes;
    encode_stamp(stamp, bytes.data());
    for (const std::uint8_t byte : bytes) CHECK(byte < 0x80);
    CHECK(decode_stamp(bytes.data()) == stamp);
  }
}
