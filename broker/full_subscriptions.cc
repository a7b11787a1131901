// FullSession's subscriptions: how they are asked for, told of and ended.
#include <cassert>
#include <utility>

#include "broker/checkpoint.h"
#include "broker/full_session.h"
#include "topics/name.h"

namespace ringcast::broker {

namespace {

static_assert(kResumeTokenSizeMax <= proto::kResumeTokenBytesMax);  // what a Checkpoint says can be brought back
static_assert(topics::kShardsMax <= proto::kReceivedMax);

Subscribing::Begin begin_of(proto::Start start) {
  switch (start) {
    case proto::Start::now:
      return Subscribing::Begin::now;
    case proto::Start::last_values:
      return Subscribing::Begin::last_values;
    case proto::Start::last_n:
      return Subscribing::Begin::last_n;
    case proto::Start::since_time:
    case proto::Start::resume:
      return Subscribing::Begin::since;
  }
  std::unreachable();
}

}  // namespace

bool FullSession::check(SlotId slot, Session& session, const proto::Subscribe& subscribe) {
  using enum proto::ErrorCode;
  const auto bad = [&](const Refusal& refusal) {
    refuse(slot, session, subscribe.id, refusal);
    return false;
  };
  if (const auto valid = topics::validate_filter(subscribe.filter); !valid)
    return bad({bad_filter, topics::describe(valid.error()), "subscribe.filter"});
  if (!session.identity->may_subscribe(subscribe.filter)) {
    authenticator_.count_forbidden();
    return bad({forbidden, "not permitted to subscribe to this filter", "subscribe.filter"});
  }
  const FullState& full = *session.full;
  if (full.by_id.contains(subscribe.id))
    return bad({id_in_use, "a subscription of this connection has this id", "subscribe.id"});
  if (full.by_id.size() >= config_.max_subscriptions)
    return bad({too_many_subscriptions, "this connection has as many subscriptions as --max-subscriptions allows",
                "subscribe"});
  if (sessions_.draining()) return bad({draining, "the broker restarts", "subscribe"});
  return true;
}

// The forms have refused rates that are none, and rates beside EVERY.
Pace FullSession::pace_of(proto::Delivery delivery, double max_rate_hz) noexcept {
  if (delivery != proto::Delivery::latest) return kEveryMessage;
  return pace_of_rate(max_rate_hz).value_or(kUnpaced);
}

void FullSession::handle(SlotId slot, Session& session, const proto::Subscribe& subscribe, Instant) {
  if (!check(slot, session, subscribe)) return;
  const auto since = since_of(slot, session, subscribe);
  if (!since) return;
  const auto index = subscribing_.subscribe(slot, subscribe.filter,
                                            {.id = subscribe.id,
                                             .begin = begin_of(subscribe.start),
                                             .last_count = subscribe.last_count,
                                             .echo = subscribe.echo.value_or(true),
                                             .on_lag = subscribe.on_lag,
                                             .pace = pace_of(subscribe.delivery, subscribe.max_rate_hz),
                                             .since = &*since});
  if (!index) {
    return refuse(slot, session, subscribe.id,
                  {proto::ErrorCode::too_many_filters, topics::describe(index.error()), "subscribe.filter"});
  }
  session.full->by_id.emplace(subscribe.id, *index);
}

void FullSession::started(const Subscribing::Started& started) {
  Session* session = sessions_.find(started.slot);
  if (session == nullptr || session->phase >= Phase::closing) return;
  Subscription& subscription = session->subscriptions[started.subscription];
  if (!subscription.place.valid()) return;
  if (started.live) {
    send(started.slot, *session, proto::Subscribed{.id = subscription.id, .filter = subscribing_.filter(subscription)});
  }
  const bool began_now = started.live && started.complete;
  if (started.complete && !began_now) {
    send(started.slot, *session, proto::SnapshotEnd{.subscription = subscription.id, .resumed = resumed_of(started)});
  }
  if (started.complete && session->full->checkpoints) begun_.push_back(started.slot);
  const bool older_come_first = started.in_order && !started.complete;
  if (subscription.holds && !older_come_first) {
    subscription.holds = false;
    sessions_.end_hold(*session, started.slot.index);
  }
  if (session->phase == Phase::websocket && session->may_read()) sessions_.resume(started.slot);
}

// Not while a run of messages is being fanned out: until then the connection is not read on.
void FullSession::handle(SlotId slot, Session& session, const proto::Change& change, Instant) {
  FullState& full = *session.full;
  if (!full.by_id.contains(change.subscription)) {
    return refuse(slot, session, change.id,
                  {proto::ErrorCode::unknown_subscription, "this connection has no subscription with this id",
                   "change.subscription"});
  }
  ++full.changes_waiting;
  changes_.push_back({.slot = slot,
                      .id = change.id,
                      .subscription = change.subscription,
                      .pace = pace_of(change.delivery, change.max_rate_hz),
                      .on_lag = change.on_lag});
}

void FullSession::carry_out_changes() {
  if (changes_.empty()) return;
  for (const WaitingChange& change : std::exchange(changes_, {})) {
    Session* const session = sessions_.find(change.slot);
    if (session == nullptr || session->phase >= Phase::closing) continue;
    const auto found = session->full->by_id.find(change.subscription);
    assert(found != session->full->by_id.end());  // nothing was read since
    session->subscriptions[found->second].on_lag = change.on_lag;
    subscribing_.change(change.slot, *session, found->second, change.pace);
    send(change.slot, *session, proto::Changed{.id = change.id, .subscription = change.subscription});
    --session->full->changes_waiting;
    if (session->phase == Phase::websocket && session->may_read()) sessions_.resume(change.slot);
  }
}

void FullSession::handle(SlotId slot, Session& session, const proto::Unsubscribe& unsubscribe, Instant) {
  FullState& full = *session.full;
  const auto found = full.by_id.find(unsubscribe.subscription);
  if (found == full.by_id.end()) {
    return refuse(slot, session, unsubscribe.id,
                  {proto::ErrorCode::unknown_subscription, "this connection has no subscription with this id",
                   "unsubscribe.subscription"});
  }
  const std::uint32_t index = found->second;
  full.by_id.erase(found);
  subscribing_.leave(slot, session, index);
  send(slot, session, proto::Unsubscribed{.id = unsubscribe.id, .subscription = unsubscribe.subscription});
  subscribing_.sent(slot);  // another's turn to fetch what it begins with
}

}  // namespace ringcast::broker
