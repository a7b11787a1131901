// StaticFile: a file of the dashboard as the ports serve it: web/ and broker/ do not know each other's types.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace ringcast::broker {

// Scripts, styles and connections of ours only, and in no frame of another page.
inline constexpr std::string_view kPagePolicy =
    "default-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'";

// A file, compressed.
struct StaticVariant {
  std::string_view coding;  // as Content-Encoding names it
  std::span<const std::uint8_t> bytes;
  std::string_view etag;  // quoted
};

// A file that is served as it is, or as one of its variants: the best first.
struct StaticFile {
  std::string_view content_type;
  std::span<const std::uint8_t> bytes;
  std::string_view etag;  // quoted
  std::vector<StaticVariant> variants;
};

// Finds a file by its path, "/" and "/app.js"; null when there is none.
using FindFile = const StaticFile* (*)(std::string_view path);

}  // namespace ringcast::broker
