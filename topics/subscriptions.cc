#include "topics/subscriptions.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace ringcast::topics {
namespace {

// Writes down the moves within one list of a group.
auto note_live(std::uint32_t group, Moves& moves) {
  return [group, &moves](const Member& member, std::uint32_t index) {
    moves.add({.member = member, .place = Place::among_live(group, index)});
  };
}

auto note_joining(std::uint32_t group, Moves& moves) {
  return [group, &moves](const JoiningMember& joining, std::uint32_t index) {
    moves.add({.member = joining.member, .place = Place::among_joining(group, index)});
  };
}

}  // namespace

Subscriptions::Subscriptions(const Options& options)
    : options_(options), wildcards_(options.key), cache_(options.shards) {
  assert(options.shards > 0);
  assert(options.shards <= kShardsMax);
}

std::expected<Subscriptions::Joined, Error> Subscriptions::join(std::string_view name, Kind kind, Member member) {
  assert(kind.encoding < kEncodingsMax);
  const std::uint64_t hash = hash_name(options_.key, name);
  std::uint32_t filter_index = find_filter(name, hash);
  const bool first = filter_index == kNone;
  if (first) {
    if (counters_.filters >= options_.filters_max) return std::unexpected(Error::too_many_filters);
    filter_index = make_filter(name, hash);
  }
  Filter& filter = filters_[filter_index];
  const std::uint32_t group_index = group_of(filter_index, kind);
  Group& group = groups_[group_index];
  // Waiting, even when a fan-out stands: that passes it over, since its origin's marker cannot come before its end.
  const std::uint32_t index = group.joining.add_waiting({.member = member, .live = 0});
  ++filter.members;
  ++counters_.joining;
  return Joined{.place = Place::among_joining(group_index, index), .homes = homes(filter), .first = first};
}

Subscriptions::Marked Subscriptions::marker(Place place, std::uint32_t origin) {
  Marked marked;
  if (live(place)) {
    marked.live = true;
    return marked;
  }
  Group& group = groups_[place.group];
  JoiningMember& joining = group.joining[place.index];
  const ShardSet needed = homes(filters_[group.filter]);
  assert(contains(needed, origin));
  if (contains(joining.live, origin)) return marked;
  assert(!group.fanning_out || group.fan_out_origin != origin);  // it would get a message from before its marker
  joining.live |= only(origin);
  if (joining.live != needed) return marked;
  marked.live = true;
  --counters_.joining;
  ++counters_.live;
  if (group.pace != 0) return marked;  // it stands apart until share()

  const Member member = joining.member;
  // A fan-out has either met it among the joining or will meet it among the live: it keeps its side.
  const auto side = group.fanning_out ? group.joining.side(place.index) : Side::waiting;
  group.joining.remove(place.index, note_joining(place.group, marked.moves));
  const std::uint32_t index = side == Side::visited
                                  ? group.live.add_visited(member, note_live(place.group, marked.moves))
                                  : group.live.add_waiting(member);
  marked.moves.add({.member = member, .place = Place::among_live(place.group, index)});
  return marked;
}

Subscriptions::Left Subscriptions::leave(Place place) {
  Left left;
  Group& group = groups_[place.group];
  const std::uint32_t filter_index = group.filter;
  Filter& filter = filters_[filter_index];
  --(live(place) ? counters_.live : counters_.joining);
  if (place.joining != 0) {
    group.joining.remove(place.index, note_joining(place.group, left.moves));
  } else {
    group.live.remove(place.index, note_live(place.group, left.moves));
  }
  --filter.members;
  free_if_empty(place.group);
  if (filter.members == 0) {
    left.withdraw_from = homes(filter);
    withdrawn_ = filter.name;
    left.filter = withdrawn_;
    free_filter(filter_index);
  }
  return left;
}

Moves Subscriptions::change(Place place, Kind kind) {
  Moves moves;
  Group& from = groups_[place.group];
  assert(!from.fanning_out);
  assert(!shares(place));
  const std::uint32_t filter_index = from.filter;
  const JoiningMember changing{.member = member(place), .live = live_origins(place)};
  const bool is_live = live(place);
  const std::uint32_t to_index = group_of(filter_index, kind);
  if (to_index == place.group) return moves;
  Group& to = groups_[to_index];
  assert(!to.fanning_out);
  if (place.joining != 0) {
    from.joining.remove(place.index, note_joining(place.group, moves));
  } else {
    from.live.remove(place.index, note_live(place.group, moves));
  }
  const bool joins_live = is_live && kind.pace == 0;
  const std::uint32_t index = joins_live ? to.live.add_waiting(changing.member) : to.joining.add_waiting(changing);
  moves.add({.member = changing.member,
             .place = joins_live ? Place::among_live(to_index, index) : Place::among_joining(to_index, index)});
  free_if_empty(place.group);
  return moves;
}

