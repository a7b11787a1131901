#include "frame/header.h"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <string_view>

#include "tests/frame/wire.h"

using namespace ringcast::frame;

namespace {

std::string encoded(const Header& header) {
  std::array<std::uint8_t, kHeaderSizeMax> out{};
  return std::string(as_text(Bytes(out).first(encode_header(header, out))));
}

}  // namespace

TEST_CASE("decode_header reads the examples of RFC 6455 §5.7") {
  struct Row {
    std::string in;
    Header header;
  };
  const Row rows[] = {
      {bytes({0x81, 0x05}), {.opcode = Opcode::text, .payload_size = 5, .size = 2}},
      {bytes({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d}),
       {.opcode = Opcode::text, .masked = true, .mask = kTestMask, .payload_size = 5, .size = 6}},
      {bytes({0x01, 0x03}), {.opcode = Opcode::text, .fin = false, .payload_size = 3, .size = 2}},
      {bytes({0x80, 0x02}), {.opcode = Opcode::continuation, .payload_size = 2, .size = 2}},
      {bytes({0x89, 0x05}), {.opcode = Opcode::ping, .payload_size = 5, .size = 2}},
      {bytes({0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d}),
       {.opcode = Opcode::pong, .masked = true, .mask = kTestMask, .payload_size = 5, .size = 6}},
      {bytes({0x82, 0x7e, 0x01, 0x00}), {.opcode = Opcode::binary, .payload_size = 256, .size = 4}},
      {bytes({0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0}), {.opcode = Opcode::binary, .payload_size = 65536, .size = 10}},
  };
  for (const Row& row : rows) {
    const auto header = decode_header(as_bytes(row.in));
    REQUIRE(header);
    CHECK(*header == row.header);
    CHECK(encoded(*header) == row.in);
  }
}

TEST_CASE("decode_header asks for more at every cut inside the header, and never looks behind it") {
  for (const std::uint64_t size : {0ULL, 125ULL, 126ULL, 65535ULL, 65536ULL}) {
    for (const bool masked : {false, true}) {
      const std::string in = encoded({.masked = masked, .mask = kTestMask, .payload_size = size});
      for (std::size_t cut = 0; cut < in.size(); ++cut) {
        const auto header = decode_header(as_bytes(in).first(cut));
        REQUIRE_FALSE(header);
        CHECK(header.error() == Error::truncated);
      }
      CHECK(decode_header(as_bytes(in + "behind")) == decode_header(as_bytes(in)));
    }
  }
}

TEST_CASE("decode_header refuses, at the first byte that shows it and ever after") {
  struct Row {
    std::string_view why;
    Error error;
    std::string in;
  };
  const Row rows[] = {
      {"RSV2", Error::reserved_bits, bytes({0xa1})},
      {"RSV3", Error::reserved_bits, bytes({0x91})},
      {"opcode 3", Error::reserved_opcode, bytes({0x83})},
      {"opcode 7", Error::reserved_opcode, bytes({0x87})},
      {"opcode B", Error::reserved_opcode, bytes({0x8b})},
      {"opcode F", Error::reserved_opcode, bytes({0x8f})},
      {"close in fragments", Error::control_fragmented, bytes({0x08})},
      {"ping in fragments", Error::control_fragmented, bytes({0x09})},
      {"pong in fragments", Error::control_fragmented, bytes({0x0a})},
      {"ping of 126", Error::control_too_long, bytes({0x89, 0x7e})},
      {"close of 64 bits", Error::control_too_long, bytes({0x88, 0xff})},
      {"16 bits for 0", Error::length_not_minimal, bytes({0x82, 0x7e, 0, 0})},
      {"16 bits for 125", Error::length_not_minimal, bytes({0x82, 0x7e, 0, 125})},
      {"64 bits for 125", Error::length_not_minimal, bytes({0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0, 125})},
      {"64 bits for 65535", Error::length_not_minimal, bytes({0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff})},
      {"bit 63", Error::length_overflow, bytes({0x82, 0x7f, 0x80, 0, 0, 0, 0, 1, 0, 0})},
      {"all bits", Error::length_overflow, bytes({0x82, 0x7f, 255, 255, 255, 255, 255, 255, 255, 255})},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto at_once = decode_header(as_bytes(row.in));
    REQUIRE_FALSE(at_once);
    CHECK(at_once.error() == row.error);
    const auto before = decode_header(as_bytes(row.in).first(row.in.size() - 1));
    CHECK(before.error() == Error::truncated);
    const auto after = decode_header(as_bytes(row.in + std::string(14, '\0')));
    CHECK(after.error() == row.error);
  }
}

TEST_CASE("encode_header uses the fewest bytes, and decode_header gives back what went in") {
  struct Row {
    std::uint64_t payload_size;
    std::size_t size;
  };
  constexpr Row rows[] = {{0, 2},     {1, 2},      {125, 2},       {126, 4},
                          {65535, 4}, {65536, 10}, {1U << 24, 10}, {std::numeric_limits<std::int64_t>::max(), 10}};
  for (const Row& row : rows) {
    CHECK(server_header_size(row.payload_size) == row.size);
    for (const bool masked : {false, true}) {
      for (const bool fin : {false, true}) {
        const Header header{.opcode = Opcode::text,
                            .fin = fin,
                            .rsv1 = !fin,
                            .masked = masked,
                            .mask = masked ? kTestMask : MaskKey{},
                            .payload_size = row.payload_size,
                            .size = static_cast<std::uint8_t>(row.size + (masked ? 4 : 0))};
        const std::string out = encoded(header);
        CHECK(out.size() == header.size);
        CHECK(decode_header(as_bytes(out)) == header);
      }
    }
  }
}
