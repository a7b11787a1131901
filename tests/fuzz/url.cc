#include "frame/url.h"

#include <string>

#include "frame/utf8.h"
#include "tests/fuzz/property.h"

namespace ringcast::fuzz {

namespace {

using namespace frame;

void require_clean(std::string_view decoded) {
  require(is_utf8(as_bytes(decoded)));
  require(!decoded.contains('\0'));
}

void check_path(std::string_view path) {
  const auto decoded = decode_path(path);
  if (!decoded) return;
  require_clean(*decoded);
  require(decode_path(encode_path(*decoded)) == *decoded);
  // No escape made a separator: there are as many as were written.
  std::size_t difference = 0;
  for (const char c : path) difference += c == '/' ? 1U : 0U;
  for (const char c : *decoded) difference -= c == '/' ? 1U : 0U;
  require(difference == 0);
}

void check_query(std::string_view text) {
  Query query(text);
  std::string again;
  std::size_t walked = 0;
  for (;; ++walked) {
    require(walked <= text.size());
    const auto parameter = query.next();
    if (!parameter) continue;
    if (!*parameter) break;
    const auto& [name, value] = **parameter;
    require_clean(name);
    require_clean(value);
    again += encode_component(name) + "=" + encode_component(value) + "&";
    Query one(std::string_view(again).substr(again.rfind('&', again.size() - 2) + 1));
    const auto same = one.next();
    require(same && *same && (*same)->name == name && (*same)->value == value);
  }
}

void check_target(std::string_view target) {
  const auto parts = split_target(target);
  if (!parts) return;
  require(parts->path == "*" || parts->path.starts_with('/'));
  require(!parts->path.contains('?'));
  require(parts->authority.empty() || is_authority(parts->authority));
  require(target.ends_with(parts->query));
  check_path(parts->path);
  check_query(parts->query);
  // The origin-form of an absolute target has the same path and query.
  if (parts->path == "*") return;
  const std::string origin = std::string(parts->path) + "?" + std::string(parts->query);
  const auto same = split_target(origin);
  require(same && same->path == parts->path && same->query == parts->query);
}

}  // namespace

void check_url(Bytes input) {
  const std::string_view text = as_text(input);
  check_target(text);
  check_path(text);
  check_query(text);
  if (is_authority(text)) {
    const std::string target = "http://" + std::string(text) + "/";
    const auto parts = split_target(target);
    require(parts && parts->authority == text);
  }
  if (is_utf8(input) && !text.contains('\0')) {
    require(decode_path(encode_path(text)) == std::string(text));
    require(decode_query(encode_component(text)) == std::string(text));
    require(split_target("/" + encode_path(text)).has_value());
  }
}

}  // namespace ringcast::fuzz
