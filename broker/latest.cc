// Latest's paces and groups: what is owed when, and how those who share a group are served.
#include "broker/latest.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace ringcast::broker {

Latest::Latest(std::uint32_t self, topics::Subscriptions& subscriptions, SessionTable& sessions, Compressor& compressor)
    : self_(self),
      subscriptions_(subscriptions),
      sessions_(sessions),
      renderings_(sessions.segments(), compressor, table_) {}

Latest::~Latest() {
  for (const auto& group : groups_) {
    if (group != nullptr) end_chunk(*group);
  }
}

// ---- what is owed ----

void Latest::keep(std::uint32_t origin, const Delivery& delivery, bool wanted, std::vector<Change>& changes) {
  const topics::Message& message = *delivery.message;
  // A topic that is owed to anybody is kept too: its value must be the newest, whoever gets this message otherwise.
  if (!wanted && lagging_ == 0 && table_.find(origin, delivery.topic) == topics::LatestTable::kNone) return;
  changes.push_back(
      {.entry = table_.put(origin, delivery.topic, message), .seq = message.seq, .position = message.position});
}

void Latest::release(std::vector<Change>& changes) {
  for (const Change& change : changes) table_.release(change.entry);
  changes.clear();
}

bool Latest::add(topics::OwedSet& set, const topics::Owed& owed) {
  if (!set.add(owed)) return false;
  table_.retain(owed.entry);
  ++owed_;
  return true;
}

void Latest::drop(topics::OwedSet& set) {
  set.each([&](const topics::Owed& owed) { table_.release(owed.entry); });
  owed_ -= set.size();
  set = {};
}

void Latest::owe_group(topics::GroupId id, const Run& run) {
  if (subscriptions_.sharers(id) == 0) return;
  Group& group = group_at(id);
  for (const Change& change : run.changes) {
    add(group.owed,
        {.entry = change.entry, .origin = run.origin, .seq = change.seq, .position = change.position, .stamp = stamp_});
  }
  list(group);
}

// ---- groups ----

const Latest::Group* Latest::find_group(topics::GroupId id) const noexcept {
  if (id.index >= groups_.size() || groups_[id.index] == nullptr || groups_[id.index]->id != id) return nullptr;
  return groups_[id.index].get();
}

Latest::Group* Latest::find_group(topics::GroupId id) noexcept {
  return const_cast<Group*>(std::as_const(*this).find_group(id));
}

Latest::Group& Latest::group_at(topics::GroupId id) {
  if (Group* const found = find_group(id)) return *found;
  if (id.index >= groups_.size()) groups_.resize(std::max<std::size_t>(id.index + std::size_t{1}, groups_.size() * 2));
  assert(groups_[id.index] == nullptr);
  groups_[id.index] = std::make_unique<Group>();
  groups_[id.index]->id = id;
  groups_[id.index]->pace = subscriptions_.pace(id);
  return *groups_[id.index];
}

void Latest::list(Group& group) {
  if (group.listed || group.owed.empty()) return;
  group.listed = true;
  PaceState& pace = pace_state(group.pace);
  pace.groups.push_back(group.id);
  arm(pace);
}

void Latest::left(topics::GroupId id) {
  Group* const group = find_group(id);
  if (group == nullptr) return;
  const bool gone = !subscriptions_.alive(id);
  if (gone || subscriptions_.sharers(id) == 0) clear(*group);
  if (gone) groups_[id.index].reset();
}

// Nobody shares it: nothing is owed.
void Latest::clear(Group& group) {
  end_chunk(group);
  drop(group.owed);
}

void Latest::end_chunk(Group& group) {
  for (const topics::Owed& owed : group.chunk) table_.release(owed.entry);
  owed_ -= group.chunk.size();
  group.chunk.clear();
  for (const Span& span : group.spans) sessions_.segments().release(span.segment);
  group.spans.clear();
}

Latest::Sent Latest::send_group(PaceState& pace, Group& group, std::uint32_t& budget) {
  if (group.turn != turn_) group.turn_bytes = 0;
  group.turn = turn_;
  for (;;) {
    if (!group.chunk.empty()) {
      if (budget == 0) return Sent::no_budget;
      const auto progress =
          subscriptions_.tick_out(group.id, budget, [&](const topics::Member& member) { give_chunk(member, group); });
      budget -= progress.touched;
      for (const topics::Member& member : std::exchange(parting_, {})) {
        Session& session = sessions_.at(member.slot);
        part(sessions_.id(session, member.slot), session, member.subscription, Chunk::not_given);
      }
      if (!progress.done) return Sent::no_budget;
      end_chunk(group);
    }
    if (group.owed.empty() || group.owed.front().stamp >= pace.boundary) return Sent::all;
    if (budget == 0) return Sent::no_budget;
    if (group.turn_bytes >= kChunkBytes) return Sent::more;
    fill_chunk(group, pace.boundary, budget);
  }
}

