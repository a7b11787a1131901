// MemberList: the members of a group, dense, with the boundary of the fan-out that stands in it.
//
// [0, done) has been visited by the standing fan-out, [done, size) has not; done == 0 when none stands. Removal fills
// the hole from the same side: with the last visited one, whose place the last of all takes. So nobody is visited twice
// or passed over, and nothing is left to clean up. O(1) each.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace ringcast::topics {

// On which side of the standing fan-out's boundary a member is.
enum class Side : std::uint8_t { visited, waiting };

template <typename T>
class MemberList {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] T& operator[](std::size_t index) noexcept {
    assert(index < entries_.size());
    return entries_[index];
  }
  [[nodiscard]] const T& operator[](std::size_t index) const noexcept {
    assert(index < entries_.size());
    return entries_[index];
  }
  [[nodiscard]] Side side(std::size_t index) const noexcept { return index < done_ ? Side::visited : Side::waiting; }

  // Adds an entry that a standing fan-out will still visit, and gives its index. Moves nobody.
  std::uint32_t add_waiting(const T& entry);

  // Adds an entry that the standing fan-out must not visit any more, tells moved(entry, index) of the one that made
  // room, and gives the new one's index.
  template <typename OnMoved>
  std::uint32_t add_visited(const T& entry, OnMoved&& moved);

  // Takes an entry away and tells moved(entry, index) of each one (at most two) that has another index now.
  template <typename OnMoved>
  void remove(std::size_t index, OnMoved&& moved);

  // Visits up to `count_max` waiting entries, which are visited then, and gives how many.
  template <typename Visitor>
  std::uint32_t advance(std::uint32_t count_max, Visitor&& visit);

  [[nodiscard]] bool all_visited() const noexcept { return done_ == entries_.size(); }
  [[nodiscard]] bool none_visited() const noexcept { return done_ == 0; }
  void end_fan_out() noexcept { done_ = 0; }

 private:
  static constexpr std::size_t kShrinkAbove = 64;  // entries of capacity: smaller lists are not worth a reallocation

  std::vector<T> entries_;
  std::uint32_t done_ = 0;
};

template <typename T>
std::uint32_t MemberList<T>::add_waiting(const T& entry) {
  entries_.push_back(entry);
  return static_cast<std::uint32_t>(entries_.size() - 1);
}

template <typename T>
template <typename OnMoved>
std::uint32_t MemberList<T>::add_visited(const T& entry, OnMoved&& moved) {
  const std::uint32_t last = add_waiting(entry);
  const std::uint32_t boundary = done_++;
  if (boundary != last) {
    std::swap(entries_[boundary], entries_[last]);
    moved(entries_[last], last);
  }
  return boundary;
}

template <typename T>
template <typename OnMoved>
void MemberList<T>::remove(std::size_t index, OnMoved&& moved) {
  assert(index < entries_.size());
  std::size_t hole = index;
  if (hole < done_) {
    --done_;
    if (hole != done_) {
      entries_[hole] = entries_[done_];
      moved(entries_[hole], static_cast<std::uint32_t>(hole));
    }
    hole = done_;
  }
  if (hole != entries_.size() - 1) {
    entries_[hole] = entries_.back();
    moved(entries_[hole], static_cast<std::uint32_t>(hole));
  }
  entries_.pop_back();
  if (entries_.empty() || (entries_.capacity() > kShrinkAbove && entries_.size() < entries_.capacity() / 4)) {
    entries_.shrink_to_fit();
  }
}

template <typename T>
template <typename Visitor>
std::uint32_t MemberList<T>::advance(std::uint32_t count_max, Visitor&& visit) {
  const std::size_t waiting = entries_.size() - done_;
  const auto count = static_cast<std::uint32_t>(waiting < count_max ? waiting : count_max);
  for (std::uint32_t i = 0; i < count; ++i) visit(entries_[done_ + i]);
  done_ += count;
  return count;
}

}  // namespace ringcast::topics
