#include "tests/sim/lag_model.h"

#include <string>

#include "tests/sim/client.h"

namespace ringcast::sim {

void LagModel::lag(const proto::Lag& lag) {
  const auto says = [&](const char* what) {
    return [this, what] { return "client " + std::to_string(client_) + ": lag " + what; };
  };
  expect(lag.subscription == 0, says("names a subscription, though live messages come once to a connection"));
  expect(lag.ranges.size() <= proto::kLagRangesMax, says("has too many ranges"));
  ++events_;
  merged_ += lag.merged;
  skipped_ += lag.skipped;
  std::uint64_t told = 0;
  for (const proto::LagRange& range : lag.ranges) told += tell(range);
  expect(told <= lag.merged + lag.skipped, says("names more messages than it counts"));
  const bool silent_about_some = told < lag.merged + lag.skipped;
  expect(!silent_about_some || lag.more_ranges || lag.merged > 0, says("counts more messages than it names"));
  more_ranges_ = more_ranges_ || lag.more_ranges;
  ever_merged_ = ever_merged_ || lag.merged > 0 || (lag.skipped == 0 && !lag.caught_up);
  behind_ = !lag.caught_up;
  // One that skipped, and whose subscriptions want to be degraded since, is told of both at once.
  merges_ = !lag.caught_up && (merges_ || lag.merged > 0 || lag.skipped == 0);
}

std::uint64_t LagModel::tell(const proto::LagRange& range) {
  const auto says = [&](const char* what) {
    return [this, &range, what] {
      return "client " + std::to_string(client_) + ": lag names " + std::string(range.topic) + " " +
             std::to_string(range.first_seq) + " to " + std::to_string(range.last_seq) + what;
    };
  };
  const Ledger::Topic* topic = ledger_.find(range.topic);
  expect(topic != nullptr, says(", which nobody published"));
  expect(range.first_seq >= 1 && range.first_seq <= range.last_seq, says(", which is no range"));
  expect(range.last_seq <= topic->changes.size(), says(", which were never sequenced"));
  OfTopic& of = of_topics_[ledger_.index_of(*topic)];
  for (std::uint64_t seq = range.first_seq; seq <= range.last_seq; ++seq) {
    expect(!of.delivered.contains(seq), says(", of which one has come"));
    expect(of.told.insert(seq).second, says(", of which one was told before"));
  }
  return range.last_seq - range.first_seq + 1;
}

void LagModel::delivered(std::size_t topic, std::uint64_t seq) {
  OfTopic& of = of_topics_[topic];
  expect(!of.told.contains(seq), [&] {
    return "client " + std::to_string(client_) + ": " + ledger_.topics()[topic].name + " " + std::to_string(seq) +
           " came, though it was told to be missing";
  });
  of.delivered.insert(seq);
}

bool LagModel::explains(std::size_t topic, std::uint64_t seq) const {
  return was_told(topic, seq) || merges_ || more_ranges_;
}

void LagModel::missed(std::size_t topic, std::uint64_t seq) {
  of_topics_[topic].missed.insert(seq);
}

void LagModel::check_rest(Known known) const {
  const std::string name = "client " + std::to_string(client_) + ": ";
  expect(!merges_, [&] { return name + "it lags at rest, and was not told that it has caught up"; });
  std::uint64_t missed = 0;
  std::uint64_t certain = 0;
  for (std::size_t i = 0; i < of_topics_.size(); ++i) {
    std::set<std::uint64_t> all = of_topics_[i].missed;
    certain += all.size();
    all.insert(of_topics_[i].told.begin(), of_topics_[i].told.end());
    missed += all.size();
  }
  const std::uint64_t counted = merged_ + skipped_;
  expect(certain <= counted, [&] {
    return name + std::to_string(certain) + " messages did not come, but only " + std::to_string(counted) +
           " were counted as merged or skipped";
  });
  // Of those that are not named it is not always certain that they were to come: a subscription may have begun later.
  expect(known == Known::some || more_ranges_ || missed == counted, [&] {
    return name + std::to_string(missed) + " messages did not come, but " + std::to_string(counted) +
           " were counted as merged or skipped";
  });
}

}  // namespace ringcast::sim
