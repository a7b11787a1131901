#include "broker/admin_session.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace ringcast::broker {

namespace {

constexpr Now kAdminNow{.monotonic = {1'000}, .utc_us = 784'111'777'000'000};

// One connection whose requests are answered with `ok` at once.
struct AdminBench {
  Config config;
  AdminSession session;
  std::vector<std::size_t> asked;  // AdminRequest::index() of each request that came

  explicit AdminBench(bool by_loopback = true) : session(config, by_loopback, kAdminNow) {}

  void answer_all() {
    while (auto request = session.take_request()) {
      asked.push_back(request->index());
      session.answer({.body = "ok"}, kAdminNow);
    }
  }
  // What is answered to these bytes, however they are cut.
  std::string ask(std::string_view bytes, std::size_t piece = SIZE_MAX) {
    std::string out;
    for (std::size_t at = 0; at < bytes.size() && session.wants_bytes(); at += std::min(piece, bytes.size())) {
      session.received(bytes.substr(at, piece), kAdminNow);
      for (answer_all(); !session.output().empty(); answer_all()) {
        out += session.output();
        session.sent(session.output().size(), kAdminNow);
      }
    }
    return out;
  }
};

std::string admin_head(std::string_view line, std::string_view fields = "Host: localhost:9090\r\n") {
  return std::string(line) + " HTTP/1.1\r\n" + std::string(fields) + "\r\n";
}

std::string name_of_error(const std::string& answer) {
  const std::size_t at = answer.find("\"error\":\"");
  return at == std::string::npos ? "" : answer.substr(at + 9, answer.find('"', at + 9) - at - 9);
}

}  // namespace

TEST_CASE("a request is read whole, byte by byte and behind others alike") {
  const std::string requests =
      admin_head("GET /livez") +
      admin_head("PUT /api/v1/log-level", "Host: [::1]\r\nContent-Type: application/json\r\nContent-Length: 17\r\n") +
      "{\"level\":\"debug\"}" + admin_head("HEAD /api/v1/topics?limit=5");
  AdminBench whole;
  const std::string answers = whole.ask(requests);
  CHECK(whole.asked.size() == 3);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{50}}) {
    CAPTURE(piece);
    AdminBench bench;
    CHECK(bench.ask(requests, piece) == answers);
    CHECK(bench.asked == whole.asked);
  }
  CHECK(answers.find("Date: Sun, 06 Nov 1994 08:49:37 GMT") != std::string::npos);
  CHECK(answers.ends_with("\r\n\r\n"));  // HEAD
}

TEST_CASE("what is wrong is refused by name, and the connection goes on") {
  struct Row {
    const char* line;
    const char* status;
    const char* error;
  };
  const Row rows[] = {
      {"GET /nothing", "404", "not_found"},
      {"GET /api/v2/stats", "404", "not_found"},
      {"OPTIONS *", "404", "not_found"},
      {"POST /livez", "405", "method_not_allowed"},
      {"DELETE /api/v1/connections", "405", "method_not_allowed"},
      {"DELETE /api/v1/drain", "405", "method_not_allowed"},
      {"GET /api/v1/connections?limit=0", "400", "bad_parameter"},
      {"GET /api/v1/connections?limit=1001", "400", "bad_parameter"},
      {"GET /api/v1/connections?limit=1x", "400", "bad_parameter"},
      {"GET /api/v1/connections?limt=5", "400", "bad_parameter"},
      {"GET /api/v1/connections?limit=5&limit=6", "400", "bad_parameter"},
      {"GET /api/v1/connections?kind=raw,tcp", "400", "bad_parameter"},
      {"GET /api/v1/connections?sort=name", "400", "bad_parameter"},
      {"GET /api/v1/connections?filter=a/%23/b", "400", "bad_parameter"},
      {"GET /api/v1/connections?topic=a/%23", "400", "bad_parameter"},
      {"GET /api/v1/connections?after=1-2", "400", "bad_parameter"},
      {"GET /api/v1/connections?sort=lag&after=1-2-3", "400", "bad_parameter"},
      {"GET /api/v1/connections/1-2", "404", "not_found"},
      {"GET /api/v1/connections/1-2-3?code=1000", "400", "bad_parameter"},
      {"GET /api/v1/topics?filter=a/%23/b", "400", "bad_parameter"},
      {"GET /api/v1/topics?sort=size", "400", "bad_parameter"},
      {"GET /api/v1/topics?sort=rate&after=a", "400", "bad_parameter"},
      {"GET /api/v1/topics?filter=%ff", "400", "bad_parameter"},
      {"GET /api/v1/slow?limit=2000", "400", "bad_parameter"},
      {"GET /metrics?x", "400", "bad_parameter"},
      {"DELETE /api/v1/connections/1-2-3", "415", "not_deliberate"},
      {"PUT /api/v1/log-level", "415", "not_deliberate"},
      {"POST /api/v1/drain", "415", "not_deliberate"},
  };
  for (const auto& [line, status, error] : rows) {
    CAPTURE(line);
    AdminBench bench;
    const std::string answer = bench.ask(admin_head(line));
    CHECK(answer.starts_with("HTTP/1.1 " + std::string(status) + " "));
    CHECK(name_of_error(answer) == error);
    CHECK(bench.ask(admin_head("GET /livez")).starts_with("HTTP/1.1 200 "));
  }
}

