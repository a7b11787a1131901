// Close: the body of a close frame, `code:16 reason` (RFC 6455 §5.5.1, §7.4).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>

#include "frame/bytes.h"
#include "frame/error.h"
#include "frame/header.h"

namespace ringcast::frame {

inline constexpr std::uint16_t kNoStatus = 1005;  // §7.1.5: a close frame without a code; never sent
inline constexpr std::size_t kCloseReasonSizeMax = kControlPayloadSizeMax - 2;  // bytes
inline constexpr std::size_t kCloseFrameSizeMax = 2 + kControlPayloadSizeMax;   // bytes, unmasked

struct Close {
  std::uint16_t code = kNoStatus;
  std::string_view reason;
};

// True for the codes that may stand in a close frame: 1000-1003, 1007-1014 and 3000-4999 (§7.4.2, IANA's registry).
[[nodiscard]] bool is_sendable_close_code(std::uint16_t code) noexcept;

// Checks the beginning of a close body, of which more may follow, as far as it goes: fails at the first wrong byte.
[[nodiscard]] std::expected<void, Error> check_close_prefix(Bytes begin) noexcept;

// Decodes a whole close body; an empty one has the code 1005. `reason` is a view into `body`.
[[nodiscard]] std::expected<Close, Error> decode_close(Bytes body) noexcept;

// Writes a whole unmasked close frame to `out` and returns its size in bytes. A reason over 123 bytes is cut before
// the character that does not fit. Requires a sendable code, or kNoStatus for an empty body.
[[nodiscard]] std::size_t encode_close_frame(Close close, std::span<std::uint8_t, kCloseFrameSizeMax> out) noexcept;

}  // namespace ringcast::frame
