// TopicHandle: names a topic of one home between turns and across shards.
//
// Indices are small and used again when the home has forgotten a topic; then the generation differs.
#pragma once

#include <cstdint>

namespace ringcast::topics {

struct TopicHandle {
  static constexpr std::uint32_t kNone = 0xffff'ffff;

  std::uint32_t index = kNone;
  std::uint32_t generation = 0;

  [[nodiscard]] constexpr bool valid() const noexcept { return index != kNone; }
  friend constexpr bool operator==(const TopicHandle&, const TopicHandle&) = default;
};

}  // namespace ringcast::topics