Moves Subscriptions::share(Place place) {
  Moves moves;
  Group& group = groups_[place.group];
  assert(group.pace != 0);
  assert(place.joining != 0);
  assert(live(place));
  assert(!group.fanning_out);
  assert(group.live.none_visited());
  const Member member = group.joining[place.index].member;
  group.joining.remove(place.index, note_joining(place.group, moves));
  moves.add({.member = member, .place = Place::among_live(place.group, group.live.add_waiting(member))});
  return moves;
}

Moves Subscriptions::part(Place place) {
  Moves moves;
  assert(shares(place));
  Group& group = groups_[place.group];
  const JoiningMember parting{.member = group.live[place.index], .live = homes(filters_[group.filter])};
  group.live.remove(place.index, note_live(place.group, moves));
  const std::uint32_t index = group.fanning_out ? group.joining.add_visited(parting, note_joining(place.group, moves))
                                                : group.joining.add_waiting(parting);
  moves.add({.member = parting.member, .place = Place::among_joining(place.group, index)});
  return moves;
}

ShardSet Subscriptions::live_origins(Place place) const noexcept {
  const Group& group = groups_[place.group];
  return place.joining != 0 ? group.joining[place.index].live : homes(filters_[group.filter]);
}

bool Subscriptions::live(Place place) const noexcept {
  return place.joining == 0 || live_origins(place) == homes(filters_[groups_[place.group].filter]);
}

bool Subscriptions::live(Place place, std::uint32_t origin) const noexcept {
  return contains(live_origins(place), origin);
}

std::span<const GroupId> Subscriptions::match_slow(std::uint32_t origin, TopicHandle topic, std::string_view name,
                                                   std::uint64_t hash) {
  ++counters_.matches;
  scratch_.clear();
  if (const std::uint32_t exact = find_exact(name, hash); exact != kNone) collect(exact);
  wildcards_.match(name, [&](std::uint32_t filter) { collect(filter); });
  const auto pace_of = [&](const GroupId& id) { return groups_[id.index].pace; };
  if (!std::ranges::is_sorted(scratch_, {}, pace_of)) std::ranges::sort(scratch_, {}, pace_of);
  return cache_.store(origin, topic, hash, scratch_).groups();
}

std::size_t Subscriptions::members_matching(std::string_view topic) {
  std::size_t members = 0;
  const std::uint32_t exact = find_exact(topic, hash_name(options_.key, topic));
  if (exact != kNone) members += filters_[exact].members;
  wildcards_.match(topic, [&](std::uint32_t filter) { members += filters_[filter].members; });
  return members;
}

void Subscriptions::collect(std::uint32_t filter) {
  for (std::uint32_t group = filters_[filter].first_group; group != kNone; group = groups_[group].next) {
    scratch_.push_back({.index = group, .generation = groups_[group].generation});
  }
}

void Subscriptions::end_fan_out(Group& group) noexcept {
  group.fanning_out = false;
  if (group.pace == 0) group.live.end_fan_out();
  group.joining.end_fan_out();
}

bool Subscriptions::alive(GroupId group) const noexcept {
  return group.index < groups_.end() && groups_[group.index].generation == group.generation &&
         groups_[group.index].filter != kNone;
}

std::uint8_t Subscriptions::encoding(GroupId group) const noexcept {
  assert(alive(group));
  return groups_[group.index].encoding;
}

std::uint32_t Subscriptions::pace(GroupId group) const noexcept {
  assert(alive(group));
  return groups_[group.index].pace;
}

GroupId Subscriptions::group(Place place) const noexcept {
  return {.index = place.group, .generation = groups_[place.group].generation};
}

std::string_view Subscriptions::filter(Place place) const noexcept {
  return filters_[groups_[place.group].filter].name;
}

std::uint8_t Subscriptions::encoding(Place place) const noexcept {
  return groups_[place.group].encoding;
}

Member Subscriptions::member(Place place) const noexcept {
  const Group& group = groups_[place.group];
  return place.joining != 0 ? group.joining[place.index].member : group.live[place.index];
}

std::size_t Subscriptions::members(std::string_view name) const {
  const std::uint32_t filter = find_filter(name, hash_name(options_.key, name));
  return filter == kNone ? 0 : filters_[filter].members;
}

// ---- filters and groups

// An exact filter. Also what a topic's name is looked up with: no wildcard filter is ever found.
std::uint32_t Subscriptions::find_exact(std::string_view name, std::uint64_t hash) const noexcept {
  return exact_.find(hash, [&](std::uint32_t index) {
    const Filter& filter = filters_[index];
    return filter.hash == hash && filter.name == name;
  });
}

