#include "proto/json_writer.h"

#include <algorithm>
#include <cmath>

#include "proto/base64.h"
#include "proto/json_scan.h"

namespace ringcast::proto {

namespace {

// What follows the backslash (RFC 8259 §7); `u` if four digits must.
char short_escape(char c) noexcept {
  switch (c) {
    case '"':
    case '\\':
      return c;
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    default:
      return 'u';
  }
}

}  // namespace

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
  while (true) {
    const char* const plain_end = find_escapable(at, end);
    raw({at, static_cast<std::size_t>(plain_end - at)});
    if (plain_end == end) break;
    escaped(*plain_end);
    at = plain_end + 1;
  }
  raw("\"");
}

void JsonWriter::escaped(char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  const char letter = short_escape(c);
  char* const at = reserve(6);
  at[0] = '\\';
  at[1] = letter;
  size_ += 2;
  if (letter != 'u') return;
  at[2] = '0';
  at[3] = '0';
  at[4] = kDigits[byte >> 4];
  at[5] = kDigits[byte & 0xf];
  size_ += 4;
}

void JsonWriter::base64(Bytes bytes) {
  const std::size_t size = base64_size(bytes.size());
  raw("\"");
  encode_base64(bytes, reserve(size));
  size_ += size;
  raw("\"");
}

}  // namespace ringcast::proto
