// LagModel: what one connection was told that it is missing, and whether that is true (proto/PROTOCOL.md, "Falling
// behind"): what is told never comes, what does not come is told, and the counts are exact.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "proto/event.h"
#include "tests/sim/ledger.h"

namespace ringcast::sim {

class LagModel {
 public:
  LagModel(const Ledger& ledger, std::uint32_t client)
      : ledger_(ledger), client_(client), of_topics_(ledger.topics().size()) {}

  // What the client read. Each throws Failure if that may not come.
  void lag(const proto::Lag& lag);
  void delivered(std::size_t topic, std::uint64_t seq);

  // That a live message did not come need not be wrong: it was told, or is yet to be told.
  [[nodiscard]] bool explains(std::size_t topic, std::uint64_t seq) const;
  [[nodiscard]] bool was_told(std::size_t topic, std::uint64_t seq) const {
    return of_topics_[topic].told.contains(seq);
  }
  [[nodiscard]] bool was_delivered(std::size_t topic, std::uint64_t seq) const {
    return of_topics_[topic].delivered.contains(seq);
  }
  // That it need not be named, as there were others than those that were named.
  [[nodiscard]] bool may_be_told(std::size_t topic, std::uint64_t seq) const {
    return more_ranges_ || was_told(topic, seq);
  }
  // A message that was certainly to come has been passed over.
  void missed(std::size_t topic, std::uint64_t seq);

  // Nothing more is under way, and the client has read all. `exact`: all that can be missing is known as missed.
  enum class Known : std::uint8_t { all, some };
  void check_rest(Known known) const;

  // Between a Lag with merged and the one with caught_up.
  [[nodiscard]] bool merges() const noexcept { return merges_; }
  // Between any Lag and the one with caught_up.
  [[nodiscard]] bool behind() const noexcept { return behind_; }
  [[nodiscard]] bool ever_merged() const noexcept { return ever_merged_; }
  [[nodiscard]] bool ever() const noexcept { return events_ > 0; }
  [[nodiscard]] std::uint64_t merged() const noexcept { return merged_; }
  [[nodiscard]] std::uint64_t skipped() const noexcept { return skipped_; }

 private:
  struct OfTopic {
    std::set<std::uint64_t> told;
    std::set<std::uint64_t> delivered;
    std::set<std::uint64_t> missed;
  };

  [[nodiscard]] std::uint64_t tell(const proto::LagRange& range);

  const Ledger& ledger_;
  const std::uint32_t client_;
  std::vector<OfTopic> of_topics_;
  std::uint64_t events_ = 0;
  std::uint64_t merged_ = 0;   // as told, in all
  std::uint64_t skipped_ = 0;  // the same
  bool merges_ = false;
  bool behind_ = false;
  bool ever_merged_ = false;
  bool more_ranges_ = false;
};

}  // namespace ringcast::sim
