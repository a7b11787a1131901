#include "broker/fan_out.h"

#include <doctest/doctest.h>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "broker/raw_codec.h"

using namespace ringcast;
using namespace ringcast::broker;

namespace {

constexpr topics::HashKey kKey{.k0 = 1, .k1 = 2};

// Shard 0 of two with sessions that are live for everything; messages come from the origins as the test says.
class Bench {
 public:
  Bench() { fan_out_.set_codec(Protocol::raw, codec_); }
  ~Bench() {
    for (std::uint32_t i = 0; i < sessions_.index_end(); ++i) sessions_.at(i).outbox.clear(sessions_.outboxes());
    for (topics::Message* message : messages_) pool_.release(message);
  }

  std::uint32_t subscribe(std::string_view filter, bool echo = true) {
    const SlotId slot = sessions_.open({0});
    sessions_.at(slot.index).phase = Phase::websocket;
    subscribe_too(slot.index, filter, echo);
    return slot.index;
  }

  // Another subscription of the same session.
  void subscribe_too(std::uint32_t slot, std::string_view filter, bool echo = true) {
    Session& session = sessions_.at(slot);
    if (!echo) session.echo = false;
    const auto index = static_cast<std::uint32_t>(session.subscriptions.size());
    const auto joined =
        subscriptions_.join(filter, {.encoding = encoding_of(Protocol::raw)}, {.slot = slot, .subscription = index});
    REQUIRE(joined.has_value());
    Subscription& subscription = session.subscriptions.emplace_back();
    subscription.place = joined->place;
    subscription.echo = echo;
    for (topics::ShardSet homes = joined->homes; homes != 0;) {
      const auto marked = subscriptions_.marker(session.subscriptions[index].place, topics::take_shard(homes));
      apply(marked.moves);
    }
  }

  void leave(std::uint32_t index) {
    const auto left = subscriptions_.leave(sessions_.at(index).subscriptions[0].place);
    sessions_.at(index).subscriptions.clear();
    apply(left.moves);
  }

  // False: the run before must go out first.
  bool add(std::uint32_t origin, std::string_view topic, std::string_view payload,
           std::uint32_t publisher = SlotId::kNone) {
    const std::uint64_t hash = topics::hash_name(kKey, topic);
    topics::Message* const message =
        pool_.make({.topic = topic,
                    .topic_hash = hash,
                    .payload = {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()},
                    .format = topics::Format::text,
                    .publisher = {.shard = 0, .slot = publisher, .generation = 0}});
    message->seq = ++seq_;
    messages_.push_back(message);
    std::uint32_t index = 0;
    while (index < names_.size() && names_[index] != topic) ++index;
    if (index == names_.size()) names_.emplace_back(topic);
    std::uint32_t budget = UINT32_MAX;
    return fan_out_.add(origin, {.topic = {.index = index}, .message = message}, budget);
  }

