// Subscriptions against the plainest model: a list of members, looked through for every question.
#include <doctest/doctest.h>
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/topics/random.h"
#include "topics/subscriptions.h"

using namespace ringcast::topics;

namespace {

constexpr HashKey kKey{.k0 = 9, .k1 = 10};

struct ModelMember {
  std::string filter;
  Kind kind;
  bool shares = false;
  ShardSet needed = 0;
  ShardSet live = 0;
  Place place;
};

using Group = std::tuple<std::string, std::uint8_t, std::uint32_t>;  // filter, encoding, pace

Group group_of(const ModelMember& member) {
  return {member.filter, member.kind.encoding, member.kind.pace};
}

// A fan-out in progress, and what it owes.
struct StandingFanOut {
  GroupId id;
  Group group;
  std::uint32_t origin = 0;
  std::set<std::uint32_t> owed;  // live for the origin when it began, not visited, not gone
};

// A tick of a LATEST group in progress.
struct StandingTick {
  GroupId id;
  Group group;
  std::set<std::uint32_t> owed;  // shared when it began, not visited, not gone
};

class Model {
 public:
  Model(std::uint32_t seed, std::uint32_t shards)
      : random_(seed), shards_(shards), subscriptions_({.shards = shards, .key = kKey}) {
    if (seed % 2 == 0) {  // few groups with many members
      filters_ = {"#", "a", "a/+", "a/b"};
      encodings_ = 1;
    }
    while (filters_.size() < 12 && seed % 2 == 1)
      filters_.push_back(filters_.size() % 2 == 0 ? random_.filter() : random_.topic());
    for (int i = 0; i < 12; ++i) topics_.push_back(random_.percent(50) ? random_.topic() : any_exact());
  }

  void step() {
    const std::uint32_t dice = random_.below(100);
    if (dice < 25) {
      join();
    } else if (dice < 37) {
      leave();
    } else if (dice < 40) {
      change();
    } else if (dice < 45) {
      share_or_part();
    } else if (dice < 49) {
      tick();
    } else if (dice < 70) {
      marker();
    } else if (dice < 80) {
      check_match();
    } else if (standing_) {
      continue_fan_out();
    } else {
      begin_fan_out();
    }
    check_places();
    check_old_groups();
    subscriptions_.check_invariants();
  }

 private:
  // ---- what happens

  void join() {
    const std::string& filter = random_.of(filters_);
    const Kind kind = any_kind();
    const std::uint32_t slot = next_slot_++;
    const bool first = count_of(filter) == 0;
    if (count_of(filter, kind) == 0) ++incarnation_[{filter, kind.encoding, kind.pace}];
    const auto joined = subscriptions_.join(filter, kind, member_of(slot));
    REQUIRE(joined.has_value());
    REQUIRE(joined->first == first);
    const ShardSet needed = is_wildcard(filter) ? first_shards(shards_) : only(owner(hash_name(kKey, filter), shards_));
    REQUIRE(joined->homes == needed);
    members_[slot] = {.filter = filter, .kind = kind, .needed = needed, .live = 0, .place = joined->place};
  }

  void leave() {
    if (members_.empty()) return;
    const auto victim = std::next(members_.begin(), random_.below(members_.size()));
    const std::uint32_t slot = victim->first;
    const ModelMember gone = victim->second;
    members_.erase(victim);
    const Subscriptions::Left left = subscriptions_.leave(gone.place);
    const bool last = count_of(gone.filter) == 0;
    REQUIRE(left.withdraw_from == (last ? gone.needed : 0));
    if (last) REQUIRE(left.filter == gone.filter);
    note(left.moves);
    if (standing_) standing_->owed.erase(slot);
    if (tick_) tick_->owed.erase(slot);
  }

  void change() {
    if (members_.empty() || standing_) return;
    ModelMember& member = std::next(members_.begin(), random_.below(members_.size()))->second;
    if (member.shares) return;
    member.kind = any_kind();
    const Kind before{.encoding = subscriptions_.encoding(member.place), .pace = subscriptions_.pace(member.place)};
    if (member.kind != before && count_of(member.filter, member.kind) == 1) ++incarnation_[group_of(member)];
    note(subscriptions_.change(member.place, member.kind));
  }

