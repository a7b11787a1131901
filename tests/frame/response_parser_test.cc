#include "frame/response_parser.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/frame/parse_head.h"

using namespace ringcast::frame;
using ringcast::frame::test::parse;
using Kind = ResponseParser::Step::Kind;

namespace {

using Outcome = test::HeadOutcome<ResponseParser>;

Outcome parse_all_ways(std::string_view input) {
  return test::parse_all_ways(input, [] { return ResponseParser(); });
}

ResponseParser parsed(std::string_view input) {
  ResponseParser parser;
  REQUIRE(parse(parser, input, input.size()).kind == Kind::done);
  return parser;
}

}  // namespace

TEST_CASE("ResponseParser reads a head and leaves what follows it") {
  const std::string head = "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\nX: y\r\n\r\n";
  CHECK(parse_all_ways(head + "abc") == Outcome{.kind = Kind::done, .consumed = head.size(), .error = {}});
  const ResponseParser parser = parsed(head);
  const Response& response = parser.response();
  CHECK(response.status == 404);
  CHECK(response.reason == "Not Found");
  CHECK(response.version_minor == 1);
  CHECK(response.keep_alive);
  CHECK(response.framing == Framing{.kind = Framing::Kind::length, .length = 3});
  CHECK(response.fields.get("x") == "y");
}

TEST_CASE("the reason may be empty or missing") {
  CHECK(parsed("HTTP/1.1 200 \r\n\r\n").response().reason.empty());
  CHECK(parsed("HTTP/1.1 200\r\n\r\n").response().status == 200);
}

TEST_CASE("a response's body ends as RFC 9112 §6.3 says") {
  using enum Framing::Kind;
  CHECK(parsed("HTTP/1.1 200 OK\r\n\r\n").response().framing.kind == until_close);
  CHECK_FALSE(parsed("HTTP/1.1 200 OK\r\n\r\n").response().keep_alive);
  CHECK(parsed("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").response().framing.kind == chunked);
  CHECK(parsed("HTTP/1.1 204 No Content\r\n\r\n").response().framing.kind == none);
  CHECK(parsed("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n").response().framing.kind == none);
  CHECK(parsed("HTTP/1.1 101 Switching Protocols\r\n\r\n").response().framing.kind == none);
  CHECK(parsed("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").response().keep_alive == false);
}

TEST_CASE("a broken response head is refused") {
  struct Row {
    std::string_view input;
    HttpError error;
  };
  constexpr Row rows[] = {
      {"http/1.1 200 OK\r\n", HttpError::bad_status_line},
      {"HTTP/2.0 200 OK\r\n", HttpError::bad_status_line},
      {"HTTP/1.1 20 OK\r\n", HttpError::bad_status_line},
      {"HTTP/1.1 2000 OK\r\n", HttpError::bad_status_line},
      {"HTTP/1.1 200OK\r\n", HttpError::bad_status_line},
      {"HTTP/1.1 099 Low\r\n\r\n", HttpError::bad_status_line},
      {"HTTP/1.1 600 High\r\n\r\n", HttpError::bad_status_line},
      {"HTTP/1.1 200 O\x01K\r\n", HttpError::bad_status_line},
      {"HTTP/1.1 200 OK\n", HttpError::bare_line_feed},
      {"HTTP/1.1 200 OK\rX", HttpError::bare_carriage_return},
      {"HTTP/1.1 200 OK\r\nA : b\r\n", HttpError::space_before_colon},
      {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", HttpError::bad_content_length},
      {"\x15\x03\x01", HttpError::bad_status_line},
  };
  for (const Row& row : rows) {
    CAPTURE(row.input);
    CHECK(parse_all_ways(row.input).error == row.error);
  }
}

TEST_CASE("a response head of 16 KiB is read and one byte more refused") {
  const std::string rest = "HTTP/1.1 200 OK\r\nA: \r\n\r\n";
  const auto of_size = [&](std::size_t size) {
    return "HTTP/1.1 200 OK\r\nA: " + std::string(size - rest.size(), 'a') + "\r\n\r\n";
  };
  ResponseParser fits;
  CHECK(parse(fits, of_size(ResponseParser::kHeadSizeMax), 1 << 20).kind == Kind::done);
  ResponseParser over;
  CHECK(parse(over, of_size(ResponseParser::kHeadSizeMax + 1), 1 << 20).error == HttpError::head_too_large);
  over.release();
  CHECK(parse(over, rest, 1 << 20).kind == Kind::done);
}
