// LargeMessage: compresses, in steps, a live message that is too long to be compressed at once. Until it is done the
// message waits at the front of its ring; what other homes sent, and the sockets, have their turns in between.
//
// Called by: FanOut, for one message at a time. Thread: one shard's.
// Memory:    none when idle; while a message is under way what a codec made of it, a Deflater's, and what came out.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "broker/encoding.h"
#include "broker/segment.h"
#include "frame/deflate.h"

namespace ringcast::broker {

class LargeMessage {
 public:
  // Names a message.
  struct Id {
    std::uint32_t origin = 0;
    std::uint64_t position = 0;

    friend bool operator==(const Id&, const Id&) = default;
  };

  // True from begin() until clear().
  [[nodiscard]] bool busy() const noexcept { return id_.has_value(); }
  [[nodiscard]] bool is(const Id& id) const noexcept { return id_ == id; }

  void begin(const Id& id) { id_ = id; }
  // To be compressed for this encoding: a payload that stays where it is until clear(), or else is kept here.
  enum class Keep : std::uint8_t { borrow, copy };
  void add(Encoding encoding, Bytes payload, Keep keep);
  // Compresses up to `input_max` bytes; how many. 0: all is done.
  [[nodiscard]] std::size_t step(std::size_t input_max);
  // What came of it; nothing when it is not smaller, or was not added.
  [[nodiscard]] Bytes find(Encoding encoding) const noexcept;
  void clear() noexcept;

 private:
  struct Part {
    Encoding encoding = 0;
    Bytes payload;
    std::vector<std::uint8_t> deflated;
  };

  std::optional<Id> id_;
  std::vector<Part> parts_;
  std::size_t next_ = 0;                           // of parts_, that is under way
  std::size_t rest_ = 0;                           // bytes of it still to take; 0: not begun
  std::vector<std::vector<std::uint8_t>> copies_;  // of payloads
  std::optional<frame::Deflater> deflater_;
};

}  // namespace ringcast::broker