  void share_or_part() {
    if (members_.empty()) return;
    auto& [slot, member] = *std::next(members_.begin(), random_.below(members_.size()));
    if (member.shares) {
      const bool ticked = subscriptions_.ticked(member.place);
      REQUIRE(ticked == (tick_ && tick_->group == group_of(member) && !tick_->owed.contains(slot)));
      member.shares = false;
      if (tick_) tick_->owed.erase(slot);
      return note(subscriptions_.part(member.place));
    }
    if (member.kind.pace == 0 || member.live != member.needed) return;
    if (standing_ && standing_->group == group_of(member)) return;
    if (tick_ && tick_->group == group_of(member)) return;
    member.shares = true;
    note(subscriptions_.share(member.place));
  }

  void tick() {
    if (!tick_) {
      if (members_.empty()) return;
      const ModelMember& any = std::next(members_.begin(), random_.below(members_.size()))->second;
      if (any.kind.pace == 0) return;
      tick_ = {.id = subscriptions_.group(any.place), .group = group_of(any), .owed = {}};
      for (const auto& [slot, member] : members_) {
        if (member.shares && member.place.group == tick_->id.index) tick_->owed.insert(slot);
      }
      REQUIRE(subscriptions_.sharers(tick_->id) == tick_->owed.size());
    }
    const auto end = subscriptions_.tick_out(tick_->id, 1 + random_.below(3),
                                             [&](Member member) { REQUIRE(tick_->owed.erase(member.slot) == 1); });
    REQUIRE((end.done || !tick_->owed.empty()));
    if (!end.done) return;
    REQUIRE(tick_->owed.empty());
    tick_.reset();
  }

  void marker() {
    if (members_.empty()) return;
    const auto chosen = std::next(members_.begin(), random_.below(members_.size()));
    ModelMember& member = chosen->second;
    const std::uint32_t origin = random_.below(shards_);
    if (!contains(member.needed, origin)) return;
    // The caller's duty: no marker of an origin overtakes a fan-out of that origin.
    if (standing_ && standing_->origin == origin && standing_->group == group_of(member)) return;
    member.live |= only(origin);
    const Subscriptions::Marked marked = subscriptions_.marker(member.place, origin);
    REQUIRE(marked.live == (member.live == member.needed));
    note(marked.moves);
  }

  void begin_fan_out() {
    const std::uint32_t t = random_.below(topics_.size());
    const std::uint32_t origin = owner(hash_name(kKey, topics_[t]), shards_);
    const auto groups = match(t);
    if (groups.empty()) return;
    const GroupId id = groups[random_.below(groups.size())];
    std::optional<Group> group;
    std::set<std::uint32_t> owed;
    for (const auto& [slot, member] : members_) {
      if (member.place.group != id.index) continue;
      group = group_of(member);
      if (contains(member.live, origin) && !member.shares) owed.insert(slot);
    }
    REQUIRE(group.has_value());
    REQUIRE(matches(std::get<0>(*group), topics_[t]));
    old_groups_.push_back({id, *group, incarnation_[*group]});
    standing_ = {.id = id, .group = *group, .origin = origin, .owed = owed};
    continue_fan_out();
  }

  void continue_fan_out() {
    StandingFanOut& standing = *standing_;
    const std::uint32_t count_max = 1 + random_.below(random_.percent(80) ? 3 : 100);
    std::uint32_t visits = 0;
    const Subscriptions::FanOut end =
        subscriptions_.fan_out(standing.id, standing.origin, count_max, [&](Member member) {
          ++visits;
          REQUIRE(member == member_of(member.slot));
          REQUIRE(standing.owed.erase(member.slot) == 1);  // else visited twice, gone, or came later
        });
    REQUIRE(visits <= end.touched);
    REQUIRE(end.touched <= count_max);
    if (!end.done) return;
    REQUIRE(standing.owed.empty());
    standing_.reset();
  }

  // ---- what must hold

