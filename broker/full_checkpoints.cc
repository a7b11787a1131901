// FullSession's checkpoints: where a connection can resume, told behind what it was given; and what it brings back.
//
// A token says of each origin up to where this shard has fanned out all that came of it, so it is the same for all
// connections that get every message: written once a turn and encoding. It holds for all subscriptions of its
// connection, and so is not told while one of them still begins.
#include <algorithm>
#include <utility>

#include "broker/framing.h"
#include "broker/full_session.h"

namespace ringcast::broker {

void FullSession::send_checkpoints(Instant now) {
  std::vector<SlotId>& due = sessions_.checkpoints_due();
  send_now(begun_);
  if (!due.empty() && checkpoints_at_ == Instant::never()) checkpoints_at_ = now + kCheckpointIntervalMs;
  if (now >= checkpoints_at_) {
    std::erase_if(due, [&](SlotId slot) {
      Session* session = sessions_.find(slot);
      if (session == nullptr || session->phase != Phase::websocket) return true;
      session->wants_checkpoint = send_checkpoint(slot, *session);
      return bool{session->wants_checkpoint};
    });
    checkpoints_at_ = due.empty() ? Instant::never() : now + kCheckpointIntervalMs;
  }
  release_checkpoints();
}

void FullSession::send_behind_lag() {
  if (behind_lag_.empty()) return;
  send_now(behind_lag_);
  release_checkpoints();
}

// Those that must wait have theirs with the next messages.
void FullSession::send_now(std::vector<SlotId>& slots) {
  for (const SlotId slot : std::exchange(slots, {})) {
    Session* session = sessions_.find(slot);
    if (session == nullptr || session->full == nullptr) continue;
    if (!send_checkpoint(slot, *session) && session->wants_checkpoint) sessions_.owe_checkpoint(*session, slot.index);
  }
}

// Later there are other positions.
void FullSession::release_checkpoints() {
  for (Span& written : checkpoints_) {
    if (written.segment != nullptr) sessions_.segments().release(written.segment);
    written = {};
  }
}

// False if it must wait.
bool FullSession::send_checkpoint(SlotId slot, Session& session) {
  if (session.full->by_id.empty()) return true;  // there is nothing to resume
  // One that waits for its socket gets it behind what it is owed, when it has taken that.
  if (session.phase != Phase::websocket || session.send_blocked || session.joins > 0) return false;
  if (session.full->claims_missing > 0) return false;  // the welcome comes first
  if (Latest::has_merged(session)) {                   // so does what the token would cover though it never came
    behind_lag_.push_back(slot);
    return true;
  }
  ++counters_.checkpoints;
  if (latest_.owes(session)) {  // up to before what it is owed
    lowered_.assign(positions_.settled().begin(), positions_.settled().end());
    latest_.lower(session, lowered_);
    sessions_.send_own(slot, write_checkpoint(session.encoding, lowered_));
    return true;
  }
  Span& shared = checkpoints_[session.encoding];
  if (shared.segment == nullptr) {
    shared = write_checkpoint(session.encoding, positions_.settled());
    sessions_.segments().retain(shared.segment);
  }
  sessions_.send_own(slot, shared);
  return true;
}

Span FullSession::write_checkpoint(Encoding encoding, std::span<const std::uint64_t> positions) {
  checkpoint_.epoch = place_.epoch;
  checkpoint_.positions.clear();
  for (std::uint32_t origin = 0; origin < positions.size(); ++origin) {
    checkpoint_.positions.push_back({.origin = origin, .position = positions[origin]});
  }
  token_.clear();
  append_token(checkpoint_, token_);
  const Encoded encoded = codec(encoding).encode(proto::Checkpoint{.epoch = epoch_, .token = token_});
  return write_frames(encoded, {.checkpoint = true}, sessions_.own_writer());
}

// ---- coming back ----

// Nothing if it was refused.
std::optional<Since> FullSession::since_of(SlotId slot, Session& session, const proto::Subscribe& subscribe) {
  const auto bad = [&](std::string_view text, std::string_view field) {
    refuse(slot, session, subscribe.id, {proto::ErrorCode::bad_value, text, field});
    return std::nullopt;
  };
  if (subscribe.start == proto::Start::since_time) {
    const std::uint64_t time_us = std::min<std::uint64_t>(subscribe.since_us, INT64_MAX);
    return since_time(static_cast<std::int64_t>(time_us), place_.shards);
  }
  if (subscribe.start != proto::Start::resume) return Since{};
  const auto checkpoint = read_token(subscribe.resume_token);
  if (!checkpoint) return bad("is not a token that a broker gave", "subscribe.resume_token");
  if (checkpoint->epoch == place_.epoch) {
    for (std::size_t i = 0; i < subscribe.received.size(); ++i) {
      if (subscribe.received[i].origin < place_.shards) continue;
      return bad("the broker has no such origin", "subscribe.received[" + std::to_string(i) + "].origin");
    }
  }
  return since_checkpoint(*checkpoint, place_.epoch, place_.shards, subscribe.received);
}

proto::Resumed FullSession::resumed_of(const Subscribing::Started& started) {
  // A replay of the last N is not resumed, but may have been overtaken by history.
  const bool overtaken = started.resumed == topics::Resumed::gap;
  if (!started.resumes) return overtaken ? proto::Resumed::gap : proto::Resumed::unspecified;
  counters_.resumes.count(started.resumed);
  switch (started.resumed) {
    case topics::Resumed::recovered:
      return proto::Resumed::recovered;
    case topics::Resumed::conflated:
      return proto::Resumed::conflated;
    case topics::Resumed::gap:
      return proto::Resumed::gap;
  }
  std::unreachable();
}

}  // namespace ringcast::broker
