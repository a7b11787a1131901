// Gathering: when a shard should rest a moment before its next turn, so that more goes into each send.
//
// A send costs the same with one message in it or with ten. A shard that is busy and whose turns send to several
// connections therefore begins them at least `limit_us` apart. One that is not busy never rests, nor does the first
// turn after a silence: only what follows within the limit is gathered.
//
// Thread: one, its shard's. Hot path: a few additions per turn.
#pragma once

#include <algorithm>
#include <cstdint>

namespace ringcast::io {

class Gathering {
 public:
  static constexpr std::int64_t kSpanUs = 10'000;    // what is judged at a time
  static constexpr std::int64_t kBeginPercent = 50;  // of the span at work: gathering begins
  static constexpr std::int64_t kEndPercent = 20;    // ends; lower, for it saves work itself
  static constexpr std::uint64_t kSendsMin = 4;      // in a turn, on average: a dialogue of few is not slowed down

  // Times are of one clock, microseconds.
  struct Turn {
    std::int64_t began_us = 0;  // when it had waited
    std::int64_t ended_us = 0;
    std::uint64_t sends = 0;
  };

  // 0: never rests.
  explicit Gathering(std::int64_t limit_us) noexcept : limit_us_(limit_us) {}

  // After each turn.
  void record(const Turn& turn) noexcept {
    began_us_ = turn.began_us;
    work_us_ += turn.ended_us - turn.began_us;
    sends_ += turn.sends;
    ++turns_;
    if (turn.ended_us - span_began_us_ >= kSpanUs) judge(turn.ended_us);
  }

  // How long to rest before the next turn, if that would wait for events; 0: not at all.
  [[nodiscard]] std::int64_t rest_us(std::int64_t now_us) const noexcept {
    return on_ ? std::clamp<std::int64_t>(began_us_ + limit_us_ - now_us, 0, limit_us_) : 0;
  }

 private:
  void judge(std::int64_t now_us) noexcept {
    const std::int64_t percent = work_us_ * 100 / (now_us - span_began_us_);
    on_ = limit_us_ > 0 && percent >= (on_ ? kEndPercent : kBeginPercent) && sends_ >= kSendsMin * turns_;
    span_began_us_ = now_us;
    work_us_ = 0;
    sends_ = 0;
    turns_ = 0;
  }

  const std::int64_t limit_us_;
  std::int64_t began_us_ = 0;  // the last turn
  std::int64_t span_began_us_ = 0;
  std::int64_t work_us_ = 0;  // of the span, like the next two
  std::uint64_t sends_ = 0;
  std::uint64_t turns_ = 0;
  bool on_ = false;
};

}  // namespace ringcast::io