  void check_match() {
    const std::uint32_t t = random_.below(topics_.size());
    if (random_.percent(10)) {  // the home forgot the topic and gave its index to this one
      ++generations_[t];
      topics_[t] = random_.percent(50) ? random_.topic() : any_exact();
    }
    std::set<std::uint32_t> want;
    for (const auto& [slot, member] : members_) {
      if (matches(member.filter, topics_[t])) want.insert(member.place.group);
    }
    std::set<std::uint32_t> found;
    std::uint32_t pace = 0;
    for (const GroupId id : match(t)) {
      REQUIRE(subscriptions_.pace(id) >= pace);
      pace = subscriptions_.pace(id);
      REQUIRE(subscriptions_.alive(id));
      REQUIRE(found.insert(id.index).second);
    }
    REQUIRE(found == want);
  }

  void check_places() const {
    std::set<std::pair<std::uint32_t, std::uint64_t>> places;
    for (const auto& [slot, member] : members_) {
      CAPTURE(slot);
      REQUIRE(subscriptions_.member(member.place) == member_of(slot));
      REQUIRE(subscriptions_.filter(member.place) == member.filter);
      REQUIRE(subscriptions_.encoding(member.place) == member.kind.encoding);
      REQUIRE(subscriptions_.pace(member.place) == member.kind.pace);
      REQUIRE(subscriptions_.live(member.place) == (member.live == member.needed));
      REQUIRE(subscriptions_.shares(member.place) == member.shares);
      const bool among_live = member.kind.pace == 0 ? member.live == member.needed : member.shares;
      REQUIRE((member.place.joining == 0) == among_live);
      const std::uint64_t index = member.place.index | std::uint64_t{member.place.joining} << 32;
      REQUIRE(places.insert({member.place.group, index}).second);
    }
  }

  void check_old_groups() const {
    for (const auto& [id, group, incarnation] : old_groups_) {
      const Kind kind{.encoding = std::get<1>(group), .pace = std::get<2>(group)};
      const bool alive = count_of(std::get<0>(group), kind) > 0 && incarnation_.at(group) == incarnation;
      REQUIRE(subscriptions_.alive(id) == alive);
    }
  }

  // ---- helpers

  static Member member_of(std::uint32_t slot) { return {.slot = slot, .subscription = slot * 7}; }
  std::vector<GroupId> match(std::uint32_t t) {
    const std::uint64_t hash = hash_name(kKey, topics_[t]);
    // Each topic keeps an index of its own per origin; generations count its tenants.
    const auto groups =
        subscriptions_.match(owner(hash, shards_), {.index = t, .generation = generations_[t]}, topics_[t], hash);
    return {groups.begin(), groups.end()};
  }
  const std::string& any_exact() { return filters_[random_.below(filters_.size() / 2) * 2 + 1]; }
  Kind any_kind() {
    return {.encoding = static_cast<std::uint8_t>(random_.below(encodings_)), .pace = random_.below(3)};
  }
  std::size_t count_of(const std::string& filter, std::optional<Kind> kind = {}) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        members_, [&](const auto& one) { return one.second.filter == filter && (!kind || one.second.kind == *kind); }));
  }
  void note(const Moves& moves) {
    for (const Moved& moved : moves) members_.at(moved.member.slot).place = moved.place;
  }

  struct OldGroup {
    GroupId id;
    Group group;
    int incarnation;
  };

  test::Random random_;
  std::uint32_t shards_;
  std::uint32_t encodings_ = 3;
  Subscriptions subscriptions_;
  std::vector<std::string> filters_;
  std::vector<std::string> topics_;
  std::map<std::uint32_t, std::uint32_t> generations_;
  std::map<std::uint32_t, ModelMember> members_;  // by slot
  std::map<Group, int> incarnation_;              // times it went from no member to one
  std::vector<OldGroup> old_groups_;
  std::optional<StandingFanOut> standing_;
  std::optional<StandingTick> tick_;
  std::uint32_t next_slot_ = 0;
};

}  // namespace

TEST_CASE("subscriptions agree with the plain model after every step, fan-outs standing in the middle of it all") {
  for (std::uint32_t seed = 1; seed <= 24; ++seed) {
    CAPTURE(seed);
    Model model(seed, seed % 3 == 0 ? 1 : seed % 3 == 1 ? 4 : kShardsMax);
    for (int step = 0; step < 400; ++step) {
      CAPTURE(step);
      model.step();
    }
  }
}
