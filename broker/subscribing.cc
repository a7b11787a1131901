#include "broker/subscribing.h"

#include <algorithm>
#include <cassert>

namespace ringcast::broker {

Subscribing::Subscribing(std::uint32_t shards, topics::HashKey key, Requester& requester, SessionTable& sessions,
                         topics::Subscriptions& subscriptions)
    : shards_(shards), key_(key), requester_(requester), sessions_(sessions), subscriptions_(subscriptions) {}

std::expected<void, topics::Error> Subscribing::subscribe(SlotId slot, std::string_view filter,
                                                          const Options& options) {
  Session* session = sessions_.find(slot);
  assert(session != nullptr);
  assert(session->join == nullptr);
  const auto index = static_cast<std::uint32_t>(session->subscriptions.size());
  const auto joined = subscriptions_.join(filter, session->encoding, {.slot = slot.index, .subscription = index});
  if (!joined) return std::unexpected(joined.error());
  session->subscriptions.push_back({.place = joined->place});

  session->join = std::make_unique<Join>();
  Join& join = *session->join;
  join.subscription = index;
  join.ticket = sessions_.take_ticket();
  join.wants_last = options.wants_last;
  join.upgrades = options.upgrades;
  for (topics::ShardSet homes = joined->homes; homes != 0;) {
    const std::uint32_t home = topics::take_shard(homes);
    join.origins.push_back({.home = home});
    requester_.send(home, {.kind = Request::Kind::subscribe,
                           .first = joined->first,
                           .subscription = index,
                           .ticket = join.ticket,
                           .slot = slot,
                           .message = requester_.note(filter)});
  }
  join.markers_missing = static_cast<std::uint32_t>(join.origins.size());
  return {};
}

bool Subscribing::marker(std::uint32_t origin, const Delivery& delivery) {
  Session* session = sessions_.find(delivery.slot);
  if (session == nullptr || session->join == nullptr || session->join->ticket != delivery.ticket) return false;
  Join& join = *session->join;
  const auto marked = subscriptions_.marker(session->subscriptions[join.subscription].place, origin);
  apply(marked.moves);
  const auto part = std::ranges::find(join.origins, origin, &JoinOrigin::home);
  assert(part != join.origins.end());
  assert(part->state == JoinOrigin::State::waits_for_marker);
  part->position = delivery.position;
  part->state = JoinOrigin::State::to_pull;
  if (--join.markers_missing > 0) return false;
  const bool upgrades = join.upgrades;
  if (!join.wants_last) {
    session->join.reset();
  } else {
    pull(delivery.slot, *session);
  }
  return upgrades;
}

void Subscribing::pull(SlotId slot, Session& session) {
  Join& join = *session.join;
  if (join.markers_missing > 0 || session.outbox.owed_bytes() > kPullWhileOwedMax) return;
  if (std::ranges::find(join.origins, JoinOrigin::State::pulling, &JoinOrigin::state) != join.origins.end()) return;
  const auto part = std::ranges::find(join.origins, JoinOrigin::State::to_pull, &JoinOrigin::state);
  if (part == join.origins.end()) {
    session.join.reset();
    return;
  }
  part->state = JoinOrigin::State::pulling;
  const std::string_view filter = subscriptions_.filter(session.subscriptions[join.subscription].place);
  requester_.send(part->home, {.kind = Request::Kind::pull,
                               .subscription = join.subscription,
                               .ticket = join.ticket,
                               .slot = slot,
                               .position = part->position,
                               .message = requester_.note(filter, part->after)});
}

void Subscribing::snapshot(const Delivery& delivery, const Codec& codec) {
  Session* session = sessions_.find(delivery.slot);
  if (session == nullptr || session->join == nullptr || session->join->ticket != delivery.ticket) return;
  const Span span = codec.encode(*delivery.message, sessions_.own_writer());
  if (span.segment != nullptr) sessions_.send(delivery.slot.index, {&span, 1});
}

void Subscribing::snapshot_end(std::uint32_t origin, const Delivery& delivery) {
  Session* session = sessions_.find(delivery.slot);
  if (session == nullptr || session->join == nullptr || session->join->ticket != delivery.ticket) return;
  const auto part = std::ranges::find(session->join->origins, origin, &JoinOrigin::home);
  assert(part != session->join->origins.end());
  if (delivery.message == nullptr) {
    part->state = JoinOrigin::State::done;
  } else {
    part->state = JoinOrigin::State::to_pull;
    part->after = delivery.message->topic();
  }
  pull(delivery.slot, *session);
}

void Subscribing::sent(SlotId slot) {
  Session* session = sessions_.find(slot);
  if (session != nullptr && session->join != nullptr) pull(slot, *session);
}

void Subscribing::fetch(SlotId slot, std::string_view topic, std::uint32_t ticket) {
  requester_.send(topics::owner(topics::hash_name(key_, topic), shards_), {.kind = Request::Kind::pull,
                                                                           .ticket = ticket,
                                                                           .slot = slot,
                                                                           .position = UINT64_MAX,
                                                                           .message = requester_.note(topic)});
}

void Subscribing::leave(Session& session) {
  session.join.reset();
  while (!session.subscriptions.empty()) {
    const auto left = subscriptions_.leave(session.subscriptions.back().place);
    session.subscriptions.pop_back();
    apply(left.moves);
    for (topics::ShardSet homes = left.withdraw_from; homes != 0;) {
      requester_.send(topics::take_shard(homes),
                      {.kind = Request::Kind::withdraw, .message = requester_.note(left.filter)});
    }
  }
}

void Subscribing::apply(const topics::Moves& moves) {
  for (const topics::Moved& moved : moves) {
    sessions_.at(moved.member.slot).subscriptions[moved.member.subscription].place = moved.place;
  }
}

}  // namespace ringcast::broker
