#include "frame/http_request.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "frame/http_response.h"
#include "tests/frame/parse_head.h"
#include "tests/topics/count_allocations.h"

using namespace ringcast::frame;
using ringcast::frame::test::parse;
using ringcast::topics::test::allocations;
using Kind = RequestParser::Step::Kind;

namespace {

using Outcome = test::HeadOutcome<RequestParser>;

Outcome parse_all_ways(std::string_view input, RequestLimits limits = {}) {
  return test::parse_all_ways(input, [&] { return RequestParser(limits); });
}

// Parses a head that must be good, and keeps the parser that holds it.
RequestParser parsed(std::string_view input) {
  RequestParser parser;
  REQUIRE(parse(parser, input, input.size()).kind == Kind::done);
  return parser;
}

constexpr std::string_view kHost = "Host: h\r\n";

std::string get_with(std::string_view fields) {
  return "GET / HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

}  // namespace

TEST_CASE("RequestParser reads a head and leaves what follows it") {
  const std::string head =
      "POST /topics/a%20b?x=1 HTTP/1.1\r\nHost: example.com:8080\r\nContent-Length: 5\r\n"
      "X-Odd:\t a \tb \r\nAccept:\r\naccept: text/event-stream\r\n\r\n";
  const Outcome outcome = parse_all_ways(head + "hello");
  CHECK(outcome.kind == Kind::done);
  CHECK(outcome.consumed == head.size());
  const RequestParser parser = parsed(head);
  const Request& request = parser.request();
  CHECK(request.method == "POST");
  CHECK(request.target == "/topics/a%20b?x=1");
  CHECK(request.parts.path == "/topics/a%20b");
  CHECK(request.parts.query == "x=1");
  CHECK(request.host == "example.com:8080");
  CHECK(request.version_minor == 1);
  CHECK(request.keep_alive);
  CHECK_FALSE(request.expect_continue);
  CHECK(request.framing == Framing{.kind = Framing::Kind::length, .length = 5});
  CHECK(request.fields.get("x-odd") == "a \tb");
  CHECK(request.fields.get("Accept") == "");
  CHECK(request.fields.count("Accept") == 2);
}

TEST_CASE("a request stays where it is when its parser moves") {
  RequestParser first = parsed(get_with("A: b\r\n"));
  const char* const where = first.request().method.data();
  const RequestParser second = std::move(first);
  CHECK(second.request().method.data() == where);
  CHECK(second.request().fields.get("a") == "b");
}

TEST_CASE("RequestParser asks for more at every cut inside the head") {
  const std::string head = get_with("A: b\r\nC: d\r\n");
  for (std::size_t cut = 0; cut < head.size(); ++cut) {
    RequestParser parser;
    CHECK(parse(parser, head.substr(0, cut), cut + 1).kind == Kind::need_more);
    CHECK(parser.in_progress() == (cut > 0));
    const Outcome rest = parse(parser, head.substr(cut), head.size());
    CHECK(rest.kind == Kind::done);
    CHECK_FALSE(parser.in_progress());
  }
}

TEST_CASE("a parser reads one request after another, keeps nothing between, and takes one empty line before each") {
  RequestParser parser;
  for (int i = 0; i < 3; ++i) {
    CHECK(parse(parser, "\r\n" + get_with(""), 1000).kind == Kind::done);
    CHECK(parser.request().method == "GET");
    parser.release();
    CHECK_FALSE(parser.in_progress());
  }
  CHECK(parse(parser, "\r\n\r\n" + get_with(""), 1000).error == HttpError::bad_method);
}

TEST_CASE("absolute-form names the host that counts (RFC 9112 §3.2.2)") {
  const RequestParser parser = parsed("GET http://one:1/a?b HTTP/1.1\r\nHost: two\r\n\r\n");
  CHECK(parser.request().host == "one:1");
  CHECK(parser.request().parts.path == "/a");
  const RequestParser old = parsed("GET http://one/a HTTP/1.0\r\n\r\n");
  CHECK(old.request().host == "one");
}

TEST_CASE("OPTIONS alone may have the target *") {
  CHECK(parsed("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").request().parts.path == "*");
  CHECK(parse_all_ways("GET * HTTP/1.1\r\nHost: h\r\n\r\n").error == HttpError::bad_target);
}

TEST_CASE("keep_alive follows version and Connection (RFC 9112 §9.3)") {
  struct Row {
    std::string_view version;
    std::string_view connection;
    bool keep_alive;
  };
  constexpr Row rows[] = {{"1.1", "", true},          {"1.1", "close", false},
                          {"1.1", "x, CLOSE", false}, {"1.1", "keep-alive", true},
                          {"1.0", "", false},         {"1.0", "Keep-Alive", true},
                          {"1.0", "close", false},    {"1.0", "keep-alive,close", false},
                          {"1.1", "Upgrade", true}};
  for (const Row& row : rows) {
    CAPTURE(row.version);
    CAPTURE(row.connection);
    const auto parser = parsed("GET / HTTP/" + std::string(row.version) +
                               "\r\nHost: h\r\nConnection: " + std::string(row.connection) + "\r\n\r\n");
    CHECK(parser.request().keep_alive == row.keep_alive);
  }
}

TEST_CASE("Expect: 100-continue is heard in HTTP/1.1 only (RFC 9110 §10.1.1)") {
  CHECK(parsed(get_with("Expect: 100-Continue\r\n")).request().expect_continue);
  CHECK_FALSE(parsed("POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n").request().expect_continue);
  CHECK(parse_all_ways(get_with("Expect: a-miracle\r\n")).error == HttpError::unknown_expectation);
}

TEST_CASE("chunked is taken in any case, alone") {
  CHECK(parsed(get_with("Transfer-Encoding: Chunked\r\n")).request().framing ==
        Framing{.kind = Framing::Kind::chunked});
  CHECK(parsed(get_with("")).request().framing == Framing{});
}

TEST_CASE("every broken head is refused at the byte that breaks it, with its status") {
  struct Row {
    std::string why;
    std::uint16_t status;
    HttpError error;
    std::string input;  // wrong at its last byte
  };
  const std::string line = "GET / HTTP/1.1\r\n";
  const std::string head = line + std::string(kHost);
  const Row rows[] = {
      {"a TLS ClientHello", 400, HttpError::tls_hello, "\x16"},
      {"binary garbage", 400, HttpError::bad_method, "\x80"},
      {"a space first", 400, HttpError::bad_method, " "},
      {"LF first", 400, HttpError::bare_line_feed, "\n"},
      {"CR and no LF first", 400, HttpError::bare_carriage_return, "\rG"},
      {"a colon in the method", 400, HttpError::bad_method, "GET:"},
      {"a method and no target", 400, HttpError::bad_method, "GET\r"},
      {"a method of 33 letters", 501, HttpError::method_too_long, std::string(33, 'M')},
      {"two spaces", 400, HttpError::bad_target, "GET  "},
      {"HTTP/0.9", 400, HttpError::bad_version, "GET /\r"},
      {"LF in the target", 400, HttpError::bare_line_feed, "GET /\n"},
      {"tab in the target", 400, HttpError::bad_target, "GET /\t"},
      {"NUL in the target", 400, HttpError::bad_target, std::string("GET /\0", 6)},
      {"a fragment", 400, HttpError::bad_target, "GET /#"},
      {"raw UTF-8", 400, HttpError::bad_target, "GET /\xc3"},
      {"neither path nor URL", 400, HttpError::bad_target, "GET index.html HTTP/1.1\r\n"},
      {"CONNECT", 501, HttpError::method_not_implemented, "CONNECT example.com:443 HTTP/1.1\r\n"},
      {"another scheme", 400, HttpError::bad_target, "GET ftp://h/ HTTP/1.1\r\n"},
      {"user information", 400, HttpError::bad_target, "GET http://u:p@h/ HTTP/1.1\r\n"},
      {"lower case version", 400, HttpError::bad_version, "GET / h"},
      {"two digits", 400, HttpError::bad_version, "GET / HTTP/11"},
      {"a space after the version", 400, HttpError::bad_version, "GET / HTTP/1.1 "},
      {"a line that ends with LF", 400, HttpError::bare_line_feed, "GET / HTTP/1.1\n"},
      {"CR and no LF", 400, HttpError::bare_carriage_return, "GET / HTTP/1.1\rX"},
      {"HTTP/1.2", 505, HttpError::version_not_supported, "GET / HTTP/1.2\r\n"},
      {"HTTP/2.0", 505, HttpError::version_not_supported, "GET / HTTP/2.0\r\n"},
      {"HTTP/0.9 said", 505, HttpError::version_not_supported, "GET / HTTP/0.9\r\n"},
      {"HTTP/2's preface", 505, HttpError::version_not_supported, "PRI * HTTP/2.0\r\n"},
      {"a space before the first field", 400, HttpError::folded_line, line + " "},
      {"obs-fold", 400, HttpError::folded_line, head + "A: b\r\n "},
      {"obs-fold by tab", 400, HttpError::folded_line, head + "A: b\r\n\t"},
      {"no name", 400, HttpError::bad_field_name, head + ":"},
      {"a space before the colon", 400, HttpError::space_before_colon, head + "Content-Length "},
      {"a tab before the colon", 400, HttpError::space_before_colon, head + "A\t"},
      {"a line without a colon", 400, HttpError::bad_field_name, head + "A\r"},
      {"a name in parentheses", 400, HttpError::bad_field_name, head + "("},
      {"NUL in a name", 400, HttpError::bad_field_name, head + std::string("A\0", 2)},
      {"UTF-8 in a name", 400, HttpError::bad_field_name, head + "\xc3"},
      {"NUL in a value", 400, HttpError::bad_field_value, head + std::string("A: b\0", 5)},
      {"DEL in a value", 400, HttpError::bad_field_value, head + "A: \x7f"},
      {"ESC in a value", 400, HttpError::bad_field_value, head + "A: \x1b"},
      {"LF ends a field", 400, HttpError::bare_line_feed, head + "A: b\n"},
      {"CR in a value", 400, HttpError::bare_carriage_return, head + "A: b\rc"},
      {"LF ends the head", 400, HttpError::bare_line_feed, head + "\n"},
      {"CR and no LF end the head", 400, HttpError::bare_carriage_return, head + "\rX"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK(parse_all_ways(row.input + "after") ==
          Outcome{.kind = Kind::failed, .consumed = row.input.size(), .error = row.error});
    CHECK(http_status(row.error) == row.status);
    RequestParser parser;
    CHECK(parse(parser, row.input.substr(0, row.input.size() - 1), 1000).kind == Kind::need_more);
  }
}

TEST_CASE("every head that contradicts itself is refused when it has ended") {
  struct Row {
    std::string why;
    std::uint16_t status;
    HttpError error;
    std::string input;
  };
  const auto chunked_and = [](std::string_view more) {
    return get_with("Transfer-Encoding: chunked\r\n" + std::string(more));
  };
  const Row rows[] = {
      {"no Host", 400, HttpError::missing_host, "GET / HTTP/1.1\r\n\r\n"},
      {"no Host but a URL", 400, HttpError::missing_host, "GET http://h/ HTTP/1.1\r\n\r\n"},
      {"two Hosts", 400, HttpError::duplicate_host, get_with("host: h\r\n")},
      {"two Hosts in HTTP/1.0", 400, HttpError::duplicate_host, "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"},
      {"an empty Host", 400, HttpError::bad_host, "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
      {"a list of Hosts", 400, HttpError::bad_host, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"},
      {"a Host with a path", 400, HttpError::bad_host, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
      {"a Host with a user", 400, HttpError::bad_host, "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"},
      {"an empty length", 400, HttpError::bad_content_length, get_with("Content-Length:\r\n")},
      {"a signed length", 400, HttpError::bad_content_length, get_with("Content-Length: +5\r\n")},
      {"a negative length", 400, HttpError::bad_content_length, get_with("Content-Length: -5\r\n")},
      {"a hexadecimal length", 400, HttpError::bad_content_length, get_with("Content-Length: 0x5\r\n")},
      {"a list of equal lengths", 400, HttpError::bad_content_length, get_with("Content-Length: 5, 5\r\n")},
      {"a length with a space", 400, HttpError::bad_content_length, get_with("Content-Length: 1 0\r\n")},
      {"a length over 64 bits", 413, HttpError::body_too_large, get_with("Content-Length: 18446744073709551616\r\n")},
      {"different lengths", 400, HttpError::duplicate_content_length,
       get_with("Content-Length: 5\r\nContent-Length: 6\r\n")},
      {"equal lengths", 400, HttpError::duplicate_content_length,
       get_with("Content-Length: 5\r\nContent-Length: 5\r\n")},
      {"length and chunked", 400, HttpError::content_length_and_chunked, chunked_and("Content-Length: 5\r\n")},
      {"chunked twice", 400, HttpError::bad_transfer_encoding, chunked_and("Transfer-Encoding: chunked\r\n")},
      {"chunked, chunked", 400, HttpError::bad_transfer_encoding, get_with("Transfer-Encoding: chunked, chunked\r\n")},
      {"chunked not last", 400, HttpError::bad_transfer_encoding, get_with("Transfer-Encoding: chunked, gzip\r\n")},
      {"an empty coding", 400, HttpError::bad_transfer_encoding, get_with("Transfer-Encoding:\r\n")},
      {"gzip before chunked", 501, HttpError::unknown_transfer_encoding,
       get_with("Transfer-Encoding: gzip, chunked\r\n")},
      {"identity", 501, HttpError::unknown_transfer_encoding, get_with("Transfer-Encoding: identity\r\n")},
      {"nearly chunked", 501, HttpError::unknown_transfer_encoding, get_with("Transfer-Encoding: xchunked\r\n")},
      {"chunked with a parameter", 501, HttpError::unknown_transfer_encoding,
       get_with("Transfer-Encoding: chunked;a=b\r\n")},
      {"quoted chunked", 501, HttpError::unknown_transfer_encoding, get_with("Transfer-Encoding: \"chunked\"\r\n")},
      {"chunked in HTTP/1.0", 400, HttpError::bad_transfer_encoding,
       "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK(parse_all_ways(row.input + "after") ==
          Outcome{.kind = Kind::failed, .consumed = row.input.size(), .error = row.error});
    CHECK(http_status(row.error) == row.status);
  }
}

TEST_CASE("each limit takes what reaches it and refuses one more") {
  constexpr RequestLimits kLimits{.head_size_max = 200, .line_size_max = 50, .fields_max = 3};
  const auto with_target = [](std::size_t line_size) {
    return "GET /" + std::string(line_size - 5, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n";
  };
  CHECK(parse_all_ways(with_target(50), kLimits).kind == Kind::done);
  CHECK(parse_all_ways(with_target(51), kLimits).error == HttpError::target_too_long);

  const auto with_size = [](std::size_t size) {
    const std::string rest = get_with("A: \r\n");
    return get_with("A: " + std::string(size - rest.size(), 'a') + "\r\n");
  };
  CHECK(with_size(200).size() == 200);
  CHECK(parse_all_ways(with_size(200), kLimits).kind == Kind::done);
  CHECK(parse_all_ways(with_size(201), kLimits).error == HttpError::head_too_large);

  CHECK(parse_all_ways(get_with("A: b\r\nC: d\r\n"), kLimits).kind == Kind::done);
  CHECK(parse_all_ways(get_with("A: b\r\nC: d\r\nE: f\r\n"), kLimits).error == HttpError::too_many_fields);

  CHECK(parse_all_ways(std::string(32, 'M') + " / HTTP/1.1\r\nHost: h\r\n\r\n").kind == Kind::done);
  CHECK(http_status(HttpError::target_too_long) == 414);
  CHECK(http_status(HttpError::head_too_large) == 431);
  CHECK(http_status(HttpError::too_many_fields) == 431);
}

TEST_CASE("a request line that fills the whole head is too long a target, not too large a head") {
  constexpr RequestLimits kLimits{.head_size_max = 100, .line_size_max = 100, .fields_max = 3};
  CHECK(parse_all_ways("GET /" + std::string(200, 'a'), kLimits).error == HttpError::target_too_long);
}

TEST_CASE("an idle parser holds no memory, and release gives back all of it") {
  const std::uint64_t before = allocations();
  RequestParser parser;
  CHECK(allocations() == before);
  CHECK(parser.next({}).kind == Kind::need_more);
  CHECK(allocations() == before);
  CHECK_FALSE(parser.in_progress());
  static_assert(sizeof(RequestParser) <= 24);
}

TEST_CASE("every HttpError has a name, a text and a status that has a reason phrase") {
  for (unsigned value = 0; value <= static_cast<unsigned>(HttpError::websocket_extensions); ++value) {
    const HttpError error{static_cast<std::uint8_t>(value)};
    CAPTURE(name(error));
    CHECK_FALSE(name(error).empty());
    CHECK_FALSE(text(error).empty());
    CHECK_FALSE(text(error).ends_with('.'));
    CHECK(reason_phrase(http_status(error)) != "Unknown");
  }
}
