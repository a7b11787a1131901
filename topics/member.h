// Member: one subscription of one session of this shard, where Subscriptions keeps it, and how it is told of moves.
#pragma once

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>

#include "topics/shard_set.h"

namespace ringcast::topics {

struct Member {
  std::uint32_t slot = 0xffff'ffff;
  std::uint32_t subscription = 0;  // index in the session's own list

  friend bool operator==(const Member&, const Member&) = default;
};

// A member that still waits for markers.
struct JoiningMember {
  Member member;
  ShardSet live = 0;  // origins whose marker has come
};

// Names a group for longer than a call: after it has gone, its index comes again with another generation.
struct GroupId {
  std::uint32_t index = 0xffff'ffff;
  std::uint32_t generation = 0;

  friend bool operator==(const GroupId&, const GroupId&) = default;
};

// Where a member is. Its session keeps it and hands it back.
struct Place {
  static constexpr std::uint32_t kNone = 0xffff'ffff;
  static constexpr std::uint32_t kIndexMax = 0x7fff'ffff;

  std::uint32_t group = kNone;  // a group lives as long as it has members, so no generation is needed
  std::uint32_t index : 31 = 0;
  std::uint32_t joining : 1 = 0;

  [[nodiscard]] static Place among_live(std::uint32_t group, std::uint32_t index) noexcept {
    assert(index <= kIndexMax);
    return {.group = group, .index = index & kIndexMax, .joining = 0};
  }
  [[nodiscard]] static Place among_joining(std::uint32_t group, std::uint32_t index) noexcept {
    assert(index <= kIndexMax);
    return {.group = group, .index = index & kIndexMax, .joining = 1};
  }
  [[nodiscard]] bool valid() const noexcept { return group != kNone; }
  friend bool operator==(const Place&, const Place&) = default;
};
static_assert(sizeof(Place) == 8);

// `member` is at `place` now.
struct Moved {
  Member member;
  Place place;
};

// The few moves of one change, in order.
class Moves {
 public:
  void add(const Moved& moved) noexcept {
    assert(size_ < moves_.size());
    moves_[size_++] = moved;
  }
  [[nodiscard]] const Moved* begin() const noexcept { return moves_.data(); }
  [[nodiscard]] const Moved* end() const noexcept { return moves_.data() + size_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::array<Moved, 4> moves_{};  // becoming live: two to close the hole, one to make room, its own
  std::size_t size_ = 0;
};

}  // namespace ringcast::topics
