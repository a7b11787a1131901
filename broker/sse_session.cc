#include "broker/sse_session.h"

#include <cassert>
#include <utility>

#include "broker/event_framing.h"
#include "frame/bytes.h"
#include "topics/hash.h"

namespace ringcast::broker {

namespace {

const SseNotice& notice_of(topics::Resumed resumed) {
  switch (resumed) {
    case topics::Resumed::recovered:
      return kRecovered;
    case topics::Resumed::conflated:
      return kConflated;
    case topics::Resumed::gap:
      return kGapForgotten;
  }
  std::unreachable();
}

}  // namespace

SseSession::SseSession(const Config& config, const Place& place, SessionTable& sessions, const Subscribing& subscribing,
                       const Latest& latest, const Positions& positions)
    : config_(config),
      place_(place),
      sessions_(sessions),
      subscribing_(subscribing),
      latest_(latest),
      positions_(positions),
      ids_(std::size_t{2} * (place.shards + 1)) {}

Span SseSession::write(Protocol protocol, std::string_view event) {
  return write_event(protocol, frame::as_bytes(event), {}, sessions_.own_writer());
}

// ---- beginning ----

void SseSession::started(const Subscribing::Started& started, Session& session) {
  if (!started.complete) return;
  if (started.resumes && !started.foreign) {
    counters_.resumes.count(started.resumed);
    sessions_.send_own(started.slot, write(protocol_of(session.encoding), write_notice(notice_of(started.resumed))));
  }
  // Behind what is older, and what was told of it.
  Subscription& subscription = session.subscriptions[started.subscription];
  if (std::exchange(subscription.holds, false)) sessions_.end_hold(session, started.slot.index);
  sessions_.owe_id(started.slot.index);
}

void SseSession::opened(SlotId slot, Instant now) {
  Session& session = sessions_.at(slot.index);
  std::string begin = write_retry(topics::hash_name(place_.key, std::to_string(sessions_.take_ticket())));
  if (const SseNotice* notice = session.http->stream_begins_with; notice != nullptr) {
    counters_.resumes.count(topics::Resumed::gap);
    begin += write_notice(*notice);
  }
  ++counters_.opened;
  sessions_.enter(session, Phase::event_stream);
  session.http.reset();
  // Before the messages that have come while other homes had not answered.
  sessions_.send_urgent(slot, write(protocol_of(session.encoding), begin));
  sessions_.owe_id(slot.index);
  sessions_.set_deadline(slot.index, now + config_.ping_interval_ms);
}

// ---- while it is open ----

void SseSession::received(SlotId slot, Session& session, Instant now) {
  if (session.reads_ignored < kReadsIgnoredMax) {
    ++session.reads_ignored;
    return;
  }
  end(slot, kTooMuchInput, now, SessionTable::Owed::send);
}

void SseSession::due(SlotId slot, Session& session, Instant now) {
  if (session.send_blocked) {
    if (session.ping_sent) {
      ++counters_.peers_lost;
      sessions_.journal().note({.kind = Journal::Kind::lost, .slot = slot, .protocol = session.kind});
      return sessions_.abort(slot);
    }
    session.ping_sent = true;
    return sessions_.set_deadline(slot.index, now + config_.pong_timeout_ms);
  }
  sessions_.send_own(slot, write(protocol_of(session.encoding), kHeartbeat));
  sessions_.set_deadline(slot.index, now + config_.ping_interval_ms);
}

void SseSession::unblocked(SlotId slot, Session& session) {
  session.ping_sent = false;
  if (session.id_due) sessions_.ids_due().push_back(slot);
}

void SseSession::end_turn(Instant now) {
  std::vector<SlotId>& due = sessions_.ids_due();
  if (due.empty()) return;
  for (const SlotId slot : due) {
    Session* session = sessions_.find(slot);
    if (session == nullptr) continue;
    const bool open = session->phase == Phase::event_stream;
    session->id_due = open && session->send_blocked;  // later, when it has taken what is before
    if (!open || session->send_blocked || session->joins > 0) continue;
    if (latest_.owes(*session)) continue;  // when it is given that, it is owed an id again
    sessions_.send_own(slot, id_of(*session));
    sessions_.set_deadline(slot.index, now + config_.ping_interval_ms);
  }
  due.clear();
  for (Span& id : ids_) {
    if (id.segment != nullptr) sessions_.segments().release(id.segment);
    id = {};
  }
}

// Of a filter with wildcards the positions of all homes count, of a topic its home's alone: shorter.
const Span& SseSession::id_of(const Session& session) {
  const Protocol protocol = protocol_of(session.encoding);
  const bool one_home = session.may_send;
  std::uint32_t home = place_.shards;
  if (one_home) {
    const std::string_view topic = subscribing_.filter(session.subscriptions.front());
    home = topics::owner(topics::hash_name(place_.key, topic), place_.shards);
  }
  Span& id = ids_[std::size_t{2} * home + (is_chunked(protocol) ? 1 : 0)];
  if (id.segment != nullptr) return id;
  fill_checkpoint(one_home ? home : 0, one_home ? home + 1 : place_.shards);
  id_ = "id: ";
  append_token(checkpoint_, id_);
  id_ += "\n\n";
  id = write(protocol, id_);
  sessions_.segments().retain(id.segment);
  return id;
}

void SseSession::fill_checkpoint(std::uint32_t first, std::uint32_t end) {
  checkpoint_.epoch = place_.epoch;
  checkpoint_.positions.clear();
  for (std::uint32_t origin = first; origin < end; ++origin) {
    checkpoint_.positions.push_back({.origin = origin, .position = positions_.settled()[origin]});
  }
}

// ---- the end ----

void SseSession::go_away(SlotId slot, const Farewell& farewell, std::int64_t after_ms, Instant now) {
  const Session* session = sessions_.find(slot);
  if (session == nullptr || session->phase != Phase::event_stream) return;
  // Not before the broker that restarts can be back: browsers show each failure.
  const auto min_ms = kRetryMinMs + static_cast<std::uint64_t>(after_ms);
  const RetryRange range{.min_ms = min_ms, .max_ms = min_ms + static_cast<std::uint64_t>(farewell.within_ms)};
  const std::uint64_t random = topics::hash_name(place_.key, std::to_string(sessions_.take_ticket()));
  sessions_.send_own(slot, write(protocol_of(session->encoding), write_retry(random, range)));
  end(slot, kGoAway, now, SessionTable::Owed::send);
}

void SseSession::end(SlotId slot, const SseNotice& notice, Instant now, SessionTable::Owed owed) {
  Session* session = sessions_.find(slot);
  if (session == nullptr || session->phase != Phase::event_stream) return;
  if (owed == SessionTable::Owed::drop) session->outbox.truncate(sessions_.outboxes());
  const Protocol protocol = protocol_of(session->encoding);
  sessions_.send_own(slot, write(protocol, write_notice(notice)));
  if (is_chunked(protocol)) sessions_.send_own(slot, kLastChunk);
  sessions_.finish(slot, now);
}

}  // namespace ringcast::broker
