// Deadlines: which topics are to be looked at when, in constant time however many there are.
//
// An entry comes up once, at its tick or before: what is far ahead comes up early and is added anew. Whoever adds keeps
// the tick that add() gives, and ignores an entry that comes up at another: so an entry is moved by adding one more.
// Memory: 12 bytes for each entry, kept for the next; allocates only when there are more than ever before.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace ringcast::topics {

class Deadlines {
 public:
  using Tick = std::uint32_t;  // rises; what it stands for is the user's
  static constexpr Tick kNever = 0xffff'ffff;

  struct Entry {
    std::uint32_t index;
    Tick tick;
  };

  Deadlines();

  // The topic comes up at the given tick, or before; the tick at which it does. One that has passed is the next.
  Tick add(std::uint32_t index, Tick at);

  // An entry that has come up until `now`, if there is one.
  std::optional<Entry> take(Tick now);

  // When take() may next have something; kNever if nothing is in.
  [[nodiscard]] Tick next() const noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::uint32_t kNone = 0xffff'ffff;
  static constexpr Tick kFine = 256;   // ticks ahead that have a list each, and
  static constexpr Tick kCoarse = 64;  // lists for so many times kFine ticks: what is later comes up at their end

  struct Node {
    Entry entry;
    std::uint32_t next;
  };

  [[nodiscard]] std::uint32_t& list_at(Tick tick) noexcept;

  std::array<std::uint32_t, kFine> fine_;      // [tick % kFine], for ticks in [at_, at_ + kFine)
  std::array<std::uint32_t, kCoarse> coarse_;  // [tick / kFine % kCoarse], for multiples of kFine beyond
  std::vector<Node> nodes_;
  std::uint32_t free_ = kNone;
  Tick at_ = 1;  // everything before it was taken
  std::size_t size_ = 0;
};

}  // namespace ringcast::topics
