// Newest values where subscriptions of a connection overlap, end and change: each message once, by the one that counts.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "tests/broker/latest_scene.h"

namespace ringcast::broker::test {

namespace {}  // namespace

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

TEST_CASE("latest: an event that EVERY brings does not take the place of a value, which goes before it") {
  Scene scene;
  Client& client = scene.connect(0);
  scene.ask(client, latest(1, "t/#", 10));
  scene.publish("t/a", "1");
  scene.ask(client, subscribe(2, "t/a"));
  scene.publish("t/a", "passes by", "event");
  CHECK(scene.values(client) == Texts{"t/a=1", "t/a=passes by"});
  scene.pass(100);
  CHECK(scene.values(client).empty());
  CHECK(scene.served().owed() == 0);
}

TEST_CASE("latest: a value that goes before an event waits with it for what a subscription begins with") {
  Scene scene;
  Client& client = scene.connect(0);
  scene.ask(client, latest(1, "t/#", 10));
  scene.ask(client, subscribe(2, "large"));
  scene.publish("t/a", "1");
  scene.block(client);
  scene.publish("large", std::string(20'000, 'x'));  // nothing is fetched before it is taken
  scene.say(client, subscribe(3, "t/a", R"(,"start":"last_n","last_count":1)"));
  scene.publish("t/a", "passes by", "event");
  scene.unblock(client);
  Texts marks;
  for (const std::string& json : scene.take(client)) {
    if (value_of(json, "topic") == "t/a") marks.push_back(value_of(json, "mark") + " " + value_of(json, "text"));
  }
  CHECK(marks == Texts{"replay 1", " 1", " passes by"});
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

TEST_CASE("latest: what is owed at a high rate does not wait for the tick of a lower one, which alone hears the next") {
  Scene scene;
  Client& client = scene.connect(0);
  scene.ask(client, latest(1, "t/a", 0, R"(,"echo":false)"));
  scene.ask(client, latest(2, "t/#", 10));
  scene.block(client);
  scene.publish("t/a", "theirs");
  scene.say(client, R"({"publish":{"topic":"t/a","op":"event","text":"mine"}})");
  scene.unblock(client);
  CHECK(scene.values(client) == Texts{"t/a=theirs", "t/a=mine"});
  scene.pass(100);
  CHECK(scene.values(client).empty());
  CHECK(scene.served().owed() == 0);
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

}  // namespace ringcast::broker::test
