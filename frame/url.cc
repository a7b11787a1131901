#include "frame/url.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "frame/bytes.h"
#include "frame/hex.h"
#include "frame/http_fields.h"
#include "frame/utf8.h"

namespace ringcast::frame {

namespace {

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
constexpr bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// RFC 3986 §2.3.
constexpr bool is_unreserved(char c) noexcept {
  return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

// RFC 3986 §2.2.
constexpr bool is_sub_delimiter(char c) noexcept {
  return std::string_view("!$&'()*+,;=").contains(c);
}

// Whether `%` at the front of `text` begins an escape, and what it spells.
std::optional<char> unescape(std::string_view text) noexcept {
  if (text.size() < 3) return std::nullopt;
  const int high = hex_value(text[1]);
  const int low = hex_value(text[2]);
  if (high < 0 || low < 0) return std::nullopt;
  return static_cast<char>(high << 4 | low);
}

enum class Part : std::uint8_t { path, query };

std::expected<std::string, UrlError> decode(std::string_view text, Part part) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (!is_target_char(c)) return std::unexpected(UrlError::bad_character);
    if (c != '%') {
      out.push_back(c == '+' && part == Part::query ? ' ' : c);
      continue;
    }
    const auto escaped = unescape(text.substr(at));
    if (!escaped) return std::unexpected(UrlError::bad_escape);
    if (*escaped == '\0') return std::unexpected(UrlError::escaped_nul);
    if (*escaped == '/' && part == Part::path) return std::unexpected(UrlError::escaped_slash);
    out.push_back(*escaped);
    at += 2;
  }
  if (!is_utf8(as_bytes(out))) return std::unexpected(UrlError::invalid_utf8);
  return out;
}

template <typename Keep>
std::string encode(std::string_view text, Keep keep) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (keep(c)) {
      out.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out.append({'%', kHexDigits[byte >> 4U], kHexDigits[byte & 0xfU]});
  }
  return out;
}

bool is_port(std::string_view text) noexcept {
  return text.size() <= 5 && std::ranges::all_of(text, is_digit);  // may be empty (RFC 3986 §3.2.3)
}

// A name or an IPv4 address: reg-name covers both (RFC 3986 §3.2.2).
bool is_name(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '%') {
      if (!unescape(text.substr(at))) return false;
      at += 2;
    } else if (!is_unreserved(text[at]) && !is_sub_delimiter(text[at])) {
      return false;
    }
  }
  return !text.empty();
}

// What stands between the brackets; whether it is a good address is for whoever connects to it.
bool is_ipv6(std::string_view text) noexcept {
  constexpr std::size_t kSizeMax = 45;  // characters: eight groups, the last two as IPv4
  const bool characters = std::ranges::all_of(text, [](char c) { return hex_value(c) >= 0 || c == ':' || c == '.'; });
  return characters && text.size() <= kSizeMax && std::ranges::count(text, ':') >= 2;
}

// Cuts `prefix`, compared without case, off the front of `text`.
bool cut_scheme(std::string_view& text, std::string_view prefix) noexcept {
  if (!equals_ignoring_case(text.substr(0, prefix.size()), prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

Target split_query(std::string_view authority, std::string_view rest) noexcept {
  const std::size_t mark = rest.find('?');
  if (mark == std::string_view::npos) return {.authority = authority, .path = rest, .query = {}};
  return {.authority = authority, .path = rest.substr(0, mark), .query = rest.substr(mark + 1)};
}

}  // namespace

std::string_view name(UrlError error) noexcept {
  switch (error) {
    case UrlError::bad_escape:
      return "bad_escape";
    case UrlError::escaped_slash:
      return "escaped_slash";
    case UrlError::escaped_nul:
      return "escaped_nul";
    case UrlError::invalid_utf8:
      return "invalid_utf8";
    case UrlError::bad_character:
      return "bad_character";
    case UrlError::not_a_path:
      return "not_a_path";
    case UrlError::bad_authority:
      return "bad_authority";
  }
  std::unreachable();
}

std::string_view text(UrlError error) noexcept {
  switch (error) {
    case UrlError::bad_escape:
      return "a % that is not followed by two hexadecimal digits";
    case UrlError::escaped_slash:
      return "a slash may not be escaped in a path";
    case UrlError::escaped_nul:
      return "%00 is not allowed";
    case UrlError::invalid_utf8:
      return "the escapes do not spell UTF-8";
    case UrlError::bad_character:
      return "a character that must be percent-encoded";
    case UrlError::not_a_path:
      return "neither a path nor an absolute http URL";
    case UrlError::bad_authority:
      return "the host is not host[:port]";
  }
  std::unreachable();
}

bool is_authority(std::string_view text) noexcept {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos || !is_ipv6(text.substr(1, end - 1))) return false;
    const std::string_view rest = text.substr(end + 1);
    return rest.empty() || (rest[0] == ':' && is_port(rest.substr(1)));
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return is_name(text);
  return is_name(text.substr(0, colon)) && is_port(text.substr(colon + 1));
}

std::expected<Target, UrlError> split_target(std::string_view target) noexcept {
  if (!std::ranges::all_of(target, is_target_char)) return std::unexpected(UrlError::bad_character);
  if (target == "*" || target.starts_with('/')) return split_query({}, target);

  std::string_view rest = target;
  if (!cut_scheme(rest, "http://") && !cut_scheme(rest, "https://") && !cut_scheme(rest, "ws://") &&
      !cut_scheme(rest, "wss://")) {
    return std::unexpected(UrlError::not_a_path);
  }
  const std::size_t size = std::min(rest.find_first_of("/?"), rest.size());
  const std::string_view authority = rest.substr(0, size);
  if (!is_authority(authority)) return std::unexpected(UrlError::bad_authority);
  Target parts = split_query(authority, rest.substr(size));
  if (parts.path.empty()) parts.path = "/";  // RFC 9112 §3.2.1
  return parts;
}

std::expected<std::string, UrlError> decode_path(std::string_view path) {
  return decode(path, Part::path);
}

std::expected<std::string, UrlError> decode_query(std::string_view text) {
  return decode(text, Part::query);
}

std::expected<std::optional<QueryParameter>, UrlError> Query::next() {
  while (rest_.starts_with('&')) rest_.remove_prefix(1);
  if (rest_.empty()) return std::optional<QueryParameter>();
  const std::string_view piece = rest_.substr(0, rest_.find('&'));
  rest_.remove_prefix(std::min(piece.size() + 1, rest_.size()));

  const std::size_t equals = std::min(piece.find('='), piece.size());
  auto name = decode_query(piece.substr(0, equals));
  if (!name) return std::unexpected(name.error());
  auto value = decode_query(piece.substr(std::min(equals + 1, piece.size())));
  if (!value) return std::unexpected(value.error());
  return QueryParameter{.name = *std::move(name), .value = *std::move(value)};
}

std::string encode_path(std::string_view path) {
  return encode(path,
                [](char c) { return is_unreserved(c) || is_sub_delimiter(c) || c == ':' || c == '@' || c == '/'; });
}

std::string encode_component(std::string_view text) {
  return encode(text, is_unreserved);
}

}  // namespace ringcast::frame