TEST_CASE("limits hold on both sides") {
  for (const auto& [line, good] :
       {std::pair{"GET /api/v1/connections?limit=1000&kind=raw,sse&address=10.&sort=lag", true},
        {"GET /api/v1/connections?topic=a/b&filter=a/%23&after=3-4-5", true},
        {"GET /api/v1/topics?prefix=a&limit=1&sort=rate", true},
        {"GET /api/v1/connections?limit=1001", false}}) {
    AdminBench bench;
    CHECK_MESSAGE(bench.ask(admin_head(line)).starts_with("HTTP/1.1 200 ") == good, line);
  }
  const auto close = [](const std::string& query) {
    AdminBench bench;
    return bench.ask(admin_head("DELETE /api/v1/connections/1-2-3?" + query, "Host: localhost\r\nX-Ringcast: 1\r\n"))
        .starts_with("HTTP/1.1 200 ");
  };
  for (const char* code : {"1000", "1001", "1008", "1012", "1013", "3000", "4999"})
    CHECK_MESSAGE(close("code=" + std::string(code)), code);
  for (const char* code : {"0", "999", "1002", "1005", "1006", "1015", "2999", "5000", "65536", "x", ""})
    CHECK_MESSAGE(!close("code=" + std::string(code)), code);
  CHECK(close("reason=" + std::string(kKickReasonBytesMax, 'x')));
  CHECK_FALSE(close("reason=" + std::string(kKickReasonBytesMax + 1, 'x')));
}

TEST_CASE("pages of foreign origins and names that are not this machine's are refused") {
  struct Row {
    bool by_loopback;
    const char* line;
    const char* fields;
    const char* error;
  };
  const Row rows[] = {
      {true, "GET /api/v1/stats", "Host: localhost:9090\r\n", ""},
      {true, "GET /api/v1/stats", "Host: 127.0.0.1\r\n", ""},
      {true, "GET /api/v1/stats", "Host: [::1]:9090\r\n", ""},
      {true, "GET /api/v1/stats", "Host: evil.example\r\n", "host_not_allowed"},
      {true, "GET /metrics", "Host: evil.example\r\n", "host_not_allowed"},
      {true, "GET /api/v1/stats", "Host: 127.0.0.1.evil.example\r\n", "host_not_allowed"},
      {false, "GET /api/v1/stats", "Host: broker.example\r\n", ""},
      {false, "GET /api/v1/stats", "Host: broker.example\r\nOrigin: https://evil.example\r\n", "origin_not_allowed"},
      {false, "GET /api/v1/stats", "Host: broker.example\r\nOrigin: null\r\n", "origin_not_allowed"},
      {false, "GET /api/v1/stats", "Host: broker.example\r\nOrigin: http://broker.example\r\n", ""},
      {true, "GET /api/v1/stats", "Host: localhost:9090\r\nOrigin: http://localhost:8080\r\n", ""},
      {true, "DELETE /api/v1/connections/1-2-3", "Host: localhost\r\nX-Ringcast: 1\r\nOrigin: https://evil.example\r\n",
       "origin_not_allowed"},
  };
  for (const auto& [by_loopback, line, fields, error] : rows) {
    CAPTURE(line);
    CAPTURE(fields);
    AdminBench bench(by_loopback);
    const std::string answer = bench.ask(admin_head(line, fields));
    CHECK(name_of_error(answer) == error);
    CHECK(answer.starts_with(*error == '\0' ? "HTTP/1.1 200 " : "HTTP/1.1 403 "));
  }
}

TEST_CASE("a page may not send what changes something without asking, and asking is refused") {
  AdminBench bench;
  // What a form can send: text/plain, or no type at all.
  for (const char* type : {"", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n",
                           "Content-Type: text/plain; application/json\r\n"}) {
    CHECK(name_of_error(bench.ask(admin_head("POST /api/v1/drain", "Host: localhost\r\n" + std::string(type)))) ==
          "not_deliberate");
  }
  CHECK(
      bench
          .ask(admin_head("POST /api/v1/drain", "Host: localhost\r\nContent-Type: application/json; charset=utf-8\r\n"))
          .starts_with("HTTP/1.1 200 "));
  CHECK(bench.ask(admin_head("OPTIONS /api/v1/drain")).starts_with("HTTP/1.1 405 "));
}

