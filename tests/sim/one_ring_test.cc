// Why there are two rings for each ordered pair of shards: with one for both, shards that publish to each other's
// topics stop for ever; with two they cannot. The protocols of broker/home_shard alone, over the real Queue, with rings
// small enough to fill.
#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "broker/queue.h"

namespace ringcast::sim {

namespace {

struct Entry {
  bool is_delivery = false;
};

enum class Rings : std::uint8_t { one, two };

// N shards. Each publishes to topics at random homes; every message has a subscriber on every shard.
class World {
 public:
  static constexpr std::uint32_t kShards = 3;
  static constexpr std::size_t kCapacity = 4;

  World(Rings rings, std::uint32_t seed) : rings_(rings), random_(seed) {
    for (std::uint32_t pair = 0; pair < kShards * kShards; ++pair) {
      requests_.push_back(std::make_unique<broker::Queue<Entry>>(kCapacity));
      deliveries_.push_back(std::make_unique<broker::Queue<Entry>>(kCapacity));
    }
  }

  // Shards take turns at random until all `publishes` are delivered everywhere. False when nobody can do anything any
  // more.
  bool run(std::uint64_t publishes) {
    to_publish_ = publishes;
    std::uint32_t idle = 0;
    while (delivered_ < publishes * kShards) {
      idle = turn(any_shard()) ? 0 : idle + 1;
      if (idle > 100 * kShards) return false;  // each shard has had some hundred turns in vain
    }
    return true;
  }

 private:
  broker::Queue<Entry>& requests(std::uint32_t from, std::uint32_t to) { return *requests_[from * kShards + to]; }
  broker::Queue<Entry>& deliveries(std::uint32_t from, std::uint32_t to) {
    return rings_ == Rings::one ? requests(from, to) : *deliveries_[from * kShards + to];
  }

  std::uint32_t any_shard() { return static_cast<std::uint32_t>(random_() % kShards); }

  // True when the shard got anything done.
  bool turn(std::uint32_t self) {
    bool done = false;
    for (std::uint32_t other = 0; other < kShards; ++other) {
      requests(self, other).reclaim([](Entry&) {});
      deliveries(self, other).reclaim([](Entry&) {});
    }
    for (std::uint32_t other = 0; other < kShards; ++other) {
      if (rings_ == Rings::two) done |= drain(deliveries(other, self), self);
      done |= drain(requests(other, self), self);
    }
    if (to_publish_ > 0 && requests(self, any_shard()).push({})) {
      --to_publish_;
      done = true;
    }
    for (std::uint32_t other = 0; other < kShards; ++other) {
      requests(self, other).flush();
      deliveries(self, other).flush();
    }
    return done;
  }

  bool drain(broker::Queue<Entry>& ring, std::uint32_t self) {
    bool done = false;
    for (Entry* entry = ring.front(); entry != nullptr; entry = ring.front()) {
      if (entry->is_delivery) {
        ++delivered_;
      } else if (!take(self)) {
        break;
      }
      ring.pop();
      done = true;
    }
    (void)ring.release();
    return done;
  }

  // A request is taken only when there is room for all its deliveries.
  bool take(std::uint32_t self) {
    for (std::uint32_t reader = 0; reader < kShards; ++reader) {
      if (deliveries(self, reader).room() == 0) return false;
    }
    for (std::uint32_t reader = 0; reader < kShards; ++reader)
      CHECK(deliveries(self, reader).push({.is_delivery = true}));
    return true;
  }

  const Rings rings_;
  std::mt19937 random_;
  std::vector<std::unique_ptr<broker::Queue<Entry>>> requests_;    // [from * kShards + to]
  std::vector<std::unique_ptr<broker::Queue<Entry>>> deliveries_;  // the same; unused where one ring carries both
  std::uint64_t to_publish_ = 0;
  std::uint64_t delivered_ = 0;
};

}  // namespace

TEST_CASE("with one ring for requests and deliveries shards block each other for ever; with two they never do") {
  constexpr std::uint32_t kSeeds = 200;
  constexpr std::uint64_t kPublishes = 2'000;
  std::uint32_t stuck_with_one = 0;
  for (std::uint32_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    if (!World(Rings::one, seed).run(kPublishes)) ++stuck_with_one;
    CHECK(World(Rings::two, seed).run(kPublishes));
  }
  CHECK(stuck_with_one == kSeeds);
}

}  // namespace ringcast::sim
