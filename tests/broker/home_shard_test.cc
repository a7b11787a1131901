#include "broker/home_shard.h"

#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

using namespace ringcast;
using namespace ringcast::broker;

namespace {

constexpr topics::HashKey kKey{.k0 = 1, .k1 = 2};
constexpr Now kNow{.monotonic = {1000}, .utc_us = 5};

// One home (shard 0) and the shards that ask it, whose halves of the rings the test works by hand.
class Bench {
 public:
  struct Options {
    std::uint32_t shards = 2;
    std::uint32_t requests = 8;
    std::uint32_t deliveries = 8;
    Config config = {};
  };

  explicit Bench(Options options)
      : config_(std::move(options.config)),
        mesh_({.shards = options.shards,
               .requests_capacity = options.requests,
               .deliveries_capacity = options.deliveries}),
        pools_(options.shards) {
    home_.emplace(mesh_, 0, kKey, config_, pools_[0]);
  }

  ~Bench() { home_.reset(); }

  HomeShard& home() { return *home_; }
  topics::MessagePool& pool(std::uint32_t shard) { return pools_[shard]; }
  void destroy_home() { home_.reset(); }

  topics::Message* message(std::uint32_t from, std::string_view topic, std::string_view payload) {
    return pools_[from].make({.topic = topic,
                              .topic_hash = topics::hash_name(kKey, topic),
                              .payload = {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()}});
  }

  void ask(std::uint32_t from, Request request) {
    if (request.kind == Request::Kind::publish) {
      request.bytes = request.message->payload_size;
      request.same_pool = from == 0;
      request.sender_releases = from != 0 && pools_[from].hand_over(request.message) == topics::Passing::copied;
    }
    REQUIRE(mesh_.requests(from, 0).push(request));
    mesh_.requests(from, 0).flush();
  }
  void publish(std::uint32_t from, std::string_view topic, std::string_view payload, Request request = {}) {
    request.message = message(from, topic, payload);
    ask(from, request);
  }
  void subscribe(std::uint32_t from, std::string_view filter) {
    ask(from, {.kind = Request::Kind::subscribe, .first = true, .message = message(from, filter, "")});
  }
  void pull(std::uint32_t from, std::string_view filter, std::string_view after = {}) {
    ask(from, {.kind = Request::Kind::pull, .position = UINT64_MAX, .message = message(from, filter, after)});
  }
  void replay(std::uint32_t from, std::string_view filter, std::uint32_t replay_max, std::string_view after = {},
              std::uint64_t after_seq = 0) {
    ask(from, {.kind = Request::Kind::pull,
               .position = UINT64_MAX,
               .replay_max = replay_max,
               .after_seq = after_seq,
               .message = message(from, filter, after)});
  }
  // The ticket of a claim is its incarnation.
  void claim(std::uint32_t from, std::uint32_t slot, std::uint32_t incarnation, std::uint64_t producer = 7) {
    ask(from, {.kind = Request::Kind::claim,
               .ticket = incarnation,
               .slot = {.index = slot, .generation = 1},
               .repeat = topics::ProducerSeq{.id = producer, .incarnation = incarnation}});
  }

  bool take(std::uint32_t budget = 100) {
    home_->reclaim();
    const bool more = home_->take(kNow, budget);
    (void)home_->flush();
    return more;
  }

  // What lies unread in a shard's ring of deliveries, up to `count_max`, as kind and payload; reads it.
  std::vector<std::string> drain(std::uint32_t shard, std::size_t count_max = 100) {
    std::vector<std::string> seen;
    Queue<Delivery>& ring = mesh_.deliveries(0, shard);
    while (seen.size() < count_max) {
      const Delivery* delivery = ring.front();
      if (delivery == nullptr) break;
      seen.push_back(text(*delivery));
      ring.pop();
    }
    woke_ = ring.release();
    return seen;
  }
  // Whether the last drain() found that the home had asked to be woken.
  bool woke() const { return woke_; }

  // The asking shards get their messages back.
  void reclaim_requests() {
    for (std::uint32_t from = 0; from < mesh_.shards(); ++from) {
      mesh_.requests(from, 0).reclaim([&](Request& request) {
        if (request.message != nullptr && request.sender_releases) pools_[from].release(request.message);
      });
    }
  }

  Mesh& mesh() { return mesh_; }

  static std::string name(Outcome outcome) {
    switch (outcome) {
      case Outcome::sequenced:
        return "sequenced";
      case Outcome::expired:
        return "expired";
      case Outcome::too_many_topics:
        return "too_many_topics";
      case Outcome::memory_full:
        return "memory_full";
      case Outcome::duplicate:
        return "duplicate";
      case Outcome::too_old:
        return "too_old";
      case Outcome::fenced:
        return "fenced";
      case Outcome::too_many_producers:
        return "too_many_producers";
      case Outcome::key_reused:
        return "key_reused";
    }
    return {};
  }

