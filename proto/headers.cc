#include "proto/headers.h"

#include <cassert>
#include <utility>

#include "proto/wire_writer.h"

namespace ringcast::proto {

namespace {

void append_varint(std::string& out, std::size_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

// Of the map entry, without its own tag and length.
std::size_t header_body_size(const HeaderEntry& entry) noexcept {
  return 1 + varint_size(entry.name.size()) + entry.name.size() + 1 + varint_size(entry.value.size()) +
         entry.value.size();
}

}  // namespace

bool HeaderReader::next(HeaderEntry& entry) noexcept {
  WireReader fields(as_bytes(rest_));
  if (!fields.next()) return false;
  const Bytes body = fields.bytes();
  assert(!fields.broken());
  rest_ = rest_.substr(static_cast<std::size_t>(fields.position() - fields.field_begin()));
  WireReader parts(body);
  entry = {};
  while (parts.next()) (parts.number() == 1 ? entry.name : entry.value) = as_text(parts.bytes());
  assert(!parts.broken());
  return true;
}

std::size_t encoded_size(const HeaderEntry& entry) noexcept {
  const std::size_t body = header_body_size(entry);
  return 1 + varint_size(body) + body;
}

void append_header(const HeaderEntry& entry, std::string& encoded) {
  encoded += static_cast<char>(wire_tag(kHeadersField, WireType::bytes));
  append_varint(encoded, header_body_size(entry));
  for (const auto& [number, text] : {std::pair{1U, entry.name}, std::pair{2U, entry.value}}) {
    encoded += static_cast<char>(wire_tag(number, WireType::bytes));
    append_varint(encoded, text.size());
    encoded += text;
  }
}

}  // namespace ringcast::proto
