// A broker that restarts, forgets and loses connections at random, from a seed: what the client says of its publishes
// must be true of what the broker has.
#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "tests/client/engine_rig.h"

using namespace ringcast;
using ringcast::test::EngineRig;
using ringcast::test::FakeBroker;

namespace {

// The broker behind all connections: one topic; it knows repeats by producer and number, until it restarts.
struct Truth {
  std::uint64_t epoch = 1;
  std::uint64_t producer = 1;
  std::uint64_t seq = 0;
  std::set<std::pair<std::string, std::uint64_t>> seen;              // producer, number; of this epoch
  std::map<std::uint64_t, std::vector<std::string>> sequenced;       // by epoch
  std::vector<std::pair<std::string, std::string>> delivered_twice;  // within an epoch, though the producer was known

  [[nodiscard]] std::string epoch_text() const { return "epoch" + std::to_string(epoch); }
  [[nodiscard]] std::string producer_text() const { return "producer" + std::to_string(producer); }
};

// Sequences the requests that have come since `from`, and acknowledges some.
void serve(Truth& truth, FakeBroker& broker, std::size_t& from, const std::string& producer, std::mt19937_64& random) {
  std::vector<proto::Ack> acks;
  for (; from < broker.heard.size(); ++from) {
    const test::Heard& heard = broker.heard[from];
    if (heard.kind != "publish") continue;
    const bool fresh = truth.seen.emplace(producer, heard.producer_seq).second;
    if (fresh) truth.sequenced[truth.epoch].push_back(heard.payload);
    acks.push_back({.id = heard.id, .seq = fresh ? ++truth.seq : 0, .duplicate = !fresh});
  }
  std::ranges::shuffle(acks, random);  // their homes are different shards
  for (const proto::Ack& ack : acks) broker.say(ack);
}

void check_truth(const Truth& truth, const EngineRig& rig, int published) {
  std::map<std::string, int> times;
  for (const auto& [epoch, payloads] : truth.sequenced) {
    for (const std::string& payload : payloads) ++times[payload];
  }
  std::set<std::string> answered;
  for (const auto& [payload, result] : rig.results) {
    REQUIRE_MESSAGE(answered.insert(payload).second, "two results of one publish: " << payload);
    const bool had = result.status == PublishStatus::sequenced || result.status == PublishStatus::duplicate;
    REQUIRE(had);
    if (result.maybe_twice) {
      REQUIRE(times[payload] >= 1);
    } else {
      REQUIRE_MESSAGE(times[payload] == 1, payload << " was published " << times[payload] << " times, untold");
    }
  }
  REQUIRE(answered.size() == static_cast<std::size_t>(published));
}

void run(std::uint64_t seed) {
  CAPTURE(seed);
  std::mt19937_64 random(seed);
  Truth truth;
  EngineRig rig;
  int published = 0;
  std::string producer;
  std::size_t served = 0;
  for (int round = 0; round < 60; ++round) {
    const bool last = round == 59;
    for (std::size_t more = random() % 8; more > 0; --more) rig.publish(std::to_string(published++));
    if (!rig.engine().attached()) {
      if (random() % 4 == 0) {  // restarted meanwhile
        ++truth.epoch;
        ++truth.producer;
        truth.seen.clear();
      } else if (random() % 8 == 0) {  // or it forgot the producer
        ++truth.producer;
      }
      producer = truth.producer_text();
      rig.begin({.epoch = truth.epoch_text(), .producer_id = producer, .known = {producer}});
      served = 0;
    }
    rig.to_broker(1 + random() % 200);
    serve(truth, *rig.broker, served, producer, random);
    if (!last && random() % 3 == 0) {  // the connection breaks: some of what the broker said arrives
      std::vector<std::uint8_t> bytes = rig.broker->release();
      const std::size_t size = bytes.empty() ? 0 : random() % bytes.size();
      rig.engine().received(std::span(bytes).first(size), rig.now_ms);
      if (rig.engine().attached()) rig.cut();
      continue;
    }
    rig.from_broker(1 + random() % 200);
  }
  for (int i = 0; i < 4; ++i) {
    rig.to_broker();
    serve(truth, *rig.broker, served, producer, random);
    rig.from_broker();
  }
  check_truth(truth, rig, published);
}

}  // namespace

TEST_CASE("Engine tells the truth of every publish over connections that break and brokers that restart") {
  for (std::uint64_t seed = 1; seed <= 80; ++seed) run(seed);
}
