#include "frame/error.h"

#include <cassert>
#include <utility>

namespace ringcast::frame {

std::uint16_t close_status(Error error) noexcept {
  switch (error) {
    case Error::reserved_bits:
    case Error::reserved_opcode:
    case Error::length_not_minimal:
    case Error::length_overflow:
    case Error::control_too_long:
    case Error::control_fragmented:
    case Error::not_masked:
    case Error::masked:
    case Error::unexpected_continuation:
    case Error::expected_continuation:
    case Error::rsv1_not_first:
    case Error::close_size:
    case Error::close_code:
      return 1002;
    case Error::invalid_utf8:
    case Error::invalid_deflate:
      return 1007;
    case Error::message_too_big:
      return 1009;
    case Error::truncated:
      break;
  }
  assert(error != Error::truncated);
  std::unreachable();
}

std::string_view text(Error error) noexcept {
  switch (error) {
    case Error::truncated:
      return "more bytes are needed";
    case Error::reserved_bits:
      return "a reserved bit is set";
    case Error::reserved_opcode:
      return "reserved opcode";
    case Error::length_not_minimal:
      return "the payload length is not encoded in the fewest bytes";
    case Error::length_overflow:
      return "the payload length has its highest bit set";
    case Error::control_too_long:
      return "a control frame of more than 125 bytes";
    case Error::control_fragmented:
      return "a fragmented control frame";
    case Error::not_masked:
      return "a client's frame is not masked";
    case Error::masked:
      return "a server's frame is masked";
    case Error::unexpected_continuation:
      return "a continuation frame with no message to continue";
    case Error::expected_continuation:
      return "a new message inside an unfinished one";
    case Error::rsv1_not_first:
      return "RSV1 is set on a frame that does not begin a message";
    case Error::close_size:
      return "a close frame with a body of one byte";
    case Error::close_code:
      return "a close code that may not be sent";
    case Error::invalid_utf8:
      return "invalid UTF-8";
    case Error::invalid_deflate:
      return "a compressed message that cannot be inflated";
    case Error::message_too_big:
      return "the message is too big";
  }
  std::unreachable();
}

}  // namespace ringcast::frame
