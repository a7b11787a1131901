// FrameReader: finds the messages in a server's WebSocket stream as cheaply as can be; trusts the server.
//
// Not frame/: the load generator wants only the stamp of each message and must cost far less than the server. What it
// cannot read (a masked frame, reserved bits) is reported as bad, so a broken server does not go unseen.
// Hot path: read() runs once per receive. No allocation. Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "perf/stamp.h"

namespace ringcast::perf {

using Bytes = std::span<const std::uint8_t>;

class FrameReader {
 public:
  // What read() leaves unconsumed is always less than one control frame; bytes.
  static constexpr std::size_t kTailMax = 2 + 125 - 1;

  // One thing that was found.
  struct Found {
    enum class Kind : std::uint8_t { nothing, message, unstamped, ping, close, bad };

    Kind kind = Kind::nothing;  // nothing: all but a tail was consumed
    Stamp stamp;                // message only; unstamped: shorter than a stamp
    Bytes payload;              // ping, close
  };

  // Takes bytes off the front of `in` up to the end of the next message or control frame. Call it until it finds
  // nothing; what is then left in `in` is to stand before the next bytes.
  [[nodiscard]] Found read(Bytes& in) noexcept;

 private:
  std::uint64_t skip_ = 0;  // payload bytes of the current data frame still to come
  Stamp stamp_;             // of the current message
  bool stamped_ = false;
  bool open_ = false;  // in a data frame, of which skip_ bytes are to come
  bool last_ = false;  // that frame has FIN
};

}  // namespace ringcast::perf