  bool step(std::uint32_t budget = 1'000) { return fan_out_.step(budget); }

  // The payloads that a session is owed, in order; forgets them.
  std::vector<std::string> take(std::uint32_t index) {
    std::array<std::uint8_t, 16 * 1024> scratch;
    std::string bytes;
    Outbox& outbox = sessions_.at(index).outbox;
    while (!outbox.empty()) {
      const Bytes next = outbox.gather(scratch, SIZE_MAX);
      bytes.append(next.begin(), next.end());
      outbox.consume(next.size(), sessions_.outboxes());
    }
    std::vector<std::string> payloads;
    for (std::string_view rest = bytes; !rest.empty();) {
      const auto size = static_cast<std::size_t>(rest[1]);
      payloads.emplace_back(rest.substr(2, size));
      rest.remove_prefix(2 + size);
    }
    return payloads;
  }

  FanOut& fan_out() { return fan_out_; }
  SessionTable& sessions() { return sessions_; }

 private:
  void apply(const topics::Moves& moves) {
    for (const topics::Moved& moved : moves) sessions_.at(moved.member.slot).subscriptions[0].place = moved.place;
  }

  Config config_;
  topics::MessagePool pool_;
  topics::Subscriptions subscriptions_{{.shards = 2, .key = kKey}};
  SessionTable sessions_{config_};
  RawCodec codec_;
  Compressor compressor_{0};
  Latest latest_{0, subscriptions_, sessions_, compressor_};
  FanOut fan_out_{0, sessions_, subscriptions_, compressor_, latest_};
  std::vector<topics::Message*> messages_;
  std::vector<std::string> names_;
  std::uint64_t seq_ = 0;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("messages to the same subscribers are one run: encoded once each, one span for all") {
  Bench bench;
  const std::uint32_t one = bench.subscribe("a");
  const std::uint32_t two = bench.subscribe("a");
  for (const char* payload : {"1", "2", "3"}) CHECK(bench.add(1, "a", payload));
  CHECK(bench.step());
  CHECK(bench.fan_out().counters().runs == 1);
  CHECK(bench.fan_out().counters().messages == 3);
  CHECK(bench.fan_out().counters().deliveries == 6);
  CHECK(bench.fan_out().counters().encoded_bytes == 9);
  CHECK(bench.sessions().at(one).outbox.owed_bytes() == 9);
  CHECK(bench.take(one) == Texts{"1", "2", "3"});
  CHECK(bench.take(two) == Texts{"1", "2", "3"});
}

TEST_CASE("topics with the same subscribers share a run, as a wildcard's do") {
  Bench bench;
  const std::uint32_t all = bench.subscribe("#");
  CHECK(bench.add(1, "a", "1"));
  CHECK(bench.add(1, "b", "2"));
  CHECK(bench.step());
  CHECK(bench.fan_out().counters().runs == 1);
  CHECK(bench.take(all) == Texts{"1", "2"});
}

TEST_CASE("a message for others, of another home, or from a silent publisher ends the run") {
  struct Row {
    std::uint32_t origin;
    const char* topic;
    bool from_silent;
    bool ends;
    const char* why;
  };
  const std::vector<Row> rows{
      {1, "a", false, false, "the same again"},
      {1, "b", false, true, "another topic's subscribers"},
      {0, "a", false, true, "another home: a joining member may be live for one only"},
      {1, "a", true, true, "all but its publisher"},
      {1, "nobody", false, false, "for nobody"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.why);
    Bench bench;
    const std::uint32_t silent = bench.subscribe("a", false);
    const std::uint32_t loud = bench.subscribe("a");
    const std::uint32_t other = bench.subscribe("b");
    REQUIRE(bench.add(1, "a", "1"));
    const std::uint32_t publisher = row.from_silent ? silent : SlotId::kNone;
    CHECK(bench.add(row.origin, row.topic, "2", publisher) == !row.ends);
    CHECK(bench.step());
    if (row.ends) {
      CHECK(bench.add(row.origin, row.topic, "2", publisher));
      CHECK(bench.step());
    }
    const bool to_a = row.topic == std::string_view("a");
    CHECK(bench.take(silent) == (to_a && !row.from_silent ? Texts{"1", "2"} : Texts{"1"}));
    CHECK(bench.take(loud) == (to_a ? Texts{"1", "2"} : Texts{"1"}));
    CHECK(bench.take(other) == (row.topic == std::string_view("b") ? Texts{"2"} : Texts{}));
  }
}

TEST_CASE("a publisher that wants no echo is left out, one that does is not") {
  Bench bench;
  const std::uint32_t silent = bench.subscribe("a", false);
  const std::uint32_t loud = bench.subscribe("a");
  CHECK(bench.add(1, "a", "from silent", silent));
  CHECK(bench.step());
  CHECK(bench.add(1, "a", "from loud", loud));
  CHECK(bench.step());
  CHECK(bench.take(silent) == Texts{"from loud"});
  CHECK(bench.take(loud) == Texts{"from silent", "from loud"});
}

TEST_CASE("a run ends at 32 KiB of payloads") {
  Bench bench;
  (void)bench.subscribe("a");
  const std::string half(FanOut::kRunBytesMax / 2, 'x');
  CHECK(bench.add(1, "a", half));
  CHECK(bench.add(1, "a", half));
  CHECK_FALSE(bench.add(1, "a", ""));
  CHECK(bench.step());
  CHECK(bench.add(1, "a", ""));
  CHECK(bench.step());
}

TEST_CASE("a run to many goes out in steps, and members who come and go between them change nothing for the others") {
  Bench bench;
  std::vector<std::uint32_t> members;
  for (int i = 0; i < 20; ++i) members.push_back(bench.subscribe("a"));
  CHECK(bench.add(1, "a", "1"));
  CHECK_FALSE(bench.step(7));
  CHECK_FALSE(bench.add(1, "a", "2"));  // not into a run that is going out
  bench.leave(members[0]);
  bench.leave(members[15]);
  const std::uint32_t late = bench.subscribe("a/other");
  while (!bench.step(5)) {
  }
  CHECK(bench.add(1, "a", "2"));
  CHECK(bench.step());
  for (std::size_t i = 0; i < members.size(); ++i) {
    CAPTURE(i);
    if (i == 0 || i == 15) continue;
    CHECK(bench.take(members[i]) == Texts{"1", "2"});
  }
  CHECK(bench.take(late).empty());
}

TEST_CASE("a run whose last subscriber leaves is out") {
  Bench bench;
  const std::uint32_t only = bench.subscribe("a");
  CHECK(bench.add(1, "a", "1"));
  bench.leave(only);
  CHECK(bench.step());
  CHECK_FALSE(bench.fan_out().pending());
  CHECK(bench.take(only).empty());
}

TEST_CASE("segments of a run are given back when it is out and sent") {
  Bench bench;
  const std::uint32_t one = bench.subscribe("a");
  for (int i = 0; i < 100; ++i) {
    CHECK(bench.add(1, "a", std::string(100, 'x')));
    CHECK(bench.step());
    CHECK(bench.take(one).size() == 1);
  }
  CHECK(bench.sessions().segments().live() == 1);  // that is written to
}

TEST_CASE("fan-out: a connection gets a message once, however many of its subscriptions match") {
  Bench bench;
  const std::uint32_t both = bench.subscribe("a/b");
  bench.subscribe_too(both, "a/+");
  bench.subscribe_too(both, "#");
  const std::uint32_t one = bench.subscribe("a/+");
  REQUIRE(bench.add(0, "a/b", "first"));
  REQUIRE(bench.add(0, "a/b", "second"));
  REQUIRE(bench.step());
  CHECK(bench.take(both) == std::vector<std::string>{"first", "second"});
  CHECK(bench.take(one) == std::vector<std::string>{"first", "second"});
  REQUIRE(bench.add(0, "a/c", "third"));  // by two of the three
  REQUIRE(bench.step());
  CHECK(bench.take(both) == std::vector<std::string>{"third"});
}

TEST_CASE("fan-out: once also when the run goes out in many steps") {
  Bench bench;
  const std::uint32_t both = bench.subscribe("a/b");
  bench.subscribe_too(both, "a/+");
  bench.subscribe_too(both, "a/#");
  REQUIRE(bench.add(1, "a/b", "one"));
  for (int steps = 0; !bench.step(1); ++steps) REQUIRE(steps < 10);
  CHECK(bench.take(both) == std::vector<std::string>{"one"});
}

TEST_CASE("fan-out: of two subscriptions that match, the one that wants its echo decides") {
  Bench bench;
  const std::uint32_t silent = bench.subscribe("a/b", false);
  bench.subscribe_too(silent, "a/+", false);
  const std::uint32_t mixed = bench.subscribe("a/b", false);
  bench.subscribe_too(mixed, "a/+", true);
  REQUIRE(bench.add(0, "a/b", "from silent", silent));
  REQUIRE(bench.step());
  CHECK(bench.take(silent).empty());
  CHECK(bench.take(mixed) == std::vector<std::string>{"from silent"});
  REQUIRE(bench.add(0, "a/b", "from mixed", mixed));
  REQUIRE(bench.step());
  CHECK(bench.take(mixed) == std::vector<std::string>{"from mixed"});
  CHECK(bench.take(silent) == std::vector<std::string>{"from mixed"});
}
