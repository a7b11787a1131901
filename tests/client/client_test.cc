#include "client/ringcast.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>
#include <semaphore>
#include <thread>

#include "tests/client/broker_thread.h"

using namespace ringcast;
using namespace std::chrono_literals;
using ringcast::test::BrokerThread;
using ringcast::test::FakeBroker;

namespace {

constexpr auto kPatience = 20'000ms;  // only a failing test waits so long

Client open(const BrokerThread& broker, ClientOptions options = {}) {
  options.url = broker.url();
  auto client = Client::open(std::move(options));
  REQUIRE(client.has_value());
  return *std::move(client);
}

// A broker that sends each publish back to who is subscribed to it.
proto::Message message_of(const test::Heard& publish) {
  return {.seq = publish.producer_seq, .topic = publish.topic, .payload = frame::as_bytes(publish.payload)};
}

}  // namespace

TEST_CASE("Client publishes from many threads, each with its own result, by futures and by callbacks") {
  BrokerThread broker({.acks = true});
  Client client = open(broker, {.unacked_messages_max = 16});
  constexpr int kEach = 200;
  std::atomic<int> answered = 0;
  std::atomic<int> sequenced = 0;
  std::vector<std::jthread> threads;
  for (int number = 0; number < 4; ++number) {
    threads.emplace_back([&, number] {
      for (int i = 0; i < kEach; ++i) {
        if (number % 2 == 0) {
          client.publish("t", "payload", {}, [&](const PublishResult& result) {
            ++answered;
            if (result.status == PublishStatus::sequenced) ++sequenced;
          });
        } else {
          auto future = client.publish("t", "payload");
          if (future.get().status == PublishStatus::sequenced) ++sequenced;
        }
      }
    });
  }
  threads.clear();
  CHECK(client.flush(kPatience));
  CHECK(answered == 2 * kEach);
  CHECK(sequenced == 4 * kEach);
  const Counters counters = client.counters();
  CHECK(counters.published == 4 * kEach);
  CHECK(counters.answered == 4 * kEach);
  CHECK(counters.connections == 1);
  CHECK(client.close());
  CHECK(client.status().state == State::closed);
  CHECK(client.publish("t", "late").get().status == PublishStatus::not_sent);
  CHECK(client.subscribe("t", {}, nullptr).error().text == "the client is closed");
}

TEST_CASE("Client's window takes so many messages and not one more, until there is an answer") {
  BrokerThread broker;
  Client client = open(broker, {.unacked_messages_max = 3});
  std::vector<std::future<PublishResult>> results;
  for (int i = 0; i < 3; ++i) {
    auto result = client.try_publish("t", "x");
    REQUIRE(result.has_value());
    results.push_back(*std::move(result));
  }
  CHECK_FALSE(client.try_publish("t", "x").has_value());
  CHECK_FALSE(client.try_publish("t", "x", {}, nullptr));
  CHECK(client.publish("t", "x", {.wait_max = 1ms}).get().status == PublishStatus::full);
  CHECK_FALSE(client.flush(1ms));
  std::promise<PublishStatus> waited;
  std::jthread waits([&] { waited.set_value(client.publish("t", "waited").get().status); });
  // The broker may be asked before the publishes have come: then it is asked again.
  for (auto& result : results) {
    while (result.wait_for(10ms) != std::future_status::ready) broker.ack_all();
    CHECK(result.get().status == PublishStatus::sequenced);
  }
  auto status = waited.get_future();
  while (status.wait_for(10ms) != std::future_status::ready) broker.ack_all();
  CHECK(status.get() == PublishStatus::sequenced);
}

TEST_CASE("Client's window takes so many bytes and not one more, but one message of any size") {
  BrokerThread broker({.acks = false});
  Client client = open(broker, {.unacked_bytes_max = 10});
  REQUIRE(client.try_publish("t", "1234", {}, nullptr));       // 5 with its topic
  CHECK_FALSE(client.try_publish("t", "12345", {}, nullptr));  // 11
  REQUIRE(client.try_publish("t", "1234", {}, nullptr));       // 10
  CHECK_FALSE(client.try_publish("t", "", {}, nullptr));
  while (!client.flush(10ms)) broker.ack_all();
  REQUIRE(client.try_publish("t", std::string(1000, 'x'), {}, nullptr));
  CHECK_FALSE(client.try_publish("t", "", {}, nullptr));
}

TEST_CASE("Client publishes from its callbacks, and never waits there") {
  BrokerThread broker({.acks = true});
  Client client = open(broker, {.unacked_messages_max = 1});
  std::promise<void> done;
  int left = 500;
  PublishStatus at_full = PublishStatus::unknown;
  std::function<void(const PublishResult&)> next = [&](const PublishResult& result) {
    CHECK(result.status == PublishStatus::sequenced);
    if (--left == 0) return done.set_value();
    client.publish("t", "x", {}, next);
    if (left == 250) at_full = client.publish("t", "x").get().status;  // ready: it was not taken
  };
  client.publish("t", "x", {}, next);
  REQUIRE(done.get_future().wait_for(kPatience) == std::future_status::ready);
  CHECK(at_full == PublishStatus::full);
  CHECK(client.close());
}

