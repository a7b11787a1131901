// FullSession's publishes: checked, sent to their homes, and answered.
#include <algorithm>
#include <utility>

#include "broker/full_session.h"
#include "topics/name.h"

namespace ringcast::broker {

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
  if (!session.identity->may_publish(publish.topic)) {
    authenticator_.count_forbidden();
    return bad({forbidden, "not permitted to publish to this topic", "publish.topic"});
  }
  if (publish.producer_seq != 0 && full.incarnation == 0)
    return bad({bad_value, "producer_seq needs a hello before: the welcome says which producer this is",
                "publish.producer_seq"});
  if (sessions_.draining()) {
    go_away(slot, session, farewell_.spread_ms);
    return bad({draining, "not published: the broker restarts", "publish"});
  }
  return true;
}

void FullSession::handle(SlotId slot, Session& session, const proto::Publish& publish, Instant now) {
  limits_.charge(slot, session, 1, publish.payload.size(), now);  // a refused one too: it had to be read
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
    send(slot, codec(session.encoding).encode(event));
  }
  if (full.cumulative_acks || full.wants_credit) owes_at_turn_end(slot, full);
  if (session.phase == Phase::websocket && session.may_read()) sessions_.resume(slot);
}

void FullSession::owes_at_turn_end(SlotId slot, FullState& full) {
  if (std::exchange(full.in_turn_list, true)) return;
  turn_list_.push_back(slot);
}

void FullSession::end_turn(Instant now) {
  for (const SlotId slot : turn_list_) {
    Session* session = sessions_.find(slot);
    if (session == nullptr || session->full == nullptr) continue;
    FullState& full = *session->full;
    full.in_turn_list = false;
    if (full.cumulative_acks && full.unanswered.answered_up_to() > full.acked_up_to) {
      full.acked_up_to = full.unanswered.answered_up_to();
      send(slot, codec(session->encoding).encode(proto::Ack{.up_to = full.acked_up_to}));
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
  send_checkpoints(now);
}

proto::Credit FullSession::credit_of(const FullState& full) const noexcept {
  return {.messages = full.unanswered.answered() + FullState::kUnansweredMax,
          .bytes = full.unanswered.answered_bytes() + FullState::kUnansweredBytesMax};
}

}  // namespace ringcast::broker
