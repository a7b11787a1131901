#include "broker/http_resource.h"

#include <array>
#include <cassert>
#include <utility>

#include "broker/topic_request.h"

namespace ringcast::broker {

namespace {

// By Method, up to `options`.
constexpr std::array<std::string_view, 5> kNames{"GET", "HEAD", "POST", "DELETE", "OPTIONS"};

}  // namespace

Method read_method(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<Method>(i);
  }
  return name == "PUT" || name == "PATCH" ? Method::known : Method::unknown;
}

Resource find_resource(std::string_view path) noexcept {
  if (path == "*") return Resource::server;
  if (path == kWebSocketPath) return Resource::web_socket;
  if (path == kBatchPath) return Resource::batch;
  return path.starts_with(kTopicsPath) ? Resource::topic : Resource::file;
}

std::string_view allowed_methods(Resource resource) noexcept {
  switch (resource) {
    case Resource::server:
    case Resource::topic:
      return "GET, HEAD, POST, DELETE, OPTIONS";
    case Resource::batch:
      return "POST, OPTIONS";
    case Resource::web_socket:
    case Resource::file:
      return "GET, HEAD, OPTIONS";
  }
  std::unreachable();
}

bool is_allowed(Resource resource, Method method) noexcept {
  switch (method) {
    case Method::get:
    case Method::head:
      return resource != Resource::server && resource != Resource::batch;
    case Method::post:
      return resource == Resource::topic || resource == Resource::batch;
    case Method::remove:
      return resource == Resource::topic;
    case Method::options:
      return true;
    case Method::known:
    case Method::unknown:
      return false;
  }
  std::unreachable();
}

}  // namespace ringcast::broker
