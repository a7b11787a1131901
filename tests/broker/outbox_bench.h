// OutboxBench: an outbox with all that it takes from. NaiveFrames: what its tests compare it with.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "broker/outbox.h"

namespace ringcast::broker::test {

inline std::string text(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

struct OutboxBench {
  OutboxBench() = default;
  OutboxBench(const OutboxBench&) = delete;
  OutboxBench& operator=(const OutboxBench&) = delete;
  ~OutboxBench() { outbox.clear(pool); }

  // Sends `size` bytes, or all.
  std::string send(std::size_t size = SIZE_MAX) {
    std::string sent;
    while (!outbox.empty() && sent.size() < size) {
      const Bytes next = outbox.gather(scratch, size - sent.size());
      sent += text(next);
      outbox.consume(next.size(), pool);
      outbox.check_invariants();
    }
    return sent;
  }

  SegmentPool segments;
  OutboxPool pool{segments};
  SegmentWriter messages{segments};  // that many may owe
  SegmentWriter own{segments};       // the connection's frames: answers, pongs
  Outbox outbox;
  std::array<std::uint8_t, 16 * 1024> scratch{};
  std::uint64_t next_seq = 1;
};

// A list of frames, of whose first some bytes are sent. A Frame has `bytes`.
template <typename Frame>
struct NaiveFrames {
  std::vector<Frame> frames;
  std::size_t sent = 0;  // of the first

  [[nodiscard]] std::string all() const {
    std::string bytes;
    for (const Frame& frame : frames) bytes += frame.bytes;
    return bytes.substr(sent);
  }
  void consume(std::size_t size) {
    sent += size;
    while (!frames.empty() && sent >= frames.front().bytes.size()) {
      sent -= frames.front().bytes.size();
      frames.erase(frames.begin());
    }
  }
};

}  // namespace ringcast::broker::test
