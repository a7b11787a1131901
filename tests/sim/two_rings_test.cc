// Why there are two rings for each pair of shards (broker/mesh.h): a model of nothing but rings and the rule that a
// request is taken only when there is room for all that it causes. With requests and deliveries in one ring a home that
// waits for room leaves unread the deliveries behind the request that waits, and two such homes wait for each other.
#include <doctest/doctest.h>

#include <memory>
#include <vector>

#include "broker/queue.h"
#include "tests/sim/random.h"

using namespace ringcast;
using ringcast::sim::Random;

namespace {

struct Entry {
  enum class Kind : std::uint8_t { request, delivery };
  Kind kind = Kind::request;
};

enum class Rings : std::uint8_t { one, two };

// N shards that publish to each other's topics, in which all of them are interested.
class Model {
 public:
  Model(Rings rings, std::uint64_t seed) : random_(seed), shards_(random_.between(2, 4)), rings_(rings) {
    const std::size_t capacity = std::size_t{1} << random_.between(3, 5);
    for (std::size_t i = 0; i < shards_ * shards_; ++i) {
      requests_.push_back(std::make_unique<broker::Queue<Entry>>(capacity));
      deliveries_.push_back(std::make_unique<broker::Queue<Entry>>(capacity));
    }
    to_publish_.assign(shards_, 500);
  }

  // The turn in which nothing could move though something was left to do; 0: all was done.
  int run() {
    for (int turn = 1;; ++turn) {
      bool moved = false;
      for (std::size_t i = random_.below(shards_), n = 0; n < shards_; ++n, i = (i + 1) % shards_) moved |= step(i);
      if (done()) return 0;
      if (!moved) return turn;
    }
  }

  std::size_t delivered() const { return delivered_; }
  std::size_t expected() const { return 500 * shards_ * shards_; }

 private:
  broker::Queue<Entry>& requests(std::size_t from, std::size_t to) { return *requests_[from * shards_ + to]; }
  broker::Queue<Entry>& deliveries(std::size_t from, std::size_t to) {
    return rings_ == Rings::one ? requests(from, to) : *deliveries_[from * shards_ + to];
  }

  // A shard's turn: publish what finds room, then read every ring as far as it goes.
  bool step(std::size_t self) {
    bool moved = false;
    for (std::size_t other = 0; other < shards_; ++other) {
      requests(self, other).reclaim([](Entry&) {});
      deliveries(self, other).reclaim([](Entry&) {});
    }
    for (std::size_t burst = random_.below(20); burst > 0 && to_publish_[self] > 0; --burst) {
      if (!requests(self, random_.below(shards_)).push({.kind = Entry::Kind::request})) break;
      --to_publish_[self];
      moved = true;
    }
    for (std::size_t from = 0; from < shards_; ++from) {
      moved |= drain(deliveries(from, self), self);
      if (rings_ == Rings::two) moved |= drain(requests(from, self), self);
    }
    for (std::size_t other = 0; other < shards_; ++other) {
      requests(self, other).flush();
      deliveries(self, other).flush();
    }
    return moved;
  }

  bool drain(broker::Queue<Entry>& ring, std::size_t self) {
    bool moved = false;
    for (Entry* entry = ring.front(); entry != nullptr; entry = ring.front()) {
      if (entry->kind == Entry::Kind::request && !deliver(self)) break;
      if (entry->kind == Entry::Kind::delivery) ++delivered_;
      ring.pop();
      moved = true;
    }
    (void)ring.release();
    return moved;
  }

  // One delivery to each shard, or none.
  bool deliver(std::size_t self) {
    for (std::size_t to = 0; to < shards_; ++to) {
      if (deliveries(self, to).room() == 0) return false;
    }
    for (std::size_t to = 0; to < shards_; ++to) REQUIRE(deliveries(self, to).push({.kind = Entry::Kind::delivery}));
    return true;
  }

  bool done() const { return delivered_ == expected(); }

  Random random_;
  const std::size_t shards_;
  const Rings rings_;
  std::vector<std::unique_ptr<broker::Queue<Entry>>> requests_;
  std::vector<std::unique_ptr<broker::Queue<Entry>>> deliveries_;
  std::vector<std::size_t> to_publish_;
  std::size_t delivered_ = 0;
};

}  // namespace

TEST_CASE("one ring for each pair of shards deadlocks, two do not") {
  int deadlocks = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    if (Model(Rings::one, seed).run() != 0) ++deadlocks;
    Model two(Rings::two, seed);
    CHECK(two.run() == 0);
    CHECK(two.delivered() == two.expected());
  }
  MESSAGE("one ring: " << deadlocks << " of 100 runs deadlock");
  CHECK(deadlocks > 50);
}
