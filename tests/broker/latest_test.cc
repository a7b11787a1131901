#include "broker/latest.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "tests/broker/full_bench.h"
#include "tests/topics/random.h"
#include "topics/name.h"

namespace ringcast::broker {

namespace {

using test::Client;
using test::FullBench;
using Texts = std::vector<std::string>;

std::string value_of(const std::string& json, std::string_view name) {
  const std::string key = "\"" + std::string(name) + "\":";
  std::size_t at = json.find(key);
  if (at == std::string::npos) return "";
  at += key.size();
  const bool quoted = json[at] == '"';
  if (quoted) ++at;
  return json.substr(at, json.find_first_of(quoted ? "\"" : ",}]", at) - at);
}

std::string subscribe(int id, std::string_view filter, std::string_view more = "") {
  return R"({"subscribe":{"id":)" + std::to_string(id) + R"(,"filter":")" + std::string(filter) + "\"" +
         std::string(more) + "}}";
}

std::string latest(int id, std::string_view filter, int rate, std::string_view more = "") {
  return subscribe(id, filter, R"(,"delivery":"latest","max_rate_hz":)" + std::to_string(rate) + std::string(more));
}

// A broker of two shards, somebody who publishes, and the time.
struct Scene : FullBench {
  Scene() { now.monotonic = {100'000}; }

  void publish(std::string_view topic, std::string_view text, std::string_view op = "set") {
    const bool removes = op == "remove";
    say(publisher, R"({"publish":{"topic":")" + std::string(topic) + R"(","op":")" + std::string(op) +
                       (removes ? "\"" : R"(","text":")" + std::string(text) + "\"") + "}}");
  }
  void pass(std::int64_t ms) {
    now.monotonic = now.monotonic + ms;
    settle();
  }
  // The socket takes nothing; it does again.
  void block(Client& client) {
    client.reads = false;
    shard(client.shard).blocked(client.slot);
  }
  void unblock(Client& client) {
    client.reads = true;
    shard(client.shard).unblocked(client.slot);
    settle();
  }
  // topic=text of the messages that came since, in order.
  Texts values(Client& client) {
    Texts texts;
    for (const std::string& text : take(client)) {
      if (text.starts_with(R"({"message":)")) texts.push_back(value_of(text, "topic") + "=" + value_of(text, "text"));
    }
    return texts;
  }
  [[nodiscard]] const Latest& served(std::uint32_t index = 0) { return shard(index).latest(); }
  [[nodiscard]] bool shares(const Client& client) {
    const Session& session = *shard(client.shard).sessions().find(client.slot);
    return shard(client.shard).subscriptions().shares(session.subscriptions.front().place);
  }

  Client& publisher = connect(0);
};

}  // namespace

TEST_CASE("latest: at each tick the newest value of each topic that changed, in the order in which they first did") {
  Scene scene;
  Client& client = scene.connect(0);
  scene.ask(client, latest(1, "t/#", 10));
  for (const char* text : {"1", "2", "3"}) {
    scene.publish("t/a", text);
    scene.publish("t/b", text);
  }
  scene.publish("t/c", "1");
  scene.publish("t/a", "4");
  CHECK(scene.values(client).empty());
  scene.pass(99);
  CHECK(scene.values(client).empty());
  scene.pass(1);
  CHECK(scene.values(client) == Texts{"t/a=4", "t/b=3", "t/c=1"});
  scene.pass(1'000);
  CHECK(scene.values(client).empty());
  scene.publish("t/b", "5");
  scene.pass(100);
  CHECK(scene.values(client) == Texts{"t/b=5"});
  CHECK(scene.served().owed() == 0);
  CHECK(scene.served().table().empty());
}

TEST_CASE("latest: without a rate a value comes at once, of several in one turn the newest") {
  Scene scene;
  Client& client = scene.connect(0);
  scene.ask(client, latest(1, "t/#", 0));
  scene.publish("t/a", "1");
  CHECK(scene.values(client) == Texts{"t/a=1"});
  for (const char* text : {"2", "3", "4"}) {
    scene.whisper(scene.publisher, R"({"publish":{"topic":"t/a","text":")" + std::string(text) + R"("}})");
  }
  scene.settle();
  CHECK(scene.values(client) == Texts{"t/a=4"});
}

TEST_CASE("latest: raw subscribers choose by their URL; text as text") {
  Scene scene;
  for (const char* query : {"?delivery=latest&rate=10", "?rate=10&delivery=latest", "?delivery=latest"}) {
    CAPTURE(query);
    const bool paced = std::string_view(query).find("rate") != std::string_view::npos;
    Client& client = scene.connect(0, std::string("/topics/a/%23") + query, "ringcast.v1.raw");
    for (const char* text : {"1", "2", "3"}) scene.publish("a/b", text);
    CHECK(scene.take(client) == (paced ? Texts{} : Texts{"1", "2", "3"}));
    scene.pass(100);
    CHECK(scene.take(client) == (paced ? Texts{"3"} : Texts{}));
    scene.publish("a/b", "", "remove");  // which raw has no word for
    scene.pass(100);
    CHECK(scene.take(client).empty());
    CHECK(scene.served().owed() == 0);
  }
}

TEST_CASE("latest: parameters that make no sense are refused by name") {
  FullBench bench;
  struct Row {
    const char* target;
    const char* protocol;
    const char* says;
  };
  const std::vector<Row> rows{
      {"/topics/a?delivery=newest", "ringcast.v1.raw", "delivery=newest"},
      {"/topics/a?rate=10", "ringcast.v1.raw", "parameter rate"},
      {"/topics/a?delivery=every&rate=10", "ringcast.v1.json", "parameter rate"},
      {"/topics/a?delivery=latest&rate=", "ringcast.v1.raw", "rate="},
      {"/topics/a?delivery=latest&rate=-1", "ringcast.v1.raw", "rate=-1"},
      {"/topics/a?delivery=latest&rate=nan", "ringcast.v1.raw", "rate=nan"},
      {"/topics/a?delivery=latest&rate=1e999", "ringcast.v1.raw", "rate=1e999"},
      {"/topics/a?delivery=latest&rate=10x", "ringcast.v1.raw", "rate=10x"},
      {"/topics/a?delivery=latest&rate=1001", "ringcast.v1.raw", "rate=1001"},
      {"/topics/a?delivery=latest&rate=0.0009", "ringcast.v1.raw", "rate=0.0009"},
      {"/topics/a?mode=pub&delivery=latest", "ringcast.v1.raw", "mode=pub"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.target);
    const std::string head = bench.try_connect(0, row.target, row.protocol);
    CHECK(head.starts_with("HTTP/1.1 400 "));
    CHECK_MESSAGE(head.find(row.says) != std::string::npos, head);
  }
  for (const char* rate : {"0", "0.001", "1000", "2.5", "1e1"}) {
    CAPTURE(rate);
    (void)bench.connect(0, "/topics/a?delivery=latest&rate=" + std::string(rate), "ringcast.v1.raw");
  }
}

TEST_CASE("latest: one encoding per tick and group, however many members; and the next tick they all share it") {
  Scene scene;
  std::vector<Client*> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(&scene.connect(0, "/topics/t/%23?delivery=latest&rate=10", "ringcast.v1.json"));
  }
  for (Client* const client : clients) scene.take(*client);
  std::uint64_t encoded = 0;
  for (int round = 0; round < 3; ++round) {
    for (int change = 0; change < 5; ++change) {
      for (const char* topic : {"t/a", "t/b", "t/c"}) scene.publish(topic, std::to_string(round));
    }
    scene.pass(100);
    for (Client* const client : clients) CHECK(scene.take(*client).size() == 3);
    CHECK(scene.served().renderings().counters().encodings - encoded == 3);
    encoded = scene.served().renderings().counters().encodings;
    for (Client* const client : clients) CHECK(scene.shares(*client));
  }
  CHECK(scene.served().counters().shared == 20);
  CHECK(scene.served().counters().sent == 3 * 3 * 20);
}

TEST_CASE("latest: an event is sent after the newest value, of several the newest; a removal is a value") {
  Scene scene;
  Client& client = scene.connect(0);
  scene.ask(client, latest(1, "t", 10));
  scene.publish("t", "e0", "event");
  scene.publish("t", "v1");
  scene.publish("t", "e1", "event");
  scene.publish("t", "e2", "event");
  scene.pass(100);
  CHECK(scene.values(client) == Texts{"t=v1", "t=e2"});
  scene.publish("t", "e3", "event");
  scene.pass(100);
  CHECK(scene.values(client) == Texts{"t=e3"});  // the value is older than what it has
  scene.publish("t", "v2");
  scene.publish("t", "", "remove");
  scene.pass(100);
  const Texts heard = scene.take(client);
  REQUIRE(heard.size() == 1);
  CHECK(value_of(heard[0], "op") == "remove");
}

TEST_CASE("latest: who is behind leaves with what it is owed, delays nobody, and returns when it has caught up") {
  Scene scene;
  Client& slow = scene.connect(0, "/topics/t/%23?delivery=latest&rate=10", "ringcast.v1.json");
  Client& fast = scene.connect(0, "/topics/t/%23?delivery=latest&rate=10", "ringcast.v1.json");
  scene.publish("t/a", "0");
  scene.pass(100);
  CHECK(scene.values(slow) == Texts{"t/a=0"});
  CHECK(scene.shares(slow));
  scene.values(fast);
  scene.block(slow);
  for (const char* text : {"1", "2", "3"}) {
    scene.publish("t/a", text);
    scene.publish(std::string("t/only") + text, text);
    scene.pass(100);
    CHECK(scene.values(fast) == Texts{std::string("t/a=") + text, std::string("t/only") + text + "=" + text});
  }
  CHECK_FALSE(scene.shares(slow));
  CHECK(scene.shares(fast));
  CHECK(scene.served().owed() == 4);
  scene.unblock(slow);
  CHECK(scene.values(slow) == Texts{"t/a=3", "t/only1=1", "t/only2=2", "t/only3=3"});
  scene.publish("t/a", "4");
  scene.pass(100);
  CHECK(scene.values(slow) == Texts{"t/a=4"});
  CHECK(scene.shares(slow));
  scene.publish("t/a", "5");
  scene.pass(100);
  CHECK(scene.values(slow) == Texts{"t/a=5"});
  CHECK(scene.values(fast) == Texts{"t/a=4", "t/a=5"});
}

TEST_CASE("latest: EVERY goes before it, and takes what a tick would have brought later") {
  Scene scene;
  Client& client = scene.connect(0);
  scene.ask(client, latest(1, "t/#", 10));
  scene.publish("t/a", "1");
  scene.publish("t/b", "1");
  scene.ask(client, subscribe(2, "t/a"));
  scene.publish("t/a", "2");
  scene.publish("t/a", "3");
  CHECK(scene.values(client) == Texts{"t/a=2", "t/a=3"});
  scene.pass(100);
  CHECK(scene.values(client) == Texts{"t/b=1"});
}

TEST_CASE("latest: of two rates over one topic the higher counts, each message comes once") {
  Scene scene;
  Client& client = scene.connect(0);
  scene.ask(client, latest(1, "t/#", 1));
  scene.ask(client, latest(2, "t/a", 10));
  scene.publish("t/a", "1");
  scene.publish("t/b", "1");
  scene.pass(100);
  CHECK(scene.values(client) == Texts{"t/a=1"});
  scene.publish("t/a", "2");
  scene.pass(100);
  CHECK(scene.values(client) == Texts{"t/a=2"});
  scene.pass(800);
  CHECK(scene.values(client) == Texts{"t/b=1"});
}

TEST_CASE("latest: to end one of two subscriptions over a topic keeps what the other is owed") {
  Scene scene;
  Client& client = scene.connect(0);
  scene.ask(client, latest(1, "t/#", 1));
  scene.ask(client, latest(2, "t/a", 10));
  scene.ask(client, latest(3, "u", 10));
  for (const char* topic : {"t/a", "t/b", "u"}) scene.publish(topic, "1");
  scene.ask(client, R"({"unsubscribe":{"id":9,"subscription":2}})");
  scene.pass(100);
  CHECK(scene.values(client) == Texts{"u=1"});
  scene.pass(900);
  Texts rest = scene.values(client);
  std::ranges::sort(rest);
  CHECK(rest == Texts{"t/a=1", "t/b=1"});
  scene.publish("t/a", "2");
  scene.ask(client, R"({"unsubscribe":{"id":9,"subscription":1}})");
  scene.pass(1'000);
  CHECK(scene.values(client).empty());
  scene.ask(client, R"({"unsubscribe":{"id":9,"subscription":3}})");
  CHECK(scene.served().owed() == 0);
}

TEST_CASE("latest: a change of rate moves what is owed, and touches nobody else") {
  Scene scene;
  Client& other = scene.connect(0);
  Client& client = scene.connect(0);
  for (Client* const one : {&other, &client}) scene.ask(*one, latest(1, "t/#", 1));
  for (const char* topic : {"t/a", "t/b"}) scene.publish(topic, "0");
  scene.pass(1'000);
  for (Client* const one : {&other, &client}) scene.values(*one);
  CHECK(scene.shares(client));
  for (const char* topic : {"t/a", "t/b"}) scene.publish(topic, "1");
  const Texts answer =
      scene.ask(client, R"({"change":{"id":7,"subscription":1,"delivery":"latest","max_rate_hz":10}})");
  CHECK(answer == Texts{R"({"changed":{"id":7,"subscription":1}})"});
  scene.pass(100);
  CHECK(scene.values(client) == Texts{"t/a=1", "t/b=1"});
  CHECK(scene.values(other).empty());
  scene.publish("t/a", "2");
  // To every message: what is owed comes first.
  CHECK(scene.ask(client, R"({"change":{"id":8,"subscription":1}})").size() == 2);
  scene.publish("t/a", "3");
  scene.publish("t/a", "4");
  CHECK(scene.values(client) == Texts{"t/a=3", "t/a=4"});
  // And back.
  scene.ask(client, R"({"change":{"id":9,"subscription":1,"delivery":"latest","max_rate_hz":1}})");
  scene.publish("t/a", "5");
  scene.publish("t/a", "6");
  CHECK(scene.values(client).empty());
  scene.pass(900);
  CHECK(scene.values(client) == Texts{"t/a=6"});
  CHECK(scene.values(other) == Texts{"t/a=6", "t/b=1"});
  CHECK(scene.shares(client));
  CHECK(scene.ask(client, R"({"change":{"id":9,"subscription":2}})").front().find("unknown_subscription") !=
        std::string::npos);
}

TEST_CASE("latest: who does not hear itself is not sent its own value, nor the older one of another") {
  Scene scene;
  Client& client = scene.connect(0);
  scene.ask(client, latest(1, "t/#", 10, R"(,"echo":false)"));
  scene.publish("t/a", "theirs");
  scene.publish("t/b", "theirs");
  scene.say(client, R"({"publish":{"topic":"t/a","text":"mine"}})");
  scene.pass(100);
  CHECK(scene.values(client) == Texts{"t/b=theirs"});
  scene.publish("t/a", "theirs");
  scene.pass(100);
  CHECK(scene.values(client) == Texts{"t/a=theirs"});
}

TEST_CASE("latest: it begins with last values, and what changes meanwhile is owed, not doubled") {
  Scene scene;
  for (int i = 0; i < 200; ++i) scene.publish("t/" + std::to_string(i), "old");
  Client& client = scene.connect(1);
  scene.whisper(client, latest(1, "t/#", 1, R"(,"start":"last_values")"));
  for (int i = 0; i < 3; ++i) scene.turn();
  scene.whisper(scene.publisher, R"({"publish":{"topic":"t/7","text":"new"}})");
  scene.whisper(scene.publisher, R"({"publish":{"topic":"t/199","text":"new"}})");
  scene.settle();
  scene.pass(1'000);
  std::map<std::string, Texts> values;
  for (const std::string& value : scene.values(client)) {
    const std::size_t equal = value.find('=');
    values[value.substr(0, equal)].push_back(value.substr(equal + 1));
  }
  CHECK(values.size() == 200);
  for (const auto& [topic, texts] : values) {
    CAPTURE(topic);
    CHECK(texts.back() == (topic == "t/7" || topic == "t/199" ? "new" : "old"));
    CHECK(std::ranges::adjacent_find(texts) == texts.end());
  }
}

TEST_CASE("latest: members that compress share one compressed encoding") {
  Scene scene;
  std::vector<Client*> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(
        &scene.connect_offering("permessage-deflate", 0, "/topics/t?delivery=latest&rate=10", "ringcast.v1.raw"));
  }
  scene.publish("t", std::string(2'000, 'x'));
  scene.pass(100);
  for (Client* const client : clients) {
    CHECK(client->compressed == 1);
    CHECK(scene.take(*client) == Texts{std::string(2'000, 'x')});
  }
  CHECK(scene.served().renderings().counters().encodings == 1);
}

TEST_CASE("latest: a lot that is due at once goes out in chunks, as the socket takes it") {
  Scene scene;
  Client& client = scene.connect(0, "/topics/t/%23?delivery=latest&rate=1", "ringcast.v1.raw");
  const std::string text(1'000, 'x');
  for (int i = 0; i < 300; ++i) scene.publish("t/" + std::to_string(i), text);
  scene.now.monotonic = scene.now.monotonic + 1'000;
  std::size_t most = 0;
  for (std::size_t got = 0, turns = 0; got < 300; ++turns) {
    REQUIRE(turns < 100);
    scene.turn();
    const std::size_t came = scene.take(client).size();
    most = std::max(most, came);
    got += came;
  }
  CHECK(most >= 60);
  CHECK(most <= 2 * Latest::kChunkBytes / text.size() + 2);
}

// A connection of many options, at random: what it was sent is judged against what was published.
TEST_CASE("latest: whatever happens, the final values arrive, none older after a newer, none that nobody wants") {
  for (std::uint32_t seed = 1; seed <= 25; ++seed) {
    CAPTURE(seed);
    topics::test::Random random(seed);
    Scene scene;
    const Texts topics{"a", "a/b", "a/c", "b", "b/c", "c"};
    const Texts filters{"#", "a/#", "+", "a/b", "b", "+/c", "c"};
    struct Subscriber {
      Client* client = nullptr;
      std::map<int, std::string> live;              // subscriptions
      std::map<std::string, std::uint64_t> got;     // topic -> highest seq
      std::map<std::string, std::uint64_t> wanted;  // topic -> highest seq while a subscription matched
      bool blocked = false;
    };
    std::vector<Subscriber> peers(6);
    for (std::size_t i = 0; i < peers.size(); ++i) peers[i].client = &scene.connect(i % 2);
    std::map<std::string, std::uint64_t> seqs;
    int ids = 0;
    const auto take = [&] {
      for (Subscriber& peer : peers) {
        for (const std::string& text : scene.take(*peer.client)) {
          if (!text.starts_with(R"({"message":)")) continue;
          const std::string topic = value_of(text, "topic");
          const std::uint64_t seq = std::stoull(value_of(text, "seq"));
          CAPTURE(text);
          REQUIRE(seq > peer.got[topic]);
          REQUIRE(value_of(text, "text") == std::to_string(seq));
          peer.got[topic] = seq;
        }
      }
    };
    for (int step = 0; step < 300; ++step) {
      CAPTURE(step);
      Subscriber& peer = peers[random.below(peers.size())];
      const std::uint32_t dice = random.below(100);
      if (dice < 50) {
        const std::string& topic = random.of(topics);
        scene.publish(topic, std::to_string(++seqs[topic]));
        for (Subscriber& one : peers) {
          for (const auto& [id, filter] : one.live) {
            if (topics::matches(filter, topic)) one.wanted[topic] = seqs[topic];
          }
        }
      } else if (dice < 62) {
        const std::string& filter = random.of(filters);
        const int rates[] = {0, 1, 10, 50};
        peer.live[++ids] = filter;
        const bool echo = random.percent(80);
        const std::string more = echo ? "" : R"(,"echo":false)";
        scene.say(*peer.client, random.percent(25) ? subscribe(ids, filter, more)
                                                   : latest(ids, filter, rates[random.below(4)], more));
      } else if (dice < 70) {
        if (peer.live.empty() || peer.blocked) continue;
        const int id = std::next(peer.live.begin(), random.below(peer.live.size()))->first;
        scene.say(*peer.client, R"({"unsubscribe":{"id":1,"subscription":)" + std::to_string(id) + "}}");
        peer.live.erase(id);
        std::erase_if(peer.wanted, [&](const auto& one) {
          return std::ranges::none_of(peer.live,
                                      [&](const auto& filter) { return topics::matches(filter.second, one.first); });
        });
      } else if (dice < 72) {
        if (peer.live.empty()) continue;
        const int id = std::next(peer.live.begin(), random.below(peer.live.size()))->first;
        const int rates[] = {0, 1, 10, 50};
        const std::string what =
            random.percent(25) ? "" : R"(,"delivery":"latest","max_rate_hz":)" + std::to_string(rates[random.below(4)]);
        scene.say(*peer.client, R"({"change":{"id":1,"subscription":)" + std::to_string(id) + what + "}}");
      } else if (dice < 76) {
        if (peer.blocked) {
          scene.unblock(*peer.client);
        } else {
          scene.block(*peer.client);
        }
        peer.blocked = !peer.blocked;
      } else if (dice < 96) {
        scene.pass(random.below(60));
      } else {
        scene.pass(random.below(1'500));
      }
      take();
    }
    for (Subscriber& peer : peers) {
      if (peer.blocked) scene.unblock(*peer.client);
    }
    for (int i = 0; i < 30; ++i) scene.pass(100);
    take();
    for (Subscriber& peer : peers) {
      for (const auto& [topic, seq] : peer.wanted) {
        CAPTURE(topic);
        REQUIRE(peer.got[topic] == seq);
      }
    }
    for (std::uint32_t i = 0; i < 2; ++i) {
      CHECK(scene.served(i).owed() == 0);
      CHECK(scene.served(i).table().empty());
      scene.shard(i).subscriptions().check_invariants();
      scene.served(i).table().check_invariants();
    }
  }
}

}  // namespace ringcast::broker
