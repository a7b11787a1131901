// HTTP on one connection, from bytes to bytes: heads, methods, bodies, and what becomes of the connection.
#include "broker/http_session.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "tests/broker/http_bench.h"

using namespace ringcast;
using namespace ringcast::broker;
using namespace ringcast::broker::test;

TEST_CASE("every answer has a date: that of the moment, also long after the last turn") {
  HttpBench bench;
  CHECK(field(bench.ask(request("GET /topics/a")), "Date") == "Sun, 06 Nov 1994 08:49:37 GMT");
  bench.now.monotonic = bench.now.monotonic + 20'000;
  bench.now.utc_us += 20'000'000;
  CHECK(field(bench.ask(request("GET /topics/a")), "Date") == "Sun, 06 Nov 1994 08:49:57 GMT");
  CHECK(field(bench.ask("GET  /"), "Date") == "Sun, 06 Nov 1994 08:49:57 GMT");  // a request that cannot be read
}

TEST_CASE("a method that is known is 405 with Allow where it does not fit, one that is not is 501") {
  HttpBench bench;
  struct Case {
    const char* line;
    const char* status;
    const char* allow;
  };
  for (const auto& [line, status, allow] :
       {Case{"PUT /topics/a", "405 Method Not Allowed", "GET, HEAD, POST, DELETE, OPTIONS"},
        Case{"PATCH /topics/a", "405 Method Not Allowed", "GET, HEAD, POST, DELETE, OPTIONS"},
        Case{"POST /ws", "405 Method Not Allowed", "GET, HEAD, OPTIONS"},
        Case{"DELETE /ws", "405 Method Not Allowed", "GET, HEAD, OPTIONS"},
        Case{"OPTIONS /topics/a", "204 No Content", "GET, HEAD, POST, DELETE, OPTIONS"},
        Case{"OPTIONS /ws", "204 No Content", "GET, HEAD, OPTIONS"},
        Case{"OPTIONS *", "204 No Content", "GET, HEAD, POST, DELETE, OPTIONS"},
        Case{"OPTIONS /nothing", "404 Not Found", "-"}, Case{"TRACE /topics/a", "501 Not Implemented", "-"},
        Case{"get /topics/a", "501 Not Implemented", "-"}, Case{"BREW /nothing", "501 Not Implemented", "-"}}) {
    CAPTURE(line);
    const std::string answer = bench.ask(request(line));
    CHECK(answer.starts_with("HTTP/1.1 " + std::string(status)));
    CHECK(field(answer, "Allow") == allow);
    CHECK(bench.goes_on());
  }
  CHECK(bench.ask("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n").starts_with("HTTP/1.1 501 "));
  CHECK(!bench.goes_on());
}

TEST_CASE("no answer to OPTIONS or HEAD has a body, and HEAD has the fields of GET") {
  HttpBench bench;
  CHECK(bench.ask(post("/topics/a", "value", "Content-Type: text/csv\r\n")).starts_with("HTTP/1.1 200 "));
  for (const char* target : {"/topics/a", "/topics/none", "/topics/%2b", "/ws", "/nothing"}) {
    CAPTURE(target);
    const std::string get = bench.ask(request("GET " + std::string(target)));
    const std::string head = bench.ask(request("HEAD " + std::string(target)));
    CHECK(head == get.substr(0, get.find("\r\n\r\n") + 4));
    CHECK(!body_of(get).empty());
  }
  CHECK(field(bench.ask(request("HEAD /topics/a")), "Content-Length") == "5");
  CHECK(field(bench.ask(request("HEAD /topics/a")), "Content-Type") == "text/csv");
  const std::string options = bench.ask(request("OPTIONS /topics/a"));
  CHECK(field(options, "Content-Length") == "-");
  CHECK(body_of(options).empty());
}

