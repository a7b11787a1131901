// FrameReader: finds the messages in a server's WebSocket stream as cheaply as can be; trusts the server.
//
// Not frame/: the load generator wants only the stamp of each message and must cost far less than the server. What it
// cannot read (a masked frame, reserved bits, an unknown form) is reported as bad, so a broken server does not go
// unseen. Hot path: read() runs once per receive. No allocation. Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "perf/form.h"
#include "perf/stamp.h"

namespace ringcast::perf {

class FrameReader {
 public:
  // What read() leaves unconsumed is always less than one control frame, or than a header and a message's front; bytes.
  static constexpr std::size_t kTailMax = 10 + kFrontMax + kHexStampSize;

  // One thing that was found.
  struct Found {
    enum class Kind : std::uint8_t { nothing, message, unstamped, ping, close, bad, ack, error, ready };

    Kind kind = Kind::nothing;  // nothing: all but a tail was consumed; ready: a subscription has begun
    Stamp stamp;                // message only; unstamped: shorter than a stamp, or another event
    Bytes payload;              // ping, close: theirs; others: the WebSocket message, where it lay in one piece
  };

  FrameReader() = default;
  explicit FrameReader(Form form) noexcept : form_(form) {}

  // Takes bytes off the front of `in` up to the end of the next message or control frame. Call it until it finds
  // nothing; what is then left in `in` is to stand before the next bytes.
  [[nodiscard]] Found read(Bytes& in) noexcept;

 private:
  [[nodiscard]] bool begin_message(Bytes front, std::uint64_t size) noexcept;
  [[nodiscard]] bool read_stamp(Bytes front, std::uint64_t size, std::size_t at) noexcept;

  std::uint64_t skip_ = 0;        // payload bytes of the current data frame still to come
  std::uint64_t whole_size_ = 0;  // of the message, if the current frame is all of it and none of that was taken
  Found::Kind kind_ = Found::Kind::unstamped;  // of the current message
  Stamp stamp_;
  Form form_ = Form::raw;
  bool open_ = false;  // in a data frame, of which skip_ bytes are to come
  bool last_ = false;  // that frame has FIN
};

}  // namespace ringcast::perf
