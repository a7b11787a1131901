// How Latest serves connections one by one.
#include <algorithm>
#include <cassert>
#include <optional>

#include "broker/latest.h"

namespace ringcast::broker {

// ---- sending ----

bool Latest::can_take(const Session& session) noexcept {
  const bool open = session.phase == Phase::websocket || session.phase == Phase::event_stream;
  return open && !session.send_blocked && session.outbox.owed_bytes() <= kAheadMax;
}

// False when the budget is used up before it had its turn.
bool Latest::tick_solo(PaceState& pace, SlotId slot, std::uint32_t& budget) {
  Session* const session = sessions_.find(slot);
  SoloSet* const set = session == nullptr ? nullptr : find_set(*session, pace.pace);
  if (set == nullptr || !set->listed) return true;
  set->boundary = pace.boundary;
  switch (send_solo(slot, *session, *set, budget)) {
    case Sent::no_budget:
      return false;
    case Sent::more:
      make_ready(slot, *session);
      return true;
    case Sent::behind:
      set->listed = false;
      set->due = now_;
      if (!session->send_blocked) make_ready(slot, *session);
      return true;
    case Sent::all:
      if (set->owed.empty()) set->listed = false;
      settle(slot, *session);
      try_share(*session, *set);
      return true;
  }
  return true;
}

Latest::Sent Latest::send_solo(SlotId slot, Session& session, SoloSet& set, std::uint32_t& budget) {
  std::size_t bytes = 0;
  while (!set.owed.empty() && set.owed.front().stamp < set.boundary) {
    if (!can_take(session) || session.messages_wait) return Sent::behind;
    if (budget == 0) return Sent::no_budget;
    if (bytes >= kChunkBytes) return Sent::more;
    const topics::Owed owed = set.owed.pop();
    --budget;
    if (session.solo->stale) {
      const std::optional<Pace> pace = pace_for(session, owed);
      if (pace != set.pace) {
        if (pace) {
          move(slot, session, *pace, owed);
        } else {
          session.solo->heard.erase(owed.entry);
        }
        forget_owed(owed.entry);
        continue;
      }
    }
    bytes += send_owed(slot, session, owed);
    forget_owed(owed.entry);
    budget -= std::min(budget, renderings_.take_cost());
  }
  return Sent::all;
}

std::size_t Latest::send_owed(SlotId slot, Session& session, const topics::Owed& owed) {
  const Parts parts = parts_for(slot, session, owed);
  const auto spans = renderings_.render(owed.entry, parts, session.encoding);
  std::size_t bytes = 0;
  for (const Span& span : spans) bytes += span.length;
  if (!spans.empty()) sessions_.append(session, slot.index, spans);
  ++counters_.sent;
  counters_.merged += owed.changes - messages(owed, parts);
  if (session.lagging) note_merged(session.solo->merged, owed, parts);
  return bytes;
}

// What has come since the topic was owed first.
Latest::Parts Latest::parts_of(const topics::Owed& owed) const noexcept {
  Parts parts{table_.value(owed.entry), table_.event(owed.entry)};
  for (const topics::Message*& part : parts) {
    if (part != nullptr && part->seq < owed.seq) part = nullptr;
  }
  return parts;
}

// The same without what the connection published itself, where it does not hear that: it is newer than what it was
// owed, which need not come any more; but an event of its own takes the place of an event only.
Latest::Parts Latest::parts_for(SlotId slot, Session& session, const topics::Owed& owed) {
  Parts parts = parts_of(owed);
  if (session.echo) return parts;
  const topics::Publisher own{.shard = self_, .slot = slot.index, .generation = slot.generation};
  for (const topics::Message*& part : parts) {
    if (part == nullptr || part->publisher != own) continue;
    const bool heard = hears(*session.solo, owed.entry, part->position);
    if (!heard || wanted_by(session, owed, Wish::own) == nullptr) part = nullptr;
  }
  session.solo->heard.erase(owed.entry);
  return parts;
}

std::uint64_t Latest::messages(const topics::Owed& owed, const Parts& parts) noexcept {
  return std::min<std::uint64_t>(owed.changes,
                                 parts.size() - static_cast<std::size_t>(std::ranges::count(parts, nullptr)));
}

// What lies between the messages that are sent was replaced by them: but for what was not the connection's, such as its
// own messages that it does not hear. Then only the number is known.
void Latest::note_merged(Merged& merged, const topics::Owed& owed, const Parts& parts) const {
  const std::uint64_t replaced = owed.changes - messages(owed, parts);
  merged.count += replaced;
  std::uint64_t between = 0;
  std::uint64_t first = owed.seq;
  for (const topics::Message* message : parts) {
    if (message == nullptr || message->seq < first) continue;
    between += message->seq - first;
    first = message->seq + 1;
  }
  if (between != replaced) {
    merged.more_ranges = true;
    return;
  }
  first = owed.seq;
  for (const topics::Message* message : parts) {
    if (message == nullptr || message->seq < first) continue;
    if (message->seq > first) add_range(merged, message->topic(), first, message->seq - 1);
    first = message->seq + 1;
  }
}

void Latest::add_range(Merged& merged, std::string_view topic, std::uint64_t first_seq, std::uint64_t last_seq) {
  if (merged.ranges.size() == Merged::kRangesMax) {
    merged.more_ranges = true;
    return;
  }
  merged.ranges.push_back({.topic = std::string(topic), .first_seq = first_seq, .last_seq = last_seq});
}

// ---- between ticks ----

void Latest::make_ready(SlotId slot, Session& session) {
  if (session.solo->ready) return;
  session.solo->ready = true;
  ready_.push_back(slot);
}

bool Latest::run_ready(std::uint32_t& budget) {
  bool more = false;
  going_on_.swap(ready_);
  for (const SlotId slot : going_on_) {
    Session* const session = sessions_.find(slot);
    if (session == nullptr || session->solo == nullptr || !session->solo->ready) continue;
    session->solo->ready = false;
    more |= go_on(slot, *session, budget);
  }
  going_on_.clear();
  return more;
}

// True when it has more to do at once.
bool Latest::go_on(SlotId slot, Session& session, std::uint32_t& budget) {
  if (session.send_blocked) {
    for (const auto& set : session.solo->sets) {
      if (!set->owed.empty() && !set->listed) set->due = std::min(set->due, now_);
    }
    return false;
  }
  const bool open = session.phase == Phase::websocket || session.phase == Phase::event_stream;
  if (!can_take(session) || session.messages_wait) {
    if (session.phase < Phase::closing) make_ready(slot, session);
    return open && !session.messages_wait;
  }
  for (std::size_t i = 0; i < session.solo->sets.size(); ++i) {
    SoloSet& set = *session.solo->sets[i];
    if (set.due <= now_) set.boundary = ++stamp_;
    set.due = Instant::never();
    const Sent sent = send_solo(slot, session, set, budget);
    if (sent != Sent::all) {
      make_ready(slot, session);
      return true;
    }
    list(slot, session, set);
  }
  settle(slot, session);
  return false;
}

void Latest::unblocked(SlotId slot, Session& session) {
  if (session.solo == nullptr) return;
  bool goes_on = session.lagging;
  for (const auto& set : session.solo->sets) {
    if (set->owed.empty() || set->listed) continue;
    if (set->due <= now_) {
      goes_on = true;
    } else {
      list(slot, session, *set);
    }
  }
  if (goes_on) make_ready(slot, session);
}

// It may be owed nothing any more.
void Latest::settle(SlotId slot, Session& session) {
  Solo& solo = *session.solo;
  const auto is_empty = [](const auto& set) { return set->owed.empty(); };
  if (!std::ranges::all_of(solo.sets, is_empty)) return;
  solo.stale = false;
  solo.places.clear();
  solo.heard.clear();
  if (session.lagging) caught_up_.push_back(slot);
}

std::size_t Latest::pinned_bytes(const Session& session) const noexcept {
  if (session.solo == nullptr || table_.empty()) return 0;
  std::size_t owed = 0;
  for (const auto& set : session.solo->sets) owed += set->owed.size();
  return owed * (sizeof(topics::Owed) + table_.bytes() / table_.size());
}

// ---- lagging ----

void Latest::begin_lag(SlotId slot, Session& session) {
  if (session.lagging) return;
  part_all(slot, session);
  session.lagging = true;
  session.apart = true;
  ++lagging_;
  (void)solo_of(session);
}

void Latest::owe(SlotId slot, Session& session, topics::TopicHandle topic, const topics::Message& message,
                 const topics::Owed& first, std::uint64_t dropped_position) {
  assert(session.lagging);
  SoloSet& set = set_of(session, kUnpaced);
  topics::Owed owed = first;
  owed.entry = table_.put(first.origin, topic, message);
  owed.stamp = stamp_;
  owe_topic(session, set, owed);
  if (!session.echo) {  // what was dropped it would have heard
    note_heard(*session.solo, owed.entry, {.first = first.position, .last = dropped_position});
  }
  table_.release(owed.entry);
  session.solo->stale = true;  // the subscription by which it came may have ended since
  list(slot, session, set);
}

void Latest::end_lag(Session& session) {
  if (!session.lagging) return;
  session.lagging = false;
  --lagging_;
  session.solo->merged = {};
  if (std::ranges::none_of(session.subscriptions, [](const Subscription& one) { return one.latest; })) {
    drop_solo(session);
  }
}

}  // namespace ringcast::broker
