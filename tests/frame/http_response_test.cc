#include "frame/http_response.h"

#include <doctest/doctest.h>

#include <string>

#include "frame/http_date.h"

using namespace ringcast::frame;

TEST_CASE("ResponseBuilder writes heads and bodies") {
  CHECK(ResponseBuilder(200).field("ETag", "\"a-1\"").body("text/plain", "hello") ==
        "HTTP/1.1 200 OK\r\nETag: \"a-1\"\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
  CHECK(ResponseBuilder(200).head_only("text/plain", 5) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\n");
  CHECK(ResponseBuilder(100).no_body() == "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(ResponseBuilder(503).field("Retry-After", std::uint64_t{5}).no_body() ==
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n\r\n");
}

TEST_CASE("append_json_string escapes what JSON does not let stand, and repairs what is not UTF-8") {
  struct Row {
    std::string_view text;
    std::string_view json;
  };
  constexpr Row rows[] = {
      {"", R"("")"},
      {"a/b", R"("a/b")"},
      {R"("\)", R"("\"\\")"},
      {"\n\r\t", R"("\n\u000D\u0009")"},
      {std::string_view("\0\x1f\x7f", 3), R"("\u0000\u001F\u007F")"},
      {"größe €", "\"größe €\""},
      {"\xf0\x9f\x8e\x89", "\"\xf0\x9f\x8e\x89\""},
      {"a\xff\xc3", "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
      {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
      {"\xc3\"", "\"\xef\xbf\xbd\\\"\""},
  };
  for (const Row& row : rows) {
    std::string out;
    append_json_string(out, row.text);
    CHECK(out == row.json);
  }
}

TEST_CASE("error answers carry a JSON body, and close where the stream cannot be trusted") {
  CHECK(error_response(404, "not_found", "no value", After::keep_alive) ==
        "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 56\r\n\r\n"
        "{\"status\":404,\"error\":\"not_found\",\"message\":\"no value\"}\n");
  const std::string bad = error_response(HttpError::bare_line_feed);
  CHECK(bad.starts_with("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"));
  CHECK(bad.ends_with(R"({"status":400,"error":"bare_line_feed","message":"a line ends with LF alone"})"
                      "\n"));
}

TEST_CASE("who forgot the version is told it (RFC 6455 §4.4)") {
  const std::string answer = error_response(HttpError::websocket_version_missing);
  CHECK(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  CHECK(answer.contains("\r\nSec-WebSocket-Version: 13\r\n"));
}

TEST_CASE("426 names the version and the protocol to upgrade to (RFC 6455 §4.4, RFC 9110 §15.5.22)") {
  const std::string answer = error_response(HttpError::websocket_version);
  CHECK(answer.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
  CHECK(answer.contains("\r\nSec-WebSocket-Version: 13\r\n"));
  CHECK(answer.contains("\r\nUpgrade: websocket\r\n"));
  CHECK(answer.contains("\r\nConnection: Upgrade, close\r\n"));
}

TEST_CASE("405 names the method that is allowed (RFC 9110 §15.5.6)") {
  CHECK(error_response(HttpError::upgrade_not_get).contains("\r\nAllow: GET\r\n"));
}

TEST_CASE("http_date writes the example of RFC 9110 §5.6.7, and other days") {
  CHECK(http_date(784111777).text() == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(http_date(0).text() == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(http_date(1709210096).text() == "Thu, 29 Feb 2024 12:34:56 GMT");
  CHECK(http_date(253402300799).text() == "Fri, 31 Dec 9999 23:59:59 GMT");
  CHECK(http_date(-1).text() == "Wed, 31 Dec 1969 23:59:59 GMT");
}