std::uint32_t Subscriptions::find_filter(std::string_view name, std::uint64_t hash) const noexcept {
  if (!is_wildcard(name)) return find_exact(name, hash);
  const std::uint32_t* const found = wildcards_.find(name);
  return found == nullptr ? kNone : *found;
}

std::uint32_t Subscriptions::make_filter(std::string_view name, std::uint64_t hash) {
  const std::uint32_t index = filters_.take();
  Filter& filter = filters_[index];
  filter.name = name;
  filter.hash = hash;
  filter.wildcard = is_wildcard(name);
  if (filter.wildcard) {
    wildcards_.insert(name).value = index;
  } else {
    exact_.insert(hash, index);
  }
  ++counters_.filters;
  return index;
}

void Subscriptions::free_filter(std::uint32_t index) {
  Filter& filter = filters_[index];
  assert(filter.first_group == kNone);
  if (filter.wildcard) {
    wildcards_.erase(filter.name);
  } else {
    exact_.erase(filter.hash, index);
  }
  filter = Filter{};
  filters_.give_back(index);
  --counters_.filters;
}

// The filter's group of this kind, made if need be.
std::uint32_t Subscriptions::group_of(std::uint32_t filter_index, Kind kind) {
  Filter& filter = filters_[filter_index];
  for (std::uint32_t index = filter.first_group; index != kNone; index = groups_[index].next) {
    if (groups_[index].encoding == kind.encoding && groups_[index].pace == kind.pace) return index;
  }
  const std::uint32_t index = groups_.take();
  Group& group = groups_[index];
  group.filter = filter_index;
  group.encoding = kind.encoding;
  group.pace = kind.pace;
  group.wildcard = filter.wildcard;
  group.next = std::exchange(filter.first_group, index);
  ++counters_.groups;
  groups_changed(filter);
  return index;
}

void Subscriptions::free_if_empty(std::uint32_t index) {
  if (groups_[index].live.empty() && groups_[index].joining.empty()) free_group(index);
}

void Subscriptions::free_group(std::uint32_t index) {
  Group& group = groups_[index];
  Filter& filter = filters_[group.filter];
  std::uint32_t* link = &filter.first_group;
  while (*link != index) link = &groups_[*link].next;
  *link = group.next;
  const std::uint32_t generation = group.generation + 1;
  group = Group{};  // a fan-out that stood in it ends here: its id is not alive any more
  group.generation = generation;
  groups_.give_back(index);
  --counters_.groups;
  groups_changed(filter);
}

// What match() has stored for the filter's topics counts no more.
void Subscriptions::groups_changed(const Filter& filter) noexcept {
  if (filter.wildcard) {
    cache_.invalidate_all();
  } else {
    cache_.invalidate(filter.hash);
  }
}

ShardSet Subscriptions::homes(const Filter& filter) const noexcept {
  return filter.wildcard ? first_shards(options_.shards) : only(owner(filter.hash, options_.shards));
}

void Subscriptions::check_invariants() const {
  Counters counted{.matches = counters_.matches};
  for (std::uint32_t i = 0; i < filters_.end(); ++i) {
    const Filter& filter = filters_[i];
    if (filter.first_group == kNone) continue;
    ++counted.filters;
    assert(find_filter(filter.name, filter.hash) == i);
    std::vector<Kind> kinds;
    std::size_t members = 0;
    for (std::uint32_t g = filter.first_group; g != kNone; g = groups_[g].next) {
      const Group& group = groups_[g];
      ++counted.groups;
      counted.live += group.live.size();
      members += group.live.size() + group.joining.size();
      assert(group.filter == i);
      assert(group.wildcard == filter.wildcard);
      const Kind kind{.encoding = group.encoding, .pace = group.pace};
      assert(std::ranges::find(kinds, kind) == kinds.end());
      kinds.push_back(kind);
      assert(!group.live.empty() || !group.joining.empty());
      assert(group.fanning_out || group.pace != 0 || group.live.none_visited());
      assert(group.fanning_out || group.joining.none_visited());
      for (std::size_t k = 0; k < group.joining.size(); ++k) {
        assert((group.joining[k].live & ~homes(filter)) == 0);
        const bool apart = group.joining[k].live == homes(filter);
        assert(!apart || group.pace != 0);
        ++(apart ? counted.live : counted.joining);
      }
    }
    assert(members == filter.members);
  }
  assert(counted == counters_);
  assert(counted.filters == filters_.size() && counted.filters == exact_.size() + wildcards_.size());
  assert(counted.groups == groups_.size());
  exact_.check_invariants();
  wildcards_.check_invariants();
  cache_.check_invariants();
}

}  // namespace ringcast::topics