TEST_CASE("a body that nobody reads ends the connection: it is not taken for the next request") {
  const std::string smuggled = request("GET /topics/smuggled");
  for (const char* line : {"GET /topics/a", "HEAD /topics/a", "GET /", "GET /ws", "OPTIONS /topics/a", "OPTIONS *",
                           "PUT /topics/a", "BREW /topics/a", "POST /nothing", "DELETE /ws", "POST /topics/+"}) {
    CAPTURE(line);
    for (const std::string& framing : {"Content-Length: " + std::to_string(smuggled.size()) + "\r\n",
                                       std::string("Transfer-Encoding: chunked\r\n")}) {
      HttpBench bench;
      const std::string answer = bench.ask(request(line, framing, smuggled));
      CHECK(field(answer, "Connection").contains("close"));
      CHECK(answer.find("HTTP/1.1 ", 1) == std::string::npos);
      CHECK(!bench.goes_on());
    }
  }
  HttpBench bench;
  CHECK(bench.ask(request("GET /topics/a", "Content-Length: 0\r\n")).starts_with("HTTP/1.1 404 "));
  CHECK(bench.goes_on());
}

TEST_CASE("HTTP/1.1 goes on unless told to close; HTTP/1.0 closes unless asked not to, and is told") {
  struct Case {
    const char* version;
    const char* fields;
    const char* said;
  };
  for (const auto& [version, fields, said] :
       {Case{"1.1", "", "-"}, Case{"1.1", "Connection: keep-alive\r\n", "-"},
        Case{"1.1", "Connection: x, CLOSE\r\n", "close"},
        Case{"1.1", "Connection: x\r\nConnection: close\r\n", "close"}, Case{"1.0", "", "close"},
        Case{"1.0", "Connection: Keep-Alive\r\n", "keep-alive"},
        Case{"1.0", "Connection: keep-alive, close\r\n", "close"}}) {
    CAPTURE(version);
    CAPTURE(fields);
    for (const char* line : {"GET /topics/none", "OPTIONS *", "GET /nothing", "PUT /topics/a"}) {
      HttpBench bench;
      const std::string head = std::string(line) + " HTTP/" + version + "\r\nHost: localhost\r\n" + fields + "\r\n";
      const std::string answer = bench.ask(head + request("GET /topics/second"));
      CHECK(field(answer, "Connection") == said);
      const bool kept = std::string_view(said) != "close";
      CHECK((answer.find("HTTP/1.1 ", 1) != std::string::npos) == kept);
      CHECK(bench.goes_on() == kept);
    }
  }
}

TEST_CASE("answers leave in the order of their requests, whole or byte by byte") {
  const std::string pipelined = post("/topics/a", "1") + request("GET /topics/a") + request("HEAD /topics/a") +
                                request("OPTIONS *") + request("DELETE /topics/a") + request("GET /topics/a") +
                                request("GET /nothing");
  for (const bool whole : {true, false}) {
    HttpBench bench;
    const std::string sent = whole ? bench.ask(pipelined) : bench.ask_byte_by_byte(pipelined);
    std::string statuses;
    for (std::size_t at = sent.find("HTTP/1.1 "); at != std::string::npos; at = sent.find("HTTP/1.1 ", at + 1)) {
      statuses += sent.substr(at + 9, 4);
    }
    CHECK(statuses == "200 200 200 204 200 404 404 ");
    CHECK(bench.goes_on());
  }
}

TEST_CASE("pages of allowed origins may read answers, errors included; others may not, and are not acted upon") {
  HttpBench bench({.allowed_origins = {"https://dash.example"}});
  const std::string dash = "Origin: https://dash.example\r\n";
  const std::string evil = "Origin: https://evil.example\r\n";
  for (const char* line : {"GET /topics/none", "GET /nothing", "PUT /topics/a", "BREW /", "GET /ws", "OPTIONS *"}) {
    CAPTURE(line);
    CHECK(field(bench.ask(request(line, dash)), "Access-Control-Allow-Origin") == "https://dash.example");
    CHECK(field(bench.ask(request(line, evil)), "Access-Control-Allow-Origin") == "-");
    const std::string without = bench.ask(request(line));
    CHECK(field(without, "Access-Control-Allow-Origin") == "-");
    CHECK(field(without, "Vary") == "Origin");
  }
  const std::string posted = bench.ask(post("/topics/a", "1", dash));
  CHECK(posted.starts_with("HTTP/1.1 200 "));
  CHECK(field(posted, "Access-Control-Allow-Origin") == "https://dash.example");
  CHECK(field(posted, "Access-Control-Expose-Headers") == "ETag, Retry-After");
  const std::string asked =
      bench.ask(request("OPTIONS /topics/a", dash + "Access-Control-Request-Method: DELETE\r\n"
                                                    "Access-Control-Request-Headers: idempotency-key\r\n"));
  CHECK(asked.starts_with("HTTP/1.1 204 "));
  CHECK(field(asked, "Access-Control-Allow-Origin") == "https://dash.example");
  CHECK(field(asked, "Access-Control-Allow-Methods") == "GET, HEAD, POST, DELETE, OPTIONS");
  CHECK(field(asked, "Access-Control-Allow-Headers") == "idempotency-key");
  const std::string refused =
      bench.ask(request("OPTIONS /topics/a", evil + "Access-Control-Request-Method: DELETE\r\n"));
  CHECK(refused.starts_with("HTTP/1.1 403 "));
  CHECK(refused.contains("\"origin_not_allowed\""));
  CHECK(field(refused, "Access-Control-Allow-Origin") == "-");
  CHECK(bench.goes_on());
  CHECK(bench.ask(post("/topics/a", "2", evil)).starts_with("HTTP/1.1 403 "));
}

