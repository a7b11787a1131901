// WireSize and WireWriter: what Protocol Buffers' encoding of a message takes, and the encoding itself.
//
// A message is described once, by a function template put(message, sink), and run twice: with a WireSize to learn the
// exact size, with a WireWriter to fill it. As proto3 does, values that are 0 or empty are left out.
// Hot path: once per publish, message and ack. No allocation.
#pragma once

#include <bit>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "proto/wire_reader.h"

namespace ringcast::proto {

[[nodiscard]] constexpr std::size_t varint_size(std::uint64_t value) noexcept {
  return (static_cast<std::size_t>(std::bit_width(value | 1)) + 6) / 7;
}

// The tag of a field, one byte: the fields of what is written by hand have numbers below 16.
[[nodiscard]] constexpr std::uint8_t wire_tag(std::uint32_t number, WireType type) noexcept {
  return static_cast<std::uint8_t>(number << 3 | static_cast<std::uint32_t>(type));
}

class WireSize {
 public:
  void number(std::uint32_t field, std::uint64_t value) noexcept {
    assert(field < 16);
    if (value != 0) size_ += 1 + varint_size(value);
  }
  void bytes(std::uint32_t field, Bytes value) noexcept {
    assert(field < 16);
    if (!value.empty()) size_ += 1 + varint_size(value.size()) + value.size();
  }
  void text(std::uint32_t field, std::string_view value) noexcept { bytes(field, as_bytes(value)); }
  // Fields that are encoded already, tags and all.
  void encoded(std::string_view fields) noexcept { size_ += fields.size(); }
  // Tag and length of a field whose content is shown next.
  void begin(std::uint32_t field, std::size_t size) noexcept {
    assert(field < 16);
    size_ += 1 + varint_size(size);
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::size_t size_ = 0;
};

class WireWriter {
 public:
  // Writes at the front of `out`, which must have the room that a WireSize found.
  explicit WireWriter(std::vector<std::uint8_t>& out) noexcept : at_(out.data()), end_(out.data() + out.size()) {}

  void number(std::uint32_t field, std::uint64_t value) noexcept {
    if (value == 0) return;
    *at_++ = wire_tag(field, WireType::varint);
    varint(value);
  }
  void bytes(std::uint32_t field, Bytes value) noexcept {
    if (value.empty()) return;
    begin(field, value.size());
    copy(value);
  }
  void text(std::uint32_t field, std::string_view value) noexcept { bytes(field, as_bytes(value)); }
  void encoded(std::string_view fields) noexcept { copy(as_bytes(fields)); }

  // Begins a field of `size` bytes, which are written next; even if there are none.
  void begin(std::uint32_t field, std::size_t size) noexcept {
    *at_++ = wire_tag(field, WireType::bytes);
    varint(size);
  }

  // True once all that was asked for is filled.
  [[nodiscard]] bool full() const noexcept { return at_ == end_; }

 private:
  void varint(std::uint64_t value) noexcept {
    for (; value >= 0x80; value >>= 7) *at_++ = static_cast<std::uint8_t>(value | 0x80);
    *at_++ = static_cast<std::uint8_t>(value);
  }
  void copy(Bytes bytes) noexcept {
    if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
    at_ += bytes.size();
  }

  std::uint8_t* at_;
  const std::uint8_t* end_;
};

}  // namespace ringcast::proto