TEST_CASE("Client subscribes and unsubscribes from a callback") {
  BrokerThread broker({.acks = true});
  Client client = open(broker);
  std::promise<std::string> heard;
  Subscription second;
  auto first = client.subscribe("a", {}, [&](const Message& message) {
    second = *client.subscribe("b", {}, [&, topic = std::string(message.topic)](const Message& inner) {
      heard.set_value(topic + std::string(inner.payload));
      second.unsubscribe();
    });
  });
  REQUIRE(first.has_value());
  client.publish("a", "1").get();
  const auto echo = [](FakeBroker& fake) {
    for (const auto& publish : fake.all("publish")) fake.say(message_of(publish));
  };
  broker.act(echo);
  auto result = heard.get_future();
  client.publish("b", "2").get();
  while (result.wait_for(10ms) != std::future_status::ready) {
    broker.act([](FakeBroker& fake) {
      if (fake.all("subscribe").size() >= 2 && fake.all("unsubscribe").empty()) {
        fake.say(message_of(fake.all("publish").back()));
      }
    });
  }
  CHECK(result.get() == "a2");
  CHECK(client.close());
}

TEST_CASE("Subscription::unsubscribe waits for a callback that runs, and none comes after it") {
  BrokerThread broker;
  Client client = open(broker);
  std::binary_semaphore entered(0);
  std::binary_semaphore leave(0);
  std::atomic<bool> running = false;
  std::atomic<int> calls = 0;
  std::promise<void> subscribed;
  auto subscription = client.subscribe(
      "a", {},
      [&](const Message&) {
        running = true;
        if (++calls == 1) {
          entered.release();
          leave.acquire();
        }
        running = false;
      },
      [&](const SubscriptionEvent& event) {
        if (event.kind == SubscriptionEvent::Kind::subscribed) subscribed.set_value();
      });
  REQUIRE(subscription.has_value());
  subscribed.get_future().get();
  broker.act([](FakeBroker& fake) {
    for (int i = 0; i < 3; ++i) fake.say(proto::Message{.seq = 1, .topic = "a"});
  });
  entered.acquire();
  std::jthread helper([&] { leave.release(); });
  subscription->unsubscribe();
  CHECK_FALSE(running);
  CHECK_FALSE(*subscription);
  const int before = calls;  // the others may have come before unsubscribe() was reached
  broker.act([](FakeBroker& fake) { fake.say(proto::Message{.seq = 1, .topic = "a"}); });
  CHECK(client.close());
  CHECK(calls == before);
}

TEST_CASE("Client comes back by itself and publishes what was not acked") {
  BrokerThread broker({.known = {"producer-1"}}, 2);
  std::atomic<int> connected = 0;
  Client client =
      open(broker, {.reconnect = {.floor = 1ms, .first = 2ms, .most = 5ms},
                    .on_state = [&](const Status& status) { connected += status.state == State::connected; }});
  CHECK(client.wait_connected(kPatience));
  auto result = client.publish("t", "x");
  broker.act({});  // the connection breaks
  while (result.wait_for(10ms) != std::future_status::ready) {
    if (connected == 2) broker.ack_all();
  }
  CHECK(result.get().status == PublishStatus::sequenced);
  CHECK(client.counters().connections == 2);
}

TEST_CASE("Client ends well where nobody answers") {
  SUBCASE("nobody listens") {
    auto client = Client::open({.url = "http://127.0.0.1:1"});
    REQUIRE(client);
    auto result = client->publish("t", "x");
    CHECK_FALSE(client->wait_connected(20ms));
    CHECK_FALSE(client->close(1ms));
    CHECK(result.get().status == PublishStatus::not_sent);
    CHECK_FALSE(client->close(1ms));
  }
  SUBCASE("the name has no address") {
    auto client = Client::open({.url = "http://nowhere.invalid"});
    REQUIRE(client);
  }
  SUBCASE("the broker never answers") {
    test::Server silent(1, [](int fd) {
      char byte = 0;
      while (::recv(fd, &byte, 1, 0) > 0) {
      }
    });
    auto client = Client::open({.url = silent.url()});
    REQUIRE(client);
    auto subscription = client->subscribe("a", {}, nullptr);
    CHECK_FALSE(client->wait_connected(20ms));
  }
}

