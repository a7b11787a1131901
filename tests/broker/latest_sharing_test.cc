// Newest values for many: what equal subscriptions share, and who is served alone.
#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/broker/latest_scene.h"

namespace ringcast::broker::test {

namespace {}  // namespace

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

// Two who share, and many others whose values make a tick take many turns.
struct LongTicks : Scene {
  LongTicks() : Scene(options()) {
    for (int i = 0; i < 80; ++i) (void)connect(0, "/topics/u/%23?delivery=latest&rate=10", "ringcast.v1.json");
    publish_both("0");
    pass(100);
    REQUIRE(shares(slow));
    take(slow);
    take(fast);
  }
  static Options options() {
    Options options;
    options.shards = 1;
    options.budget.appends = 4;
    return options;
  }
  void publish_both(std::string_view text) {
    for (const char* topic : {"t/a", "u/a"}) publish(topic, text);
  }
  // The tick serves the group of the two, and goes on with the many.
  void begin_tick() {
    now.monotonic = now.monotonic + 100;
    turns(3);
  }
  Client& slow = connect(0, "/topics/t/%23?delivery=latest&rate=10", "ringcast.v1.json");
  Client& fast = connect(0, "/topics/t/%23?delivery=latest&rate=10", "ringcast.v1.json");
};

TEST_CASE("latest: who has caught up in the middle of his group's tick does not get the same again with the group") {
  LongTicks scene;
  scene.block(scene.slow);
  scene.publish_both("1");
  scene.begin_tick();
  REQUIRE_FALSE(scene.shares(scene.slow));
  scene.whisper_publish("t/b", "2");
  scene.turns(3);
  scene.slow.reads = true;
  scene.shard(0).unblocked(scene.slow.slot);
  scene.turns(3);
  scene.whisper_publish("t/c", "3");
  scene.settle();
  scene.pass(100);
  CHECK(scene.values(scene.fast) == Texts{"t/a=1", "t/b=2", "t/c=3"});
  CHECK(scene.values(scene.slow) == Texts{"t/a=1", "t/b=2", "t/c=3"});
  CHECK(scene.shares(scene.slow));
}

TEST_CASE("latest: who is served later in a tick than his group, and with something newer, does not get it again") {
  LongTicks scene;
  scene.block(scene.slow);
  scene.publish("t/a", "1");
  scene.pass(100);
  scene.unblock(scene.slow);
  REQUIRE_FALSE(scene.shares(scene.slow));
  scene.publish_both("2");
  scene.begin_tick();
  scene.whisper_publish("t/a", "3");
  scene.settle();
  scene.pass(100);
  CHECK(scene.values(scene.fast) == Texts{"t/a=1", "t/a=2", "t/a=3"});
  CHECK(scene.values(scene.slow) == Texts{"t/a=1", "t/a=3"});
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

}  // namespace ringcast::broker::test