 private:
  static std::string text(const Delivery& delivery) {
    const auto payload = [&] {
      const auto bytes = delivery.message->payload();
      return std::string(bytes.begin(), bytes.end());
    };
    switch (delivery.kind) {
      case Delivery::Kind::message:
        return "message " + payload();
      case Delivery::Kind::marker:
        return "marker " + std::to_string(delivery.position);
      case Delivery::Kind::snapshot:
        return "snapshot " + payload();
      case Delivery::Kind::snapshot_end:
        if (delivery.message == nullptr) return "end";
        return "more after " + std::string(delivery.message->topic()) +
               (delivery.seq > 0 ? " " + std::to_string(delivery.seq) : "");
      case Delivery::Kind::ack:
        return "ack " + std::to_string(delivery.seq) + " " + name(delivery.outcome);
      case Delivery::Kind::claimed:
        return "claimed " + std::to_string(delivery.ticket) + " " + name(delivery.outcome);
      case Delivery::Kind::fenced:
        return "fenced " + std::to_string(delivery.slot.index) + "." + std::to_string(delivery.slot.generation);
    }
    return {};
  }

  Config config_;
  Mesh mesh_;
  std::vector<topics::MessagePool> pools_;
  std::optional<HomeShard> home_;
  bool woke_ = false;
};

using Lines = std::vector<std::string>;

// A publish of producer 7 by the connection in this slot.
Request numbered(std::uint64_t seq, std::uint64_t incarnation = 1, std::uint32_t slot = 5) {
  return {.wants_ack = true,
          .slot = {.index = slot, .generation = 1},
          .repeat = topics::ProducerSeq{.id = 7, .incarnation = incarnation, .seq = seq}};
}

Request keyed(std::uint64_t key, std::uint64_t body) {
  return {.wants_ack = true, .repeat = topics::KeyedBody{.key_high = 1, .key_low = key, .body = body}};
}

}  // namespace

TEST_CASE("a pull that finds one slot waits, and asks its reader to wake the home") {
  Bench bench({.deliveries = 2});
  bench.publish(1, "a", "1");
  bench.subscribe(1, "#");
  CHECK_FALSE(bench.take());
  bench.pull(1, "#");
  CHECK_FALSE(bench.take());  // the ring holds the marker: one slot is left, a pull needs two
  CHECK(bench.home().counters().stalls == 1);

  CHECK_FALSE(bench.home().has_requests());
  CHECK_FALSE(bench.home().ask_for_room());
  CHECK(bench.drain(1) == Lines{"marker 1"});
  CHECK(bench.woke());
  CHECK_FALSE(bench.take());
  CHECK(bench.drain(1) == Lines{"snapshot 1", "end"});
}

