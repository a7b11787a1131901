// Compressor: compresses what codecs made, for the subscribers that negotiated it (RFC 7692): once for each window that
// is wanted, whatever the number of subscribers.
//
// Called by: FanOut and Subscribing. Thread: one shard's.
// Memory:    none before the first message that is compressed for a window; then a Deflater's, until forget().
// Hot path:  compress() once per message, protocol and window. No allocation in the steady state.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "broker/codec.h"
#include "broker/encoding.h"
#include "frame/deflate.h"

namespace ringcast::broker {

class Compressor {
 public:
  struct Counters {
    std::uint64_t messages = 0;      // that were compressed, also in vain
    std::uint64_t bytes_before = 0;  // of their payloads
    std::uint64_t bytes_after = 0;   // as they were sent
  };

  // What is longer takes a shard's time from everybody else for more than about half a millisecond, so it is not
  // compressed at once; bytes. Live messages are compressed in steps (LargeMessage), others sent as they are.
  static constexpr std::size_t kAtOnceMax = std::size_t{64} * 1024;
  // Deflating takes 7 to 13 ns a byte, an append to an outbox about 30 ns (Budget).
  static constexpr std::size_t kBytesPerAppend = 3;

  // Payloads of fewer bytes are not compressed.
  explicit Compressor(std::size_t size_min) : size_min_(size_min) {}

  void set_size_min(std::size_t size_min) noexcept { size_min_ = size_min; }

  // The window that a payload of this size is compressed with for subscribers that agreed to `agreed`: a smaller one
  // where it does as well, so that more of them share it. None: it is not worth it.
  [[nodiscard]] Compression window(std::size_t payload_size, Compression agreed) const noexcept {
    if (agreed == Compression::none || payload_size < size_min_) return Compression::none;
    return window_slow(payload_size, agreed);
  }

  // Compressed with a window() that is not none, if that is smaller; else as it is. The payload is valid until the next
  // call.
  [[nodiscard]] Encoded compress(const Encoded& encoded, Compression window);

  // Counts what was compressed elsewhere.
  void count(std::size_t before, std::size_t after) noexcept;

  // What is not needed while subscribers have agreed to no other than `agreed` (as bits) is given back.
  void keep_for(std::uint32_t agreed) noexcept;

  // What was done since the last call, as appends to outboxes that take as long.
  [[nodiscard]] std::uint32_t take_cost() noexcept;

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  // Windows that hold memory.
  [[nodiscard]] std::size_t open_windows() const noexcept;

 private:
  [[nodiscard]] static Compression window_slow(std::size_t payload_size, Compression agreed) noexcept;

  std::size_t size_min_;
  std::array<std::optional<frame::Deflater>, kCompressions> deflaters_;
  std::size_t cost_bytes_ = 0;
  Counters counters_;
};

}  // namespace ringcast::broker
