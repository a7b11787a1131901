// WireReader: walks the fields of one encoded Protocol Buffers message, without knowing what they mean.
//
//   message := (tag value)*    tag := varint(number << 3 | wire type)
//   value   := varint | 8 bytes | varint length, so many bytes | fields, end of group | 4 bytes
//
// Once the encoding is broken (cut, a varint beyond 64 bits, a tag that is none), next() is false and broken() true.
// A varint that is longer than it need be is legal. Thread: one.
// Hot path: next(), varint(), bytes() run once per field of a publish. No allocation.
#pragma once

#include <cstdint>
#include <string_view>

#include "proto/request.h"

namespace ringcast::proto {

enum class WireType : std::uint8_t {
  varint = 0,
  fixed64 = 1,
  bytes = 2,
  group_begin = 3,
  group_end = 4,
  fixed32 = 5,
};

class WireReader {
 public:
  explicit WireReader(Bytes in) noexcept : at_(in.data()), end_(in.data() + in.size()) {}

  // Moves to the next field, whose value must have been read or skipped: false at the end, and when broken.
  [[nodiscard]] bool next() noexcept;

  [[nodiscard]] std::uint32_t number() const noexcept { return number_; }
  [[nodiscard]] WireType type() const noexcept { return type_; }
  [[nodiscard]] bool broken() const noexcept { return broken_; }

  // The value of the current field, if its wire type is `varint`; 0 when broken.
  [[nodiscard]] std::uint64_t varint() noexcept;
  // The value of the current field, if its wire type is `bytes`; empty when broken.
  [[nodiscard]] Bytes bytes() noexcept;
  // Passes over the value of the current field, whatever it is; groups with all they hold.
  void skip() noexcept;

  // Where the current field's tag begins, and where reading goes on.
  [[nodiscard]] const std::uint8_t* field_begin() const noexcept { return field_begin_; }
  [[nodiscard]] const std::uint8_t* position() const noexcept { return at_; }

 private:
  [[nodiscard]] std::uint64_t varint_slow() noexcept;
  void skip_bytes(std::uint64_t count) noexcept;
  void skip_group() noexcept;
  void fail() noexcept;

  const std::uint8_t* at_;
  const std::uint8_t* end_;
  const std::uint8_t* field_begin_ = nullptr;
  std::uint32_t number_ = 0;
  WireType type_ = WireType::varint;
  bool broken_ = false;
};

[[nodiscard]] inline std::string_view as_text(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[nodiscard]] inline Bytes as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::uint64_t WireReader::varint() noexcept {
  if (at_ != end_ && *at_ < 0x80) return *at_++;
  return varint_slow();
}

inline Bytes WireReader::bytes() noexcept {
  const std::uint64_t size = varint();
  const std::uint8_t* const begin = at_;
  skip_bytes(size);
  return broken_ ? Bytes{} : Bytes{begin, static_cast<std::size_t>(size)};
}

inline void WireReader::skip_bytes(std::uint64_t count) noexcept {
  if (count > static_cast<std::uint64_t>(end_ - at_)) return fail();
  at_ += count;
}

inline bool WireReader::next() noexcept {
  if (at_ == end_) return false;
  field_begin_ = at_;
  const std::uint64_t tag = varint();
  number_ = static_cast<std::uint32_t>(tag >> 3);
  type_ = static_cast<WireType>(tag & 7);
  // Field numbers have 29 bits, 0 is none; wire types 6 and 7 do not exist.
  if (tag > UINT32_MAX || number_ == 0 || (tag & 7) > 5) fail();
  return !broken_;
}

}  // namespace ringcast::proto