TEST_CASE("a home that goes frees what its readers have not passed") {
  // A large message is a heap block: the leak checker would report it.
  Bench bench({});
  bench.subscribe(1, "a");
  bench.take();
  bench.publish(0, "a", std::string(10'000, 'x'));
  bench.publish(0, "a", std::string(10'000, 'y'));
  bench.take();
  CHECK(bench.drain(1, 2).size() == 2);
  CHECK(bench.pool(0).live() == 2);
  bench.destroy_home();
  CHECK(bench.pool(0).live() == 0);
}

TEST_CASE("a producer's repeat is acknowledged as a duplicate and neither sequenced nor delivered") {
  Bench bench({});
  bench.subscribe(1, "a");
  bench.take();
  CHECK(bench.drain(1) == Lines{"marker 0"});
  bench.publish(0, "a", "x", numbered(1));
  bench.publish(0, "a", "x", numbered(1));
  bench.publish(0, "a", "y", numbered(2));
  bench.take();
  CHECK(bench.drain(0) == Lines{"ack 1 sequenced", "ack 0 duplicate", "ack 2 sequenced"});
  CHECK(bench.drain(1) == Lines{"message x", "message y"});
  CHECK(bench.home().counters().published == 2);
  CHECK(bench.home().counters().duplicates == 1);
  CHECK(bench.home().counters().refused == 0);
  CHECK(bench.home().home().position() == 2);
}

TEST_CASE("a repeat that wants no ack gets none, and its message's memory is given back") {
  Bench bench({.shards = 3});
  for (const std::uint32_t from : {2U, 0U, 1U}) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{10'000}}) {  // small and large pass in two ways
      Request request = numbered(size == 1 ? 1 : 2);
      request.wants_ack = false;
      bench.publish(from, "a", std::string(size, 'x'), request);
    }
    bench.take();
    CHECK(bench.drain(from).empty());
  }
  CHECK(bench.home().counters().duplicates == 4);
  CHECK(bench.home().counters().published == 2);
  bench.reclaim_requests();
  CHECK(bench.pool(0).live() == 1);  // the last value
  CHECK(bench.pool(1).live() == 0);
  CHECK(bench.pool(2).live() == 0);
}

TEST_CASE("a number below the window, and one of an older incarnation, are refused by name") {
  Bench bench({});
  bench.publish(1, "a", "x", numbered(topics::Producers::kWindow + 1, 2));
  bench.publish(1, "a", "x", numbered(2, 2));
  bench.publish(1, "a", "x", numbered(1, 2));
  bench.publish(1, "a", "x", numbered(topics::Producers::kWindow + 2, 1));
  bench.take();
  CHECK(bench.drain(1) == Lines{"ack 1 sequenced", "ack 2 sequenced", "ack 0 too_old", "ack 0 fenced"});
  CHECK(bench.home().counters().refused == 2);
}

TEST_CASE("a new producer beyond max-producers is refused; its claim too") {
  Bench bench({.config = {.producers_max = 1}});
  bench.publish(1, "a", "x", numbered(1));
  Request other = numbered(1);
  other.repeat = topics::ProducerSeq{.id = 8, .incarnation = 1, .seq = 1};
  bench.publish(1, "a", "x", other);
  bench.claim(1, 5, 9, 8);
  bench.take();
  CHECK(bench.drain(1) == Lines{"ack 1 sequenced", "ack 0 too_many_producers", "claimed 9 too_many_producers"});
}

TEST_CASE("what was not published is not remembered: its number and its key can come again") {
  Bench bench({.config = {.topics_max = 2}});  // one for each of two shards
  bench.publish(1, "a", "x");
  bench.publish(1, "b", "x", numbered(1));
  bench.publish(1, "b", "x", keyed(1, 1));
  bench.publish(1, "a", "x", numbered(1));
  bench.publish(1, "a", "x", keyed(1, 2));
  bench.take();
  CHECK(bench.drain(1) ==
        Lines{"ack 0 too_many_topics", "ack 0 too_many_topics", "ack 2 sequenced", "ack 3 sequenced"});
}

TEST_CASE("a publish that waits for room is checked again each time and recorded once") {
  Bench bench({.deliveries = 2});
  bench.subscribe(0, "a");
  bench.take();
  bench.publish(1, "a", "x", numbered(1));
  bench.publish(1, "a", "x", keyed(1, 1));
  CHECK_FALSE(bench.take());  // to shard 0 there is one slot: enough for the first alone
  CHECK_FALSE(bench.take());
  CHECK(bench.home().counters().published == 1);
  CHECK(bench.home().counters().stalls == 2);
  CHECK(bench.home().repeats().keys().size() == 0);
  CHECK(bench.drain(0) == Lines{"marker 0", "message x"});
  CHECK(bench.drain(1) == Lines{"ack 1 sequenced"});
  CHECK_FALSE(bench.take());
  CHECK(bench.drain(1) == Lines{"ack 2 sequenced"});
  CHECK(bench.home().counters().published == 2);
  CHECK(bench.home().counters().duplicates == 0);
  CHECK(bench.home().repeats().keys().size() == 1);
}

TEST_CASE("a repeat that finds no room for its ack waits and is counted once") {
  Bench bench({.deliveries = 1});
  bench.publish(1, "a", "x", numbered(1));
  bench.publish(1, "a", "x", numbered(1));
  CHECK_FALSE(bench.take());
  CHECK_FALSE(bench.take());
  CHECK(bench.home().counters().duplicates == 0);
  CHECK(bench.drain(1) == Lines{"ack 1 sequenced"});
  CHECK_FALSE(bench.take());
  CHECK(bench.drain(1) == Lines{"ack 0 duplicate"});
  CHECK(bench.home().counters().duplicates == 1);
}

TEST_CASE("a key's repeat is acknowledged with what the first became; with another body it is refused") {
  Bench bench({});
  bench.publish(1, "b", "x");
  bench.publish(1, "a", "x", keyed(1, 1));
  bench.publish(1, "a", "x", keyed(1, 1));
  bench.publish(1, "a", "z", keyed(1, 2));
  bench.publish(1, "a", "x", keyed(2, 1));
  bench.take();
  const Delivery* delivery = bench.mesh().deliveries(0, 1).front();
  REQUIRE(delivery != nullptr);
  const Delivery first = *delivery;
  CHECK(first.position == 2);
  CHECK(first.time_us == kNow.utc_us);
  bench.mesh().deliveries(0, 1).pop();
  delivery = bench.mesh().deliveries(0, 1).front();
  REQUIRE(delivery != nullptr);
  CHECK(delivery->seq == first.seq);
  CHECK(delivery->position == first.position);
  CHECK(delivery->time_us == first.time_us);
  CHECK(bench.drain(1) == Lines{"ack 1 duplicate", "ack 0 key_reused", "ack 2 sequenced"});
}

TEST_CASE("a repeat that comes after its deadline is still a duplicate: it was published") {
  Bench bench({});
  Request late = keyed(1, 1);
  late.deadline = kNow.monotonic + -1;
  bench.publish(1, "a", "x", keyed(1, 1));
  bench.publish(1, "a", "x", late);
  late.repeat = topics::KeyedBody{.key_low = 9};
  bench.publish(1, "a", "x", late);
  bench.take();
  CHECK(bench.drain(1) == Lines{"ack 1 sequenced", "ack 1 duplicate", "ack 0 expired"});
}

TEST_CASE("a claim tells the connection that published before, and refuses what comes of it from then on") {
  Bench bench({.shards = 3});
  bench.publish(1, "a", "x", numbered(1, 1, 5));
  bench.take();
  bench.claim(2, 8, 2);
  bench.take();
  bench.publish(1, "a", "x", numbered(2, 1, 5));
  bench.publish(2, "a", "x", numbered(1, 2, 8));
  bench.publish(2, "a", "x", numbered(2, 2, 8));
  bench.take();
  CHECK(bench.drain(1) == Lines{"ack 1 sequenced", "fenced 5.1", "ack 0 fenced"});
  CHECK(bench.drain(2) == Lines{"claimed 2 duplicate", "ack 0 duplicate", "ack 2 sequenced"});
  bench.claim(1, 5, 1);
  bench.take();
  CHECK(bench.drain(1) == Lines{"claimed 1 fenced"});
  CHECK(bench.drain(2).empty());
}

TEST_CASE("a claim waits until there is room for both answers, on two shards or on one") {
  for (const std::uint32_t other : {1U, 2U}) {
    CAPTURE(other);
    Bench bench({.shards = 3, .deliveries = 2});
    bench.claim(other, 5, 1);
    CHECK_FALSE(bench.take());
    bench.claim(1, 8, 2);
    bench.publish(other, "a", "x", numbered(1, 1, 5));
    bench.take();
    if (other == 1) {  // one slot is left on its shard: a claim of which both ends are there needs two
      CHECK(bench.home().counters().stalls == 1);
      CHECK(bench.drain(1) == Lines{"claimed 1 sequenced"});
      bench.take();
      CHECK(bench.drain(1) == Lines{"fenced 5.1", "claimed 2 duplicate"});
      bench.take();
      CHECK(bench.drain(1) == Lines{"ack 0 fenced"});
    } else {
      CHECK(bench.home().counters().stalls == 1);  // the publish behind it
      CHECK(bench.drain(1) == Lines{"claimed 2 duplicate"});
      CHECK(bench.drain(2) == Lines{"claimed 1 sequenced", "fenced 5.1"});
    }
  }
}

TEST_CASE("a claim waits for room on the shard of the one that it fences, which is asked to make room") {
  Bench bench({.shards = 3, .deliveries = 1});
  bench.claim(2, 5, 1);
  bench.take();
  bench.claim(1, 8, 2);
  bench.take();
  CHECK(bench.home().counters().stalls == 1);
  CHECK(bench.drain(1).empty());
  CHECK_FALSE(bench.home().ask_for_room());
  CHECK(bench.drain(2) == Lines{"claimed 1 sequenced"});
  CHECK(bench.woke());
  bench.take();
  CHECK(bench.drain(1) == Lines{"claimed 2 duplicate"});
  CHECK(bench.drain(2) == Lines{"fenced 5.1"});
}

TEST_CASE("a replay comes in chunks, oldest first, and goes on in the middle of a topic") {
  Bench bench({.deliveries = 4, .config = {.history = 5}});
  for (const char* payload : {"1", "2", "3", "4"}) bench.publish(1, "a", payload);
  bench.publish(1, "b", "5");
  bench.take();
  bench.reclaim_requests();
  bench.replay(1, "#", 3);
  bench.take();
  CHECK(bench.drain(1) == Lines{"snapshot 2", "snapshot 3", "snapshot 4", "more after a"});
  bench.replay(1, "#", 4);
  bench.take();
  CHECK(bench.drain(1) == Lines{"snapshot 1", "snapshot 2", "snapshot 3", "more after a 3"});
  bench.replay(1, "#", 4, "a", 3);
  bench.take();
  CHECK(bench.drain(1) == Lines{"snapshot 4", "snapshot 5", "end"});
  bench.replay(1, "#", 4, "b");
  bench.take();
  CHECK(bench.drain(1) == Lines{"end"});
}
