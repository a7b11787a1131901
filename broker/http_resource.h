// What a request's path names, and which methods may be used on it (RFC 9110 §9). Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace ringcast::broker {

enum class Method : std::uint8_t {
  get,
  head,
  post,
  remove,  // DELETE
  options,
  known,    // PUT, PATCH: everybody knows them, nothing here takes them (405)
  unknown,  // nothing that this broker implements (501)
};

// What `name` means; names are compared with regard to case (§9.1).
[[nodiscard]] Method read_method(std::string_view name) noexcept;

enum class Resource : std::uint8_t {
  server,      // `*`, the broker as a whole
  topic,       // /topics/<topic>
  batch,       // /topics: many topics at once
  web_socket,  // /ws
  file,        // of the dashboard, if there is one
};

// What `path` (encoded, after the base path; or `*`) names.
[[nodiscard]] Resource find_resource(std::string_view path) noexcept;

// The value of Allow: "GET, HEAD, OPTIONS".
[[nodiscard]] std::string_view allowed_methods(Resource resource) noexcept;

// Whether the method is in that value.
[[nodiscard]] bool is_allowed(Resource resource, Method method) noexcept;

}  // namespace ringcast::broker
