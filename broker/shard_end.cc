// How a shard ends: nothing new is taken, what is in flight is delivered, then every connection is told to go.
#include <string_view>
#include <utility>

#include "broker/shard.h"
#include "proto/close_code.h"

namespace ringcast::broker {

namespace {

constexpr std::string_view kRestarts = "the broker restarts";
constexpr std::string_view kNotPublished = "the broker restarts; this message was not published";

}  // namespace

void Shard::drain(const Farewell& farewell) {
  sessions_.drain();
  latest_.end_paces();
  full_.set_farewell(farewell);
  // Who publishes is told at once: the others lose nothing by hearing of it when their turn has come.
  for (std::uint32_t i = 0; i < sessions_.index_end(); ++i) {
    Session& session = sessions_.at(i);
    if (session.phase == Phase::websocket && session.full != nullptr && session.full->publishes())
      full_.go_away(sessions_.id(session, i), session, farewell.spread_ms);
  }
}

bool Shard::has_done_all() {
  if (busy_ || must_not_sleep() || home_.stalled_on() != 0 || requester_.waiting() > 0) return false;
  for (std::uint32_t i = 0; i < sessions_.index_end(); ++i) {
    if (sessions_.at(i).held != nullptr) return false;
  }
  return true;
}

void Shard::see_off(const Farewell& farewell, Instant now) {
  full_.set_farewell(farewell);
  leaving_.begin(farewell, now);
  see_off_due(now);
}

void Shard::see_off_due(Instant now) {
  if (leaving_.under_way()) {
    const Leaving::Slots due = leaving_.due(sessions_.index_end(), now);
    for (std::uint32_t i = due.begin; i < due.end; ++i) send_away(i, leaving_.left_ms(now), now);
    if (!leaving_.under_way()) {  // and whoever came meanwhile
      for (std::uint32_t i = 0; i < sessions_.index_end(); ++i) send_away(i, 0, now);
    }
  }
  if (!fan_out_.pending()) close_those_served(now);
}

void Shard::close_all(Instant now) {
  staying_.clear();
  for (std::uint32_t i = 0; i < sessions_.index_end(); ++i) close_away(i, 0, now);
}

// Newest values are in no outbox while the socket takes nothing: the close frame has to wait for them here, since
// nothing goes behind it. Not if they wait for older messages themselves: a resumed subscription takes these up.
bool Shard::must_stay(const Session& session) const noexcept {
  const bool open = session.phase == Phase::websocket || session.phase == Phase::event_stream;
  return open && !session.messages_wait && latest_.owes(session);
}

void Shard::send_away(std::uint32_t index, std::int64_t after_ms, Instant now) {
  Session& session = sessions_.at(index);
  if (!must_stay(session)) return close_away(index, after_ms, now);
  const SlotId slot = sessions_.id(session, index);
  if (session.full != nullptr) full_.go_away(slot, session, after_ms);
  staying_.push_back({slot, now + config_.drain_deadline_ms});  // one that is in it twice is closed once all the same
}

// Those who stayed and have got all by now, or whose time is over.
void Shard::close_those_served(Instant now) {
  std::erase_if(staying_, [&](const Staying& one) {
    const Session* const session = sessions_.find(one.slot);
    if (session != nullptr && must_stay(*session) && now < one.until) return false;
    if (session != nullptr) close_away(one.slot.index, leaving_.left_ms(now), now);
    return true;
  });
}

void Shard::close_away(std::uint32_t index, std::int64_t after_ms, Instant now) {
  Session& session = sessions_.at(index);
  const SlotId slot = sessions_.id(session, index);
  switch (session.phase) {
    case Phase::websocket:
      if (session.full != nullptr) full_.go_away(slot, session, after_ms);
      return sessions_.close_websocket(slot, std::to_underlying(proto::CloseCode::restart),
                                       session.publish_refused ? kNotPublished : kRestarts, now,
                                       SessionTable::Owed::send);
    case Phase::event_stream:
      return sse_.go_away(slot, leaving_.farewell(), after_ms, now);
    case Phase::upgrading:  // its subscription could not be set up in time
      subscribing_.leave_all(slot, session);
      return http_.refuse_upgrade(slot, now);
    case Phase::http:
      return sessions_.finish(slot, now);
    case Phase::free:
    case Phase::closing:
    case Phase::ended:
      return;
  }
}

}  // namespace ringcast::broker
