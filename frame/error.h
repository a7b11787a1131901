// Error: every way in which WebSocket bytes can be wrong, and what the connection is closed with for it.
#pragma once

#include <cstdint>
#include <string_view>

namespace ringcast::frame {

// The comment is the rule of RFC 6455 (unless another is named) that was broken.
enum class Error : std::uint8_t {
  truncated,                // not a failure: asks for more bytes
  reserved_bits,            // §5.2: RSV1-3 are 0 unless an extension that defines them was negotiated
  reserved_opcode,          // §5.2: opcodes 3-7 and B-F
  length_not_minimal,       // §5.2: "the minimal number of bytes MUST be used to encode the length"
  length_overflow,          // §5.2: the most significant bit of a 64-bit length is 0
  control_too_long,         // §5.5: control frames carry at most 125 bytes
  control_fragmented,       // §5.5: control frames are not fragmented
  not_masked,               // §5.1: a server closes on a frame that is not masked
  masked,                   // §5.1: a client closes on a frame that is masked
  unexpected_continuation,  // §5.4: a continuation with no message to continue
  expected_continuation,    // §5.4: a new message inside an unfinished one
  rsv1_not_first,           // RFC 7692 §6.1: RSV1 stands on the first frame of a data message only
  close_size,               // §5.5.1: a close body is empty or begins with a two-byte code
  close_code,               // §7.4: a code that no endpoint may send
  invalid_utf8,             // §8.1: text and close reasons are UTF-8
  invalid_deflate,          // RFC 7692 §7.2.2: what RSV1 says is compressed is whole DEFLATE blocks
  message_too_big,          // §7.4.1, 1009: more than this endpoint takes
};

// The status code to close the connection with (§7.4.1): 1002, 1007 or 1009. Not for `truncated`.
[[nodiscard]] std::uint16_t close_status(Error error) noexcept;

// A few words for a close reason or a log line; at most 100 bytes, no trailing dot.
[[nodiscard]] std::string_view text(Error error) noexcept;

}  // namespace ringcast::frame