TEST_CASE("a head or a body that does not come in time is 408, and an idle connection just ends") {
  Config config;
  for (const std::string& begun :
       {std::string("GET /topics/a HT"), request("POST /topics/a", "Content-Length: 5\r\n", "123")}) {
    CAPTURE(begun);
    HttpBench bench;
    CHECK(bench.ask(begun).empty());
    bench.pass_ms(config.handshake_timeout_ms + 100);
    const std::string answer = bench.take_sent();
    CHECK(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"));
    CHECK(field(answer, "Connection") == "close");
    CHECK(!bench.goes_on());
  }
  HttpBench idle;
  (void)idle.ask(request("GET /topics/a"));
  idle.pass_ms(config.http_idle_timeout_ms + 100);
  CHECK(idle.take_sent().empty());
  CHECK(!idle.goes_on());
}

TEST_CASE("what a POST's body must not be is refused by its head, each with what its status asks for") {
  struct Case {
    const char* fields;
    const char* status;
    const char* name;
  };
  for (const auto& [fields, status, name] :
       {Case{"", "411", "length_required"},
        Case{"Content-Length: 1\r\nContent-Encoding: gzip\r\n", "415", "content_encoding"},
        Case{"Content-Length: 1\r\nContent-Encoding: identity, br\r\n", "415", "content_encoding"},
        Case{"Content-Length: 1\r\nExpect: a-wonder\r\n", "417", "unknown_expectation"},
        Case{"Transfer-Encoding: gzip, chunked\r\n", "501", "unknown_transfer_encoding"},
        Case{"Content-Length: 1\r\nIf-Match: *\r\n", "501", "condition_not_implemented"},
        Case{"Content-Length: 1\r\nIf-None-Match: *\r\n", "501", "condition_not_implemented"},
        Case{"Content-Length: 1\r\nContent-Type: a/b\r\nContent-Type: a/c\r\n", "400", "duplicate_content_type"},
        Case{"Content-Length: 1\r\nContent-Type: a/b\xff\r\n", "400", "bad_content_type"},
        Case{"Content-Length: 1\r\nContent-Type: a/\tb\r\n", "400", "bad_content_type"},
        Case{"Content-Length: 1048577\r\n", "413", "body_too_large"},
        Case{"Content-Length: 1048577\r\nExpect: 100-continue\r\n", "413", "body_too_large"}}) {
    CAPTURE(fields);
    for (const std::string_view target : {"/topics/a", "/topics"}) {
      if (target == "/topics" && std::string_view(fields).contains("Content-Type")) continue;  // 415: not NDJSON
      HttpBench bench;
      const std::string answer = bench.ask(request("POST " + std::string(target), fields));
      CHECK(answer.starts_with("HTTP/1.1 " + std::string(status)));
      CHECK(answer.contains("\"error\":\"" + std::string(name) + "\""));
      if (std::string_view(name) == "content_encoding") CHECK(field(answer, "Accept-Encoding") == "identity");
      CHECK(bench.goes_on() == (std::string_view(status) == "411"));
    }
  }
  HttpBench bench;
  CHECK(bench.ask(post("/topics/a", "", "Content-Encoding: identity\r\n")).starts_with("HTTP/1.1 200 "));
  CHECK(bench.ask(request("POST /topics/a", "Content-Length: 1\r\nExpect: 100-continue\r\n")) ==
        "HTTP/1.1 100 Continue\r\n\r\n");
  CHECK(bench.ask("x").starts_with("HTTP/1.1 200 "));
}
