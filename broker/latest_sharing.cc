// Latest's changes of who shares a group, and of what is owed when subscriptions begin, end and change.
#include <algorithm>
#include <cassert>

#include "broker/latest.h"
#include "topics/name.h"

namespace ringcast::broker {

namespace {

// More wildcard filters of one connection are not compared with each other: it is served on its own from then on.
constexpr std::uint32_t kWildcardsComparedMax = 64;

}  // namespace

// ---- subscriptions come and go ----

void Latest::joined(SlotId slot, Session& session, std::uint32_t index) {
  const bool shared_before = may_share(session);
  const bool first_silent = session.echo && !session.subscriptions[index].echo;
  if (first_silent) session.echo = false;
  if (session.solo != nullptr) session.solo->places.clear();
  if (session.full == nullptr) return;  // it has one subscription
  count_in(session, index);
  if (shared_before && !may_share(session)) part_all(slot, session);
  if (first_silent) hear_all_owed(session);
}

// So far it has heard all that it published.
void Latest::hear_all_owed(Session& session) const {
  if (session.solo == nullptr) return;
  for (const auto& set : session.solo->sets) {
    set->owed.each([&](const topics::Owed& owed) {
      note_heard(*session.solo, owed.entry, {.first = owed.position, .last = table_.newest(owed.entry).position});
    });
  }
}

void Latest::count_in(Session& session, std::uint32_t index) const {
  LatestUse& use = session.full->latest;
  const Subscription& added = session.subscriptions[index];
  if (added.latest) ++use.subscriptions;
  if (added.tag == 0 && ++use.wildcards > kWildcardsComparedMax) use.many_wildcards = true;
  if (use.subscriptions > 0 && !use.many_wildcards) use.overlaps += overlaps(session, index);
}

void Latest::count_out(Session& session, std::uint32_t index) const {
  LatestUse& use = session.full->latest;
  const Subscription& gone = session.subscriptions[index];
  if (use.subscriptions > 0 && !use.many_wildcards) use.overlaps -= overlaps(session, index);
  if (gone.latest) --use.subscriptions;
  if (gone.tag == 0) --use.wildcards;
}

// How many of the session's other subscriptions may match a topic of this one, where one of both is LATEST.
std::uint32_t Latest::overlaps(const Session& session, std::uint32_t index) const {
  const Subscription& one = session.subscriptions[index];
  const std::string_view filter = subscriptions_.filter(one.place);
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < session.subscriptions.size(); ++i) {
    const Subscription& other = session.subscriptions[i];
    if (i == index || !other.place.valid() || (!one.latest && !other.latest)) continue;
    const bool exact = one.tag != 0 && other.tag != 0;
    if (exact ? one.tag == other.tag : topics::overlap(filter, subscriptions_.filter(other.place))) ++count;
  }
  return count;
}

void Latest::hurry(SlotId slot, Session& session, std::uint32_t index) {
  SoloSet* const set = find_set(session, subscriptions_.pace(session.subscriptions[index].place));
  if (set == nullptr || set->owed.empty()) return;
  set->due = now_;
  make_ready(slot, session);
}

void Latest::leaving(Session& session, std::uint32_t index) {
  if (session.full != nullptr) count_out(session, index);
  if (session.solo == nullptr) return;
  const bool others = session.full != nullptr && session.full->latest.subscriptions > 0;
  if (!others && !session.lagging) return drop_solo(session);
  session.solo->stale = true;
  session.solo->places.clear();
}

void Latest::forget(Session& session) {
  end_lag(session);
  drop_solo(session);
  if (session.full != nullptr) session.full->latest = {};
}

void Latest::change(SlotId slot, Session& session, std::uint32_t index, Pace pace) {
  Subscription& changed = session.subscriptions[index];
  const Pace before = subscriptions_.pace(changed.place);
  if (before == pace) return;
  const bool shared_before = may_share(session);
  if (subscriptions_.shares(changed.place)) part(slot, session, index, Chunk::by_its_side);
  const topics::GroupId group = subscriptions_.group(changed.place);
  count_out(session, index);
  sessions_.apply(subscriptions_.change(changed.place, {.encoding = session.encoding, .pace = pace}));
  changed.latest = pace != kEveryMessage;
  count_in(session, index);
  left(group);
  if (shared_before && !may_share(session)) part_all(slot, session);
  move_owed(slot, session, before == kEveryMessage ? kUnpaced : before);
  if (session.solo != nullptr) session.solo->places.clear();
}

// ---- what is owed already ----

// Sorts anew what is owed at a pace: each topic goes where the fastest subscription that still wants it is.
void Latest::move_owed(SlotId slot, Session& session, Pace from) {
  SoloSet* const set = find_set(session, from);
  if (set == nullptr || set->owed.empty()) return;
  session.solo->stale = true;
  session.solo->places.clear();
  if (set->owed.size() > kMovedAtOnceMax) return;  // as they come up
  topics::OwedSet moving;
  std::swap(moving, set->owed);
  moving.each([&](const topics::Owed& owed) {
    if (const auto pace = pace_for(session, owed)) move(slot, session, *pace, owed);
  });
  drop(moving);
}

void Latest::move(SlotId slot, Session& session, Pace to, const topics::Owed& owed) {
  SoloSet& set = set_of(session, to);
  add(set.owed, owed);
  list(slot, session, set);
}

