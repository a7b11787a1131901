// SlotId: names a connection of one shard between turns, where a pointer would dangle.
//
// A slot's index is used again after the connection has gone; its generation is not, so whatever arrives late for an
// old tenant (a completion, an ack, a snapshot chunk) is recognised and dropped.
#pragma once

#include <compare>
#include <cstdint>

namespace ringcast {

struct SlotId {
  static constexpr std::uint32_t kNone = 0xffff'ffff;

  std::uint32_t index = kNone;
  std::uint32_t generation = 0;

  [[nodiscard]] constexpr bool valid() const noexcept { return index != kNone; }
  friend constexpr auto operator<=>(const SlotId&, const SlotId&) = default;
};

}  // namespace ringcast
