#include "tests/sim/subscriber_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "broker/checkpoint.h"
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

std::int64_t SubscriberModel::Pace::period_ms() const noexcept {
  constexpr double kMsPerSecond = 1'000;
  return rate_hz == 0 ? 0 : static_cast<std::int64_t>(std::ceil(kMsPerSecond / rate_hz));
}

SubscriberModel::World SubscriberModel::world_of(const Client::World& world) noexcept {
  return {.ledger = world.ledger,
          .positions = world.positions,
          .now = world.now,
          .kept = world.kept,
          .paces_end_ms = world.paces_end_ms,
          .epoch = world.epoch,
          .began_us = world.began_us,
          .may_lag = world.may_lag};
}

bool SubscriberModel::Subscription::may_merge() const {
  return ask.pace.is_latest() || std::ranges::any_of(asked_paces, &Pace::is_latest);
}

std::string SubscriberModel::where(const Subscription& subscription, const Topic& topic) const {
  return "client " + std::to_string(client_) + ", subscription " + std::to_string(subscription.ask.id) + " (" +
         subscription.ask.filter + ") at " + topic.name + ": ";
}

std::vector<std::uint64_t> SubscriberModel::ids() const {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, subscription] : subscriptions_) ids.push_back(id);
  return ids;
}

// ---- subscriptions ----

void SubscriberModel::note_pace(const Pace& pace) {
  ever_close_ = ever_close_ || (!pace.is_latest() && pace.on_lag == proto::OnLag::close);
  simple_ = simple_ && !pace.is_latest();
}

void SubscriberModel::asked(const Ask& ask) {
  Subscription subscription{.ask = ask,
                            .replays = ask.replays(),
                            .asked_paces = {},
                            .starts = {},
                            .merged_until = Positions(world_.positions.size()),
                            .of_topics = std::vector<OfTopic>(ledger_.topics().size())};
  for (const std::uint64_t position : world_.positions) subscription.starts.push_back({.first = position});
  note_pace(ask.pace);
  const bool added = subscriptions_.emplace(ask.id, std::move(subscription)).second;
  expect(added, "the simulator uses a subscription's id twice");
}

void SubscriberModel::change_asked(std::uint64_t id, const Pace& pace) {
  note_pace(pace);
  simple_ = simple_latest_ = false;
  if (has(id)) subscriptions_.at(id).asked_paces.push_back(pace);
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
  for (std::size_t origin = 0; origin < world_.positions.size(); ++origin) {
    subscription.starts[origin].end = world_.positions[origin] + 1;
  }
}

void SubscriberModel::unsubscribed(std::uint64_t id) {
  expect(has(id), "unsubscribed from what was no subscription");
  simple_ = simple_latest_ = false;
  const Subscription& ended = subscriptions_.at(id);
  const bool merged = ended.may_merge() || std::ranges::any_of(ended.merged_until, [](auto at) { return at > 0; });
  if (merged) ended_.push_back({.filter = ended.ask.filter, .until = world_.positions});
  subscriptions_.erase(id);
}

// What LATEST owed at that moment comes first: up to there messages may have been merged.
void SubscriberModel::changed(std::uint64_t id) {
  expect(has(id), "changed what was no subscription");
  Subscription& subscription = subscriptions_.at(id);
  expect(!subscription.asked_paces.empty(), "changed, though nobody asked");
  if (subscription.ask.pace.is_latest()) subscription.merged_until = world_.positions;
  subscription.ask.pace = subscription.asked_paces.front();
  subscription.asked_paces.erase(subscription.asked_paces.begin());
}

