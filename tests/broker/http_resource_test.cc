#include "broker/http_resource.h"

#include <doctest/doctest.h>

#include <string>

#include "frame/http_fields.h"

namespace ringcast::broker {

namespace {

struct Named {
  std::string_view name;
  Method method;
};

constexpr Named kMethods[] = {{"GET", Method::get},       {"HEAD", Method::head},       {"POST", Method::post},
                              {"DELETE", Method::remove}, {"OPTIONS", Method::options}, {"PUT", Method::known},
                              {"PATCH", Method::known}};

}  // namespace

TEST_CASE("methods are told apart by their exact names") {
  for (const auto& [name, method] : kMethods) CHECK_MESSAGE(read_method(name) == method, name);
  for (const char* name : {"", "get", "Get", "GETS", "GE", "TRACE", "CONNECT", "PROPFIND", "QUERY"}) {
    CHECK_MESSAGE(read_method(name) == Method::unknown, name);
  }
}

TEST_CASE("a path names a topic, the WebSockets, the server or a file") {
  CHECK(find_resource("*") == Resource::server);
  CHECK(find_resource("/ws") == Resource::web_socket);
  CHECK(find_resource("/topics/a") == Resource::topic);
  CHECK(find_resource("/topics/") == Resource::topic);
  CHECK(find_resource("/topics") == Resource::batch);
  for (const char* path : {"", "/", "/app.js", "/ws/", "/WS", "/topic", "/topics2", "/**"}) {
    CHECK_MESSAGE(find_resource(path) == Resource::file, path);
  }
}

TEST_CASE("Allow names the methods that are allowed, and HEAD wherever it names GET") {
  for (const Resource resource : {Resource::topic, Resource::batch, Resource::web_socket, Resource::file}) {
    frame::Fields fields;
    fields.add({.name = "Allow", .value = allowed_methods(resource)});
    for (const auto& [name, method] : kMethods) {
      CHECK_MESSAGE(fields.has_token("Allow", name) == is_allowed(resource, method), allowed_methods(resource), name);
    }
    CHECK(is_allowed(resource, Method::get) == is_allowed(resource, Method::head));
    CHECK(is_allowed(resource, Method::options));
    CHECK(!is_allowed(resource, Method::unknown));
  }
}

TEST_CASE("of the whole server only OPTIONS can be asked, and Allow names what it has anywhere") {
  for (const auto& [name, method] : kMethods) {
    CHECK_MESSAGE(is_allowed(Resource::server, method) == (method == Method::options), name);
  }
  CHECK(allowed_methods(Resource::server) == "GET, HEAD, POST, DELETE, OPTIONS");
}

}  // namespace ringcast::broker
