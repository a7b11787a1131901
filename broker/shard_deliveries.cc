// What a shard does with the deliveries of all homes: fans out, and tells sessions what came of what they asked for.
#include <algorithm>
#include <cassert>
#include <utility>

#include "broker/shard.h"
#include "proto/close_code.h"

namespace ringcast::broker {

bool Shard::drain_deliveries(const Now& now, std::uint32_t& appends) {
  bool more = false;
  for (std::uint32_t i = 0; i < mesh_.shards(); ++i) {
    const std::uint32_t origin = (first_origin_ + i) % mesh_.shards();
    Queue<Delivery>& ring = mesh_.deliveries(origin, index_);
    for (Delivery* delivery = ring.front(); delivery != nullptr; delivery = ring.front()) {
      if (drained_bytes_ >= drain_bytes_max_ ||
          drain_one(origin, *delivery, appends, now.monotonic) == Drained::not_yet) {
        more = true;
        break;
      }
      ring.pop();
    }
    if (ring.release()) room_made_ |= topics::only(origin);
  }
  if (fan_out_.pending() && !fan_out_.step(appends)) more = true;
  if (!fan_out_.pending()) positions_.settle();
  return more;
}

Shard::Drained Shard::drain_one(std::uint32_t origin, const Delivery& delivery, std::uint32_t& appends, Instant now) {
  switch (delivery.kind) {
    case Delivery::Kind::message:
      if (!fan_out_.prepare(origin, delivery, appends)) return Drained::not_yet;
      if (!fan_out_.add(origin, delivery, appends)) {
        if (!fan_out_.step(appends)) return Drained::not_yet;
        positions_.settle();
        const bool added = fan_out_.add(origin, delivery, appends);
        assert(added);
      }
      positions_.saw(origin, delivery.message->position);
      drained_bytes_ += delivery.message->payload_size + 1;
      return Drained::yes;
    case Delivery::Kind::marker:
      // What came before the marker is not the new subscription's.
      if (fan_out_.pending() && !fan_out_.step(appends)) return Drained::not_yet;
      positions_.saw(origin, delivery.position);
      positions_.settle();
      subscribing_.marker(origin, delivery);
      tell_started();
      return Drained::yes;
    case Delivery::Kind::snapshot:
      if (appends == 0 && compresses(delivery.slot)) return Drained::not_yet;
      opening_message(delivery, appends, now);
      drained_bytes_ += delivery.message->payload_size + 1;
      return Drained::yes;
    case Delivery::Kind::snapshot_end:
      // What is newer than a value that was left out for it goes before the end.
      if (fan_out_.pending() && !fan_out_.step(appends)) return Drained::not_yet;
      opening_end(origin, delivery, now);
      return Drained::yes;
    case Delivery::Kind::ack:
      acknowledge(origin, delivery, now);
      return Drained::yes;
    case Delivery::Kind::claimed:
      if (Session* session = find_full(delivery.slot)) full_.claimed(delivery.slot, *session, delivery, now);
      return Drained::yes;
    case Delivery::Kind::fenced:
      if (Session* session = find_full(delivery.slot)) full_.fenced(delivery.slot, *session, now);
      return Drained::yes;
    case Delivery::Kind::caught_up:
      if (fan_out_.pending() && !fan_out_.step(appends)) return Drained::not_yet;
      websocket_.caught_up(delivery.slot, now);
      return Drained::yes;
  }
  assert(false);
  return Drained::yes;
}

// True if messages for this connection alone may have to be compressed, which takes its time.
bool Shard::compresses(SlotId slot) noexcept {
  const Session* session = sessions_.find(slot);
  return session != nullptr && compression_of(session->encoding) != Compression::none;
}

void Shard::opening_message(const Delivery& delivery, std::uint32_t& appends, Instant now) {
  Session* session = sessions_.find(delivery.slot);
  if (session == nullptr) return;
  if (session->phase == Phase::http) return http_.fetched(delivery.slot, delivery.ticket, *delivery.message, now);
  subscribing_.opening_message(delivery, codec(protocol_of(session->encoding)));
  appends -= std::min(appends, compressor_.take_cost());
}

void Shard::opening_end(std::uint32_t origin, const Delivery& delivery, Instant now) {
  Session* session = sessions_.find(delivery.slot);
  if (session == nullptr) return;
  if (session->phase == Phase::http) return http_.fetched_all(delivery.slot, delivery.ticket, now);
  subscribing_.opening_end(origin, delivery);
  tell_started();
}

void Shard::tell_started() {
  for (const Subscribing::Started& started : subscribing_.started()) {
    if (started.upgrades) sessions_.upgraded().push_back(started.slot);
    Session* session = sessions_.find(started.slot);
    if (session == nullptr) continue;
    if (session->full != nullptr) full_.started(started);
    if (is_event_stream(protocol_of(session->encoding))) sse_.started(started, *session);
  }
  subscribing_.started().clear();
}

// The session in `slot` if it speaks the full protocol and is open.
Session* Shard::find_full(SlotId slot) noexcept {
  Session* session = sessions_.find(slot);
  return session != nullptr && session->full != nullptr && session->phase == Phase::websocket ? session : nullptr;
}

void Shard::acknowledge(std::uint32_t origin, const Delivery& ack, Instant now) {
  Session* session = sessions_.find(ack.slot);
  if (session == nullptr) return;
  if (session->phase == Phase::http) return http_.acknowledged(ack.slot, ack, now);
  if (Session* full = find_full(ack.slot)) return full_.acknowledged(ack.slot, *full, origin, ack, now);
  if (session->phase != Phase::websocket || ack.outcome == Outcome::sequenced) return;
  // A raw connection has no other way to be told that what it published is nowhere.
  const std::string_view reason = ack.outcome == Outcome::too_many_topics
                                      ? "not published: a new topic beyond --max-topics"
                                      : "not published: values fill --max-topic-memory";
  sessions_.close_websocket(ack.slot, std::to_underlying(proto::CloseCode::try_later), reason, now);
}

}  // namespace ringcast::broker
