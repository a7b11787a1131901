#include "broker/origin.h"

#include <doctest/doctest.h>

#include <string>

namespace ringcast::broker {

namespace {

// The answer's name, or "" when the request is allowed.
std::string judge(std::string_view method, std::string_view host, std::string_view origin, ReachedBy reached_by,
                  const Config& config = {}) {
  frame::Request request;
  request.method = method;
  request.host = host;
  if (!origin.empty()) request.fields.add({.name = "Origin", .value = origin});
  const auto refusal = check_origin(request, config, reached_by);
  return refusal ? std::string(refusal->name) : "";
}

}  // namespace

TEST_CASE("origin: programs, the same host and loopback pages may publish; other pages may not") {
  const auto other = ReachedBy::other;
  CHECK(judge("POST", "broker.example:8080", "", other) == "");
  CHECK(judge("POST", "broker.example:8080", "http://broker.example:8080", other) == "");
  CHECK(judge("POST", "broker.example:8080", "http://localhost:3000", other) == "");
  CHECK(judge("POST", "broker.example:8080", "http://127.0.0.1:3000", other) == "");
  CHECK(judge("POST", "broker.example:8080", "http://[::1]:3000", other) == "");
  CHECK(judge("POST", "broker.example:8080", "http://evil.example", other) == "origin_not_allowed");
  CHECK(judge("POST", "broker.example:8080", "http://broker.example:9999", other) == "origin_not_allowed");
  CHECK(judge("POST", "broker.example:8080", "null", other) == "origin_not_allowed");
  CHECK(judge("DELETE", "broker.example:8080", "http://evil.example", other) == "origin_not_allowed");
}

TEST_CASE("origin: names that only look like loopback are not") {
  for (const char* origin : {"http://localhost.evil.example", "http://127.0.0.1.evil.example",
                             "http://127.evil.example", "http://evil.example#localhost", "http://[::1].evil.example"}) {
    CAPTURE(origin);
    CHECK(judge("POST", "broker.example", origin, ReachedBy::other) == "origin_not_allowed");
  }
}

TEST_CASE("origin: reading by GET is left to the browser's own rules") {
  CHECK(judge("GET", "broker.example", "http://evil.example", ReachedBy::other) == "");
}

TEST_CASE("origin: on a loopback address only loopback names are meant (DNS rebinding)") {
  CHECK(judge("GET", "localhost:8080", "", ReachedBy::loopback) == "");
  CHECK(judge("GET", "127.0.0.1:8080", "", ReachedBy::loopback) == "");
  CHECK(judge("GET", "evil.example:8080", "", ReachedBy::loopback) == "host_not_allowed");
  CHECK(judge("POST", "evil.example:8080", "http://evil.example:8080", ReachedBy::loopback) == "host_not_allowed");
}

TEST_CASE("origin: the configuration opens what it lists, and only that") {
  Config config;
  config.allowed_origins = {"https://dash.example"};
  CHECK(judge("POST", "broker.example", "https://dash.example", ReachedBy::other, config) == "");
  CHECK(judge("POST", "broker.example", "http://dash.example", ReachedBy::other, config) == "origin_not_allowed");
  CHECK(judge("GET", "dash.example", "", ReachedBy::loopback, config) == "");
  config.allowed_origins = {"*"};
  CHECK(judge("POST", "broker.example", "http://evil.example", ReachedBy::other, config) == "");
}

}  // namespace ringcast::broker
