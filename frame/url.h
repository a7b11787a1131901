// Url: request targets, paths and queries, percent-decoded exactly once (RFC 3986; queries as URLSearchParams reads
// them).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace ringcast::frame {

enum class UrlError : std::uint8_t {
  bad_escape,     // RFC 3986 §2.1: % and two hexadecimal digits
  escaped_slash,  // %2F in a path: it would be a separator for one reader and data for the next
  escaped_nul,    // %00: ends the string for many a reader
  invalid_utf8,   // what the escapes spell is not UTF-8
  bad_character,  // RFC 3986 §3.3: spaces, controls, non-ASCII bytes, `"`, `<`, `>` and `#` are written as escapes
  not_a_path,     // RFC 9112 §3.2: neither `/…`, nor `http://host/…`, nor `*`
  bad_authority,  // RFC 3986 §3.2: host [":" port]; no user information
};

// Its name as it stands above, and a short sentence for people.
[[nodiscard]] std::string_view name(UrlError error) noexcept;
[[nodiscard]] std::string_view text(UrlError error) noexcept;

// The parts of a request target, still encoded; views into it.
struct Target {
  std::string_view authority;  // absolute-form only: host [":" port]
  std::string_view path;       // begins with `/`; `*` for the asterisk-form
  std::string_view query;      // after the `?`
};

// Splits a request target in origin-form (`/a?b`), absolute-form (`http://host/a?b`; http, https, ws, wss) or
// asterisk-form. Fails with bad_character, not_a_path or bad_authority.
[[nodiscard]] std::expected<Target, UrlError> split_target(std::string_view target) noexcept;

// True for what may stand in a request target without being escaped: more than RFC 3986 lets, as much as browsers send,
// which leave [ ] ^ | { } ` and \ as they are.
[[nodiscard]] constexpr bool is_target_char(char c) noexcept {
  return c > 0x20 && c < 0x7f && c != '"' && c != '<' && c != '>' && c != '#';
}

// True for `host [":" port]` with a name, an IPv4 address or a bracketed IPv6 address (RFC 3986 §3.2.2).
[[nodiscard]] bool is_authority(std::string_view text) noexcept;

// Percent-decodes a path, once. `+` is `+`. Fails with the first rule that it breaks.
[[nodiscard]] std::expected<std::string, UrlError> decode_path(std::string_view path);

// Percent-decodes the name or the value of a query parameter, once. `+` is a space; %2F is a slash like any other.
[[nodiscard]] std::expected<std::string, UrlError> decode_query(std::string_view text);

struct QueryParameter {
  std::string name;
  std::string value;  // empty for `name` and for `name=`
};

// Walks the parameters of a query, `a=1&b=2`, in their order; empty ones (`&&`) are skipped. Borrows the query.
class Query {
 public:
  explicit Query(std::string_view query) noexcept : rest_(query) {}

  // The next parameter, decoded; nothing at the end. An error does not stop the walk: the next call goes on after it.
  [[nodiscard]] std::expected<std::optional<QueryParameter>, UrlError> next();

 private:
  std::string_view rest_;
};

// Encodes a path, keeping `/` and what RFC 3986 §3.3 lets stand in a segment: decode_path(encode_path(x)) == x for
// UTF-8 without NUL.
[[nodiscard]] std::string encode_path(std::string_view path);

// Encodes everything but unreserved characters: for one segment, or a query's name or value.
[[nodiscard]] std::string encode_component(std::string_view text);

}  // namespace ringcast::frame
