// NatsReader: finds the messages in what a nats-server sends over a WebSocket; FrameReader's counterpart for it.
//
// Hot path: read() runs once per receive. No allocation. Thread: one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "perf/frame_reader.h"
#include "perf/nats.h"

namespace ringcast::perf {

class NatsReader {
 public:
  using Found = FrameReader::Found;

  // As FrameReader's. What it leaves unconsumed is less than a frame's header or one control frame.
  [[nodiscard]] Found read(Bytes& in) noexcept;

 private:
  [[nodiscard]] Found read_chunk(Bytes& chunk) noexcept;
  [[nodiscard]] Found begin_packet(Bytes& chunk) noexcept;
  [[nodiscard]] Found finish(Bytes& chunk) noexcept;

  std::uint64_t frame_left_ = 0;   // payload bytes of the frame that are still to come
  std::uint64_t packet_left_ = 0;  // bytes of the packet that are still to come
  bool to_line_end_ = false;       // the packet ends with its line
  Found packet_;                   // what is found when the packet has ended
  std::size_t kept_size_ = 0;
  std::array<std::uint8_t, NatsPacket::kFrontMax> kept_{};  // the front of a packet that was cut
};

}  // namespace ringcast::perf
