// Bytes: borrowed octets. std::uint8_t, so that the code reads like the RFCs: `in[0] & 0x0f`.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ringcast::frame {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

// The same memory, seen as octets.
[[nodiscard]] inline Bytes as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// The same memory, seen as characters; nothing is checked.
[[nodiscard]] inline std::string_view as_text(Bytes bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace ringcast::frame
