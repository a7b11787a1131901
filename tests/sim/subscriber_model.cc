#include "tests/sim/subscriber_model.h"

#include <algorithm>

#include "topics/name.h"

namespace ringcast::sim {

namespace {

std::string_view view(proto::Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool same(const proto::Message& message, const Ledger::Change& change) {
  return message.seq == change.seq && message.position == change.position && message.time_us == change.time_us &&
         message.op == change.op && message.format == change.format && message.content_type == change.content_type &&
         message.headers == change.headers && view(message.payload) == change.payload;
}

}  // namespace

std::string SubscriberModel::where(const Subscription& subscription, const Topic& topic) const {
  return "client " + std::to_string(client_) + ", subscription " + std::to_string(subscription.ask.id) + " (" +
         subscription.ask.filter + ") at " + topic.name + ": ";
}

std::vector<std::uint64_t> SubscriberModel::ids() const {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, subscription] : subscriptions_) ids.push_back(id);
  return ids;
}

void SubscriberModel::asked(const Ask& ask) {
  Subscription subscription{.ask = ask, .starts = {}, .of_topics = std::vector<OfTopic>(ledger_.topics().size())};
  for (const std::uint64_t position : positions_) subscription.starts.push_back({.first = position});
  const bool added = subscriptions_.emplace(ask.id, std::move(subscription)).second;
  expect(added, "the simulator uses a subscription's id twice");
}

void SubscriberModel::refused(std::uint64_t id) {
  expect(!is_live(id), "a subscription was refused after it had begun");
  subscriptions_.erase(id);
}

void SubscriberModel::subscribed(const proto::Subscribed& subscribed) {
  const auto found = subscriptions_.find(subscribed.id);
  expect(found != subscriptions_.end(), "subscribed, though nobody asked");
  Subscription& subscription = found->second;
  expect(!subscription.live, "subscribed, a second time");
  expect(subscribed.filter == subscription.ask.filter, "subscribed to another filter");
  subscription.live = true;
  subscription.complete = subscription.ask.start == proto::Start::now;
  for (std::size_t origin = 0; origin < positions_.size(); ++origin) {
    subscription.starts[origin].end = positions_[origin] + 1;
  }
}

void SubscriberModel::unsubscribed(std::uint64_t id) {
  expect(has(id), "unsubscribed from what was no subscription");
  subscriptions_.erase(id);
}

SubscriberModel::Subscription& SubscriberModel::live_subscription(std::uint64_t id) {
  expect(is_live(id), [&] { return "something came for subscription " + std::to_string(id) + ", which is not live"; });
  return subscriptions_.at(id);
}

void SubscriberModel::narrow(Subscription& subscription, const Topic& topic, const StartRange& range) const {
  StartRange& start = subscription.starts[topic.origin];
  const StartRange before = start;
  const auto text_of = [](const StartRange& of) { return std::to_string(of.first) + ".." + std::to_string(of.end); };
  expect(start.narrow(range), [&] {
    return where(subscription, topic) + "began at a position in " + text_of(before) + " of home " +
           std::to_string(topic.origin) + ", and in " + text_of(range);
  });
}

void SubscriberModel::message(const proto::Message& message) {
  const Topic* topic = ledger_.find(message.topic);
  expect(topic != nullptr && message.seq >= 1 && message.seq <= topic->changes.size(), "a message that never was");
  const Change& change = topic->changes[message.seq - 1];
  expect(same(message, change) && message.origin == topic->origin,
         [&] { return topic->name + ": message " + std::to_string(message.seq) + " is not what was sequenced"; });
  if (message.mark == proto::Mark::live) return live_message(message, *topic, change);
  opening_message(message, *topic, change);
}

// ---- live ----

void SubscriberModel::live_message(const proto::Message& message, const Topic& topic, const Change& change) {
  const std::string seq = std::to_string(change.seq);
  std::uint64_t& last = last_live_[ledger_.index_of(topic)];
  expect(message.subscription == 0, "a live message names a subscription");
  expect(last < change.seq, [&] {
    return "client " + std::to_string(client_) + " at " + topic.name + ": live " + seq + " after " +
           std::to_string(last);
  });
  last = change.seq;
  bool wanted = false;
  for (auto& [id, subscription] : subscriptions_) {
    if (!subscription.live || !topics::matches(subscription.ask.filter, topic.name)) continue;
    if (visible(subscription, change)) wanted = true;
    follow(subscription, topic, change);
  }
  expect(wanted, [&] {
    return "client " + std::to_string(client_) + " at " + topic.name + ": live " + seq +
           " is for none of its subscriptions";
  });
}

const Ledger::Change* SubscriberModel::visible_before(const Subscription& subscription, const Topic& topic,
                                                      std::uint64_t seq) const {
  for (std::uint64_t i = seq - 1; i > 0; --i) {
    if (visible(subscription, topic.changes[i - 1])) return &topic.changes[i - 1];
  }
  return nullptr;
}

// What one subscription makes of a live message: the next one, or its first.
void SubscriberModel::follow(Subscription& subscription, const Topic& topic, const Change& change) {
  OfTopic& seen = subscription.of_topics[ledger_.index_of(topic)];
  const Change* const before = visible_before(subscription, topic, change.seq);
  if (seen.live > 0) {
    expect(before == nullptr || before->seq <= seen.live, [&] {
      return where(subscription, topic) + std::to_string(change.seq) + " came after " + std::to_string(seen.live);
    });
  } else {
    if (!visible(subscription, change)) return;  // another subscription's
    narrow(subscription, topic, {.first = before == nullptr ? 0 : before->position, .end = change.position});
  }
  expect(subscription.complete || subscription.ask.start != proto::Start::last_n,
         [&] { return where(subscription, topic) + "a live message before the last one that it begins with"; });
  seen.live = change.seq;
  seen.kept_live = seen.kept_live || change.is_kept();
}

