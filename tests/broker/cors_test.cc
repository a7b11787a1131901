#include "broker/cors.h"

#include <doctest/doctest.h>

#include <string>

namespace ringcast::broker {

namespace {

frame::Request request_from(std::string_view origin) {
  frame::Request request;
  request.method = "OPTIONS";
  request.host = "broker.example:8080";
  if (!origin.empty()) request.fields.add({.name = "Origin", .value = origin});
  return request;
}

std::string cors_fields(std::string_view granted) {
  frame::ResponseBuilder builder(200);
  append_cors(builder, granted);
  return builder.no_body();
}

std::string preflight_fields(const frame::Request& request) {
  frame::ResponseBuilder builder(204);
  append_preflight(builder, request, "GET, POST");
  return builder.no_body();
}

}  // namespace

TEST_CASE("an allowed origin is granted by its name, any by a star if the configuration says so, others are not") {
  Config config;
  CHECK(granted_origin(request_from(""), config).empty());
  CHECK(granted_origin(request_from("http://broker.example:8080"), config) == "http://broker.example:8080");
  CHECK(granted_origin(request_from("http://localhost:3000"), config) == "http://localhost:3000");
  CHECK(granted_origin(request_from("https://dash.example"), config).empty());
  CHECK(granted_origin(request_from("null"), config).empty());
  config.allowed_origins = {"https://dash.example"};
  CHECK(granted_origin(request_from("https://dash.example"), config) == "https://dash.example");
  CHECK(granted_origin(request_from("https://other.example"), config).empty());
  config.allowed_origins = {"*", "https://dash.example"};
  CHECK(granted_origin(request_from("https://dash.example"), config) == "https://dash.example");
  CHECK(granted_origin(request_from("https://other.example"), config) == "*");
  CHECK(granted_origin(request_from("null"), config) == "*");
  CHECK(granted_origin(request_from(""), config).empty());
}

TEST_CASE("two origins in one request are none that is allowed") {
  Config config;
  frame::Request request = request_from("http://localhost:3000");
  request.fields.add({.name = "Origin", .value = "http://localhost:3000"});
  CHECK(granted_origin(request, config).empty());
}

TEST_CASE("every answer varies by origin, and lets a page that may read it see its ETag") {
  CHECK(cors_fields("") == "HTTP/1.1 200 OK\r\nVary: Origin\r\n\r\n");
  CHECK(cors_fields("https://dash.example") ==
        "HTTP/1.1 200 OK\r\nVary: Origin\r\nAccess-Control-Allow-Origin: https://dash.example\r\n"
        "Access-Control-Expose-Headers: ETag, Retry-After\r\n\r\n");
}

TEST_CASE("a preflight is OPTIONS with an origin and a method") {
  frame::Request request = request_from("http://localhost:3000");
  CHECK(!is_preflight(request));
  request.fields.add({.name = "Access-Control-Request-Method", .value = "POST"});
  CHECK(is_preflight(request));
  request.method = "GET";
  CHECK(!is_preflight(request));
  frame::Request without_origin = request_from("");
  without_origin.fields.add({.name = "Access-Control-Request-Method", .value = "POST"});
  CHECK(!is_preflight(without_origin));
}

TEST_CASE("a preflight is granted the methods of the path and the fields it asks for, where they are names") {
  frame::Request request = request_from("http://localhost:3000");
  request.fields.add({.name = "Access-Control-Request-Headers", .value = "content-type,bad name, x-trace"});
  CHECK(preflight_fields(request) ==
        "HTTP/1.1 204 No Content\r\nVary: Access-Control-Request-Headers\r\nAccess-Control-Allow-Methods: GET, POST\r\n"
        "Access-Control-Allow-Headers: content-type, x-trace\r\nAccess-Control-Max-Age: 7200\r\n\r\n");
  CHECK(!preflight_fields(request_from("http://localhost:3000")).contains("Allow-Headers"));
}

TEST_CASE("a page of a public network may ask for a private one (Private Network Access)") {
  frame::Request request = request_from("http://localhost:3000");
  CHECK(!preflight_fields(request).contains("Private-Network"));
  request.fields.add({.name = "Access-Control-Request-Private-Network", .value = "true"});
  CHECK(preflight_fields(request).contains("\r\nAccess-Control-Allow-Private-Network: true\r\n"));
}

}  // namespace ringcast::broker
