// What Latest's connections are owed that are served one by one.
#include <algorithm>
#include <memory>
#include <span>

#include "broker/latest.h"

namespace ringcast::broker {

namespace {

// That the connection published it; of a message that a newer one has replaced since, it does not matter.
bool is_own(const topics::LatestTable& table, const Latest::Change& change, const topics::Publisher& own) noexcept {
  for (const topics::Message* message : {table.value(change.entry), table.event(change.entry)}) {
    if (message != nullptr && message->position == change.position) return message->publisher == own;
  }
  return false;
}

}  // namespace

Solo& Latest::solo_of(Session& session) {
  if (session.solo == nullptr) {
    session.solo = std::make_unique<Solo>();
    session.apart = true;
  }
  return *session.solo;
}

SoloSet* Latest::find_set(Session& session, Pace pace) noexcept {
  if (session.solo == nullptr) return nullptr;
  for (const auto& set : session.solo->sets) {
    if (set->pace == pace) return set.get();
  }
  return nullptr;
}

SoloSet& Latest::set_of(Session& session, Pace pace) {
  if (SoloSet* const found = find_set(session, pace)) return *found;
  auto& sets = solo_of(session).sets;
  sets.push_back(std::make_unique<SoloSet>());
  sets.back()->pace = pace;
  return *sets.back();
}

void Latest::owe_member(topics::GroupId group, const topics::Member& member, const Run& run) {
  Session& session = sessions_.at(member.slot);
  if (session.run == run.number || session.phase >= Phase::closing) return;  // another subscription has brought it
  if (member.slot == run.publisher.index && !session.subscriptions[member.subscription].echo) return;
  session.run = run.number;
  owe_run(sessions_.id(session, member.slot), session, subscriptions_.pace(group), run);
}

bool Latest::take_run(Session& session, std::uint32_t index, const Run& run) {
  if (session.run == run.number || session.phase >= Phase::closing) return false;
  if (!session.lagging) {
    const SlotId slot = sessions_.id(session, index);
    for (const auto& set : session.solo->sets) take_out(slot, session, *set, run.changes);
    return false;
  }
  session.run = run.number;
  owe_run(sessions_.id(session, index), session, kUnpaced, run);
  return true;
}

void Latest::owe_run(SlotId slot, Session& session, Pace pace, const Run& run) {
  SoloSet& set = set_of(session, pace);
  const topics::Publisher own{.shard = self_, .slot = slot.index, .generation = slot.generation};
  for (const Change& change : run.changes) {
    owe_topic(
        session, set,
        {.entry = change.entry, .origin = run.origin, .seq = change.seq, .position = change.position, .stamp = stamp_});
    if (run.publisher == slot) {  // one of its subscriptions does not hear it, but this one
      note_heard(*session.solo, change.entry, {.first = change.position});
    } else if (!session.echo && is_own(table_, change, own)) {  // all heard it when it was taken into the run
      note_heard(*session.solo, change.entry, {.first = change.position, .last = change.position});
    }
  }
  list(slot, session, set);
}

// Of what the connection publishes on this topic it hears what lies between these positions.
void Latest::note_heard(Solo& solo, std::uint32_t entry, const Solo::Heard& heard) {
  const auto [begin, end] = solo.heard.equal_range(entry);
  const bool known = std::any_of(
      begin, end, [&](const auto& one) { return one.second.first <= heard.first && one.second.last >= heard.last; });
  if (!known) solo.heard.emplace_hint(end, entry, heard);
}

bool Latest::hears(const Solo& solo, std::uint32_t entry, std::uint64_t position) {
  const auto [begin, end] = solo.heard.equal_range(entry);
  return std::any_of(begin, end,
                     [&](const auto& one) { return one.second.first <= position && position <= one.second.last; });
}

// A topic is owed at one pace only: the fastest that any of its messages came by. So what a slower subscription alone
// hears, such as an own message, does not delay what a faster one is owed already.
void Latest::owe_topic(Session& session, SoloSet& set, topics::Owed owed) {
  for (const auto& other : session.solo->sets) {
    if (other.get() == &set || !other->owed.contains(owed.entry)) continue;
    if (other->pace < set.pace) {
      add(other->owed, owed);
      return;
    }
    const topics::Owed moved = *other->owed.remove(owed.entry);
    owed.seq = std::min(owed.seq, moved.seq);
    owed.position = std::min(owed.position, moved.position);
    owed.changes += moved.changes;
    forget_owed(owed.entry);
  }
  add(set.owed, owed);
}

// A value that it was owed is not taken away by an event: it goes out before that, and waits with it.
void Latest::take_out(SlotId slot, Session& session, SoloSet& set, std::span<const Change> changes) {
  if (set.owed.empty()) return;
  for (const Change& change : changes) {
    const auto taken = set.owed.remove(change.entry);
    if (!taken) continue;
    Parts parts = parts_for(slot, session, *taken);
    if (parts[0] != nullptr && parts[0]->seq >= change.seq) parts[0] = nullptr;  // EVERY brings it
    parts[1] = nullptr;
    const auto spans = renderings_.render(change.entry, parts, session.encoding);
    if (!spans.empty()) {
      if (session.messages_wait && topics::contains(session.waiting->origins, taken->origin)) {
        for (const Span& span : spans) session.waiting->outbox.append(span, sessions_.outboxes());
      } else {
        sessions_.append(session, slot.index, spans);
      }
      renderings_.clear();  // the values that they tell may be overwritten before the next turn of Latest's
    }
    counters_.merged += taken->changes - messages(*taken, parts);
    forget_owed(change.entry);
  }
}

void Latest::forget_owed(std::uint32_t entry) {
  table_.release(entry);
  --owed_;
}

// Into the list of its pace; who takes nothing comes back by unblocked().
void Latest::list(SlotId slot, Session& session, SoloSet& set) {
  if (set.listed || set.owed.empty()) return;
  if (session.send_blocked) {
    if (set.due == Instant::never()) set.due = tick_after_now(set.pace);
    return;
  }
  set.listed = true;
  set.due = Instant::never();
  PaceState& pace = pace_state(set.pace);
  pace.solos.push_back(slot);
  arm(pace);
}

void Latest::drop_solo(Session& session) {
  if (session.solo == nullptr) return;
  for (const auto& set : session.solo->sets) drop(set->owed);
  session.solo.reset();
  session.apart = session.lagging;
}

}  // namespace ringcast::broker