TEST_CASE("a body is bounded, and one that lies about itself ends the connection") {
  AdminBench bench;
  const std::string fields = "Host: localhost\r\nContent-Type: application/json\r\nContent-Length: ";
  CHECK(bench.ask(admin_head("PUT /api/v1/log-level", fields + "2\r\n") + "{}").starts_with("HTTP/1.1 400 "));
  const std::string large = bench.ask(admin_head("PUT /api/v1/log-level", fields + "16385\r\n"));
  CHECK(large.starts_with("HTTP/1.1 413 "));
  CHECK(bench.session.ended());
  AdminBench garbage;
  CHECK(garbage.ask("GET / HTTP/9.9\r\n\r\n").starts_with("HTTP/1.1 505 "));
  CHECK(garbage.session.ended());
}

TEST_CASE("the dashboard's files are served below /dashboard/, and only there") {
  constexpr FindFile kFind = [](std::string_view path) -> const StaticFile* {
    static constexpr std::uint8_t kBytes[] = {'p', 'a', 'g', 'e'};
    static const StaticFile page{"text/html; charset=utf-8", kBytes, "\"etag\"", {}};
    return path == "/" ? &page : nullptr;
  };
  const Config config;
  const auto ask = [&](std::string_view line) {
    AdminSession session(config, true, kAdminNow, kFind);
    session.received(admin_head(line), kAdminNow);
    return session.has_request() ? "a request" : std::string(session.output());
  };
  const std::string page = ask("GET /dashboard/");
  CHECK(page.starts_with("HTTP/1.1 200 "));
  CHECK(page.find("Content-Type: text/html; charset=utf-8\r\n") != std::string::npos);
  CHECK(page.find("Content-Security-Policy: default-src 'self'") != std::string::npos);
  CHECK(page.ends_with("\r\n\r\npage"));
  CHECK(ask("HEAD /dashboard/").ends_with("\r\n\r\n"));
  for (const char* line : {"GET /dashboard", "GET /dashboard/none.js", "POST /dashboard/"}) {
    CHECK_MESSAGE(ask(line).starts_with("HTTP/1.1 404 "), line);
  }
  CHECK(ask("GET /livez") == "a request");
  AdminBench without;
  CHECK(without.ask(admin_head("GET /dashboard/")).starts_with("HTTP/1.1 404 "));
}

TEST_CASE("who is slow to ask or to read is cut off") {
  Config config;
  AdminSession slow(config, true, kAdminNow);
  slow.received("GET /live", kAdminNow);
  CHECK(slow.deadline() == kAdminNow.monotonic + config.handshake_timeout_ms);
  slow.late(kAdminNow);
  CHECK(slow.output().starts_with("HTTP/1.1 408 "));
  CHECK(slow.ended());

  AdminBench idle;
  CHECK_FALSE(idle.ask(admin_head("GET /livez")).empty());
  CHECK(idle.session.deadline() == kAdminNow.monotonic + idle.config.http_idle_timeout_ms);
  idle.session.late(kAdminNow);
  CHECK(idle.session.ended());
  CHECK(idle.session.output().empty());

  AdminSession deaf(config, true, kAdminNow);
  deaf.received(admin_head("GET /livez"), kAdminNow);
  REQUIRE(deaf.take_request().has_value());
  CHECK(deaf.deadline() == Instant::never());  // it is the desk's turn
  deaf.answer({.body = "ok"}, kAdminNow);
  CHECK(deaf.deadline() == kAdminNow.monotonic + AdminSession::kAnswerMs);
  deaf.late(kAdminNow);
  CHECK(deaf.ended());
  CHECK(deaf.output().empty());
}

TEST_CASE("while an answer is not taken no further request is read, and input is bounded") {
  Config config;
  AdminSession session(config, true, kAdminNow);
  std::string many;
  for (int i = 0; i < 5'000 && session.wants_bytes(); ++i) session.received(admin_head("GET /livez"), kAdminNow);
  CHECK_FALSE(session.wants_bytes());
  REQUIRE(session.take_request().has_value());
  session.answer({.body = "ok"}, kAdminNow);
  CHECK_FALSE(session.has_request());
  session.sent(session.output().size(), kAdminNow);
  CHECK(session.has_request());
}

}  // namespace ringcast::broker