// The subscription by which the topic comes to the session, as it is subscribed now; null if nobody wants it.
const Subscription* Latest::wanted_by(Session& session, const topics::Owed& owed, Wish wish) {
  Solo& solo = *session.solo;
  if (solo.places.empty()) {
    for (std::uint32_t i = 0; i < session.subscriptions.size(); ++i) {
      const topics::Place place = session.subscriptions[i].place;
      if (place.valid()) solo.places.emplace_back(place.group, i);
    }
    std::ranges::sort(solo.places);
  }
  const topics::Message& newest = table_.newest(owed.entry);
  for (const topics::GroupId group :
       subscriptions_.match(owed.origin, table_.topic(owed.entry), newest.topic(), newest.topic_hash)) {
    auto own = std::ranges::lower_bound(solo.places, std::pair{group.index, 0U});
    for (; own != solo.places.end() && own->first == group.index; ++own) {
      const Subscription& subscription = session.subscriptions[own->second];
      if (wish == Wish::own && !subscription.echo) continue;
      if (subscriptions_.live(subscription.place, owed.origin)) return &subscription;
    }
  }
  return nullptr;
}

// At which pace the topic is owed to the session; nothing if it wants it no more.
std::optional<Pace> Latest::pace_for(Session& session, const topics::Owed& owed) {
  const Subscription* const by = wanted_by(session, owed, Wish::any);
  if (by == nullptr) return std::nullopt;
  const Pace pace = subscriptions_.pace(by->place);
  return pace == kEveryMessage ? kUnpaced : pace;
}

// ---- sharing ----

// Whether its LATEST subscriptions may be served with those of others, as far as the connection is concerned.
bool Latest::may_share(const Session& session) noexcept {
  if (!session.echo || session.lagging) return false;
  return session.full == nullptr || (session.full->latest.overlaps == 0 && !session.full->latest.many_wildcards);
}

// After a tick that has sent all of `set` that was due: its subscriptions return to their groups, if those are owed the
// same.
void Latest::try_share(Session& session, SoloSet& set) {
  if (!may_share(session) || session.joins > 0 || session.messages_wait || session.solo->stale) return;
  bool apart = false;
  for (std::uint32_t i = 0; i < session.subscriptions.size(); ++i) {
    const Subscription& one = session.subscriptions[i];
    if (!one.latest || !one.place.valid() || subscriptions_.shares(one.place)) continue;
    if (subscriptions_.pace(one.place) != set.pace || !share(session, i, set)) apart = true;
  }
  if (!apart) drop_solo(session);
}

// True if the subscription shares its group now.
bool Latest::share(Session& session, std::uint32_t index, SoloSet& set) {
  const topics::Place place = session.subscriptions[index].place;
  const topics::GroupId id = subscriptions_.group(place);
  const bool only_one = session.full == nullptr || session.full->by_id.size() == 1;
  if (!subscriptions_.live(place) || (!only_one && !set.owed.empty())) return false;
  Group& group = group_at(id);
  if (!group.chunk.empty()) return false;
  if (subscriptions_.sharers(id) == 0) {
    // The first: what it is owed, the group is.
    assert(group.owed.empty());
    std::swap(group.owed, set.owed);
    list(group);
  } else {
    // A tick may take several turns: what has come meanwhile the one may have sent already, and not the other.
    if (!set.owed.same(group.owed)) return false;
    drop(set.owed);
  }
  sessions_.apply(subscriptions_.share(place));
  ++counters_.shared;
  return true;
}

void Latest::part(SlotId slot, Session& session, std::uint32_t index, Chunk chunk) {
  const topics::Place place = session.subscriptions[index].place;
  const topics::GroupId id = subscriptions_.group(place);
  Group* const group = find_group(id);
  SoloSet& set = set_of(session, subscriptions_.pace(place));
  const bool has_chunk = chunk == Chunk::by_its_side && subscriptions_.ticked(place);
  if (group != nullptr) {
    if (!has_chunk) {
      for (const topics::Owed& owed : group->chunk) add(set.owed, owed);
    }
    group->owed.each([&](const topics::Owed& owed) { add(set.owed, owed); });
  }
  sessions_.apply(subscriptions_.part(place));
  ++counters_.parted;
  if (group != nullptr && subscriptions_.sharers(id) == 0) clear(*group);
  if (set.owed.empty()) return;
  const std::uint64_t boundary = pace_state(set.pace).boundary;
  if (set.owed.front().stamp >= boundary) return list(slot, session, set);
  set.boundary = boundary;  // it was due with its group
  set.due = std::min(set.due, now_);
  if (!session.send_blocked) make_ready(slot, session);
}

void Latest::part_all(SlotId slot, Session& session) {
  for (std::uint32_t i = 0; i < session.subscriptions.size(); ++i) {
    const topics::Place place = session.subscriptions[i].place;
    if (place.valid() && subscriptions_.shares(place)) part(slot, session, i, Chunk::by_its_side);
  }
}

// ---- for those who must know ----

bool Latest::owes(const Session& session) const noexcept {
  if (session.solo != nullptr &&
      std::ranges::any_of(session.solo->sets, [](const auto& set) { return !set->owed.empty(); })) {
    return true;
  }
  return std::ranges::any_of(session.subscriptions, [&](const Subscription& one) {
    if (!one.latest || !one.place.valid() || !subscriptions_.shares(one.place)) return false;
    const Group* const group = find_group(subscriptions_.group(one.place));
    return group != nullptr && (!group->owed.empty() || !group->chunk.empty());
  });
}

void Latest::lower(const Session& session, std::span<std::uint64_t> positions) const {
  if (session.solo != nullptr) {
    for (const auto& set : session.solo->sets) set->owed.lower(positions);
  }
  for (const Subscription& one : session.subscriptions) {
    if (!one.latest || !one.place.valid() || !subscriptions_.shares(one.place)) continue;
    const Group* const group = find_group(subscriptions_.group(one.place));
    if (group == nullptr) continue;
    group->owed.lower(positions);
    for (const topics::Owed& owed : group->chunk) {
      positions[owed.origin] = std::min(positions[owed.origin], owed.position - 1);
    }
  }
}

}  // namespace ringcast::broker
