// SubscriberModel of what a subscription begins with: last values, last messages, what was missed.
#include <algorithm>

#include "tests/sim/subscriber_model.h"
#include "topics/name.h"

namespace ringcast::sim {

void SubscriberModel::opening_message(const proto::Message& message, const Topic& topic, const Change& change) {
  Subscription& subscription = live_subscription(message.subscription);
  const auto says = [&](const char* what) {
    return [this, &subscription, &topic, what] { return where(subscription, topic) + what; };
  };
  expect(topics::matches(subscription.ask.filter, topic.name), says("does not match"));
  expect(!subscription.complete, says("an old message after the snapshot's end"));
  expect(change.is_kept(), says("an event is kept"));
  expect(!subscription.ask.is_since() || is_since(subscription, topic, change), [&] {
    return where(subscription, topic) + std::to_string(change.seq) + " at " + std::to_string(change.position) +
           " is older than what it resumes from";
  });
  narrow(subscription, topic, {.first = change.position});
  OfTopic& seen = subscription.of_topics[ledger_.index_of(topic)];
  if (message.mark == proto::Mark::snapshot) {
    snapshot(subscription, topic, change);
  } else {
    replay(subscription, topic, change);
  }
  if (seen.openings++ == 0) seen.opened_first = change.seq;
  seen.opened = change.seq;
}

void SubscriberModel::snapshot(Subscription& subscription, const Topic& topic, const Change& change) {
  const OfTopic& seen = subscription.of_topics[ledger_.index_of(topic)];
  const auto says = [&](const char* what) {
    return [this, &subscription, &topic, what] { return where(subscription, topic) + what; };
  };
  const bool values_since = subscription.ask.is_since() && !subscription.replays;
  expect(values_since || subscription.ask.start == proto::Start::last_values, says("did not ask for last values"));
  expect(values_since || change.op == proto::Op::set, says("a removal as last value"));
  expect(seen.openings == 0, says("two last values"));
  // One that LATEST owed another of its subscriptions may be as new.
  const bool newer =
      others_may_merge(subscription, topic) || !ended_.empty() ? seen.live_value > change.seq : seen.kept_live;
  expect(!newer, says("a last value after a newer message"));
  if (const Change* next = topic.kept_after(change)) narrow(subscription, topic, {.end = next->position});
}

void SubscriberModel::replay(Subscription& subscription, const Topic& topic, const Change& change) {
  OfTopic& seen = subscription.of_topics[ledger_.index_of(topic)];
  const auto says = [&](const char* what) {
    return [this, &subscription, &topic, what] { return where(subscription, topic) + what; };
  };
  expect(subscription.replays, says("did not ask for old messages"));
  expect(seen.live == 0, says("a kept message after a live one"));
  const bool counted = subscription.ask.start == proto::Start::last_n;
  expect(!counted || seen.openings < subscription.ask.last_count, says("more kept messages than it asked for"));
  if (seen.openings == 0) return;
  const std::size_t last = topic.changes[seen.opened - 1].kept;
  seen.overtaken = seen.overtaken || change.kept > last + 1;
  bool follows = last < change.kept;
  for (std::size_t i = last; i + 1 < change.kept; ++i) {
    follows = follows && world_.kept.gone(topic, topic.kept_change(i));
  }
  expect(follows, [&] {
    return where(subscription, topic) + "kept " + std::to_string(change.seq) + " came after " +
           std::to_string(seen.opened);
  });
}

bool SubscriberModel::is_since(const Subscription& subscription, const Topic& topic, const Change& change) const {
  if (subscription.ask.start == proto::Start::since_time) return change.time_us >= subscription.ask.since_us;
  const Since& since = *subscription.ask.since;
  if (since.epoch != world_.epoch) return true;
  std::uint64_t position = since.positions[topic.origin];
  if (since.received) position = std::max(position, (*since.received)[topic.origin]);
  return change.position > position;
}

// The oldest that is certainly kept, of those that have not come yet.
const Ledger::Change* SubscriberModel::next_kept(const Subscription& subscription, const Topic& topic,
                                                 const OfTopic& seen) const {
  for (std::size_t i = seen.opened == 0 ? 0 : topic.changes[seen.opened - 1].kept; i < topic.kept.size(); ++i) {
    const Change& change = topic.kept_change(i);
    if (subscription.ask.is_since() && !is_since(subscription, topic, change)) continue;
    if (!world_.kept.gone(topic, change)) return &change;
  }
  return nullptr;
}

void SubscriberModel::snapshot_end(const proto::SnapshotEnd& end) {
  Subscription& subscription = live_subscription(end.subscription);
  expect(!subscription.complete, "a snapshot ends twice, or never began");
  subscription.complete = true;
  if (subscription.ask.is_since()) return end_since(subscription, end.resumed);
  subscription.resumed = end.resumed;
  if (end.resumed != proto::Resumed::unspecified) {
    expect(end.resumed == proto::Resumed::gap && subscription.replays, "an outcome of what was not resumed");
    ++resumed_[std::to_underlying(end.resumed)];
    const bool overtaken = std::ranges::any_of(
        ledger_.topics(), [&](const Topic& topic) { return may_be_overtaken(subscription, topic); });
    expect(overtaken, "a gap in the last N where everything is kept");
  }
  for (const Topic& topic : ledger_.topics()) {
    if (!topics::matches(subscription.ask.filter, topic.name)) continue;
    const OfTopic& seen = subscription.of_topics[ledger_.index_of(topic)];
    if (subscription.ask.start == proto::Start::last_values) {
      if (!waits_for_others(subscription)) end_last_values(subscription, topic, seen);
    } else {
      end_last_n(subscription, topic, seen);
    }
  }
}

// That its live messages may wait behind what another subscription begins with.
bool SubscriberModel::waits_for_others(const Subscription& subscription) const {
  return subscription.may_merge() || world_.may_lag || std::ranges::any_of(subscriptions_, [&](const auto& other) {
           return &other.second != &subscription && !other.second.complete;
         });
}

// No value has come and no newer message: there must be a starting point at which the topic had none, or from which on
// the client itself has published another that it does not want to hear.
void SubscriberModel::end_last_values(const Subscription& subscription, const Topic& topic, const OfTopic& seen) const {
  if (seen.openings > 0 || seen.kept_live || lag_.skipped() > 0) return;
  const StartRange& range = subscription.starts[topic.origin];
  const Change* value = nullptr;
  for (std::size_t i = 0;; ++i) {
    const Change* const next = i < topic.kept.size() ? &topic.kept_change(i) : nullptr;
    const bool possible = (value == nullptr ? 0 : value->position) < range.end &&
                          (next == nullptr || next->position > range.first);  // value is the last one at some start
    if (possible && (value == nullptr || value->op == proto::Op::remove)) return;
    const bool own_later = std::ranges::any_of(topic.kept.begin() + static_cast<std::ptrdiff_t>(i), topic.kept.end(),
                                               [&](std::size_t k) { return !visible(subscription, topic.changes[k]); });
    if (possible && own_later) return;
    if (next == nullptr) break;
    value = next;
  }
  if (world_.kept.last(topic) == 0) return;
  throw Failure(where(subscription, topic) + "the last value did not come");
}

// Something behind what came may have been let go before it was sent: what goes first goes before that.
bool SubscriberModel::may_be_overtaken(const Subscription& subscription, const Topic& topic) const {
  const OfTopic& seen = subscription.of_topics[ledger_.index_of(topic)];
  if (seen.openings == 0) return false;
  return seen.overtaken || world_.kept.gone(topic, topic.changes[seen.opened_first - 1]);
}

// What came reaches up to the start, and back as far as was asked for or kept. Where it does not, a gap was told.
void SubscriberModel::end_last_n(Subscription& subscription, const Topic& topic, const OfTopic& seen) const {
  const bool gap = subscription.resumed == proto::Resumed::gap;
  expect(gap || !seen.overtaken,
         [&] { return where(subscription, topic) + "history overtook it, and no gap is told"; });
  if (const Change* next = next_kept(subscription, topic, seen)) narrow(subscription, topic, {.end = next->position});
  if (seen.openings == 0) return;
  const std::size_t last = topic.changes[seen.opened - 1].kept;
  if (!gap && last < topic.kept.size()) narrow(subscription, topic, {.end = topic.kept_change(last).position});
  const Change& first = topic.changes[seen.opened_first - 1];
  const bool oldest = first.kept == 1 || world_.kept.gone(topic, topic.kept_change(first.kept - 2));
  expect(oldest || seen.openings == subscription.ask.last_count,
         [&] { return where(subscription, topic) + "fewer kept messages than there were"; });
}

// ---- what was missed ----

void SubscriberModel::end_since(Subscription& subscription, proto::Resumed resumed) {
  using enum proto::Resumed;
  const std::string name = "client " + std::to_string(client_) + ", subscription " +
                           std::to_string(subscription.ask.id) + " (" + subscription.ask.filter + ") ";
  expect(resumed != unspecified, [&] { return name + "is not told what became of what it missed"; });
  subscription.resumed = resumed;
  ++resumed_[std::to_underlying(resumed)];
  const bool foreign = subscription.ask.since && subscription.ask.since->epoch != world_.epoch;
  expect(!foreign || resumed == gap, [&] { return name + "resumes from another epoch, but was not told of a gap"; });
  const bool before = subscription.ask.start == proto::Start::since_time && subscription.ask.since_us < world_.began_us;
  expect(!before || resumed == gap, [&] { return name + "asks for a time before the broker's, and is told no gap"; });
  expect(resumed != gap || may_be_gap(subscription), [&] { return name + "was told of a gap where there is none"; });
  expect(resumed != conflated || !subscription.replays, [&] { return name + "wants every message, conflated"; });
  for (const Topic& topic : ledger_.topics()) {
    if (!topics::matches(subscription.ask.filter, topic.name)) continue;
    if (subscription.replays) {
      end_replay_since(subscription, topic, resumed);
    } else {
      end_values_since(subscription, topic, resumed);
    }
  }
  if (resumed == conflated && subscription.ask.start == proto::Start::resume) check_too_careful(subscription);
}

// From where on a home tells it what it missed.
std::uint64_t SubscriberModel::position_of(const Subscription& subscription, std::uint32_t origin) const {
  if (!subscription.ask.since || subscription.ask.since->epoch != world_.epoch) return 0;
  const Since& since = *subscription.ask.since;
  return std::max(since.positions[origin], since.received ? (*since.received)[origin] : 0);
}

// A home tells of a gap too where something else was forgotten than what was missed: it does not know what that was.
bool SubscriberModel::may_be_gap(const Subscription& subscription) const {
  // When what it has lost was published, it knows to a second or worse.
  if (subscription.ask.start == proto::Start::since_time) return true;
  if (subscription.ask.since && subscription.ask.since->epoch != world_.epoch) return true;
  const std::string& filter = subscription.ask.filter;
  return std::ranges::any_of(ledger_.topics(), [&](const Topic& topic) {
    const bool matches = topics::matches(filter, topic.name);
    if (matches && may_be_gap(subscription, topic)) return true;
    return (matches || topics::is_wildcard(filter)) &&
           world_.kept.forgets_since(ledger_, topic.origin, position_of(subscription, topic.origin));
  });
}

// Something of this topic may not be kept that came since and before the start; of LATEST, the newest. A home is not
// always certain that an event came behind the start.
bool SubscriberModel::may_be_gap(const Subscription& subscription, const Topic& topic) const {
  const StartRange& start = subscription.starts[topic.origin];
  return std::ranges::any_of(topic.changes, [&](const Change& change) {
    if (change.hole || !is_since(subscription, topic, change)) return false;
    if (subscription.replays && !change.is_kept()) return true;
    if (change.position >= start.end) return false;
    if (subscription.replays) return world_.kept.gone(topic, change);
    if (world_.kept.last(topic) == 0) return true;
    const Change* const next = topic.kept_after(change);
    return !change.is_kept() && (next == nullptr || next->position > start.first);
  });
}

// EVERY: all that is kept came, up to the start; recovered: nothing else was there.
void SubscriberModel::end_replay_since(Subscription& subscription, const Topic& topic, proto::Resumed resumed) const {
  const OfTopic& seen = subscription.of_topics[ledger_.index_of(topic)];
  if (const Change* next = next_kept(subscription, topic, seen)) narrow(subscription, topic, {.end = next->position});
  if (seen.openings > 0) {
    const OfTopic before{};
    const Change* const oldest = next_kept(subscription, topic, before);
    expect(oldest == nullptr || oldest->seq >= seen.opened_first, [&] {
      return where(subscription, topic) + "the first that came is " + std::to_string(seen.opened_first) + ", but " +
             std::to_string(oldest->seq) + " is kept";
    });
  }
  if (resumed != proto::Resumed::recovered) return;
  for (const Change& change : topic.changes) {
    if (!visible(subscription, change) || !is_since(subscription, topic, change)) continue;
    const bool came =
        seen.openings > 0 && change.is_kept() && change.seq >= seen.opened_first && change.seq <= seen.opened;
    if (came) continue;
    expect(change.seq > seen.opened, [&] {
      return where(subscription, topic) + "recovered, but " + std::to_string(change.seq) + " did not come";
    });
    return narrow(subscription, topic, {.end = change.position});
  }
}

// LATEST: of each topic that changed the newest came, or a newer one comes live; recovered: it was the only change.
void SubscriberModel::end_values_since(Subscription& subscription, const Topic& topic, proto::Resumed resumed) const {
  if (resumed != proto::Resumed::recovered) return;
  const OfTopic& seen = subscription.of_topics[ledger_.index_of(topic)];
  for (const Change& change : topic.changes) {
    const bool before_start = change.position <= subscription.starts[topic.origin].first;
    if (!before_start || !visible(subscription, change) || !is_since(subscription, topic, change)) continue;
    expect(change.seq == seen.opened, [&] {
      return where(subscription, topic) + "recovered, but " + std::to_string(change.seq) + " did not come";
    });
  }
}

void SubscriberModel::rest_values_since(Subscription& subscription, const Topic& topic) const {
  const OfTopic& seen = subscription.of_topics[ledger_.index_of(topic)];
  if (seen.openings > 0 || seen.kept_live || lag_.skipped() > 0 || world_.kept.last(topic) == 0) return;
  const bool gap = subscription.resumed == proto::Resumed::gap;
  if (gap && !topic.kept.empty() && world_.kept.gone(topic, topic.kept_change(topic.kept.size() - 1))) return;
  const Change* first = nullptr;
  for (const std::size_t index : topic.kept) {
    const Change& change = topic.changes[index];
    if (gap && world_.kept.may_be_forgotten_after(topic, change)) return;
    if (!is_since(subscription, topic, change)) continue;
    if (!visible(subscription, change)) return;
    if (first == nullptr) first = &change;
  }
  if (first != nullptr) narrow(subscription, topic, {.end = first->position});
}

// Nothing was left out, and it was not told so.
void SubscriberModel::check_too_careful(const Subscription& subscription) const {
  for (const Topic& topic : ledger_.topics()) {
    if (!topics::matches(subscription.ask.filter, topic.name)) continue;
    std::size_t changes = 0;
    for (const Change& change : topic.changes) {
      if (!is_since(subscription, topic, change)) continue;
      ++changes;
      if (!change.is_kept() || change.hole || world_.kept.gone(topic, change)) return;
      if (!visible(subscription, change)) return;
    }
    if (!subscription.replays && changes > 1) return;
  }
  throw Failure("client " + std::to_string(client_) + ", subscription " + std::to_string(subscription.ask.id) + " (" +
                subscription.ask.filter + ") was told that something was left out, but nothing was");
}

}  // namespace ringcast::sim
