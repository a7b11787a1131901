// LatestTable: by example, and against a map of strings.
#include "topics/latest_table.h"

#include <doctest/doctest.h>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "tests/topics/random.h"

using namespace ringcast::topics;

namespace {

// Messages that are gone when the next one is made, as a delivery's are.
class Drained {
 public:
  const Message& make(std::string_view topic, std::uint64_t seq, std::string_view payload, Op op = Op::set) {
    if (message_ != nullptr) pool_.release(message_);
    message_ = pool_.make({.topic = topic,
                           .topic_hash = 7,
                           .content_type = "text/plain",
                           .payload = {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()},
                           .op = op,
                           .format = Format::text});
    message_->seq = seq;
    message_->position = seq * 10;
    message_->time_us = static_cast<std::int64_t>(seq) * 100;
    message_->origin = 1;
    return *message_;
  }
  ~Drained() {
    if (message_ != nullptr) pool_.release(message_);
  }

 private:
  MessagePool pool_;
  Message* message_ = nullptr;
};

std::string payload_of(const Message* message) {
  if (message == nullptr) return "none";
  return {message->payload().begin(), message->payload().end()};
}

}  // namespace

TEST_CASE("an entry holds a copy of the newest value for as long as somebody refers to it") {
  LatestTable table;
  Drained drained;
  const std::uint32_t entry = table.put(1, {.index = 3}, drained.make("a/b", 5, "five"));
  (void)drained.make("other", 1, "the block is somebody else's now");
  CHECK(payload_of(table.value(entry)) == "five");
  CHECK(table.value(entry)->topic() == "a/b");
  CHECK(table.value(entry)->content_type() == "text/plain");
  CHECK(table.value(entry)->seq == 5);
  CHECK(table.value(entry)->position == 50);
  CHECK(table.value(entry)->time_us == 500);
  CHECK(table.put(1, {.index = 3}, drained.make("a/b", 6, "six")) == entry);
  CHECK(payload_of(table.value(entry)) == "six");
  CHECK(table.put(1, {.index = 3}, drained.make("a/b", 4, "an older one")) == entry);
  CHECK(payload_of(table.value(entry)) == "six");
  table.release(entry);
  table.release(entry);
  CHECK(table.find(1, {.index = 3}) == entry);
  table.release(entry);
  CHECK(table.find(1, {.index = 3}) == LatestTable::kNone);
  CHECK(table.empty());
  CHECK(table.bytes() == 0);
}

TEST_CASE("the newest event stands beside the value that it came after, until a newer value comes") {
  LatestTable table;
  Drained drained;
  const std::uint32_t entry = table.put(0, {.index = 1}, drained.make("t", 1, "e1", Op::event));
  CHECK(table.value(entry) == nullptr);
  CHECK(payload_of(table.event(entry)) == "e1");
  CHECK(table.newest(entry).seq == 1);
  (void)table.put(0, {.index = 1}, drained.make("t", 2, "v2"));
  CHECK(payload_of(table.value(entry)) == "v2");
  CHECK(table.event(entry) == nullptr);
  (void)table.put(0, {.index = 1}, drained.make("t", 3, "e3", Op::event));
  (void)table.put(0, {.index = 1}, drained.make("t", 4, "e4", Op::event));
  CHECK(payload_of(table.value(entry)) == "v2");
  CHECK(payload_of(table.event(entry)) == "e4");
  CHECK(table.newest(entry).seq == 4);
  (void)table.put(0, {.index = 1}, drained.make("t", 5, "", Op::remove));
  CHECK(table.value(entry)->op == Op::remove);
  CHECK(table.event(entry) == nullptr);
  table.check_invariants();
}

TEST_CASE("an older value comes to stand beside the event that an entry was made for, once") {
  LatestTable table;
  Drained drained;
  const std::uint32_t entry = table.put(1, {.index = 3}, drained.make("a", 9, "nine", Op::event));
  CHECK(table.put(1, {.index = 3}, drained.make("a", 7, "seven")) == entry);
  CHECK(payload_of(table.value(entry)) == "seven");
  CHECK(payload_of(table.event(entry)) == "nine");
  CHECK(table.put(1, {.index = 3}, drained.make("a", 6, "six")) == entry);
  CHECK(table.put(1, {.index = 3}, drained.make("a", 8, "eight", Op::event)) == entry);
  CHECK(payload_of(table.value(entry)) == "seven");
  CHECK(payload_of(table.event(entry)) == "nine");
  table.check_invariants();
}

TEST_CASE("topics of two homes, and two that had one index after each other, have entries of their own") {
  LatestTable table;
  Drained drained;
  const std::uint32_t one = table.put(0, {.index = 1, .generation = 0}, drained.make("a", 1, "a"));
  const std::uint32_t two = table.put(1, {.index = 1, .generation = 0}, drained.make("b", 1, "b"));
  const std::uint32_t three = table.put(0, {.index = 1, .generation = 1}, drained.make("c", 1, "c"));
  CHECK(payload_of(table.value(one)) == "a");
  CHECK(payload_of(table.value(two)) == "b");
  CHECK(payload_of(table.value(three)) == "c");
  CHECK(table.size() == 3);
  table.check_invariants();
}

TEST_CASE("a latest table agrees with a map after every step") {
  using Key = std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>;
  struct Held {
    std::uint32_t entry = 0;
    std::uint32_t references = 0;
    std::string value = "none";
    std::string event = "none";
  };
  for (std::uint32_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    test::Random random(seed);
    LatestTable table;
    Drained drained;
    std::map<Key, Held> model;
    for (std::uint64_t step = 1; step <= 500; ++step) {
      const Key key{random.below(2), random.below(30), random.below(2)};
      const auto [origin, index, generation] = key;
      const TopicHandle topic{.index = index, .generation = generation};
      if (random.percent(55)) {
        const std::string payload(random.below(random.percent(5) ? 6'000 : 60), 'x');
        const bool is_event = random.percent(20);
        const std::uint32_t entry =
            table.put(origin, topic, drained.make("t", step, payload, is_event ? Op::event : Op::set));
        Held& held = model[key];
        REQUIRE((held.references == 0 || held.entry == entry));
        held.entry = entry;
        ++held.references;
        held.event = is_event ? payload : "none";
        if (!is_event) held.value = payload;
      } else if (const auto found = model.find(key); found != model.end()) {
        table.release(found->second.entry);
        if (--found->second.references == 0) model.erase(found);
      }
      const auto found = model.find(key);
      REQUIRE(table.find(origin, topic) == (found == model.end() ? LatestTable::kNone : found->second.entry));
      REQUIRE(table.size() == model.size());
      for (const auto& [at, held] : model) {
        if (at != key && step % 50 != 0) continue;
        REQUIRE(payload_of(table.value(held.entry)) == held.value);
        REQUIRE(payload_of(table.event(held.entry)) == held.event);
      }
      table.check_invariants();
    }
  }
}
