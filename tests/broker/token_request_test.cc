#include "broker/token_request.h"

#include <doctest/doctest.h>

#include <string>

#include "frame/bytes.h"

using namespace ringcast;
using namespace ringcast::broker;

namespace {

// What find_token() says of a GET with this target and these fields: the token, or the refusal's status and name.
std::string token_in(std::string_view target, std::string_view fields) {
  const std::string head = "GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
  frame::RequestParser parser;
  REQUIRE(parser.next(frame::as_bytes(head)).kind == frame::RequestParser::Step::Kind::done);
  const auto token = find_token(parser.request());
  return token ? *token : std::to_string(token.error().status) + " " + std::string(token.error().name);
}

}  // namespace

TEST_CASE("find_token finds the token wherever it may be, and none where there is none") {
  CHECK(token_in("/ws", "") == "");
  CHECK(token_in("/ws", "Authorization: Bearer a.b.c\r\n") == "a.b.c");
  CHECK(token_in("/ws", "authorization: bearer   a.b.c\r\n") == "a.b.c");
  CHECK(token_in("/ws?token=a.b.c", "") == "a.b.c");
  CHECK(token_in("/topics/a?last=1&token=a.b.c&echo=0", "") == "a.b.c");
  CHECK(token_in("/ws", "Sec-WebSocket-Protocol: ringcast.v1.json, ringcast.token.a.b.c\r\n") == "a.b.c");
  CHECK(token_in("/ws", "Sec-WebSocket-Protocol: ringcast.tokens.a\r\n") == "");
  CHECK(token_in("/ws?tokens=a", "") == "");
}

TEST_CASE("find_token takes none of two, and no other scheme") {
  CHECK(token_in("/ws?token=a&token=a", "") == "400 several_tokens");
  CHECK(token_in("/ws?token=a", "Authorization: Bearer a\r\n") == "400 several_tokens");
  CHECK(token_in("/ws?token=a", "Sec-WebSocket-Protocol: ringcast.token.a\r\n") == "400 several_tokens");
  CHECK(token_in("/ws", "Sec-WebSocket-Protocol: ringcast.token.a, ringcast.token.b\r\n") == "400 several_tokens");
  CHECK(token_in("/ws", "Authorization: Bearer a\r\nAuthorization: Bearer a\r\n") == "400 several_tokens");
  CHECK(token_in("/ws", "Authorization: Basic YTpi\r\n") == "401 token_refused");
  CHECK(token_in("/ws", "Authorization: Bearers a\r\n") == "401 token_refused");
}

TEST_CASE("has_only_token refuses any other parameter") {
  CHECK(has_only_token(""));
  CHECK(has_only_token("token=a"));
  CHECK_FALSE(has_only_token("token=a&x=1"));
  CHECK_FALSE(has_only_token("Token=a"));
  CHECK_FALSE(has_only_token("token=%zz"));
}
