// Headers: the name and value pairs of a message, kept as their encoding in the .proto from end to end.
//
// One entry: tag (field 6 of Publish and of Message, wire type 2), length, then the map entry {1: name, 2: value}.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "proto/error_code.h"

namespace ringcast::proto {

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

// Appends one entry to `encoded`.
void append_header(const HeaderEntry& entry, std::string& encoded);

}  // namespace ringcast::proto