// ---- what a subscription begins with ----

void SubscriberModel::opening_message(const proto::Message& message, const Topic& topic, const Change& change) {
  Subscription& subscription = live_subscription(message.subscription);
  const auto says = [&](const char* what) {
    return [this, &subscription, &topic, what] { return where(subscription, topic) + what; };
  };
  expect(topics::matches(subscription.ask.filter, topic.name), says("does not match"));
  expect(!subscription.complete, says("an old message after the snapshot's end"));
  expect(change.is_kept(), says("an event is kept"));
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
  expect(subscription.ask.start == proto::Start::last_values, says("did not ask for last values"));
  expect(change.op == proto::Op::set, says("a removal as last value"));
  expect(seen.openings == 0, says("two last values"));
  expect(!seen.kept_live, says("a last value after a newer message"));
  if (const Change* next = topic.kept_after(change)) narrow(subscription, topic, {.end = next->position});
}

void SubscriberModel::replay(Subscription& subscription, const Topic& topic, const Change& change) {
  const OfTopic& seen = subscription.of_topics[ledger_.index_of(topic)];
  const auto says = [&](const char* what) {
    return [this, &subscription, &topic, what] { return where(subscription, topic) + what; };
  };
  expect(subscription.ask.start == proto::Start::last_n, says("did not ask for the last messages"));
  expect(seen.live == 0, says("a kept message after a live one"));
  expect(seen.openings < subscription.ask.last_count, says("more kept messages than it asked for"));
  if (seen.openings == 0) return;
  const std::size_t last = topic.changes[seen.opened - 1].kept;
  bool follows = last < change.kept;
  for (std::size_t i = last; i + 1 < change.kept; ++i) follows = follows && gone(topic, topic.kept_change(i));
  expect(follows, [&] {
    return where(subscription, topic) + "kept " + std::to_string(change.seq) + " came after " +
           std::to_string(seen.opened);
  });
}

// That the history may have let go of a change since: so many came after it.
bool SubscriberModel::gone(const Topic& topic, const Change& change) const {
  return topic.kept.size() - change.kept >= history_;
}

// The oldest that is certainly kept, of those that have not come yet.
const Ledger::Change* SubscriberModel::next_kept(const Topic& topic, const OfTopic& seen) const {
  for (std::size_t i = seen.opened == 0 ? 0 : topic.changes[seen.opened - 1].kept; i < topic.kept.size(); ++i) {
    if (!gone(topic, topic.kept_change(i))) return &topic.kept_change(i);
  }
  return nullptr;
}

void SubscriberModel::snapshot_end(std::uint64_t id) {
  Subscription& subscription = live_subscription(id);
  expect(!subscription.complete, "a snapshot ends twice, or never began");
  subscription.complete = true;
  for (const Topic& topic : ledger_.topics()) {
    if (!topics::matches(subscription.ask.filter, topic.name)) continue;
    const OfTopic& seen = subscription.of_topics[ledger_.index_of(topic)];
    if (subscription.ask.start == proto::Start::last_values) {
      end_last_values(subscription, topic, seen);
    } else {
      end_last_n(subscription, topic, seen);
    }
  }
}

// That its live messages may wait behind what another subscription begins with.
bool SubscriberModel::waits_for_others(const Subscription& subscription) const {
  return std::ranges::any_of(
      subscriptions_, [&](const auto& other) { return &other.second != &subscription && !other.second.complete; });
}

// No value has come and no newer message: there must be a starting point at which the topic had none, or from which on
// the client itself has published another that it does not want to hear.
void SubscriberModel::end_last_values(const Subscription& subscription, const Topic& topic, const OfTopic& seen) const {
  if (seen.openings > 0 || seen.kept_live || waits_for_others(subscription)) return;
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
  throw Failure(where(subscription, topic) + "the last value did not come");
}

// What came reaches up to the start, and back as far as was asked for or kept.
void SubscriberModel::end_last_n(Subscription& subscription, const Topic& topic, const OfTopic& seen) const {
  if (const Change* next = next_kept(topic, seen)) narrow(subscription, topic, {.end = next->position});
  if (seen.openings == 0) return;
  const Change& first = topic.changes[seen.opened_first - 1];
  const bool oldest = first.kept == 1 || gone(topic, topic.kept_change(first.kept - 2));
  expect(oldest || seen.openings == subscription.ask.last_count,
         [&] { return where(subscription, topic) + "fewer kept messages than there were"; });
}

// ---- at rest ----

void SubscriberModel::check_rest() {
  for (auto& [id, subscription] : subscriptions_) {
    const std::string name = "client " + std::to_string(client_) + ", subscription " + std::to_string(id);
    expect(subscription.live, [&] { return name + " waits to be told that it is live"; });
    expect(subscription.complete, [&] { return name + " waits for the end of what it begins with"; });
    for (const Topic& topic : ledger_.topics()) {
      if (topics::matches(subscription.ask.filter, topic.name)) rest(subscription, topic);
    }
  }
}

void SubscriberModel::rest(Subscription& subscription, const Topic& topic) {
  const OfTopic& seen = subscription.of_topics[ledger_.index_of(topic)];
  if (subscription.ask.start == proto::Start::last_values) end_last_values(subscription, topic, seen);
  const Change* const last = visible_before(subscription, topic, topic.changes.size() + 1);
  if (last == nullptr) return;
  if (seen.live == 0) return narrow(subscription, topic, {.first = last->position});
  expect(last->seq <= seen.live, [&] {
    return where(subscription, topic) + "lacks all after " + std::to_string(seen.live) + " up to " +
           std::to_string(last->seq);
  });
}

}  // namespace ringcast::sim
