#include "frame/close.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/frame/wire.h"

using namespace ringcast::frame;

namespace {

std::string encoded(Close close) {
  std::array<std::uint8_t, kCloseFrameSizeMax> out{};
  return std::string(as_text(Bytes(out).first(encode_close_frame(close, out))));
}

}  // namespace

TEST_CASE("is_sendable_close_code is right on both sides of every range of RFC 6455 §7.4") {
  struct Row {
    unsigned first;
    unsigned last;
    bool sendable;
  };
  constexpr Row rows[] = {{0, 999, false},     {1000, 1003, true}, {1004, 1006, false}, {1007, 1014, true},
                          {1015, 2999, false}, {3000, 4999, true}, {5000, 65535, false}};
  for (const Row& row : rows) {
    for (unsigned code = row.first; code <= row.last; ++code) {
      CAPTURE(code);
      REQUIRE(is_sendable_close_code(static_cast<std::uint16_t>(code)) == row.sendable);
    }
  }
}

TEST_CASE("decode_close reads a code and a reason, and 1005 from an empty body") {
  const auto empty = decode_close({});
  REQUIRE(empty);
  CHECK(empty->code == 1005);
  CHECK(empty->reason.empty());
  const std::string body = bytes({0x03, 0xe8}) + "grüße";
  const auto close = decode_close(as_bytes(body));
  REQUIRE(close);
  CHECK(close->code == 1000);
  CHECK(close->reason == "grüße");
}

TEST_CASE("decode_close refuses") {
  struct Row {
    std::string_view why;
    Error error;
    std::string body;
    std::size_t fails_at;  // bytes after which check_close_prefix() fails; 0: only the whole body is wrong
  };
  const Row rows[] = {
      {"one byte", Error::close_size, bytes({0x03}), 0},
      {"code 0", Error::close_code, bytes({0x00, 0x00}), 2},
      {"code 1005", Error::close_code, bytes({0x03, 0xed}) + "reason", 2},
      {"code 1006, though the reason is wrong too", Error::close_code, bytes({0x03, 0xee, 0xff}), 2},
      {"a reason that is not UTF-8", Error::invalid_utf8, bytes({0x03, 0xe8, 'a', 0xc3, 'b', 'c'}), 5},
      {"a reason that ends inside a character", Error::invalid_utf8, bytes({0x03, 0xe8, 'a', 0xe2, 0x82}), 0},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const auto close = decode_close(as_bytes(row.body));
    REQUIRE_FALSE(close);
    CHECK(close.error() == row.error);
    for (std::size_t size = 0; size <= row.body.size(); ++size) {
      CAPTURE(size);
      const auto checked = check_close_prefix(as_bytes(row.body).first(size));
      CHECK(checked.has_value() == (row.fails_at == 0 || size < row.fails_at));
      if (!checked) CHECK(checked.error() == row.error);
    }
  }
}

TEST_CASE("encode_close_frame writes what decode_close reads") {
  CHECK(encoded({.code = 1000, .reason = "bye"}) == bytes({0x88, 0x05, 0x03, 0xe8, 'b', 'y', 'e'}));
  CHECK(encoded({.code = kNoStatus, .reason = {}}) == bytes({0x88, 0x00}));
  CHECK(encoded({.code = 4999, .reason = {}}) == bytes({0x88, 0x02, 0x13, 0x87}));
}

TEST_CASE("encode_close_frame cuts a reason of more than 123 bytes before the character that does not fit") {
  const std::string fits(123, 'x');
  CHECK(encoded({.code = 1000, .reason = fits}).substr(4) == fits);
  CHECK(encoded({.code = 1000, .reason = fits + "y"}).substr(4) == fits);
  const std::string almost(122, 'x');
  CHECK(encoded({.code = 1000, .reason = almost + "é"}).substr(4) == almost);
  const std::string euros = "x€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€€";  // 1 + 42 * 3 bytes
  CHECK(encoded({.code = 1000, .reason = euros}).substr(4) == euros.substr(0, 1 + 40 * 3));
}
