#include "frame/handshake.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "frame/http_response.h"

using namespace ringcast::frame;

namespace {

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";         // RFC 6455 §1.3
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";  // the same
constexpr Nonce kNonce{'t', 'h', 'e', ' ', 's', 'a', 'm', 'p', 'l', 'e', ' ', 'n', 'o', 'n', 'c', 'e'};

RequestParser parsed(const std::string& head) {
  RequestParser parser;
  const auto step = parser.next(as_bytes(head));
  CAPTURE(head);
  REQUIRE(step.kind == RequestParser::Step::Kind::done);
  return parser;
}

ResponseParser parsed_response(const std::string& head) {
  ResponseParser parser;
  REQUIRE(parser.next(as_bytes(head)).kind == ResponseParser::Step::Kind::done);
  return parser;
}

// A handshake with one line left out (if `without` begins it) and lines added.
std::string handshake(std::string_view without = "none", std::string_view more = "") {
  std::string out = "GET /topics/chat HTTP/1.1\r\n";
  for (const std::string_view line : {"Host: server.example.com", "Upgrade: websocket", "Connection: Upgrade",
                                      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"}) {
    if (!line.starts_with(without)) out.append(line).append("\r\n");
  }
  return out.append(more).append("\r\n");
}

HttpError refusal(const std::string& head) {
  const RequestParser parser = parsed(head);
  const auto upgrade = check_upgrade(parser.request());
  REQUIRE_FALSE(upgrade);
  return upgrade.error();
}

}  // namespace

TEST_CASE("accept_key answers the example of RFC 6455 §1.3") {
  const AcceptKey accept = accept_key(kKey);
  CHECK(std::string_view(accept.data(), accept.size()) == kAccept);
}

TEST_CASE("check_upgrade takes the handshake of RFC 6455 §1.2 and reads what it offers") {
  const RequestParser parser = parsed(handshake("none",
                                                "Origin: http://example.com\r\n"
                                                "Sec-WebSocket-Protocol: chat, superchat\r\n"
                                                "Sec-WebSocket-Protocol: x\r\n"
                                                "Sec-WebSocket-Extensions: permessage-deflate; a=1\r\n"
                                                "Sec-WebSocket-Extensions: b\r\n"));
  CHECK(wants_websocket(parser.request()));
  const auto upgrade = check_upgrade(parser.request());
  REQUIRE(upgrade);
  CHECK(upgrade->key == kKey);
  CHECK(upgrade->protocols == std::vector<std::string_view>{"chat", "superchat", "x"});
  CHECK(upgrade->extensions == "permessage-deflate; a=1, b");
}

TEST_CASE("check_upgrade takes lists and any case where the RFC has them") {
  for (const std::string_view lines : {"Upgrade: h2c, WebSocket\r\nConnection: Upgrade\r\n",
                                       "Upgrade: websocket\r\nConnection: keep-alive, uPGRADE\r\n",
                                       "Upgrade: h2c\r\nUpgrade: websocket\r\nConnection: x\r\nConnection: upgrade\r\n",
                                       "Upgrade: websocket\r\nConnection: Upgrade\r\nContent-Length: 0\r\n"}) {
    const RequestParser parser =
        parsed("GET / HTTP/1.1\r\nHost: h\r\n" + std::string(lines) +
               "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nSEC-WEBSOCKET-VERSION: 13\r\n\r\n");
    CHECK(check_upgrade(parser.request()));
  }
}

TEST_CASE("check_upgrade refuses every handshake that RFC 6455 §4.2.1 does not allow") {
  struct Row {
    std::string_view why;
    std::uint16_t status;
    HttpError error;
    std::string head;
  };
  std::string post = handshake();
  post.replace(0, 3, "POST");
  std::string head = handshake();
  head.replace(0, 3, "HEAD");
  std::string old = handshake();
  old.replace(old.find("HTTP/1.1"), 8, "HTTP/1.0");
  const auto key = [](std::string_view value) {
    return handshake("Sec-WebSocket-Key", "Sec-WebSocket-Key: " + std::string(value) + "\r\n");
  };
  const auto version = [](std::string_view value) {
    return handshake("Sec-WebSocket-Version", "Sec-WebSocket-Version: " + std::string(value) + "\r\n");
  };
  const auto protocol = [](std::string_view value) {
    return handshake("none", "Sec-WebSocket-Protocol: " + std::string(value) + "\r\n");
  };
  const Row rows[] = {
      {"POST", 405, HttpError::upgrade_not_get, post},
      {"HEAD", 405, HttpError::upgrade_not_get, head},
      {"HTTP/1.0", 400, HttpError::upgrade_version, old},
      {"no Upgrade", 400, HttpError::upgrade_missing, handshake("Upgrade")},
      {"another Upgrade", 400, HttpError::upgrade_missing, handshake("Upgrade", "Upgrade: h2c\r\n")},
      {"nearly websocket", 400, HttpError::upgrade_missing, handshake("Upgrade", "Upgrade: websockets\r\n")},
      {"no Connection", 400, HttpError::upgrade_connection, handshake("Connection")},
      {"another Connection", 400, HttpError::upgrade_connection, handshake("Connection", "Connection: keep-alive\r\n")},
      {"no key", 400, HttpError::websocket_key_missing, handshake("Sec-WebSocket-Key")},
      {"two keys", 400, HttpError::websocket_key,
       handshake("none", "Sec-WebSocket-Key: " + std::string(kKey) + "\r\n")},
      {"an empty key", 400, HttpError::websocket_key, key("")},
      {"a key of 15 bytes", 400, HttpError::websocket_key, key("dGhlIHNhbXBsZSBub25j")},
      {"a key of 17 bytes", 400, HttpError::websocket_key, key("dGhlIHNhbXBsZSBub25jZTEx")},
      {"a key of 18 bytes", 400, HttpError::websocket_key, key("dGhlIHNhbXBsZSBub25jZTE=")},
      {"a key that is not base64", 400, HttpError::websocket_key, key("dGhlIHNhbXBsZSBub25jZ!==")},
      {"a key in base64url", 400, HttpError::websocket_key, key("dGhlIHNhbXBsZSBub-5jZQ==")},
      {"a key with bits left over", 400, HttpError::websocket_key, key("dGhlIHNhbXBsZSBub25jZR==")},
      {"padding inside the key", 400, HttpError::websocket_key, key("dGhlIHNhbXBsZSBub25j=Q==")},
      {"no version", 400, HttpError::websocket_version_missing, handshake("Sec-WebSocket-Version")},
      {"version 8", 426, HttpError::websocket_version, version("8")},
      {"version 14", 426, HttpError::websocket_version, version("14")},
      {"version 013", 426, HttpError::websocket_version, version("013")},
      {"a list of versions", 426, HttpError::websocket_version, version("13, 8")},
      {"two versions", 426, HttpError::websocket_version, handshake("none", "Sec-WebSocket-Version: 13\r\n")},
      {"a body", 400, HttpError::upgrade_with_body, handshake("none", "Content-Length: 5\r\n")},
      {"a chunked body", 400, HttpError::upgrade_with_body, handshake("none", "Transfer-Encoding: chunked\r\n")},
      {"an empty protocol", 400, HttpError::websocket_protocol, protocol("")},
      {"a protocol that is no token", 400, HttpError::websocket_protocol, protocol("a b")},
      {"a quoted protocol", 400, HttpError::websocket_protocol, protocol("\"a\"")},
      {"a protocol twice", 400, HttpError::websocket_protocol, protocol("a, b, a")},
      {"extensions that break the grammar (§9.1)", 400, HttpError::websocket_extensions,
       handshake("none", "Sec-WebSocket-Extensions: permessage-deflate; a=\r\n")},
      {"empty extensions", 400, HttpError::websocket_extensions, handshake("none", "Sec-WebSocket-Extensions: ,\r\n")},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    CHECK(refusal(row.head) == row.error);
    CHECK(http_status(row.error) == row.status);
  }
}

TEST_CASE("wants_websocket tells upgrades, good or bad, from other requests") {
  CHECK(wants_websocket(parsed(handshake("Sec-WebSocket-Key")).request()));
  CHECK_FALSE(wants_websocket(parsed(handshake("Upgrade")).request()));
}

TEST_CASE("upgrade_response is the example of RFC 6455 §1.3") {
  const RequestParser parser = parsed(handshake("none", "Sec-WebSocket-Protocol: chat, superchat\r\n"));
  const auto upgrade = check_upgrade(parser.request());
  REQUIRE(upgrade);
  const std::string start =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
  CHECK(upgrade_response(*upgrade, {}) == start + "\r\n");
  CHECK(upgrade_response(*upgrade, {.protocol = "chat", .extensions = "x; y=1"}) ==
        start + "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: x; y=1\r\n\r\n");
}

TEST_CASE("what upgrade_request asks, check_upgrade takes, and what that answers, check_upgrade_response takes") {
  constexpr std::string_view kProtocols[] = {"ringcast.v1.proto", "ringcast.v1.json"};
  constexpr Field kFields[] = {{"Origin", "http://localhost"}};
  const UpgradeRequest request{.host = "[::1]:8080",
                               .target = "/topics/a%20b?last=1",
                               .nonce = kNonce,
                               .protocols = kProtocols,
                               .extensions = "permessage-deflate",
                               .fields = kFields};
  const RequestParser parser = parsed(upgrade_request(request));
  CHECK(parser.request().host == "[::1]:8080");
  CHECK(parser.request().target == "/topics/a%20b?last=1");
  CHECK(parser.request().fields.get("origin") == "http://localhost");
  const auto upgrade = check_upgrade(parser.request());
  REQUIRE(upgrade);
  CHECK(upgrade->key == kKey);
  CHECK(upgrade->extensions == "permessage-deflate");
  CHECK(upgrade->protocols == std::vector<std::string_view>(std::begin(kProtocols), std::end(kProtocols)));

  const ResponseParser answer =
      parsed_response(upgrade_response(*upgrade, {.protocol = "ringcast.v1.json", .extensions = "permessage-deflate"}));
  const auto acceptance = check_upgrade_response(answer.response(), request);
  REQUIRE(acceptance);
  CHECK(acceptance->protocol == "ringcast.v1.json");
  CHECK(acceptance->extensions == "permessage-deflate");
}

TEST_CASE("check_upgrade_response refuses every answer that RFC 6455 §4.1 does not allow") {
  struct Row {
    std::string_view why;
    UpgradeRefusal refusal;
    std::string head;
  };
  const auto answer = [](std::string_view upgrade, std::string_view connection, std::string_view accept,
                         std::string_view more) {
    return std::string("HTTP/1.1 101 Switching Protocols\r\n")
        .append(upgrade)
        .append(connection)
        .append(accept)
        .append(more)
        .append("\r\n");
  };
  constexpr std::string_view kUpgradeLine = "Upgrade: WebSocket\r\n";
  constexpr std::string_view kConnectionLine = "Connection: upgrade\r\n";
  const std::string accept_line = "Sec-WebSocket-Accept: " + std::string(kAccept) + "\r\n";
  const Row rows[] = {
      {"200", UpgradeRefusal::status, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
      {"no Upgrade", UpgradeRefusal::upgrade, answer("", kConnectionLine, accept_line, "")},
      {"another Upgrade", UpgradeRefusal::upgrade, answer("Upgrade: h2c\r\n", kConnectionLine, accept_line, "")},
      {"no Connection", UpgradeRefusal::connection, answer(kUpgradeLine, "", accept_line, "")},
      {"no accept", UpgradeRefusal::accept, answer(kUpgradeLine, kConnectionLine, "", "")},
      {"two accepts", UpgradeRefusal::accept, answer(kUpgradeLine, kConnectionLine, accept_line, accept_line)},
      {"another key's accept", UpgradeRefusal::accept,
       answer(kUpgradeLine, kConnectionLine, "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n", "")},
      {"a protocol not offered", UpgradeRefusal::protocol,
       answer(kUpgradeLine, kConnectionLine, accept_line, "Sec-WebSocket-Protocol: other\r\n")},
      {"an empty protocol", UpgradeRefusal::protocol,
       answer(kUpgradeLine, kConnectionLine, accept_line, "Sec-WebSocket-Protocol:\r\n")},
      {"two protocols", UpgradeRefusal::protocol,
       answer(kUpgradeLine, kConnectionLine, accept_line,
              "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: chat\r\n")},
      {"an extension not offered", UpgradeRefusal::extensions,
       answer(kUpgradeLine, kConnectionLine, accept_line, "Sec-WebSocket-Extensions: x\r\n")},
  };
  constexpr std::string_view kProtocols[] = {"chat"};
  const UpgradeRequest request{
      .host = "h", .target = "/", .nonce = kNonce, .protocols = kProtocols, .extensions = {}, .fields = {}};
  for (const Row& row : rows) {
    CAPTURE(row.why);
    const ResponseParser parser = parsed_response(row.head);
    const auto acceptance = check_upgrade_response(parser.response(), request);
    REQUIRE_FALSE(acceptance);
    CHECK(acceptance.error() == row.refusal);
    CHECK_FALSE(text(row.refusal).empty());
  }
  const ResponseParser good = parsed_response(answer(kUpgradeLine, kConnectionLine, accept_line, ""));
  CHECK(check_upgrade_response(good.response(), request));
}
