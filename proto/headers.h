// Headers: the name and value pairs of a message, kept as their encoding in the .proto from end to end.
//
// One entry: tag (field 6 of Publish and of Message, wire type 2), length, then the map entry {1: name, 2: value}; both
// present, in this order, lengths as short as they can be. So equal headers in equal order are equal bytes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "proto/error_code.h"

namespace ringcast::proto {

inline constexpr std::uint32_t kHeadersField = 6;  // of Publish and of Message

struct HeaderEntry {
  std::string_view name;
  std::string_view value;
};

// Walks encoded headers that were checked (Publish::headers, Message::headers).
class HeaderReader {
 public:
  explicit HeaderReader(std::string_view encoded) noexcept : rest_(encoded) {}
  // Reads the next entry; false at the end.
  [[nodiscard]] bool next(HeaderEntry& entry) noexcept;

 private:
  std::string_view rest_;
};

// Bytes of one entry, encoded.
[[nodiscard]] std::size_t encoded_size(const HeaderEntry& entry) noexcept;

// Appends one entry to `encoded`.
void append_header(const HeaderEntry& entry, std::string& encoded);

}  // namespace ringcast::proto