TEST_CASE("Client ends well from any state") {
  SUBCASE("connected, with publishes that nobody acks and a waiting thread") {
    BrokerThread broker;
    std::optional<Client> client = open(broker, {.unacked_messages_max = 1});
    REQUIRE(client->wait_connected(kPatience));
    auto first = client->publish("t", "x");
    std::promise<PublishStatus> second;
    std::jthread waits([&] { second.set_value(client->publish("t", "y").get().status); });
    CHECK_FALSE(client->close(20ms));
    CHECK(second.get_future().get() == PublishStatus::not_sent);
    const PublishStatus status = first.get().status;
    const bool told = status == PublishStatus::unknown || status == PublishStatus::not_sent;
    CHECK(told);
  }
  SUBCASE("refused for good") {
    BrokerThread broker({.refusal = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"});
    Client client = open(broker);
    CHECK(client.publish("t", "x").get().status == PublishStatus::not_sent);
    CHECK_FALSE(client.wait_connected(kPatience));
    const std::string why = "refused with 404 Not Found";
    CHECK(client.status().error->text == why);
    CHECK(client.publish("t", "late").get().text == why);
    CHECK(client.subscribe("t", {}, nullptr).error().text == why);
  }
  SUBCASE("moved from, and moved onto") {
    BrokerThread broker({.acks = true});
    Client client = open(broker);
    Client other = std::move(client);
    CHECK(other.publish("t", "x").get().status == PublishStatus::sequenced);
    other = *Client::open({.url = "http://127.0.0.1:1"});
  }
  SUBCASE("closed in a callback") {
    BrokerThread broker({.acks = true});
    Client client = open(broker);
    client.publish("t", "x", {}, [&](const PublishResult&) { CHECK_FALSE(client.close()); });
    CHECK(client.close(kPatience));
  }
  SUBCASE("before its subscriptions") {
    Subscription kept;
    Subscription detached;
    {
      BrokerThread broker;
      Client client = open(broker);
      auto subscription = client.subscribe("a", {}, nullptr);
      kept = *std::move(subscription);
      detached = *client.subscribe("b", {}, nullptr);
      detached.detach();
      CHECK_FALSE(detached);
      CHECK(kept);
    }
    CHECK_FALSE(kept);
    kept.unsubscribe();
  }
}

TEST_CASE("Client::open and its calls refuse what can never work, and say why") {
  const auto text_of = [](ClientOptions options) {
    const auto client = Client::open(std::move(options));
    return client ? std::string() : client.error().text;
  };
  CHECK(text_of({.url = "ftp://x"}).starts_with("\"ftp://x\" is not a URL"));
  CHECK(text_of({.name = std::string(129, 'x')}) == "name is longer than 128 bytes");
  CHECK(text_of({.producer = {.next_seq = 0}}) == "producer.next_seq begins with 1");
  CHECK(text_of({.unacked_messages_max = 0}).starts_with("unacked_messages_max"));
  CHECK(text_of({.unacked_messages_max = 1025}).starts_with("unacked_messages_max"));
  CHECK(text_of({.unacked_bytes_max = 0}).starts_with("unacked_bytes_max"));
  CHECK(text_of({.reconnect = {.floor = 0ms}}).starts_with("reconnect.floor"));
  CHECK(text_of({.reconnect = {.floor = 10ms, .first = 9ms}}).starts_with("reconnect must"));
  CHECK(text_of({.pong_timeout = 0ms}).starts_with("connect_timeout, "));
  CHECK(text_of({.raw = RawTopic{}}) == "a topic or filter cannot be empty");

  auto client =
      Client::open({.url = "http://127.0.0.1:1", .name = std::string(128, 'x'), .unacked_messages_max = 1024});
  REQUIRE(client);
  CHECK_FALSE(client->subscribe("", {}, nullptr));
  CHECK_FALSE(client->subscribe("\xff", {}, nullptr));
  CHECK_FALSE(client->subscribe("a", {.start = Start::last_n}, nullptr));
  CHECK_FALSE(client->subscribe("a", {.last_count = 1}, nullptr));
  CHECK(client->publish("\xff", "").get().code == ErrorCode::bad_topic);
  CHECK(client->publish("a", "\xff").get().code == ErrorCode::bad_value);
  CHECK(client->publish("a", "", {.content_type = "\xff"}).get().code == ErrorCode::bad_value);
  const Header header{.name = "n", .value = "\xff"};
  CHECK(client->publish("a", "", {.headers = {header}}).get().field == "publish.headers");
  CHECK(client->try_publish("a", "\xff", {.format = Format::binary}).has_value());

  auto raw = Client::open({.url = "http://127.0.0.1:1", .raw = RawTopic{.filter = "a/b"}});
  REQUIRE(raw);
  CHECK_FALSE(raw->subscribe("a/c", {}, nullptr));
  CHECK_FALSE(raw->subscribe("a/b", {.start = Start::last_values}, nullptr));
  CHECK(raw->subscribe("a/b", {}, nullptr));
  CHECK(raw->publish("a/c", "").get().code == ErrorCode::bad_topic);
  CHECK(raw->publish("a/b", "", {.op = Op::remove}).get().code == ErrorCode::unsupported);
}