void SubscriberModel::change_refused(std::uint64_t id) {
  if (!has(id) || subscriptions_.at(id).asked_paces.empty()) return;
  std::vector<Pace>& paces = subscriptions_.at(id).asked_paces;
  paces.erase(paces.begin());
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
  OfConnection& of = of_topics_[ledger_.index_of(topic)];
  expect(message.subscription == 0, "a live message names a subscription");
  expect(of.last_live < change.seq, [&] {
    return "client " + std::to_string(client_) + " at " + topic.name + ": live " + seq + " after " +
           std::to_string(of.last_live);
  });
  const std::uint64_t last_live = std::exchange(of.last_live, change.seq);
  lag_.delivered(ledger_.index_of(topic), change.seq);
  check_rate(topic, change);
  check_fair(topic, change);
  bool wanted = false;
  for (auto& [id, subscription] : subscriptions_) {
    if (!subscription.live || !topics::matches(subscription.ask.filter, topic.name)) continue;
    // What was owed to one that has ended or changed since may come all the same.
    if (visible(subscription, change) || !simple_latest_) wanted = true;
    follow(subscription, topic, change, was_owed(topic, last_live));
    // What comes while it lags, or as newest values, comes in any order.
    const bool in_order = !subscription.may_merge() && subscription.merged_until[topic.origin] == 0;
    if (!subscription.since || !in_order || lag_.behind()) continue;
    std::uint64_t& received = (*subscription.since->received)[topic.origin];
    received = std::max(received, change.position);
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

// Messages that come for others may be older than this subscription.
bool SubscriberModel::others_may_merge(const Subscription& subscription, const Topic& topic) const {
  return lag_.ever_merged() || std::ranges::any_of(subscriptions_, [&](const auto& other) {
           return &other.second != &subscription && other.second.live &&
                  (other.second.may_merge() || other.second.merged_until[topic.origin] > 0) &&
                  topics::matches(other.second.ask.filter, topic.name);
         });
}

// A topic that an ended subscription was owed comes if another matches: with the newest value that it has by then.
bool SubscriberModel::was_owed(const Topic& topic, std::uint64_t last_live) const {
  const auto owed = std::find_if(topic.changes.begin() + static_cast<std::ptrdiff_t>(last_live), topic.changes.end(),
                                 [](const Change& change) { return !change.hole; });
  return owed != topic.changes.end() && std::ranges::any_of(ended_, [&](const Ended& ended) {
           return owed->position <= ended.until[topic.origin] && topics::matches(ended.filter, topic.name);
         });
}

// A newer one comes, or has come, instead; or the client was told that it is missing, or will be.
bool SubscriberModel::may_lack(const Subscription& subscription, const Topic& topic, const Change& change) const {
  if (subscription.may_merge() || change.position <= subscription.merged_until[topic.origin]) return true;
  if (lag_.explains(ledger_.index_of(topic), change.seq)) return true;
  if (!lag_.ever_merged()) return false;
  // Owed while it lagged, and out of date by what it published itself.
  return std::any_of(topic.changes.begin() + static_cast<std::ptrdiff_t>(change.seq), topic.changes.end(),
                     [&](const Change& later) {
                       return !later.hole && !visible(subscription, later) && (later.is_kept() || !change.is_kept());
                     });
}

// What it has not seen before `end_seq` will not come: it is explained, or was before its start.
void SubscriberModel::lacks(Subscription& subscription, const Topic& topic, std::uint64_t end_seq, const OfTopic& seen,
                            const std::string& what) {
  const std::size_t index = ledger_.index_of(topic);
  const bool began = seen.live > 0 && topic.changes[seen.live - 1].position >= subscription.starts[topic.origin].end;
  const Change* unexplained = nullptr;
  for (std::uint64_t seq = seen.live + 1; seq < end_seq; ++seq) {
    const Change& change = topic.changes[seq - 1];
    if (!visible(subscription, change)) continue;
    if (!may_lack(subscription, topic, change)) unexplained = &change;
  }
  if (unexplained != nullptr) {
    expect(!began, [&] { return where(subscription, topic) + what + ", not " + std::to_string(unexplained->seq); });
    narrow(subscription, topic, {.first = unexplained->position});
  }
  if (subscription.may_merge()) return;
  for (std::uint64_t seq = seen.live + 1; seq < end_seq; ++seq) {
    const Change& change = topic.changes[seq - 1];
    const bool certain = change.position >= subscription.starts[topic.origin].end &&
                         change.position > subscription.merged_until[topic.origin];
    if (certain && visible(subscription, change)) lag_.missed(index, seq);
  }
}

// What one subscription makes of a live message: the next one, or its first.
void SubscriberModel::follow(Subscription& subscription, const Topic& topic, const Change& change, bool owed_before) {
  OfTopic& seen = subscription.of_topics[ledger_.index_of(topic)];
  const bool is_visible = visible(subscription, change);
  if (seen.live == 0 && !is_visible) return;  // another subscription's
  lacks(subscription, topic, change.seq, seen, std::to_string(change.seq) + " came after " + std::to_string(seen.live));
  const bool others = owed_before || others_may_merge(subscription, topic);
  if (is_visible && !others) narrow(subscription, topic, {.end = change.position});
  expect(subscription.complete || !subscription.replays,
         [&] { return where(subscription, topic) + "a live message before the last one that it begins with"; });
  seen.live = change.seq;
  if (change.is_kept()) seen.live_value = change.seq;
  seen.kept_live = seen.kept_live || change.is_kept();
}

// ---- checkpoints ----

// It holds for all subscriptions that it does not tell from others.
void SubscriberModel::checkpoint(const proto::Checkpoint& checkpoint) {
  const std::string name = "client " + std::to_string(client_) + ": a checkpoint ";
  const auto token = broker::read_token(checkpoint.token);
  expect(token.has_value(), [&] { return name + "whose token cannot be read"; });
  expect(token->epoch == world_.epoch, [&] { return name + "of another epoch"; });
  Positions positions(world_.positions.size());
  for (const broker::OriginPosition& at : token->positions) {
    expect(at.origin < positions.size() && at.position <= world_.positions[at.origin],
           [&] { return name + "of what was never sequenced"; });
    positions[at.origin] = at.position;
  }
  for (auto& [id, subscription] : subscriptions_) {
    if (!subscription.live) continue;
    expect(subscription.complete, [&] { return name + "while a subscription begins"; });
    for (const Topic& topic : ledger_.topics()) {
      if (topics::matches(subscription.ask.filter, topic.name)) check_checkpoint(subscription, topic, positions);
    }
    subscription.since = Since{.token = std::string(checkpoint.token),
                               .epoch = token->epoch,
                               .positions = positions,
                               .filter = subscription.ask.filter,
                               .received = Positions(positions.size())};
  }
}

// All up to there has come, or what replaces it, or the client was told that it is missing.
void SubscriberModel::check_checkpoint(const Subscription& subscription, const Topic& topic,
                                       const Positions& positions) const {
  const std::size_t index = ledger_.index_of(topic);
  const OfTopic& seen = subscription.of_topics[index];
  const std::uint64_t last = std::max({seen.live, seen.opened, of_topics_[index].last_live});
  bool own_value = false;
  bool own_later = false;
  bool told_value = false;
  bool told_later = false;
  for (std::uint64_t seq = topic.changes.size(); seq > last; --seq) {
    const Change& change = topic.changes[seq - 1];
    if (change.hole || change.position > positions[topic.origin]) continue;
    const bool own = !visible(subscription, change);
    own_later = own_later || own;
    own_value = own_value || (own && change.is_kept());
    const bool told = lag_.may_be_told(index, seq);
    const bool merges = subscription.may_merge() || change.position <= subscription.merged_until[topic.origin];
    const bool replaced =
        own_value || (own_later && !change.is_kept()) || (merges && (told_value || (told_later && !change.is_kept())));
    told_later = told_later || told;
    told_value = told_value || (told && change.is_kept());
    const bool counts = !own && !replaced && change.position >= subscription.starts[topic.origin].end && !told;
    expect(!counts, [&] {
      return where(subscription, topic) + "a checkpoint at position " + std::to_string(positions[topic.origin]) +
             ", but " + std::to_string(seq) + " at " + std::to_string(change.position) + " has not come";
    });
  }
}

std::vector<SubscriberModel::Since> SubscriberModel::resumable() const {
  std::vector<Since> all;
  for (const auto& [id, subscription] : subscriptions_) {
    if (subscription.since) all.push_back(*subscription.since);
  }
  return all;
}

// ---- at rest ----

void SubscriberModel::check_rest(bool ticked) {
  for (auto& [id, subscription] : subscriptions_) {
    const std::string name = "client " + std::to_string(client_) + ", subscription " + std::to_string(id);
    expect(subscription.live, [&] { return name + " waits to be told that it is live"; });
    expect(subscription.complete, [&] { return name + " waits for the end of what it begins with"; });
    expect(subscription.asked_paces.empty(), [&] { return name + " waits to be told that it is changed"; });
    for (const Topic& topic : ledger_.topics()) {
      if (topics::matches(subscription.ask.filter, topic.name)) rest(subscription, topic, ticked);
    }
  }
  // It has caught up when nothing waits for ticks, either.
  if (lag_.merges() && !ticked && waits_for_ticks()) return;
  lag_.check_rest(simple_ ? LagModel::Known::all : LagModel::Known::some);
}

// What it was owed before it changed may come at the pace of another, too.
bool SubscriberModel::waits_for_tick(const Subscription& subscription, const Topic& topic) const {
  if (!subscription.ask.pace.is_latest()) return false;
  if (subscription.ask.pace.period_ms() > 0) return true;
  return !simple_latest_ && std::ranges::any_of(subscriptions_, [&](const auto& other) {
    return other.second.ask.pace.is_latest() && other.second.ask.pace.period_ms() > 0 &&
           topics::matches(other.second.ask.filter, topic.name);
  });
}

bool SubscriberModel::waits_for_ticks() const {
  return std::ranges::any_of(subscriptions_, [](const auto& entry) { return entry.second.may_merge(); });
}

void SubscriberModel::rest(Subscription& subscription, const Topic& topic, bool ticked) {
  const OfTopic& seen = subscription.of_topics[ledger_.index_of(topic)];
  if (!ticked && waits_for_tick(subscription, topic)) return;
  if (subscription.ask.start == proto::Start::last_values) end_last_values(subscription, topic, seen);
  if (subscription.ask.is_since() && !subscription.replays) rest_values_since(subscription, topic);
  if (subscription.ask.pace.is_latest()) return rest_latest(subscription, topic);
  const Change* const last = visible_before(subscription, topic, topic.changes.size() + 1);
  if (last == nullptr || last->seq <= seen.live) return;
  lacks(subscription, topic, topic.changes.size() + 1, seen, "nothing came after " + std::to_string(seen.live));
}

}  // namespace ringcast::sim
