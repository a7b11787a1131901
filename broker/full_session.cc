#include "broker/full_session.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "broker/producer_id.h"
#include "proto/close_code.h"
#include "topics/name.h"

namespace ringcast::broker {

namespace {

constexpr std::string_view kCredit = "credit";
constexpr std::string_view kCumulativeAcks = "cumulative_acks";

Subscribing::Begin begin_of(proto::Start start) {
  switch (start) {
    case proto::Start::now:
      return Subscribing::Begin::now;
    case proto::Start::last_values:
      return Subscribing::Begin::last_values;
    case proto::Start::last_n:
      return Subscribing::Begin::last_n;
  }
  std::unreachable();
}

}  // namespace

FullSession::FullSession(const Config& config, const Place& place, SessionTable& sessions, Publishing& publishing,
                         Subscribing& subscribing, Requester& requester)
    : config_(config),
      place_(place),
      epoch_(hexadecimal(place.epoch)),
      sessions_(sessions),
      publishing_(publishing),
      subscribing_(subscribing),
      requester_(requester) {}

void FullSession::request(SlotId slot, Session& session, Bytes in, Instant now) {
  ++counters_.requests;
  const auto request = codec(session.encoding).read(in);
  if (!request) {
    const proto::Fault& fault = request.error();
    session.full->requested = true;
    return refuse(slot, session, fault.id, {fault.code, fault.text, fault.field});
  }
  std::visit([&](const auto& what) { handle(slot, session, what, now); }, *request);
  session.full->requested = true;
  if (session.phase == Phase::websocket && !session.may_read()) sessions_.stop(session);
}

// ---- the opening ----

void FullSession::handle(SlotId slot, Session& session, const proto::Hello& hello, Instant now) {
  FullState& full = *session.full;
  if (full.requested) {
    return refuse(slot, session, hello.id,
                  {proto::ErrorCode::hello_too_late, "hello is the first request, or none", "hello"});
  }
  full.greeted = true;
  full.hello_id = hello.id;
  full.wants_credit = std::ranges::find(hello.features, kCredit) != hello.features.end();
  full.cumulative_acks = std::ranges::find(hello.features, kCumulativeAcks) != hello.features.end();
  take_producer(slot, full, hello.producer_id, now);
  if (full.claims_missing == 0) welcome(slot, session);
}

// A producer that comes back is claimed from every home before it is welcome: what its last connection sent is either
// sequenced by then or never will be.
void FullSession::take_producer(SlotId slot, FullState& full, std::string_view producer_id, Instant now) {
  const auto known = read_producer(place_.key, producer_id);
  full.producer_id = known ? *known : new_producer(place_.key, place_.shard, ++producers_made_);
  full.incarnation = next_incarnation(now);
  if (!known) return;
  full.claim_ticket = sessions_.take_ticket();
  full.claims_missing = place_.shards;
  for (std::uint32_t home = 0; home < place_.shards; ++home) {
    requester_.send(home,
                    {.kind = Request::Kind::claim,
                     .ticket = full.claim_ticket,
                     .slot = slot,
                     .repeat = topics::ProducerSeq{.id = full.producer_id, .incarnation = full.incarnation, .seq = 0}});
  }
}

// Rising, whichever shard gives it: by the clock that all share, then by this shard's own count.
std::uint64_t FullSession::next_incarnation(Instant now) noexcept {
  constexpr unsigned kShardBits = 6;
  constexpr unsigned kCountBits = 10;
  static_assert(topics::kShardsMax <= 1U << kShardBits);
  const std::uint64_t by_clock = static_cast<std::uint64_t>(now.ms) << (kShardBits + kCountBits) | place_.shard;
  last_incarnation_ = std::max(last_incarnation_ + (1U << kShardBits), by_clock);
  return last_incarnation_;
}

void FullSession::claimed(SlotId slot, Session& session, const Delivery& answer, Instant now) {
  FullState& full = *session.full;
  if (answer.ticket != full.claim_ticket || full.claims_missing == 0) return;
  if (answer.outcome == Outcome::fenced) return fenced(slot, session, now);
  if (answer.outcome == Outcome::duplicate) full.claim_known = true;
  if (answer.outcome == Outcome::too_many_producers) full.claim_failed = true;
  if (--full.claims_missing > 0) return;
  if (full.claim_failed) full.producer_id = new_producer(place_.key, place_.shard, ++producers_made_);
  welcome(slot, session);
  if (session.may_read()) sessions_.resume(slot);
}

void FullSession::welcome(SlotId slot, Session& session) {
  FullState& full = *session.full;
  std::vector<std::string_view> features;
  if (full.wants_credit) features.push_back(kCredit);
  if (full.cumulative_acks) features.push_back(kCumulativeAcks);
  const std::string producer = producer_text(place_.key, full.producer_id);
  proto::Welcome welcome{
      .id = full.hello_id,
      .epoch = epoch_,
      .features = features,
      .limits = {.message_bytes = config_.max_message_bytes,
                 .subscriptions = config_.max_subscriptions,
                 .topic_bytes = topics::kNameSizeMax,
                 .producer_window = static_cast<std::uint32_t>(topics::Producers::kWindow)},
      .ping_interval_ms = static_cast<std::uint32_t>(config_.ping_interval_ms),
      .producer_id = producer,
      .producer_resumed = full.claim_known && !full.claim_failed,
      .subject = session.identity->subject,
      .server = "ringcast/" RINGCAST_VERSION,
  };
  if (full.wants_credit) {
    welcome.credit = credit_of(full);
    full.credit_messages = welcome.credit.messages;
    full.credit_bytes = welcome.credit.bytes;
  }
  send(slot, session, welcome);
}

void FullSession::fenced(SlotId slot, Session& session, Instant now) {
  ++counters_.fenced;
  refuse(slot, session, 0,
         {proto::ErrorCode::fenced, "another connection is this producer now; nothing more of this one is published",
          "hello.producer_id"});
  sessions_.close_websocket(slot, std::to_underlying(proto::CloseCode::fenced),
                            "another connection is this producer now", now, SessionTable::Owed::send);
}

// ---- subscriptions ----

bool FullSession::check(SlotId slot, Session& session, const proto::Subscribe& subscribe) {
  using enum proto::ErrorCode;
  const auto bad = [&](const Refusal& refusal) {
    refuse(slot, session, subscribe.id, refusal);
    return false;
  };
  if (subscribe.delivery == proto::Delivery::latest)
    return bad({unsupported, "delivery latest is not built yet", "subscribe.delivery"});
  if (subscribe.max_rate_hz != 0) return bad({unsupported, "rates are not built yet", "subscribe.max_rate_hz"});
  if (subscribe.on_lag == proto::OnLag::degrade || subscribe.on_lag == proto::OnLag::skip)
    return bad(
        {unsupported, "a subscriber that falls behind is closed; other ways are not built yet", "subscribe.on_lag"});
  if (const auto valid = topics::validate_filter(subscribe.filter); !valid)
    return bad({bad_filter, topics::describe(valid.error()), "subscribe.filter"});
  if (!session.identity->may_subscribe(subscribe.filter))
    return bad({forbidden, "not permitted to subscribe to this filter", "subscribe.filter"});
  const FullState& full = *session.full;
  if (full.by_id.contains(subscribe.id))
    return bad({id_in_use, "a subscription of this connection has this id", "subscribe.id"});
  if (full.by_id.size() >= config_.max_subscriptions)
    return bad({too_many_subscriptions, "this connection has as many subscriptions as --max-subscriptions allows",
                "subscribe"});
  if (sessions_.draining()) return bad({draining, "the broker restarts", "subscribe"});
  return true;
}

void FullSession::handle(SlotId slot, Session& session, const proto::Subscribe& subscribe, Instant) {
  if (!check(slot, session, subscribe)) return;
  const auto index = subscribing_.subscribe(slot, subscribe.filter,
                                            {.id = subscribe.id,
                                             .begin = begin_of(subscribe.start),
                                             .last_count = subscribe.last_count,
                                             .echo = subscribe.echo.value_or(true)});
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
  if (started.complete && !began_now) send(started.slot, *session, proto::SnapshotEnd{.subscription = subscription.id});
  const bool older_come_first = subscription.join != nullptr && subscription.join->replay_max > 0;
  if (subscription.holds && !older_come_first) {
    subscription.holds = false;
    sessions_.end_hold(*session, started.slot.index);
  }
  if (session->phase == Phase::websocket && session->may_read()) sessions_.resume(started.slot);
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

// ---- publishing ----

bool FullSession::check(SlotId slot, Session& session, const proto::Publish& publish) {
  using enum proto::ErrorCode;
  const auto bad = [&](const Refusal& refusal) {
    session.full->unanswered.add_refused(publish.payload.size());
    owes_at_turn_end(slot, *session.full);
    refuse(slot, session, publish.id, refusal);
    return false;
  };
  FullState& full = *session.full;
  if (publish.id != 0 && publish.id <= full.last_publish_id)
    return bad({id_not_rising, "the id of a publish is above those of all before it", "publish.id"});
  full.last_publish_id = std::max(full.last_publish_id, publish.id);
  if (const auto valid = topics::validate_topic(publish.topic); !valid)
    return bad({bad_topic, topics::describe(valid.error()), "publish.topic"});
  if (!session.identity->may_publish(publish.topic))
    return bad({forbidden, "not permitted to publish to this topic", "publish.topic"});
  if (publish.producer_seq != 0 && full.incarnation == 0)
    return bad({bad_value, "producer_seq needs a hello before: the welcome says which producer this is",
                "publish.producer_seq"});
  if (sessions_.draining()) return bad({draining, "not published: the broker restarts", "publish"});
  return true;
}

void FullSession::handle(SlotId slot, Session& session, const proto::Publish& publish, Instant) {
  if (!check(slot, session, publish)) return;
  FullState& full = *session.full;
  Publishing::Options options{
      .op = static_cast<topics::Op>(publish.op),
      .content_type = publish.content_type,
      .headers = publish.headers,
      .wants_ack = true,
      .ticket = full.unanswered.add(publish.id, static_cast<std::uint32_t>(publish.payload.size())),
  };
  if (publish.producer_seq != 0) {
    options.repeat =
        topics::ProducerSeq{.id = full.producer_id, .incarnation = full.incarnation, .seq = publish.producer_seq};
  }
  const Publish message{
      .topic = publish.topic, .format = static_cast<topics::Format>(publish.format), .payload = publish.payload};
  (void)publishing_.publish(slot, message, options);  // if it is held, request() stops reading
}

void FullSession::handle(SlotId slot, Session& session, const proto::PublishBatch& batch, Instant now) {
  for (const proto::Publish& publish : batch.messages) handle(slot, session, publish, now);
}

namespace {

struct PublishError {
  proto::ErrorCode code;
  std::string_view text;
};

PublishError error_of(Outcome outcome) {
  using enum proto::ErrorCode;
  switch (outcome) {
    case Outcome::too_many_topics:
      return {too_many_topics, "not published: a new topic beyond --max-topics"};
    case Outcome::memory_full:
      return {memory_full, "not published: values fill --max-topic-memory"};
    case Outcome::too_old:
      return {too_old, "producer_seq is below the window in which repeats are recognised"};
    case Outcome::fenced:
      return {fenced, "not published: another connection is this producer now"};
    case Outcome::too_many_producers:
      return {too_many_producers, "not published: more producers than the broker remembers"};
    case Outcome::sequenced:
    case Outcome::duplicate:
    case Outcome::expired:
    case Outcome::key_reused:
      break;
  }
  std::unreachable();
}

}  // namespace

void FullSession::acknowledged(SlotId slot, Session& session, std::uint32_t origin, const Delivery& ack, Instant now) {
  FullState& full = *session.full;
  const std::uint64_t id = full.unanswered.answer(ack.ticket);
  const bool taken = ack.outcome == Outcome::sequenced || ack.outcome == Outcome::duplicate;
  if (!taken) {
    const PublishError error = error_of(ack.outcome);
    refuse(slot, session, id, {error.code, error.text, "publish"});
    if (ack.outcome == Outcome::fenced) return fenced(slot, session, now);
  } else if (id != 0 && !full.cumulative_acks) {
    const proto::Ack event{.id = id,
                           .seq = ack.seq,
                           .origin = origin,
                           .position = ack.position,
                           .time_us = static_cast<std::uint64_t>(ack.time_us),
                           .duplicate = ack.outcome == Outcome::duplicate};
    sessions_.send_own(slot, codec(session.encoding).write(event, sessions_.own_writer()));
  }
  if (full.cumulative_acks || full.wants_credit) owes_at_turn_end(slot, full);
  if (session.phase == Phase::websocket && session.may_read()) sessions_.resume(slot);
}

void FullSession::owes_at_turn_end(SlotId slot, FullState& full) {
  if (std::exchange(full.in_turn_list, true)) return;
  turn_list_.push_back(slot);
}

void FullSession::end_turn() {
  for (const SlotId slot : turn_list_) {
    Session* session = sessions_.find(slot);
    if (session == nullptr || session->full == nullptr) continue;
    FullState& full = *session->full;
    full.in_turn_list = false;
    if (full.cumulative_acks && full.unanswered.answered_up_to() > full.acked_up_to) {
      full.acked_up_to = full.unanswered.answered_up_to();
      sessions_.send_own(slot,
                         codec(session->encoding).write(proto::Ack{.up_to = full.acked_up_to}, sessions_.own_writer()));
    }
    if (!full.wants_credit) continue;
    // Told when a quarter of it is new, so that a steady producer never runs dry and is not told of each message.
    const proto::Credit credit = credit_of(full);
    if (credit.messages - full.credit_messages >= FullState::kUnansweredMax / 4 ||
        credit.bytes - full.credit_bytes >= FullState::kUnansweredBytesMax / 4) {
      full.credit_messages = credit.messages;
      full.credit_bytes = credit.bytes;
      send(slot, *session, credit);
    }
  }
  turn_list_.clear();
}

proto::Credit FullSession::credit_of(const FullState& full) const noexcept {
  return {.messages = full.unanswered.answered() + FullState::kUnansweredMax,
          .bytes = full.unanswered.answered_bytes() + FullState::kUnansweredBytesMax};
}

void FullSession::go_away(SlotId slot, Session& session) {
  send(slot, session,
       proto::GoAway{.text = "the broker restarts",
                     .deadline_ms = static_cast<std::uint32_t>(config_.drain_deadline_ms)});
}

// ---- answers ----

void FullSession::refuse(SlotId slot, Session& session, std::uint64_t id, const Refusal& refusal) {
  ++counters_.errors;
  send(slot, session, proto::Error{.code = refusal.code, .text = refusal.text, .id = id, .field = refusal.field});
}

void FullSession::send(SlotId slot, Session& session, const proto::Event& event) {
  sessions_.send_own(slot, codec(session.encoding).write(event, sessions_.own_writer()));
}

}  // namespace ringcast::broker
