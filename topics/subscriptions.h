// Subscriptions: what one shard knows of its own subscribers: which members a message of a topic goes to.
//
// Thread:    one, its shard's.
// Filters:   each distinct filter once, counted by its members. Only its first and last member concern the homes:
//            `first` of join() says announce, Left::withdraw_from of leave() says withdraw.
// Groups:    the members of one filter and one Kind (encoding and pace): what is encoded once.
// Paces:     0 is EVERY: its members are visited for each message. Any other is LATEST, the slower the larger. Of such
// a
//            group the members that are served together, at its ticks, are `live`; those that go their own way (each is
//            born so) stand apart, among the joining, and are the ones that fan_out() visits. share() and part() move
//            them. match() gives the groups of a topic by rising pace.
// Joining:   a member is born joining. It waits for one marker of each home that can have topics of its filter
//            (exact: the owner, wildcard: all); from a home's marker on it is live for that origin, and when it is
//            live for all it moves to the live members.
// Places:    a member's session keeps its Place. join() moves nobody; members are stored densely, so leave() and
//            marker() move others: they return the moves, to be written down before the next call:
//              for (const Moved& m : moves) sessions[m.member.slot].places[m.member.subscription] = m.place;
//            change() moves its member itself, and others as leave() does.
// Fan-out:   fan_out() visits a group in as many calls as the caller's budget needs; between them members come and go.
//            Members on both sides of the cursor keep their side (a removal moves the boundary instead of leaving a
//            hole), so each member that stays is visited exactly once, and nobody who comes later is: a newcomer is
//            not live for the fan-out's origin before that origin's marker. At most one fan-out stands in a group.
// Order:     the caller runs the fan-outs of one origin, and the markers between them, in the order of that origin's
//            deliveries.
// Hot path:  match() on a cached topic, fan_out(). No heap allocation, no hashing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "topics/error.h"
#include "topics/filter_trie.h"
#include "topics/hash.h"
#include "topics/index_table.h"
#include "topics/match_cache.h"
#include "topics/member.h"
#include "topics/member_list.h"
#include "topics/shard_set.h"
#include "topics/slab.h"
#include "topics/topic_handle.h"

namespace ringcast::topics {

inline constexpr std::uint8_t kEncodingsMax = 16;  // (protocol, compression) pairs of a shard: bounds a filter's groups

// What a group's members have in common besides their filter.
struct Kind {
  std::uint8_t encoding = 0;
  std::uint32_t pace = 0;  // 0: EVERY

  friend bool operator==(const Kind&, const Kind&) = default;
};

class Subscriptions {
 public:
  struct Options {
    std::uint32_t shards = 1;               // homes; 1..kShardsMax
    HashKey key;                            // the process's
    std::uint32_t filters_max = 1'000'000;  // distinct ones of this shard, ~0.3 KiB each
  };

  struct Joined {
    Place place;         // joining
    ShardSet homes = 0;  // whose markers it waits for
    bool first = false;  // of its filter: announce the filter to `homes`
  };

  struct Left {
    Moves moves;
    ShardSet withdraw_from = 0;  // the filter had its last member: tell these homes. 0: others remain
    std::string_view filter;     // its name, valid until the next call
  };

  struct Marked {
    bool live = false;  // for all its homes now
    Moves moves;        // the member's own included
  };

  // How far fan_out() came.
  struct FanOut {
    std::uint32_t touched = 0;  // members, visited or passed over
    bool done = false;
  };

  struct Counters {
    std::uint64_t filters = 0;
    std::uint64_t groups = 0;
    std::uint64_t live = 0;     // members
    std::uint64_t joining = 0;  // members
    std::uint64_t matches = 0;  // times a topic's cached groups were computed anew

    friend bool operator==(const Counters&, const Counters&) = default;
  };

  explicit Subscriptions(const Options& options);

  // Adds `member` to the valid filter's group of `kind`, joining. Fails with too_many_filters.
  // Requires: kind.encoding < kEncodingsMax.
  [[nodiscard]] std::expected<Joined, Error> join(std::string_view filter, Kind kind, Member member);

  // The home `origin` has answered: the member is live for its topics from now on. A second marker of an origin changes
  // nothing.
  Marked marker(Place place, std::uint32_t origin);

  // Takes the member at `place` away.
  Left leave(Place place);

  // The member at `place` is of `kind` from now on, live for the origins that it was live for; of a LATEST kind it
  // stands apart. Requires: no fan_out() stands, and it does not share.
  Moves change(Place place, Kind kind);

  // A member of a LATEST group that is live for all its homes is served with the group from now on. Requires: apart, no
  // fan_out() stands in the group.
  Moves share(Place place);
  // It goes its own way again. Requires: shares(place). A fan_out() that stands passes it over, a tick_out() too.
  Moves part(Place place);
  // True if it would be visited no more by the tick_out() that stands in its group. Requires: shares(place).
  [[nodiscard]] bool ticked(Place place) const noexcept {
    return groups_[place.group].live.side(place.index) == Side::visited;
  }
  [[nodiscard]] bool shares(Place place) const noexcept { return place.joining == 0 && groups_[place.group].pace != 0; }
  [[nodiscard]] bool live(Place place) const noexcept;  // for all its homes
  [[nodiscard]] bool live(Place place, std::uint32_t origin) const noexcept;
  [[nodiscard]] std::size_t sharers(GroupId group) const noexcept {  // requires: alive
    return groups_[group.index].live.size();
  }

