// Latency: how long messages take from their home's sequence number to the send that hands them to the sockets.
//
// Measured once per round of sends, not per message or subscriber: all messages of a round count as its oldest one, so
// no message is shown faster than it was. What is not in it: the way to the home, sockets that were full, and values
// that LATEST subscribers are owed.
//
// Thread: one shard's. Hot path: a comparison per run, and per round a look at the clock and an addition.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace ringcast::broker {

// Counts of durations, in microseconds. Log-linear: four steps to each power of two, so 25 % at most lie between two.
struct Durations {
  static constexpr std::size_t kSteps = 4;
  static constexpr std::size_t kCells = 26 * kSteps;  // up to 2^27 us, two minutes: longer ones count as that

  std::array<std::uint64_t, kCells> cells{};
  std::uint64_t count = 0;
  std::uint64_t sum_us = 0;

  [[nodiscard]] static constexpr std::size_t cell_of(std::uint64_t us) noexcept {
    if (us < kSteps) return static_cast<std::size_t>(us);
    const auto exponent = static_cast<std::size_t>(std::bit_width(us)) - 3;  // us >> exponent is 4 to 7
    return std::min(kCells - 1, (exponent + 1) * kSteps + static_cast<std::size_t>((us >> exponent) & (kSteps - 1)));
  }
  // The smallest duration of the cell after it: what all in this one are below.
  [[nodiscard]] static constexpr std::uint64_t end_of(std::size_t cell) noexcept {
    const std::size_t next = cell + 1;
    if (next < kSteps) return next;
    return (kSteps + next % kSteps) << (next / kSteps - 1);
  }

  void add(std::uint64_t us, std::uint64_t times) noexcept {
    cells[cell_of(us)] += times;
    count += times;
    sum_us += us * times;
  }
  void add(const Durations& other) noexcept {
    for (std::size_t cell = 0; cell < kCells; ++cell) cells[cell] += other.cells[cell];
    count += other.count;
    sum_us += other.sum_us;
  }
  // What came since `before`, an earlier state of the same.
  [[nodiscard]] Durations since(const Durations& before) const noexcept {
    Durations difference = *this;
    for (std::size_t cell = 0; cell < kCells; ++cell) difference.cells[cell] -= before.cells[cell];
    difference.count -= before.count;
    difference.sum_us -= before.sum_us;
    return difference;
  }
  // What `share` (0 to 1) of all are below; 0 if there are none. Microseconds, at most 25 % too much.
  [[nodiscard]] std::uint64_t quantile(double share) const noexcept {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count));
    std::uint64_t seen = 0;
    for (std::size_t cell = 0; cell < kCells && count > 0; ++cell) {
      seen += cells[cell];
      if (cells[cell] > 0 && (seen > wanted || seen == count)) return end_of(cell);
    }
    return 0;
  }
};
static_assert(Durations::end_of(Durations::cell_of(3)) == 4);
static_assert(Durations::end_of(Durations::cell_of(1000)) == 1024);
static_assert(Durations::cell_of(Durations::end_of(50)) == 51);

// Messages that were fanned out together.
struct Ran {
  std::int64_t oldest_us = INT64_MAX;  // UTC, of the oldest of them
  std::uint64_t messages = 0;
};

class Latency {
 public:
  // Who is owed these is sent to from now on.
  void begin_round(const Ran& ran) noexcept {
    round_ = ran;
    due_ = false;
  }
  // All of them were.
  void end_round() noexcept { due_ = round_.messages > 0; }
  // True when a round has ended: record(), with the time.
  [[nodiscard]] bool due() const noexcept { return due_; }
  void record(std::int64_t now_us) noexcept {
    due_ = false;
    // The clock may have been set back since.
    durations_.add(static_cast<std::uint64_t>(std::max<std::int64_t>(0, now_us - round_.oldest_us)), round_.messages);
  }

  [[nodiscard]] const Durations& durations() const noexcept { return durations_; }

 private:
  Ran round_;
  bool due_ = false;
  Durations durations_;
};

}  // namespace ringcast::broker
