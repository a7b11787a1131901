#include "proto/json_writer.h"

#include <algorithm>
#include <cmath>

#include "proto/base64.h"
#include "proto/json_scan.h"

namespace ringcast::proto {

void JsonWriter::grow(std::size_t size) {
  out_.resize(std::max(size_ + size, 2 * out_.size()));
}

void JsonWriter::number(double value) {
  assert(std::isfinite(value));
  constexpr std::size_t kSizeMax = 32;  // the shortest form of a double has at most 24 characters
  char* const at = reserve(kSizeMax);
  size_ += static_cast<std::size_t>(std::to_chars(at, at + kSizeMax, value).ptr - at);
}

void JsonWriter::string(std::string_view text) {
  (void)reserve(text.size() + 2);
  raw("\"");
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    const char* const plain_end = find_escapable(at, end);
    raw({at, static_cast<std::size_t>(plain_end - at)});
    if (plain_end == end) break;
    escaped(*plain_end);
    at = plain_end + 1;
  }
  raw("\"");
}

void JsonWriter::escaped(char c) {
  switch (c) {
    case '"':
      return raw("\\\"");
    case '\\':
      return raw("\\\\");
    case '\n':
      return raw("\\n");
    case '\r':
      return raw("\\r");
    case '\t':
      return raw("\\t");
    default: {
      constexpr std::string_view kDigits = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(c);
      const char text[]{'\\', 'u', '0', '0', kDigits[byte >> 4], kDigits[byte & 0xf]};
      return raw({text, sizeof text});
    }
  }
}

void JsonWriter::base64(Bytes bytes) {
  const std::size_t size = base64_size(bytes.size());
  raw("\"");
  encode_base64(bytes, reserve(size));
  size_ += size;
  raw("\"");
}

}  // namespace ringcast::proto
