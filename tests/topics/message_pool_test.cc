#include "topics/message_pool.h"

#include <doctest/doctest.h>
#include <cstring>
#include <string>
#include <vector>

#include "tests/topics/random.h"

using namespace ringcast::topics;

namespace {

Bytes bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string text(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

// A message of `total` bytes, header included.
Message* make_sized(MessagePool& pool, std::size_t total, char fill = 'x') {
  const std::string payload(total - sizeof(Message) - 1, fill);
  return pool.make({.topic = "t", .payload = bytes(payload)});
}

}  // namespace

TEST_CASE("make copies every part, and leaves what the home gives") {
  MessagePool pool;
  const std::string payload("{\"px\":1}\0", 9);
  const Publisher publisher{.shard = 3, .slot = 4, .generation = 5};
  Message* const message = pool.make({.topic = "a/b",
                                      .topic_hash = 77,
                                      .content_type = "application/json",
                                      .headers = "k=v",
                                      .payload = bytes(payload),
                                      .op = Op::event,
                                      .format = Format::json,
                                      .publisher = publisher});
  CHECK(message->topic() == "a/b");
  CHECK(message->topic_hash == 77);
  CHECK(message->content_type() == "application/json");
  CHECK(message->headers() == "k=v");
  CHECK(text(message->payload()) == payload);
  CHECK(message->op == Op::event);
  CHECK(message->format == Format::json);
  CHECK(message->publisher == publisher);
  CHECK(message->references == 1);
  CHECK(message->seq == 0);
  CHECK(message->position == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(message) % 64 == 0);
  pool.release(message);
  CHECK(pool.live() == 0);
}

TEST_CASE("a message lives until its last reference is released") {
  MessagePool pool;
  Message* const message = pool.make({.topic = "t"});
  pool.retain(message, 2);
  pool.release(message);
  pool.release(message);
  CHECK(pool.live() == 1);
  CHECK(message->topic() == "t");
  pool.release(message);
  CHECK(pool.live() == 0);
  CHECK(pool.counters().live_bytes == 0);
}

TEST_CASE("a block is used again by the next message of its class, without more memory") {
  MessagePool pool;
  Message* const first = make_sized(pool, 500);
  pool.release(first);
  const std::uint64_t slab_bytes = pool.counters().slab_bytes;
  for (int i = 0; i < 1'000; ++i) {
    Message* const again = make_sized(pool, 385 + static_cast<std::size_t>(i) % 128);
    CHECK(again == first);
    pool.release(again);
  }
  CHECK(pool.counters().slab_bytes == slab_bytes);
}

TEST_CASE("messages of every size hold their bytes and never overlap") {
  MessagePool pool;
  std::vector<Message*> messages;
  for (std::size_t total = sizeof(Message) + 1; total <= kSmallSizeMax + 70; ++total) {
    messages.push_back(make_sized(pool, total, static_cast<char>('a' + total % 26)));
  }
  std::size_t total = sizeof(Message) + 1;
  for (Message* message : messages) {
    CHECK(message->total_size() == total);
    CHECK(text(message->payload()) == std::string(total - sizeof(Message) - 1, static_cast<char>('a' + total % 26)));
    pool.release(message);
    ++total;
  }
  CHECK(pool.live() == 0);
  pool.check_invariants();
}

TEST_CASE("a message of kSmallSizeMax bytes is copied to its home, one byte more moves") {
  MessagePool publisher;
  MessagePool home;

  Message* const small = make_sized(publisher, kSmallSizeMax);
  CHECK(publisher.hand_over(small) == Passing::copied);
  const MessagePool::Adopted copied = home.adopt(small);
  CHECK(copied.passing == Passing::copied);
  CHECK(copied.message != small);
  CHECK(text(copied.message->payload()) == text(small->payload()));
  CHECK(publisher.live() == 1);
  publisher.release(small);
  CHECK(publisher.live() == 0);
  CHECK(home.live() == 1);
  home.release(copied.message);

  Message* const large = make_sized(publisher, kSmallSizeMax + 1);
  CHECK(publisher.live() == 1);
  CHECK(publisher.hand_over(large) == Passing::moved);
  CHECK(publisher.live() == 0);
  CHECK(publisher.counters().live_bytes == 0);
  const MessagePool::Adopted moved = home.adopt(large);
  CHECK(moved.passing == Passing::moved);
  CHECK(moved.message == large);
  CHECK(home.counters().live_bytes == kSmallSizeMax + 1);
  home.release(moved.message);
  CHECK(home.live() == 0);
  CHECK(home.counters().live_bytes == 0);
}

TEST_CASE("a request that could not be pushed is taken back by its own pool") {
  MessagePool pool;
  Message* const large = make_sized(pool, 100'000);
  REQUIRE(pool.hand_over(large) == Passing::moved);
  CHECK(pool.adopt(large).message == large);
  CHECK(pool.live() == 1);
  pool.release(large);
  CHECK(pool.live() == 0);
}

TEST_CASE("random messages between two pools keep their bytes, and the counters agree with a list") {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    test::Random random(seed);
    struct Live {
      Message* message;
      std::string payload;
      int pool;
    };
    std::vector<MessagePool> pools(2);
    std::vector<Live> live;
    for (int step = 0; step < 1'000; ++step) {
      if (live.empty() || random.percent(50)) {
        std::string payload(random.below(random.percent(10) ? 20'000 : 600), static_cast<char>(random.below(256)));
        live.push_back({pools[0].make({.topic = random.topic(), .payload = bytes(payload)}), payload, 0});
      } else {
        const std::size_t i = random.below(live.size());
        REQUIRE(text(live[i].message->payload()) == live[i].payload);
        if (live[i].pool == 0 && random.percent(50)) {
          const Passing passing = pools[0].hand_over(live[i].message);
          const MessagePool::Adopted adopted = pools[1].adopt(live[i].message);
          REQUIRE(adopted.passing == passing);
          if (passing == Passing::copied) pools[0].release(live[i].message);
          live[i] = {adopted.message, live[i].payload, 1};
        } else {
          pools[static_cast<std::size_t>(live[i].pool)].release(live[i].message);
          live[i] = live.back();
          live.pop_back();
        }
      }
      REQUIRE(pools[0].live() + pools[1].live() == live.size());
      pools[0].check_invariants();
      pools[1].check_invariants();
    }
    for (const Live& one : live) pools[static_cast<std::size_t>(one.pool)].release(one.message);
    REQUIRE(pools[0].counters().live_bytes + pools[1].counters().live_bytes == 0);
  }
}