// Takes what is due, up to a chunk, and encodes it.
void Latest::fill_chunk(Group& group, std::uint64_t boundary, std::uint32_t& budget) {
  const Encoding encoding = subscriptions_.encoding(group.id);
  while (!group.owed.empty() && group.owed.front().stamp < boundary && group.turn_bytes < kChunkBytes && budget > 0) {
    const topics::Owed owed = group.owed.pop();
    group.chunk.push_back(owed);
    const Parts parts = parts_of(owed);
    for (const Span& span : renderings_.render(owed.entry, parts, encoding)) {
      group.turn_bytes += span.length;
      Span* const last = group.spans.empty() ? nullptr : &group.spans.back();
      if (last != nullptr && last->segment == span.segment && last->offset + last->length == span.offset) {
        last->length += span.length;
        continue;
      }
      sessions_.segments().retain(span.segment);
      group.spans.push_back(span);
    }
    counters_.merged += owed.changes - messages(owed, parts);
    budget -= std::min(budget, 1 + renderings_.take_cost());
  }
}

// Hot path: once per member and chunk.
void Latest::give_chunk(const topics::Member& member, Group& group) {
  Session& session = sessions_.at(member.slot);
  if (session.phase >= Phase::closing) return;
  if (!can_take(session)) {
    parting_.push_back(member);
    return;
  }
  if (group.spans.empty()) return;
  sessions_.append(session, member.slot, group.spans);
  counters_.sent += group.chunk.size();
}

// ---- paces ----

Latest::PaceState& Latest::pace_state(Pace pace) {
  const auto at = std::ranges::lower_bound(paces_, pace, {}, [](const auto& state) { return state->pace; });
  if (at != paces_.end() && (*at)->pace == pace) return **at;
  const auto made = paces_.insert(at, std::make_unique<PaceState>());
  (*made)->pace = pace;
  return **made;
}

void Latest::arm(PaceState& pace) {
  if (pace.armed) return;
  pace.armed = true;
  ++armed_;
  pace.due = tick_after_now(pace.pace);
}

Instant Latest::tick_after_now(Pace pace) const noexcept {
  return paces_ended_ ? now_ : next_tick(pace, now_);
}

void Latest::end_paces() {
  paces_ended_ = true;
  for (const auto& pace : paces_) {
    if (pace->armed) pace->due = std::min(pace->due, now_);
  }
}

Instant Latest::next_deadline() const noexcept {
  Instant next = Instant::never();
  if (armed_ == 0) return next;
  for (const auto& pace : paces_) {
    if (pace->armed && !pace->sending) next = std::min(next, pace->due);
  }
  return next;
}

bool Latest::turn(std::uint32_t& budget) {
  if (armed_ == 0 && ready_.empty()) return false;
  ++turn_;
  bool more = run_ready(budget);
  for (std::size_t i = 0; i < paces_.size(); ++i) {  // not the same first each time: none takes all of the budget
    PaceState& pace = *paces_[(first_pace_ + i) % paces_.size()];
    if (!pace.armed) continue;
    if (!pace.sending) {
      if (pace.due > now_) continue;
      begin_tick(pace);
    }
    if (run_tick(pace, budget)) {
      more = true;
    } else {
      end_tick(pace);
    }
  }
  ++first_pace_;
  renderings_.clear();
  return more;
}

void Latest::begin_tick(PaceState& pace) {
  ++counters_.ticks;
  pace.boundary = ++stamp_;
  pace.sending = true;
  pace.unfinished = false;
  pace.next_group = 0;
  pace.next_solo = 0;
}

// True when there is more of it, for another turn.
bool Latest::run_tick(PaceState& pace, std::uint32_t& budget) {
  for (; pace.next_group < pace.groups.size(); ++pace.next_group) {
    Group* const group = find_group(pace.groups[pace.next_group]);
    if (group == nullptr) continue;
    const Sent sent = send_group(pace, *group, budget);
    if (sent == Sent::no_budget) return true;
    if (sent == Sent::more) pace.unfinished = true;
  }
  for (; pace.next_solo < pace.solos.size(); ++pace.next_solo) {
    if (!tick_solo(pace, pace.solos[pace.next_solo], budget)) return true;
  }
  if (!pace.unfinished) return false;
  pace.unfinished = false;
  pace.next_group = 0;
  return true;
}

// Keeps in the lists those that were owed something meanwhile.
void Latest::end_tick(PaceState& pace) {
  pace.sending = false;
  std::erase_if(pace.groups, [&](topics::GroupId id) {
    Group* const group = find_group(id);
    if (group == nullptr) return true;
    group->listed = !group->owed.empty();
    return !group->listed;
  });
  std::erase_if(pace.solos, [&](SlotId slot) {
    Session* const session = sessions_.find(slot);
    SoloSet* const set = session == nullptr ? nullptr : find_set(*session, pace.pace);
    if (set == nullptr || !set->listed) return true;
    set->listed = !set->owed.empty();
    return !set->listed;
  });
  if (pace.groups.empty() && pace.solos.empty()) {
    pace.armed = false;
    --armed_;
  } else {
    pace.due = tick_after_now(pace.pace);
  }
}

}  // namespace ringcast::broker
