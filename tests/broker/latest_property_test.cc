// Newest values whatever happens: connections of many options, at random. What each was sent is held against what was
// published.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <string>

#include "tests/broker/latest_scene.h"
#include "tests/topics/random.h"
#include "topics/name.h"

namespace ringcast::broker::test {

namespace {

constexpr int kRatesHz[] = {0, 1, 10, 50};

class LatestTrial {
 public:
  explicit LatestTrial(std::uint32_t seed) : random_(seed) {
    for (std::size_t i = 0; i < peers_.size(); ++i) peers_[i].client = &scene_.connect(i % 2);
  }

  void step() {
    Peer& peer = peers_[random_.below(peers_.size())];
    const std::uint32_t dice = random_.below(100);
    if (dice < 50) {
      publish();
    } else if (dice < 62) {
      subscribe(peer);
    } else if (dice < 70) {
      unsubscribe(peer);
    } else if (dice < 72) {
      change(peer);
    } else if (dice < 76) {
      block_or_unblock(peer);
    } else {
      scene_.pass(random_.below(dice < 96 ? 60 : 1'500));
    }
    take();
  }

  // Everybody reads again, and there is time: nothing is owed to anybody.
  void finish() {
    for (Peer& peer : peers_) {
      if (peer.blocked) scene_.unblock(*peer.client);
    }
    for (int i = 0; i < 30; ++i) scene_.pass(100);
    take();
    for (Peer& peer : peers_) {
      for (const auto& [topic, seq] : peer.wanted) {
        CAPTURE(topic);
        REQUIRE(peer.got[topic] == seq);
      }
    }
    for (std::uint32_t i = 0; i < 2; ++i) {
      CHECK(scene_.served(i).owed() == 0);
      CHECK(scene_.served(i).table().empty());
      scene_.shard(i).subscriptions().check_invariants();
      scene_.served(i).table().check_invariants();
    }
  }

 private:
  struct Peer {
    Client* client = nullptr;
    std::map<int, std::string> live;              // subscription -> filter
    std::map<std::string, std::uint64_t> got;     // topic -> highest seq
    std::map<std::string, std::uint64_t> wanted;  // topic -> highest seq while a subscription matched
    bool blocked = false;

    [[nodiscard]] bool wants(const std::string& topic) const {
      return std::ranges::any_of(live, [&](const auto& one) { return topics::matches(one.second, topic); });
    }
  };

  void publish() {
    const std::string& topic = random_.of(topics_);
    scene_.publish(topic, std::to_string(++seqs_[topic]));
    for (Peer& peer : peers_) {
      if (peer.wants(topic)) peer.wanted[topic] = seqs_[topic];
    }
  }

  void subscribe(Peer& peer) {
    const std::string& filter = random_.of(filters_);
    peer.live[++ids_] = filter;
    const std::string more = random_.percent(80) ? "" : R"(,"echo":false)";
    scene_.say(*peer.client, random_.percent(25) ? test::subscribe(ids_, filter, more)
                                                 : latest(ids_, filter, kRatesHz[random_.below(4)], more));
  }

  void unsubscribe(Peer& peer) {
    if (peer.live.empty() || peer.blocked) return;
    const int id = any_of(peer);
    scene_.say(*peer.client, R"({"unsubscribe":{"id":1,"subscription":)" + std::to_string(id) + "}}");
    peer.live.erase(id);
    std::erase_if(peer.wanted, [&](const auto& one) { return !peer.wants(one.first); });
  }

  void change(Peer& peer) {
    if (peer.live.empty()) return;
    const int id = any_of(peer);
    const std::string what =
        random_.percent(25) ? ""
                            : R"(,"delivery":"latest","max_rate_hz":)" + std::to_string(kRatesHz[random_.below(4)]);
    scene_.say(*peer.client, R"({"change":{"id":1,"subscription":)" + std::to_string(id) + what + "}}");
  }

  void block_or_unblock(Peer& peer) {
    if (peer.blocked) {
      scene_.unblock(*peer.client);
    } else {
      scene_.block(*peer.client);
    }
    peer.blocked = !peer.blocked;
  }

  // What has come is newer than what had, and is what was published under its number.
  void take() {
    for (Peer& peer : peers_) {
      for (const std::string& json : scene_.take(*peer.client)) {
        if (!is_kind(json, "message")) continue;
        const std::string topic = value_of(json, "topic");
        const std::uint64_t seq = number_of(json, "seq");
        CAPTURE(json);
        REQUIRE(seq > peer.got[topic]);
        REQUIRE(value_of(json, "text") == std::to_string(seq));
        peer.got[topic] = seq;
      }
    }
  }

  [[nodiscard]] int any_of(const Peer& peer) {
    return std::next(peer.live.begin(), random_.below(peer.live.size()))->first;
  }

  const Texts topics_{"a", "a/b", "a/c", "b", "b/c", "c"};
  const Texts filters_{"#", "a/#", "+", "a/b", "b", "+/c", "c"};
  topics::test::Random random_;
  Scene scene_;
  std::array<Peer, 6> peers_;
  std::map<std::string, std::uint64_t> seqs_;
  int ids_ = 0;
};

}  // namespace

TEST_CASE("latest: whatever happens, the final values arrive, none older after a newer, none that nobody wants") {
  for (std::uint32_t seed = 1; seed <= 25; ++seed) {
    CAPTURE(seed);
    LatestTrial trial(seed);
    for (int step = 0; step < 300; ++step) {
      CAPTURE(step);
      trial.step();
    }
    trial.finish();
  }
}

}  // namespace ringcast::broker::test
