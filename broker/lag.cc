#include "broker/lag.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <string>
#include <utility>

#include "broker/framing.h"
#include "broker/sample.h"
#include "proto/close_code.h"

namespace ringcast::broker {

namespace {

// How often connections are looked at for what they owe too long. Segments say no better how old a frame is.
constexpr std::int64_t kLookMs = 1'000;

}  // namespace

Lag::Lag(const Config& config, const Place& place, const Parts& parts)
    : config_(config),
      place_(place),
      sessions_(parts.sessions),
      full_(parts.full),
      sse_(parts.sse),
      latest_(parts.latest),
      pool_(parts.pool) {}

void Lag::end_turn(Instant now) {
  worked_bytes_ = 0;
  end_degraded();
  look_at_overflowed(now);
  look_for_old(now);
  keep_budget(now);
  for (const SlotId slot : std::exchange(due_, {})) {
    Session* session = sessions_.find(slot);
    if (session == nullptr || session->full == nullptr || session->full->lag == nullptr) continue;
    session->full->lag->due = false;
    if (!session->send_blocked) tell(slot, *session, false);  // else unblocked() does
  }
  tell_before_checkpoints();
}

// Those for which there is no time stay in the list, and the shard does not sleep.
void Lag::look_at_overflowed(Instant now) {
  std::vector<SlotId>& overflowed = sessions_.overflowed();
  std::size_t done = 0;
  for (; done < overflowed.size() && has_time(); ++done) {
    const SlotId slot = overflowed[done];
    Session* session = sessions_.find(slot);
    if (session == nullptr) continue;
    session->overflowed = false;
    if (session->phase < Phase::closing) fall_behind(slot, *session, Why::size, now);
  }
  overflowed.erase(overflowed.begin(), overflowed.begin() + static_cast<std::ptrdiff_t>(done));
}

void Lag::look_for_old(Instant now) {
  if (next_look_ == Instant::never() && sessions_.any_blocked()) next_look_ = now + kLookMs;
  if (now < next_look_) return;
  const auto blocked = sessions_.blocked_slots();
  next_look_ = blocked.empty() ? Instant::never() : now + kLookMs;
  for (const SlotId slot : blocked) {
    Session* session = sessions_.find(slot);
    if (session == nullptr || session->phase >= Phase::closing) continue;
    Instant oldest = session->outbox.oldest_message();
    if (session->messages_wait) oldest = std::min(oldest, session->waiting->outbox.oldest_message());
    if (oldest != Instant::never() && now - oldest > config_.lag_age_max_ms) {
      fall_behind(slot, *session, Why::age, now);
    }
  }
}

bool Lag::all_latest(const Session& session) {
  bool some = false;
  for (const Subscription& subscription : session.subscriptions) {
    if (!subscription.place.valid()) continue;
    if (!subscription.latest) return false;
    some = true;
  }
  return some;
}

// What is to be done is what the subscription asks for that can stand it least.
proto::OnLag Lag::way_of(const Session& session) {
  if (session.full == nullptr) return proto::OnLag::close;
  bool skips = false;
  for (const Subscription& subscription : session.subscriptions) {
    if (!subscription.place.valid() || subscription.latest) continue;
    if (subscription.on_lag == proto::OnLag::close) return proto::OnLag::close;
    skips = skips || subscription.on_lag == proto::OnLag::skip;
  }
  return skips ? proto::OnLag::skip : proto::OnLag::degrade;
}

void Lag::fall_behind(SlotId slot, Session& session, Why why, Instant now) {
  worked_bytes_ += session.outbox.owed_bytes() + (session.messages_wait ? session.waiting->outbox.owed_bytes() : 0);
  if (!all_latest(session)) deal_with(slot, session, why, now);
  if (session.phase >= Phase::closing) return;
  // What is no message can be too much too: answers that nobody reads.
  if (sessions_.pinned_bytes(session) > config_.outbox_max_bytes) close(slot, session, Why::size, now);
}

void Lag::deal_with(SlotId slot, Session& session, Why why, Instant now) {
  switch (way_of(session)) {
    case proto::OnLag::close:
      return close(slot, session, why, now);
    case proto::OnLag::skip:
      skip(slot, session, why, now);
      break;
    case proto::OnLag::degrade:
    case proto::OnLag::unspecified:
      degrade(slot, session);
      break;
  }
}

std::string_view Lag::text(Why why) noexcept {
  switch (why) {
    case Why::size:
      return "too slow: more waits for you than --max-outbox allows";
    case Why::age:
      return "too slow: what waits for you is older than --max-lag-age allows";
    case Why::budget:
      return "too slow: what waits for slow subscribers is more than --memory-budget allows";
  }
  std::unreachable();
}

void Lag::remember(SlotId slot, const Session& session, Why why, Instant now) {
  constexpr std::array<std::string_view, 3> kWhy{"size", "age", "budget"};
  const Slowest slow = describe_slow(slot, session, now);
  SlowConsumer consumer{.slot = slot,
                        .kind = session.kind,
                        .why = kWhy[static_cast<std::size_t>(why)],
                        .owed_bytes = slow.owed_bytes,
                        .pinned_bytes = slow.pinned_bytes,
                        .oldest_ms = slow.oldest_ms};
  for (const Subscription& subscription : session.subscriptions) {
    if (!subscription.place.valid()) continue;
    if (consumer.subscriptions++ == 0) consumer.filter = latest_.filter(subscription);
  }
  sessions_.journal().note_end({.kind = Journal::Kind::slow,
                                .slot = slot,
                                .protocol = session.kind,
                                .bytes = slow.owed_bytes,
                                .ms = slow.oldest_ms,
                                .text = std::string(consumer.why),
                                .filter = consumer.filter});
  slow_->add(std::move(consumer));
}

std::string_view Lag::filter_of(const Session& session) const {
  for (const Subscription& subscription : session.subscriptions) {
    if (subscription.place.valid()) return latest_.filter(subscription);
  }
  return {};
}

void Lag::log(Journal::Kind kind, SlotId slot, const Session& session, std::uint64_t messages, std::size_t owed_bytes) {
  sessions_.journal().note({.kind = kind,
                            .slot = slot,
                            .protocol = session.kind,
                            .count = messages,
                            .bytes = owed_bytes,
                            .filter = std::string(filter_of(session))});
}

void Lag::close(SlotId slot, Session& session, Why why, Instant now) {
  ++counters_.closed;
  remember(slot, session, why, now);
  if (session.phase == Phase::websocket) {
    sessions_.close_websocket(slot, std::to_underlying(proto::CloseCode::slow_consumer), text(why), now);
  } else if (session.phase == Phase::event_stream) {
    sse_.end(slot, kLag, now);
  } else {
    sessions_.abort(slot);  // an HTTP client that pipelines requests and reads no answers
  }
}

std::vector<Span> Lag::drop(Session& session, const Outbox::Keep& keep) {
  OutboxPool& pool = sessions_.outboxes();
  std::vector<Span> dropped = session.outbox.drop_messages(keep, pool);
  if (session.messages_wait) {
    const std::vector<Span> waited = session.waiting->outbox.drop_messages(keep, pool);
    dropped.insert(dropped.end(), waited.begin(), waited.end());
    session.waiting->outbox.unpin({}, pool);
  }
  session.outbox.unpin({}, pool);
  return dropped;
}

void Lag::skip(SlotId slot, Session& session, Why why, Instant now) {
  Outbox::Keep keep{.pinned_max = why == Why::budget ? 0 : config_.outbox_max_bytes / 2, .since = {}};
  if (why == Why::age) keep.since = now + -config_.lag_age_max_ms / 2;
  const std::size_t owed_bytes = session.outbox.owed_bytes();
  const Dropped dropped(drop(session, keep), Dropped::Newest::gone, sessions_.segments());
  if (dropped.gone() == 0) return;
  log(Journal::Kind::skipped, slot, session, dropped.gone(), owed_bytes);
  ++counters_.skips;
  counters_.skipped_messages += dropped.gone();
  note(session, dropped, LagState::Fate::skipped);
  note_due(slot, *session.full->lag);
}

// Puts down what was lost.
void Lag::note(Session& session, const Dropped& dropped, LagState::Fate fate) {
  if (session.full->lag == nullptr) session.full->lag = std::make_unique<LagState>();
  LagState& state = *session.full->lag;
  state.count(fate, dropped.gone());
  if (dropped.more_ranges()) state.add_more_ranges();
  std::vector<std::string> names(dropped.topics().size());
  for (std::size_t i = dropped.ranges().size(); i > 0; --i) {  // oldest first: they join with those before
    const Dropped::Range& range = dropped.ranges()[i - 1];
    std::string& name = names[range.topic];
    if (name.empty()) name = read(session, dropped.topics()[range.topic].newest).topic;
    state.add_range(name, range.first_seq, range.last_seq);
  }
}

// What a dropped message said, which only its frames know.
proto::Message Lag::read(const Session& session, const Dropped::Place& place) {
  const auto message =
      reader_.read(session.encoding, place.frames.segment->bytes(place.frames.offset, place.frames.length));
  assert(message.has_value());  // this shard wrote it
  return *message;
}

void Lag::note_due(SlotId slot, LagState& state) {
  if (std::exchange(state.due, true)) return;
  due_.push_back(slot);
}

// ---- degrading ----

// All messages go that are not begun, and of each topic the newest is owed instead, oldest topics first.
void Lag::degrade(SlotId slot, Session& session) {
  const std::size_t owed_bytes = session.outbox.owed_bytes();
  const Dropped dropped(drop(session, {}), Dropped::Newest::owed, sessions_.segments());
  if (dropped.topics().empty()) return;
  log(Journal::Kind::degraded, slot, session, dropped.gone(), owed_bytes);
  ++counters_.degrades;
  counters_.merged_messages += dropped.gone();
  note(session, dropped, LagState::Fate::merged);
  note_due(slot, *session.full->lag);
  latest_.begin_lag(slot, session);
  std::vector<const Dropped::Topic*> topics;
  for (const Dropped::Topic& topic : dropped.topics()) topics.push_back(&topic);
  std::ranges::sort(topics, {}, &Dropped::Topic::first_position);
  for (const Dropped::Topic* topic : topics) owe(slot, session, *topic);
}

// A resume begins before the oldest that was dropped: then what was merged comes after all.
void Lag::owe(SlotId slot, Session& session, const Dropped::Topic& topic) {
  const topics::Owed owed{
      .origin = topic.origin, .seq = topic.first_owed_seq, .position = topic.first_position, .changes = topic.owed};
  if (!owe_known(slot, session, topic, owed)) owe_read(slot, session, topic, owed);
}

// True if others are owed the topic already, so that what is owed of it is at hand.
bool Lag::owe_known(SlotId slot, Session& session, const Dropped::Topic& topic, const topics::Owed& owed) {
  const topics::LatestTable& table = latest_.table();
  const std::uint32_t entry = table.find(topic.origin, topic.handle);
  if (entry == topics::LatestTable::kNone) return false;
  const topics::Message* value = table.value(entry);
  // One who was given the value already is owed the event alone.
  if (topic.value.seq != 0 && (value == nullptr || value->seq < topic.value.seq)) return false;
  if (table.newest(entry).seq < std::max(topic.value.seq, topic.event.seq)) return false;
  latest_.owe(slot, session, topic.handle, table.newest(entry), owed, topic.newest.position);
  return true;
}

// The topic's messages are read back from their frames.
void Lag::owe_read(SlotId slot, Session& session, const Dropped::Topic& topic, const topics::Owed& owed) {
  const bool both = topic.value.seq != 0 && topic.event.seq != 0;
  topics::Owed part = owed;
  if (both) --part.changes;
  for (const Dropped::Place* place : {&topic.value, &topic.event}) {
    if (place->seq == 0) continue;
    const proto::Message message = read(session, *place);
    topics::Message* made = pool_.make({.topic = message.topic,
                                        .topic_hash = topics::hash_name(place_.key, message.topic),
                                        .content_type = message.content_type,
                                        .headers = message.headers,
                                        .payload = message.payload,
                                        .op = static_cast<topics::Op>(message.op),
                                        .format = static_cast<topics::Format>(message.format)});
    made->seq = message.seq;
    made->position = message.position;
    made->time_us = static_cast<std::int64_t>(message.time_us);
    made->origin = static_cast<std::uint16_t>(message.origin);
    latest_.owe(slot, session, topic.handle, *made, part, topic.newest.position);
    part.changes = 1;  // the event, beside the value
    pool_.release(made);
  }
}

// Those that have been sent all that they were owed get messages again.
void Lag::end_degraded() {
  for (const SlotId slot : std::exchange(latest_.caught_up(), {})) {
    Session* session = sessions_.find(slot);
    if (session == nullptr || !session->lagging || session->phase != Phase::websocket) continue;
    if (latest_.owes(*session) || session->messages_wait) continue;
    note_merged(*session);
    tell(slot, *session, true);
    latest_.end_lag(*session);
    session->full->lag.reset();
    ++counters_.caught_up;
    log(Journal::Kind::caught_up, slot, *session, 0, 0);
  }
}

// Puts down what gave way to newer values since it lags.
void Lag::note_merged(Session& session) {
  LagState& state = *session.full->lag;
  const Merged merged = Latest::take_merged(session);
  counters_.merged_messages += merged.count;
  state.count(LagState::Fate::merged, merged.count);
  for (const Merged::Range& range : merged.ranges) state.add_range(range.topic, range.first_seq, range.last_seq);
  if (merged.more_ranges) state.add_more_ranges();
}

// Who resumes from a checkpoint has been told of all that it covers and that did not come: nothing tells of it later.
void Lag::tell_before_checkpoints() {
  for (const SlotId slot : full_.behind_lag()) {
    Session* session = sessions_.find(slot);
    if (session == nullptr || session->phase != Phase::websocket || session->send_blocked) continue;
    if (!Latest::has_merged(*session)) continue;
    note_merged(*session);
    tell(slot, *session, false);
  }
  full_.send_behind_lag();
}

// ---- telling ----

void Lag::unblocked(SlotId slot, Session& session) {
  if (session.full == nullptr || session.full->lag == nullptr || session.phase != Phase::websocket) return;
  if (session.lagging || session.messages_wait || !session.outbox.empty()) return tell(slot, session, false);
  sent(slot, session);
}

void Lag::sent(SlotId slot, Session& session) {
  if (session.full == nullptr || session.full->lag == nullptr || session.phase != Phase::websocket) return;
  if (session.lagging || !session.outbox.empty() || session.send_blocked || session.messages_wait) return;
  tell(slot, session, true);
  session.full->lag.reset();
  ++counters_.caught_up;
  log(Journal::Kind::caught_up, slot, session, 0, 0);
}

void Lag::tell(SlotId slot, Session& session, bool caught_up) {
  LagState& state = *session.full->lag;
  if (!state.to_tell() && !caught_up) return;
  std::vector<proto::LagRange> ranges;
  for (const LagState::Range& range : state.ranges()) ranges.push_back({range.topic, range.first_seq, range.last_seq});
  const proto::Lag lag{.merged = state.merged(),
                       .skipped = state.skipped(),
                       .caught_up = caught_up,
                       .ranges = ranges,
                       .more_ranges = state.more_ranges()};
  const Encoded encoded = full_.codec(session.encoding).encode(proto::Event{lag});
  const Span span = write_frames(encoded, {}, sessions_.own_writer());
  if (caught_up) {
    sessions_.send_own(slot, span);  // behind the last newest values
  } else {
    sessions_.send_before_messages(slot, span);
  }
  state.told();
}

}  // namespace ringcast::broker
