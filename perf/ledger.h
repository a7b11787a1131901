// Ledger: what each subscriber got of each stream: all of it, once, in order? (The delivery contract, points 1
// and 3.)
//
// A subscriber's row has one entry for each stream that it can hear. Streams number their messages 1, 2, 3 …
// Hot path: add() runs once per delivery; one cache line. No allocation. Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ringcast::perf {

class Ledger {
 public:
  static constexpr std::size_t kEntriesMax = std::size_t{1} << 26;  // 1 GiB: more is a mistake in the options

  // `heard[i]`: how many streams subscriber i hears.
  explicit Ledger(std::span<const std::uint32_t> heard);

  // Subscriber `subscriber` got message `number` of the `heard`-th stream that it hears.
  void add(std::size_t subscriber, std::size_t heard, std::uint32_t number) noexcept {
    Entry& entry = entries_[rows_[subscriber] + heard];
    if (number == entry.last + 1) {
      entry.last = number;
      entry.seen = entry.seen << 1 | 1;
      ++entry.distinct;
      return;
    }
    add_slow(entry, number);
  }

  // Messages that came twice or more, each repetition counted.
  [[nodiscard]] std::uint64_t doubled() const noexcept { return doubled_; }

  // Messages that came after a later one of the same stream.
  [[nodiscard]] std::uint64_t out_of_order() const noexcept { return out_of_order_; }

  // How many different messages the subscriber got of that stream.
  [[nodiscard]] std::uint32_t distinct(std::size_t subscriber, std::size_t heard) const noexcept {
    return entries_[rows_[subscriber] + heard].distinct;
  }

 private:
  struct Entry {
    std::uint32_t last = 0;      // the highest number
    std::uint32_t distinct = 0;  // how many different ones
    std::uint64_t seen = 0;      // bit i: last - i was seen; further back, a repetition counts as out of order
  };

  void add_slow(Entry& entry, std::uint32_t number) noexcept;

  std::vector<std::size_t> rows_;  // where each subscriber's entries begin
  std::vector<Entry> entries_;
  std::uint64_t doubled_ = 0;
  std::uint64_t out_of_order_ = 0;
};

}  // namespace ringcast::perf
