// Bench: one home and the shards that ask it, whose halves of the rings a test works by hand.
#pragma once

#include <doctest/doctest.h>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/home_shard.h"
#include "broker/sample.h"

namespace ringcast::broker::test {

inline constexpr topics::HashKey kKey{.k0 = 1, .k1 = 2};
inline constexpr Now kNow{.monotonic = {1000}, .utc_us = 5};

using Lines = std::vector<std::string>;

// The home is shard 0.
class Bench {
 public:
  struct Options {
    std::uint32_t shards = 2;
    std::uint32_t requests = 8;
    std::uint32_t deliveries = 8;
    Config config = {};
  };

  Now now = kNow;  // what the next take() is told
  void pass(std::int64_t ms) {
    now.monotonic = now.monotonic + ms;
    now.utc_us += ms * 1'000;
  }

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

  topics::Message* message(std::uint32_t from, std::string_view topic, std::string_view payload,
                           topics::Op op = topics::Op::set) {
    return pools_[from].make({.topic = topic,
                              .topic_hash = topics::hash_name(kKey, topic),
                              .payload = {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()},
                              .op = op});
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
  void remove(std::uint32_t from, std::string_view topic) {
    ask(from, {.wants_ack = true, .message = message(from, topic, "", topics::Op::remove)});
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
  // Pulls what came after `since`; `goes_on`: with the cursor of the last end that drain() saw.
  void resume(std::uint32_t from, std::string_view filter, Pull pull, std::uint64_t since, bool goes_on = false,
              std::uint64_t position = UINT64_MAX) {
    ask(from, {.kind = Request::Kind::pull,
               .position = position,
               .after_seq = goes_on ? end_.seq : 0,
               .pull = pull,
               .after_topic = goes_on ? end_.topic : topics::TopicHandle{},
               .since = since,
               .message = message(from, filter, goes_on ? end_after_ : "")});
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
    const bool more = home_->take(now, budget);
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
      if (delivery->kind == Delivery::Kind::snapshot_end) {
        end_ = *delivery;
        end_after_ = delivery->message == nullptr ? "" : delivery->message->topic();
      }
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
  static std::string name(topics::Resumed resumed) {
    switch (resumed) {
      case topics::Resumed::recovered:
        return "";
      case topics::Resumed::conflated:
        return " conflated";
      case topics::Resumed::gap:
        return " gap";
    }
    return {};
  }
  static std::string name(const SlotId& slot) {
    return std::to_string(slot.index) + "." + std::to_string(slot.generation);
  }
  static std::string text(const Delivery& delivery) {
    const auto payload = [&] {
      const auto bytes = delivery.message->payload();
      return std::string(bytes.begin(), bytes.end());
    };
    switch (delivery.kind) {
      case Delivery::Kind::message:
        if (delivery.message->op == topics::Op::remove) return "remove " + std::to_string(delivery.message->seq);
        return "message " + payload();
      case Delivery::Kind::marker:
        return "marker " + std::to_string(delivery.position);
      case Delivery::Kind::snapshot:
        return "snapshot " + payload();
      case Delivery::Kind::snapshot_end:
        if (delivery.message == nullptr) return "end" + name(delivery.resumed);
        if (delivery.topic.valid()) return "more" + name(delivery.resumed);
        return "more" + name(delivery.resumed) + " after " + std::string(delivery.message->topic()) +
               (delivery.seq > 0 ? " " + std::to_string(delivery.seq) : "");
      case Delivery::Kind::ack:
        return "ack " + std::to_string(delivery.seq) + " " + std::string(broker::name(delivery.outcome));
      case Delivery::Kind::claimed:
        return "claimed " + std::to_string(delivery.ticket) + " " + std::string(broker::name(delivery.outcome));
      case Delivery::Kind::fenced:
        return "fenced " + name(delivery.slot);
      case Delivery::Kind::caught_up:
        return "caught up " + name(delivery.slot);
    }
    return {};
  }

  Config config_;
  Mesh mesh_;
  std::vector<topics::MessagePool> pools_;
  std::optional<HomeShard> home_;
  bool woke_ = false;
  Delivery end_;  // the last snapshot_end; its message is not to be read
  std::string end_after_;
};

}  // namespace ringcast::broker::test
