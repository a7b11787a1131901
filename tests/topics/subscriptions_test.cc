#include "topics/subscriptions.h"

#include <doctest/doctest.h>
#include <algorithm>
#include <map>
#include <string>
#include <vector>

using namespace ringcast::topics;

namespace {

constexpr HashKey kKey{.k0 = 7, .k1 = 8};
constexpr std::uint32_t kShards = 3;

// Subscriptions, and sessions that write their places down.
struct Fixture {
  explicit Fixture(std::uint32_t filters_max = 100)
      : subscriptions({.shards = kShards, .key = kKey, .filters_max = filters_max}) {}

  Subscriptions::Joined join(std::string_view filter, std::uint32_t slot, std::uint8_t encoding = 0) {
    const Subscriptions::Joined joined = subscriptions.join(filter, {.encoding = encoding}, {.slot = slot}).value();
    places[slot] = joined.place;
    subscriptions.check_invariants();
    return joined;
  }
  bool marker(std::uint32_t slot, std::uint32_t origin) {
    const Subscriptions::Marked marked = subscriptions.marker(places.at(slot), origin);
    note(marked.moves);
    subscriptions.check_invariants();
    return marked.live;
  }
  void all_markers(std::uint32_t slot, ShardSet homes) {
    while (homes != 0) marker(slot, take_shard(homes));
  }
  Subscriptions::Left leave(std::uint32_t slot) {
    Subscriptions::Left left = subscriptions.leave(places.at(slot));
    places.erase(slot);
    note(left.moves);
    subscriptions.check_invariants();
    return left;
  }
  void note(const Moves& moves) {
    for (const Moved& moved : moves) places[moved.member.slot] = moved.place;
  }
  std::vector<GroupId> match(std::uint32_t origin, TopicHandle topic, std::string_view name) {
    const auto groups = subscriptions.match(origin, topic, name, hash_name(kKey, name));
    return {groups.begin(), groups.end()};
  }
  // The slots that a message of the topic reaches.
  std::vector<std::uint32_t> reached(std::uint32_t origin, TopicHandle topic, std::string_view name) {
    std::vector<std::uint32_t> slots;
    for (const GroupId group : match(origin, topic, name)) {
      const auto end =
          subscriptions.fan_out(group, origin, 1'000, [&](Member member) { slots.push_back(member.slot); });
      CHECK(end.done);
    }
    std::ranges::sort(slots);
    return slots;
  }

  Subscriptions subscriptions;
  std::map<std::uint32_t, Place> places;
};

using Slots = std::vector<std::uint32_t>;
constexpr TopicHandle kTopic{.index = 4, .generation = 1};

std::uint32_t home_of(std::string_view name) {
  return owner(hash_name(kKey, name), kShards);
}

}  // namespace

TEST_CASE("only the first and the last member of a filter concern the homes: the owner, or all for a wildcard") {
  Fixture f;
  const auto first = f.join("a/b", 1);
  CHECK(first.first);
  CHECK(first.homes == only(home_of("a/b")));
  const auto second = f.join("a/b", 2, 5);  // another encoding of the same filter
  CHECK_FALSE(second.first);
  CHECK(second.homes == first.homes);
  CHECK(f.join("a/+", 3).homes == first_shards(kShards));
  CHECK(f.subscriptions.members("a/b") == 2);
  CHECK(f.leave(1).withdraw_from == 0);
  const auto left = f.leave(2);
  CHECK(left.withdraw_from == only(home_of("a/b")));
  CHECK(left.filter == "a/b");
  CHECK(f.subscriptions.members("a/b") == 0);
  CHECK(f.leave(3).withdraw_from == first_shards(kShards));
  CHECK(f.join("a/b", 1).first);
}

TEST_CASE("filters_max filters are taken, one more is refused, more members of the same are not") {
  Fixture f(2);
  f.join("a", 1);
  f.join("+", 2);
  CHECK(f.subscriptions.join("b", {}, {}).error() == Error::too_many_filters);
  CHECK(f.subscriptions.join("#", {}, {}).error() == Error::too_many_filters);
  f.join("a", 3);
  f.join("+", 4, 1);
  f.leave(1);
  f.leave(3);
  f.join("b", 1);
}

TEST_CASE("an exact subscription is live from its home's marker on") {
  Fixture f;
  f.join("a", 1);
  CHECK(f.reached(home_of("a"), kTopic, "a").empty());
  CHECK(f.subscriptions.counters().joining == 1);
  CHECK(f.marker(1, home_of("a")));
  CHECK(f.reached(home_of("a"), kTopic, "a") == Slots{1});
  CHECK(f.subscriptions.counters().joining == 0);
  CHECK(f.subscriptions.counters().live == 1);
  CHECK(f.marker(1, home_of("a")));  // again: nothing changes
  CHECK(f.reached(home_of("a"), kTopic, "a") == Slots{1});
}

TEST_CASE("a wildcard subscription is live for each origin from that origin's marker on") {
  Fixture f;
  f.join("+", 1);
  f.join("+", 2);
  f.all_markers(2, first_shards(kShards));
  CHECK_FALSE(f.marker(1, 2));
  CHECK_FALSE(f.marker(1, 2));
  CHECK(f.reached(2, kTopic, "x") == Slots{1, 2});
  CHECK(f.reached(1, kTopic, "x") == Slots{2});
  CHECK_FALSE(f.marker(1, 0));
  CHECK(f.marker(1, 1));
  CHECK(f.reached(1, kTopic, "x") == Slots{1, 2});
}

TEST_CASE("match gives one group per filter and encoding") {
  Fixture f;
  f.join("a/b", 1, 0);
  f.join("a/b", 2, 3);
  f.join("a/b", 3, 3);
  f.join("a/+", 4, 3);
  f.join("b", 5, 0);
  const auto groups = f.match(0, kTopic, "a/b");
  REQUIRE(groups.size() == 3);
  std::multimap<std::uint8_t, GroupId> by_encoding;
  for (const GroupId group : groups) by_encoding.emplace(f.subscriptions.encoding(group), group);
  CHECK(by_encoding.count(0) == 1);
  CHECK(by_encoding.count(3) == 2);
  CHECK(f.subscriptions.filter(f.places.at(4)) == "a/+");
  CHECK(f.subscriptions.encoding(f.places.at(2)) == 3);
  CHECK(f.subscriptions.member(f.places.at(3)) == Member{.slot = 3});
  f.join("a/b", 6, kEncodingsMax - 1);
  CHECK(f.match(0, kTopic, "a/b").size() == 4);
}

TEST_CASE("groups differ by pace, and match gives EVERY first, then the faster before the slower") {
  Fixture f;
  std::uint32_t slot = 1;
  for (const std::uint32_t pace : {7U, 0U, 3U}) {
    for (const char* filter : {"a/b", "a/+"}) {
      const auto joined = f.subscriptions.join(filter, {.pace = pace}, {.slot = slot}).value();
      f.places[slot++] = joined.place;
    }
  }
  std::vector<std::uint32_t> paces;
  for (const GroupId group : f.match(0, kTopic, "a/b")) paces.push_back(f.subscriptions.pace(group));
  CHECK(paces == std::vector<std::uint32_t>{0, 0, 3, 3, 7, 7});
}

TEST_CASE("a cached topic is matched anew only when its own exact groups or any wildcard groups change") {
  Fixture f;
  const auto matches_made = [&] { return f.subscriptions.counters().matches; };
  const TopicHandle other{.index = 5, .generation = 1};
  f.join("a", 1);
  CHECK(f.match(0, kTopic, "a").size() == 1);
  CHECK(f.match(1, other, "b").empty());
  CHECK(matches_made() == 2);
  CHECK(f.match(0, kTopic, "a").size() == 1);
  CHECK(f.match(1, other, "b").empty());
  CHECK(matches_made() == 2);

  f.join("a", 2);  // the group is there already
  f.join("b", 3);  // another topic's
  CHECK(f.match(0, kTopic, "a").size() == 1);
  CHECK(matches_made() == 2);
  CHECK(f.match(1, other, "b").size() == 1);
  CHECK(matches_made() == 3);

  f.join("+", 4);
  CHECK(f.match(0, kTopic, "a").size() == 2);
  CHECK(f.match(1, other, "b").size() == 2);
  CHECK(matches_made() == 5);
  f.leave(3);
  CHECK(f.match(0, kTopic, "a").size() == 2);
  CHECK(matches_made() == 5);
  CHECK(f.match(1, other, "b").size() == 1);
  CHECK(matches_made() == 6);
}

TEST_CASE("a handle's other generation is another topic") {
  Fixture f;
  f.join("a", 1);
  f.join("b", 2);
  f.marker(1, home_of("a"));
  f.marker(2, home_of("b"));
  CHECK(f.reached(home_of("a"), {.index = 9, .generation = 1}, "a") == Slots{1});
  CHECK(f.reached(home_of("b"), {.index = 9, .generation = 2}, "b") == Slots{2});
  f.leave(1);  // the entry is b's now, and stays
  CHECK(f.reached(home_of("b"), {.index = 9, .generation = 2}, "b") == Slots{2});
  f.leave(2);
  CHECK(f.reached(home_of("b"), {.index = 9, .generation = 2}, "b").empty());
}

TEST_CASE("the id of a group that has gone is known as such, even when its index is used again") {
  Fixture f;
  f.join("a", 1);
  const GroupId old = f.match(0, kTopic, "a").at(0);
  CHECK(f.subscriptions.alive(old));
  CHECK_FALSE(f.subscriptions.alive(GroupId{}));
  f.leave(1);
  CHECK_FALSE(f.subscriptions.alive(old));
  f.join("a", 2);
  const GroupId fresh = f.match(0, kTopic, "a").at(0);
  CHECK(fresh.index == old.index);
  CHECK_FALSE(f.subscriptions.alive(old));
  const auto end = f.subscriptions.fan_out(old, 0, 10, [](Member) { FAIL("visited a member of another group"); });
  CHECK(end.done);
  CHECK(end.touched == 0);
}

TEST_CASE("a fan-out in pieces visits who stays once, and nobody who comes meanwhile") {
  Fixture f;
  const std::uint32_t origin = home_of("a");
  for (std::uint32_t slot = 1; slot <= 6; ++slot) {
    f.join("a", slot);
    f.marker(slot, origin);
  }
  const GroupId group = f.match(origin, kTopic, "a").at(0);
  Slots visited;
  const auto visit = [&](Member member) { visited.push_back(member.slot); };
  CHECK_FALSE(f.subscriptions.fan_out(group, origin, 3, visit).done);
  CHECK(visited.size() == 3);
  f.leave(visited[0]);  // visited already
  f.leave(6);           // not yet
  f.join("a", 7);
  const auto end = f.subscriptions.fan_out(group, origin, 100, visit);
  CHECK(end.done);
  CHECK(end.touched == 2);
  std::ranges::sort(visited);
  CHECK(visited == Slots{1, 2, 3, 4, 5});
  f.marker(7, origin);
  CHECK(f.reached(origin, kTopic, "a") == Slots{2, 3, 4, 5, 7});
}

TEST_CASE("a fan-out whose last members leave is done") {
  Fixture f;
  const std::uint32_t origin = home_of("a");
  for (std::uint32_t slot = 1; slot <= 2; ++slot) {
    f.join("a", slot);
    f.marker(slot, origin);
  }
  const GroupId group = f.match(origin, kTopic, "a").at(0);
  CHECK_FALSE(f.subscriptions.fan_out(group, origin, 1, [](Member) {}).done);
  f.leave(1);
  f.leave(2);
  CHECK(f.subscriptions.fan_out(group, origin, 1, [](Member) {}).done);
}

TEST_CASE("a member that becomes live in the middle of another origin's fan-out is visited once") {
  for (std::uint32_t pieces = 1; pieces <= 6; ++pieces) {
    CAPTURE(pieces);
    Fixture f;
    for (std::uint32_t slot = 1; slot <= 3; ++slot) {
      f.join("#", slot);
      f.marker(slot, 0);
      f.marker(slot, 1);
    }
    f.join("#", 4);
    f.all_markers(4, first_shards(kShards));
    f.join("#", 5);
    f.all_markers(5, first_shards(kShards));
    const GroupId group = f.match(0, kTopic, "x").at(0);
    Slots visited;
    const auto visit = [&](Member member) { visited.push_back(member.slot); };
    bool done = f.subscriptions.fan_out(group, 0, pieces, visit).done;
    for (std::uint32_t slot = 1; slot <= 3; ++slot) CHECK(f.marker(slot, 2));  // the last one they waited for
    while (!done) done = f.subscriptions.fan_out(group, 0, pieces, visit).done;
    std::ranges::sort(visited);
    CHECK(visited == Slots{1, 2, 3, 4, 5});
  }
}
