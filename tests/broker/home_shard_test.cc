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
        return delivery.message == nullptr ? "end" : "more after " + std::string(delivery.message->topic());
      case Delivery::Kind::ack:
        return "ack " + std::to_string(delivery.seq) + " outcome " + std::to_string(static_cast<int>(delivery.outcome));
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
