#include "topics/subscriptions.h"

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

std::expected<Subscriptions::Joined, Error> Subscriptions::join(std::string_view name, std::uint8_t encoding,
                                                                Member member) {
  assert(encoding < kEncodingsMax);
  const std::uint64_t hash = hash_name(options_.key, name);
  std::uint32_t filter_index = find_filter(name, hash);
  const bool first = filter_index == kNone;
  if (first) {
    if (counters_.filters >= options_.filters_max) return std::unexpected(Error::too_many_filters);
    filter_index = make_filter(name, hash);
  }
  Filter& filter = filters_[filter_index];
  const std::uint32_t group_index = group_of(filter_index, encoding);
  Group& group = groups_[group_index];
  // Waiting, even when a fan-out stands: that passes it over, since its origin's marker cannot come before its end.
  const std::uint32_t index = group.joining.add_waiting({.member = member, .live = 0});
  ++filter.members;
  ++counters_.joining;
  return Joined{.place = Place::among_joining(group_index, index), .homes = homes(filter), .first = first};
}

Subscriptions::Marked Subscriptions::marker(Place place, std::uint32_t origin) {
  Marked marked;
  if (place.joining == 0) {
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

  const Member member = joining.member;
  // A fan-out has either met it among the joining or will meet it among the live: it keeps its side.
  const auto side = group.fanning_out ? group.joining.side(place.index) : Side::waiting;
  group.joining.remove(place.index, note_joining(place.group, marked.moves));
  const std::uint32_t index = side == Side::visited
                                  ? group.live.add_visited(member, note_live(place.group, marked.moves))
                                  : group.live.add_waiting(member);
  marked.moves.add({.member = member, .place = Place::among_live(place.group, index)});
  marked.live = true;
  --counters_.joining;
  ++counters_.live;
  return marked;
}

Subscriptions::Left Subscriptions::leave(Place place) {
  Left left;
  Group& group = groups_[place.group];
  Filter& filter = filters_[group.filter];
  if (place.joining != 0) {
    group.joining.remove(place.index, note_joining(place.group, left.moves));
    --counters_.joining;
  } else {
    group.live.remove(place.index, note_live(place.group, left.moves));
    --counters_.live;
  }
  --filter.members;
  if (group.live.empty() && group.joining.empty()) {
    const std::uint32_t filter_index = group.filter;
    free_group(place.group);
    if (filter.members == 0) {
      left.withdraw_from = homes(filter);
      withdrawn_ = filter.name;
      left.filter = withdrawn_;
      free_filter(filter_index);
    }
  }
  return left;
}

std::span<const GroupId> Subscriptions::match_slow(std::uint32_t origin, TopicHandle topic, std::string_view name,
                                                   std::uint64_t hash) {
  ++counters_.matches;
  scratch_.clear();
  if (const std::uint32_t exact = find_exact(name, hash); exact != kNone) collect(exact);
  wildcards_.match(name, [&](std::uint32_t filter) { collect(filter); });
  return cache_.store(origin, topic, hash, scratch_).groups();
}

void Subscriptions::collect(std::uint32_t filter) {
  for (std::uint32_t group = filters_[filter].first_group; group != kNone; group = groups_[group].next) {
    scratch_.push_back({.index = group, .generation = groups_[group].generation});
  }
}

void Subscriptions::end_fan_out(Group& group) noexcept {
  group.fanning_out = false;
  group.live.end_fan_out();
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

// The filter's group of this encoding, made if need be.
std::uint32_t Subscriptions::group_of(std::uint32_t filter_index, std::uint8_t encoding) {
  Filter& filter = filters_[filter_index];
  for (std::uint32_t index = filter.first_group; index != kNone; index = groups_[index].next) {
    if (groups_[index].encoding == encoding) return index;
  }
  const std::uint32_t index = groups_.take();
  Group& group = groups_[index];
  group.filter = filter_index;
  group.encoding = encoding;
  group.wildcard = filter.wildcard;
  group.next = std::exchange(filter.first_group, index);
  ++counters_.groups;
  groups_changed(filter);
  return index;
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
    std::uint32_t encodings = 0;
    std::size_t members = 0;
    for (std::uint32_t g = filter.first_group; g != kNone; g = groups_[g].next) {
      const Group& group = groups_[g];
      ++counted.groups;
      counted.live += group.live.size();
      counted.joining += group.joining.size();
      members += group.live.size() + group.joining.size();
      assert(group.filter == i);
      assert(group.wildcard == filter.wildcard);
      assert((encodings >> group.encoding & 1) == 0);
      encodings |= 1U << group.encoding;
      assert(!group.live.empty() || !group.joining.empty());
      assert(group.fanning_out || group.live.none_visited());
      assert(group.fanning_out || group.joining.none_visited());
      for (std::size_t k = 0; k < group.joining.size(); ++k) {
        assert((group.joining[k].live & ~homes(filter)) == 0);
        assert(group.joining[k].live != homes(filter));
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
