// Assets: the files of the web page, inside the binary: the broker serves them at `/` and needs no folder beside it.
//
// The table is generated when the binary is built, by web/embed.cmake, from the files that CMakeLists.txt names.
// Thread: any; everything here is constant.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ringcast::web {

// A file, compressed when the binary was built: there are only those that are smaller.
struct Variant {
  std::string_view coding;  // as Content-Encoding names it: "br", "gzip"
  std::span<const std::uint8_t> bytes;
  std::string_view etag;  // quoted, of these bytes
};

struct Asset {
  std::string_view path;          // as in the URL: "/app.js"; the page itself is "/"
  std::string_view content_type;  // "text/javascript; charset=utf-8"
  std::span<const std::uint8_t> bytes;
  std::string_view etag;              // quoted, as the header wants it: the first half of the bytes' SHA-256
  std::span<const Variant> variants;  // the best first
};

// Every file, in the order in which CMakeLists.txt names them.
[[nodiscard]] std::span<const Asset> assets() noexcept;

// The file at `path` (no query, percent-decoded), or null.
[[nodiscard]] const Asset* find(std::string_view path) noexcept;

}  // namespace ringcast::web
