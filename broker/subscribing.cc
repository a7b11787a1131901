#include "broker/subscribing.h"

#include <algorithm>
#include <cassert>

#include "broker/framing.h"
#include "topics/name.h"

namespace ringcast::broker {

Subscribing::Subscribing(std::uint32_t shards, topics::HashKey key, Requester& requester, SessionTable& sessions,
                         topics::Subscriptions& subscriptions, Compressor& compressor, Latest& latest)
    : shards_(shards),
      key_(key),
      requester_(requester),
      sessions_(sessions),
      subscriptions_(subscriptions),
      compressor_(compressor),
      latest_(latest) {}

std::expected<std::uint32_t, topics::Error> Subscribing::subscribe(SlotId slot, std::string_view filter,
                                                                   const Options& options) {
  Session* session = sessions_.find(slot);
  assert(session != nullptr);
  const std::uint32_t index = take_entry(*session);
  const auto joined = subscriptions_.join(filter, {.encoding = session->encoding, .pace = options.pace},
                                          {.slot = slot.index, .subscription = index});
  if (!joined) {
    if (session->full != nullptr) session->full->free.push_back(index);
    return std::unexpected(joined.error());
  }
  Subscription& subscription = session->subscriptions[index];
  subscription = {.place = joined->place,
                  .id = options.id,
                  .echo = options.echo,
                  .on_lag = options.on_lag,
                  .latest = options.pace != kEveryMessage,
                  .tag = tag_of(filter)};
  latest_.joined(slot, *session, index);
  subscription.join = announce(slot, index, filter, *joined, options);
  ++session->joins;
  const bool many_markers = subscription.join->markers_missing > 1;
  const bool may_precede = session->full != nullptr && (many_markers || options.upgrades);
  if (may_precede || (subscription.join->in_order && protocol_of(session->encoding) != Protocol::raw)) {
    subscription.holds = true;
    sessions_.hold(*session);
  }
  return index;
}

// Of equal exact filters equal, of others hardly ever; 0 of those with wildcards.
std::uint32_t Subscribing::tag_of(std::string_view filter) const {
  if (topics::is_wildcard(filter)) return 0;
  return static_cast<std::uint32_t>(topics::hash_name(key_, filter)) | 1U;
}

// A free entry of the session's subscriptions.
std::uint32_t Subscribing::take_entry(Session& session) {
  if (session.full != nullptr && !session.full->free.empty()) {
    const std::uint32_t index = session.full->free.back();
    session.full->free.pop_back();
    return index;
  }
  session.subscriptions.emplace_back();
  return static_cast<std::uint32_t>(session.subscriptions.size() - 1);
}

// Where what is missing of the home begins. Returns up to where the client has everything: what no home can vouch for
// if that is not known.
std::uint64_t Subscribing::begin_at(const Since* since, std::uint32_t home, Join& join, JoinOrigin& origin) {
  constexpr std::uint64_t kUnknown = UINT64_MAX;
  if (since == nullptr) return kUnknown;
  const std::optional<std::uint64_t> position = since->positions[home];
  if (!position) join.resumed = topics::Resumed::gap;
  origin.since = position.value_or(0);
  return since->time_us == INT64_MIN ? position.value_or(kUnknown) : kUnknown;
}

std::unique_ptr<Join> Subscribing::announce(SlotId slot, std::uint32_t index, std::string_view filter,
                                            const topics::Subscriptions::Joined& joined, const Options& options) {
  auto join = std::make_unique<Join>();
  join->ticket = sessions_.take_ticket();
  join->pulls = options.begin != Begin::now;
  join->replay_max = options.begin == Begin::last_n ? options.last_count : 0;
  join->upgrades = options.upgrades;
  join->resumes = options.begin == Begin::since;
  if (join->resumes) {
    join->pull = options.pace != kEveryMessage ? Pull::newest_since : Pull::every_since;
    join->since_us = options.since->time_us;
    join->foreign = options.since->foreign;
  }
  join->in_order = join->replay_max > 0 || join->pull == Pull::every_since;
  for (topics::ShardSet homes = joined.homes; homes != 0;) {
    const std::uint32_t home = topics::take_shard(homes);
    JoinOrigin& origin = join->origins.emplace_back(JoinOrigin{.home = home});
    const std::uint64_t known = begin_at(join->resumes ? options.since : nullptr, home, *join, origin);
    requester_.send(home, {.kind = Request::Kind::subscribe,
                           .first = joined.first,
                           .subscription = index,
                           .ticket = join->ticket,
                           .slot = slot,
                           .position = known,
                           .message = requester_.note(filter)});
  }
  join->markers_missing = static_cast<std::uint32_t>(join->origins.size());
  return join;
}

// The join that an answer is for; null when it has gone.
Join* Subscribing::join_of(Session& session, const Delivery& delivery) {
  if (delivery.subscription >= session.subscriptions.size()) return nullptr;
  Join* join = session.subscriptions[delivery.subscription].join.get();
  return join != nullptr && join->ticket == delivery.ticket ? join : nullptr;
}

void Subscribing::marker(std::uint32_t origin, const Delivery& delivery) {
  Session* session = sessions_.find(delivery.slot);
  Join* join = session == nullptr ? nullptr : join_of(*session, delivery);
  if (join == nullptr) return;
  const auto marked = subscriptions_.marker(session->subscriptions[delivery.subscription].place, origin);
  sessions_.apply(marked.moves);
  const auto part = std::ranges::find(join->origins, origin, &JoinOrigin::home);
  assert(part != join->origins.end());
  assert(part->state == JoinOrigin::State::waits_for_marker);
  part->position = delivery.position;
  const bool nothing_missing = join->resumes && delivery.unchanged;
  part->state = nothing_missing ? JoinOrigin::State::done : JoinOrigin::State::to_pull;
  if (session->subscriptions[delivery.subscription].holds) sessions_.hold_origin(*session, origin);
  if (--join->markers_missing > 0) return;
  started_.push_back({.slot = delivery.slot,
                      .subscription = delivery.subscription,
                      .live = true,
                      .complete = !join->pulls,
                      .upgrades = join->upgrades,
                      .in_order = join->in_order});
  if (!join->pulls) return end_join(*session, delivery.subscription);
  if (session->full != nullptr) session->full->to_pull.push_back(delivery.subscription);
  pull(delivery.slot, *session);
}

void Subscribing::pull(SlotId slot, Session& session) {
  while (!session.pulling && session.outbox.owed_bytes() <= kPullWhileOwedMax) {
    std::uint32_t index = 0;  // a raw session has one subscription
    if (session.full != nullptr) {
      if (session.full->to_pull.empty()) return;
      index = session.full->to_pull.front();
    }
    Join* join = session.subscriptions[index].join.get();
    if (join == nullptr || join->markers_missing > 0) return;
    const auto part = std::ranges::find(join->origins, JoinOrigin::State::to_pull, &JoinOrigin::state);
    if (part != join->origins.end()) return pull_from(slot, session, index, *part);
    if (session.full != nullptr) session.full->to_pull.pop_front();
    started_.push_back({.slot = slot,
                        .subscription = index,
                        .complete = true,
                        .resumes = join->resumes,
                        .resumed = join->resumed,
                        .foreign = join->foreign});
    end_join(session, index);
    latest_.hurry(slot, session, index);
  }
}

void Subscribing::pull_from(SlotId slot, Session& session, std::uint32_t index, JoinOrigin& origin) {
  const Subscription& subscription = session.subscriptions[index];
  origin.state = JoinOrigin::State::pulling;
  session.pulling = true;
  const std::string_view filter = subscriptions_.filter(subscription.place);
  requester_.send(origin.home, {.kind = Request::Kind::pull,
                                .subscription = index,
                                .ticket = subscription.join->ticket,
                                .slot = slot,
                                .position = origin.position,
                                .replay_max = subscription.join->replay_max,
                                .after_seq = origin.after_seq,
                                .pull = subscription.join->pull,
                                .after_topic = origin.after_topic,
                                .since = origin.since,
                                .since_us = subscription.join->since_us,
                                .message = requester_.note(filter, origin.after)});
}

void Subscribing::opening_message(const Delivery& delivery, Codec& codec) {
  Session* session = sessions_.find(delivery.slot);
  const Join* join = session == nullptr ? nullptr : join_of(*session, delivery);
  if (join == nullptr) return;
  const Opening opening{.subscription = session->subscriptions[delivery.subscription].id, .replay = join->in_order};
  auto encoded = codec.encode(*delivery.message, &opening);
  if (!encoded) return;
  const Compression window = compressor_.window(encoded->payload.size(), compression_of(session->encoding));
  if (window != Compression::none) encoded = compressor_.compress(*encoded, window);
  FrameRecord record = record_of(*delivery.message, delivery.topic);
  record.opening = true;
  sessions_.send_own(delivery.slot, write_message(session->encoding, *encoded, record, sessions_.own_writer()));
}

void Subscribing::opening_end(std::uint32_t origin, const Delivery& delivery) {
  Session* session = sessions_.find(delivery.slot);
  Join* join = session == nullptr ? nullptr : join_of(*session, delivery);
  if (join == nullptr) return;
  session->pulling = false;
  const auto part = std::ranges::find(join->origins, origin, &JoinOrigin::home);
  assert(part != join->origins.end());
  join->resumed = std::max(join->resumed, delivery.resumed);
  if (delivery.message == nullptr) {
    part->state = JoinOrigin::State::done;
  } else {
    part->state = JoinOrigin::State::to_pull;
    part->after = delivery.message->topic();
    part->after_seq = delivery.seq;
    part->after_topic = delivery.topic;
  }
  pull(delivery.slot, *session);
}

void Subscribing::sent(SlotId slot) {
  Session* session = sessions_.find(slot);
  if (session != nullptr && session->joins > 0) pull(slot, *session);
}

void Subscribing::fetch(SlotId slot, std::string_view topic, std::uint32_t ticket) {
  requester_.send(topics::owner(topics::hash_name(key_, topic), shards_), {.kind = Request::Kind::pull,
                                                                           .ticket = ticket,
                                                                           .slot = slot,
                                                                           .position = UINT64_MAX,
                                                                           .message = requester_.note(topic)});
}

void Subscribing::end_join(Session& session, std::uint32_t index) {
  assert(session.joins > 0);
  session.subscriptions[index].join.reset();
  --session.joins;
}

void Subscribing::leave(SlotId slot, Session& session, std::uint32_t index) {
  latest_.leaving(session, index);
  end(slot, session, index);
}

void Subscribing::end(SlotId slot, Session& session, std::uint32_t index) {
  Subscription& subscription = session.subscriptions[index];
  assert(subscription.place.valid());
  if (const Join* join = subscription.join.get(); join != nullptr) {
    const bool pulled =
        std::ranges::find(join->origins, JoinOrigin::State::pulling, &JoinOrigin::state) != join->origins.end();
    if (pulled) session.pulling = false;  // the late chunk is not taken
    end_join(session, index);
    if (session.full != nullptr) std::erase(session.full->to_pull, index);
  }
  if (subscription.holds) sessions_.end_hold(session, slot.index);
  const topics::GroupId group = subscriptions_.group(subscription.place);
  const auto left = subscriptions_.leave(subscription.place);
  subscription = {};
  if (session.full != nullptr) session.full->free.push_back(index);
  sessions_.apply(left.moves);
  latest_.left(group);
  for (topics::ShardSet homes = left.withdraw_from; homes != 0;) {
    requester_.send(topics::take_shard(homes),
                    {.kind = Request::Kind::withdraw, .message = requester_.note(left.filter)});
  }
}

void Subscribing::leave_all(SlotId slot, Session& session) {
  latest_.forget(session);
  for (std::uint32_t index = 0; index < session.subscriptions.size(); ++index) {
    if (session.subscriptions[index].place.valid()) end(slot, session, index);
  }
  session.subscriptions.clear();
}

}  // namespace ringcast::broker
