// Url: where a broker is, as the user writes it: "http://127.0.0.1:8080", "wss://host", "https://[::1]:8443/base".
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "client/error.h"
#include "client/tls.h"

namespace ringcast::client {

struct Url {
  std::string host;  // a name or a literal address, without brackets
  std::uint16_t port = 80;
  std::string authority;     // host [":" port], as it goes into the Host field
  bool secure = false;       // https, wss
  const Tls* tls = nullptr;  // borrowed; where secure, connections need it
  std::string token = {};    // whoever comes by it brings this; not part of the text
  std::string base_path;     // put before every path: "" or "/base", percent-encoded as it was written

  friend bool operator==(const Url&, const Url&) = default;
};

// Fails with Failure::usage for what is no such URL.
[[nodiscard]] std::expected<Url, Error> parse_url(std::string_view text);

// A URL and what connections to it need.
struct Place {
  Url url;
  std::unique_ptr<Tls> tls;  // null where the URL is not secure
};
// parse_url(), and TLS where the URL says so. Fails with Failure::usage for wrong files, and for files with a plain
// URL.
[[nodiscard]] std::expected<Place, Error> open_place(std::string_view text, const TlsFiles& files);

// The request target of a topic or filter as the user types it ("ticker/#"), percent-encoded, with "?" and `query` if
// there is one. Fails with Failure::usage for a name that no URL can carry: empty, or not UTF-8.
[[nodiscard]] std::expected<std::string, Error> topic_target(const Url& url, std::string_view filter,
                                                             std::string_view query);

}  // namespace ringcast::client