  // The groups with members whose filter matches the topic; empty when nobody cares. Valid until the next join, leave
  // or match; to keep them longer copy the ids: a group that is gone is known by its generation.
  [[nodiscard]] std::span<const GroupId> match(std::uint32_t origin, TopicHandle topic, std::string_view name,
                                               std::uint64_t hash) {
    if (const MatchCache::Entry* entry = cache_.find(origin, topic)) return entry->groups();
    return match_slow(origin, topic, name, hash);
  }

  // Calls visit(Member) for members of the group that are live for `origin`, beginning or going on with a fan-out,
  // until `count_max` were touched. Call it again until it says done; a group that is gone is done. The visitor must
  // not change subscriptions. Of a LATEST group only those who stand apart.
  template <typename Visitor>
  FanOut fan_out(GroupId group, std::uint32_t origin, std::uint32_t count_max, Visitor&& visit);

  // The same for those who share a LATEST group, whatever the origin: beside a fan_out(), each has its own boundary.
  template <typename Visitor>
  FanOut tick_out(GroupId group, std::uint32_t count_max, Visitor&& visit);

  [[nodiscard]] bool alive(GroupId group) const noexcept;
  [[nodiscard]] std::uint8_t encoding(GroupId group) const noexcept;  // requires: alive
  [[nodiscard]] std::uint32_t pace(GroupId group) const noexcept;     // requires: alive
  [[nodiscard]] GroupId group(Place place) const noexcept;
  [[nodiscard]] std::string_view filter(Place place) const noexcept;
  [[nodiscard]] std::uint8_t encoding(Place place) const noexcept;
  [[nodiscard]] std::uint32_t pace(Place place) const noexcept { return groups_[place.group].pace; }
  [[nodiscard]] Member member(Place place) const noexcept;
  [[nodiscard]] std::size_t members(std::string_view filter) const;  // of all encodings, joining ones included
  // Of all filters that match the valid topic.
  [[nodiscard]] std::size_t members_matching(std::string_view topic);

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  void check_invariants() const;

 private:
  static constexpr std::uint32_t kNone = Slab<int>::kNone;

  struct Filter {
    std::string name;
    std::uint64_t hash = 0;
    std::uint32_t first_group = kNone;
    std::uint32_t members = 0;  // of all its groups
    bool wildcard = false;
  };

  struct Group {
    std::uint32_t filter = kNone;
    std::uint32_t next = kNone;  // group of the same filter
    std::uint32_t generation = 0;
    std::uint32_t pace = 0;
    std::uint8_t encoding = 0;
    bool wildcard = false;
    bool fanning_out = false;
    std::uint8_t fan_out_origin = 0;
    MemberList<Member> live;            // LATEST: who share
    MemberList<JoiningMember> joining;  // LATEST: who stand apart, live or not
  };

  [[nodiscard]] std::span<const GroupId> match_slow(std::uint32_t origin, TopicHandle topic, std::string_view name,
                                                    std::uint64_t hash);
  void collect(std::uint32_t filter);
  void end_fan_out(Group& group) noexcept;
  [[nodiscard]] std::uint32_t find_exact(std::string_view name, std::uint64_t hash) const noexcept;
  [[nodiscard]] std::uint32_t find_filter(std::string_view name, std::uint64_t hash) const noexcept;
  [[nodiscard]] std::uint32_t make_filter(std::string_view name, std::uint64_t hash);
  void free_filter(std::uint32_t index);
  [[nodiscard]] std::uint32_t group_of(std::uint32_t filter_index, Kind kind);
  void free_if_empty(std::uint32_t index);
  [[nodiscard]] ShardSet live_origins(Place place) const noexcept;
  void free_group(std::uint32_t index);
  void groups_changed(const Filter& filter) noexcept;
  [[nodiscard]] ShardSet homes(const Filter& filter) const noexcept;

  Options options_;
  Slab<Filter> filters_;
  Slab<Group> groups_;
  IndexTable exact_;                     // exact filters
  FilterTrie<std::uint32_t> wildcards_;  // wildcard filters
  MatchCache cache_;
  std::vector<GroupId> scratch_;  // match_slow()'s, kept for its memory
  std::string withdrawn_;         // Left::filter
  Counters counters_;
};

template <typename Visitor>
Subscriptions::FanOut Subscriptions::fan_out(GroupId id, std::uint32_t origin, std::uint32_t count_max,
                                             Visitor&& visit) {
  if (!alive(id)) return {.touched = 0, .done = true};
  Group& group = groups_[id.index];
  assert(!group.fanning_out || group.fan_out_origin == origin);
  group.fanning_out = true;
  group.fan_out_origin = static_cast<std::uint8_t>(origin);
  std::uint32_t touched = 0;
  const bool latest = group.pace != 0;
  if (group.wildcard || latest) {  // else an exact filter's joining members, which are live for nothing yet
    touched = group.joining.advance(count_max, [&](const JoiningMember& joining) {
      if (contains(joining.live, origin)) visit(joining.member);
    });
  }
  if (!latest) touched += group.live.advance(count_max - touched, visit);
  const bool done =
      (latest || group.live.all_visited()) && ((!group.wildcard && !latest) || group.joining.all_visited());
  if (done) end_fan_out(group);
  return {.touched = touched, .done = done};
}

template <typename Visitor>
Subscriptions::FanOut Subscriptions::tick_out(GroupId id, std::uint32_t count_max, Visitor&& visit) {
  if (!alive(id)) return {.touched = 0, .done = true};
  Group& group = groups_[id.index];
  assert(group.pace != 0);
  const std::uint32_t touched = group.live.advance(count_max, visit);
  const bool done = group.live.all_visited();
  if (done) group.live.end_fan_out();
  return {.touched = touched, .done = done};
}

}  // namespace ringcast::topics
