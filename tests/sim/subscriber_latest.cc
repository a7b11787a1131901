// SubscriberModel of LATEST: the newest value of each topic at last, none faster than was asked for, none starved.
#include <algorithm>
#include <utility>

#include "tests/sim/subscriber_model.h"
#include "topics/name.h"

namespace ringcast::sim {

// The topic's newest value has come, and the newest event after it.
void SubscriberModel::rest_latest(Subscription& subscription, const Topic& topic) const {
  const OfTopic& seen = subscription.of_topics[ledger_.index_of(topic)];
  const Change* value = nullptr;
  const Change* event = nullptr;
  bool events = false;
  for (std::uint64_t seq = topic.changes.size(); seq > 0; --seq) {
    const Change& change = topic.changes[seq - 1];
    if (change.hole) continue;
    // What was before a value of its own is out of date, and events are before an event of its own.
    const Change* const wanted = visible(subscription, change) ? &change : nullptr;
    if (change.is_kept()) {
      value = wanted;
      break;
    }
    if (!std::exchange(events, true)) event = wanted;
  }
  const auto has_come = [&](const Change& change, std::uint64_t last) {
    if (change.seq <= last) return;
    const bool began = seen.live > 0 && topic.changes[seen.live - 1].position >= subscription.starts[topic.origin].end;
    const bool told = lag_.was_told(ledger_.index_of(topic), change.seq);
    if (told) return;  // by another subscription's wish to skip
    expect(!began || change.seq < seen.live, [&] {
      return where(subscription, topic) + "the newest is " + std::to_string(change.seq) + ", but nothing came after " +
             std::to_string(last);
    });
    narrow(subscription, topic, {.first = change.position});
  };
  if (value != nullptr) has_come(*value, std::max(seen.live_value, event == nullptr ? seen.live : 0));
  if (event != nullptr) has_come(*event, seen.live);
}

// ---- rates ----

// The highest rate of those that the topic comes by: 0 if one of them has none.
std::int64_t SubscriberModel::period_of(const Topic& topic) const {
  std::int64_t period_ms = INT64_MAX;
  for (const auto& [id, subscription] : subscriptions_) {
    if (!topics::matches(subscription.ask.filter, topic.name)) continue;
    if (!subscription.live || !subscription.asked_paces.empty()) return 0;  // nobody knows yet
    if (!subscription.ask.pace.is_latest()) return 0;
    period_ms = std::min(period_ms, subscription.ask.pace.period_ms());
  }
  return period_ms == INT64_MAX ? 0 : period_ms;
}

// Of any messages in a row, all but the first were sent between when the second was sequenced and now. A tick may be
// late, and what was owed when the period changed comes first.
void SubscriberModel::check_rate(const Topic& topic, const Change& change) {
  constexpr std::int64_t kSlack = 3;
  OfConnection& of = of_topics_[ledger_.index_of(topic)];
  const std::int64_t now_ms = world_.now.monotonic.ms;
  const std::int64_t period_ms = lag_.ever() || now_ms >= world_.paces_end_ms ? 0 : period_of(topic);
  if (period_ms != of.period_ms) of.sent.clear();
  of.period_ms = period_ms;
  if (period_ms == 0 || !change.is_kept()) return;  // an event may follow its value
  of.sent.push_back({.sequenced_ms = change.at_ms, .came_ms = now_ms});
  for (std::size_t i = 0; i < of.sent.size(); ++i) {
    const auto count = static_cast<std::int64_t>(of.sent.size() - i);
    expect(count <= (now_ms - of.sent[i].sequenced_ms) / period_ms + kSlack, [&] {
      return "client " + std::to_string(client_) + " at " + topic.name + ": " + std::to_string(count) +
             " values came within " + std::to_string(now_ms - of.sent[i].sequenced_ms) + " ms, with a period of " +
             std::to_string(period_ms) + " ms";
    });
  }
}

// ---- fairness ----

// The first change that has not come. `hidden`: one of its own is among them, which may have removed the topic.
const Ledger::Change* SubscriberModel::first_owed(const Subscription& subscription, const Topic& topic,
                                                  bool& hidden) const {
  const OfTopic& seen = subscription.of_topics[ledger_.index_of(topic)];
  const Change* first = nullptr;
  for (std::uint64_t seq = seen.live + 1; seq <= topic.changes.size(); ++seq) {
    const Change& change = topic.changes[seq - 1];
    if (change.hole) continue;
    if (!visible(subscription, change)) hidden = true;
    if (first == nullptr) first = &change;
  }
  return first;
}

// Topics of one home come in the order in which they were owed first: none is served twice before another once.
void SubscriberModel::check_fair(const Topic& topic, const Change& change) const {
  if (subscriptions_.size() != 1 || lag_.ever() || !change.is_kept()) return;
  const Subscription& subscription = subscriptions_.begin()->second;
  const bool always_latest = subscription.ask.pace.is_latest() && subscription.asked_paces.empty() && simple_latest_;
  if (!always_latest || !subscription.complete) return;
  if (subscription.of_topics[ledger_.index_of(topic)].live == 0) return;
  bool hidden = false;
  const Change* const first = first_owed(subscription, topic, hidden);
  if (hidden || first == nullptr) return;
  for (const Topic& other : ledger_.topics()) {
    if (&other == &topic || other.origin != topic.origin) continue;
    if (!topics::matches(subscription.ask.filter, other.name)) continue;
    if (subscription.of_topics[ledger_.index_of(other)].live == 0) continue;  // it may be from before the start
    bool other_hidden = false;
    const Change* const waits = first_owed(subscription, other, other_hidden);
    expect(waits == nullptr || other_hidden || waits->position > first->position, [&] {
      return where(subscription, topic) + std::to_string(change.seq) + " came, owed since position " +
             std::to_string(first->position) + ", before " + other.name + ", owed since " +
             std::to_string(waits->position);
    });
  }
}

}  // namespace ringcast::sim
