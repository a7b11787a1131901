// Tag: what a request of the ring carries to its completion (user_data): never a pointer, so that what arrives late for
// freed state is recognised instead of followed.
//
//   63      56 55                 32 31                      0
//   | request | index of the slot   | generation, or number  |
#pragma once

#include <cassert>
#include <cstdint>

#include "broker/slot.h"

namespace ringcast::io {

struct Tag {
  enum class Request : std::uint8_t {
    accept,
    receive,
    poll_out,
    armed_send,   // number: of Uring's table of armed sends
    direct_send,  // number: position in the list given to send()
    cancel,
    wake,
  };

  static constexpr std::uint32_t kIndexMax = 0xff'fffe;  // 24 bits; the last value stands for SlotId::kNone

  Request request;
  std::uint32_t index = 0;
  std::uint32_t number = 0;

  [[nodiscard]] static constexpr Tag of(Request request, SlotId slot) noexcept {
    assert(slot.index <= kIndexMax || !slot.valid());
    return {request, slot.index & 0xff'ffff, slot.generation};
  }

  [[nodiscard]] static constexpr Tag from_user_data(std::uint64_t data) noexcept {
    return {static_cast<Request>(data >> 56), static_cast<std::uint32_t>(data >> 32) & 0xff'ffff,
            static_cast<std::uint32_t>(data)};
  }

  [[nodiscard]] constexpr std::uint64_t user_data() const noexcept {
    return static_cast<std::uint64_t>(request) << 56 | static_cast<std::uint64_t>(index) << 32 | number;
  }

  [[nodiscard]] constexpr SlotId slot() const noexcept { return {index <= kIndexMax ? index : SlotId::kNone, number}; }
};

}  // namespace ringcast::io
