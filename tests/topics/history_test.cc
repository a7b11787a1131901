#include "topics/history.h"

#include <doctest/doctest.h>
#include <algorithm>
#include <deque>
#include <vector>

#include "tests/topics/random.h"

using namespace ringcast::topics;

namespace {

// Pushes a message of this seq that nobody else holds; what push() says.
std::uint64_t push(History& history, MessagePool& pool, std::uint64_t seq, const History::Limits& limits = {},
                   std::size_t size = 0) {
  const std::vector<std::uint8_t> payload(size, 0x20);
  Message* const message = pool.make({.topic = "t", .payload = payload});
  message->seq = seq;
  message->position = 1'000 + seq;
  message->time_us = static_cast<std::int64_t>(seq) / 4;
  const std::uint64_t lost = history.push(message, limits, pool);
  pool.release(message);
  return lost;
}

}  // namespace

TEST_CASE("a History keeps one message by default, none when told so") {
  MessagePool pool;
  History history;
  CHECK(history.newest() == nullptr);
  CHECK(push(history, pool, 1) == 0);
  CHECK(push(history, pool, 2) == 1'001);
  CHECK(history.size() == 1);
  CHECK(history.newest()->seq == 2);
  CHECK(pool.live() == 1);
  history.clear(pool);
  CHECK(pool.live() == 0);
  CHECK(push(history, pool, 3, {.messages_max = 0}) == 1'003);
  CHECK(history.size() == 0);
  CHECK(history.newest() == nullptr);
  CHECK(pool.live() == 0);
}

TEST_CASE("a message that leaves the History lives on while another reference holds it") {
  MessagePool pool;
  History history;
  Message* const message = pool.make({.topic = "t"});
  message->seq = 1;
  CHECK(history.push(message, {}, pool) == 0);
  push(history, pool, 2);
  CHECK(message->references == 1);
  CHECK(pool.live() == 2);
  pool.release(message);
  history.clear(pool);
  CHECK(pool.live() == 0);
}

TEST_CASE("a History of any size holds the last messages, oldest first, as a deque would") {
  for (const std::uint32_t messages_max : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 17U, 100U}) {
    CAPTURE(messages_max);
    test::Random random(messages_max);
    MessagePool pool;
    History history;
    std::deque<std::uint64_t> model;
    std::uint64_t seq = 0;
    for (int step = 0; step < 500; ++step) {
      if (!model.empty() && random.percent(20)) {
        history.drop_oldest(pool);
        model.pop_front();
      } else if (random.percent(2)) {
        history.clear(pool);
        model.clear();
      } else {
        seq += 1 + random.below(3);  // events leave holes
        model.push_back(seq);
        const std::uint64_t lost = model.size() > messages_max ? 1'000 + model.front() : 0;
        if (lost > 0) model.pop_front();
        REQUIRE(push(history, pool, seq, {.messages_max = messages_max}) == lost);
      }
      history.check_invariants();
      REQUIRE(history.size() == model.size());
      REQUIRE(pool.live() == model.size());
      for (std::size_t i = 0; i < model.size(); ++i) REQUIRE(history[i]->seq == model[i]);
      REQUIRE((history.newest() == nullptr) == model.empty());
      if (!model.empty()) REQUIRE(history.newest()->seq == model.back());
      const std::uint64_t asked = random.below(seq + 3);
      REQUIRE(history.first_after(asked) ==
              static_cast<std::size_t>(std::ranges::upper_bound(model, asked) - model.begin()));
      REQUIRE(history.first_after_position(1'000 + asked) == history.first_after(asked));
      std::size_t older = 0;
      while (older < model.size() && model[older] / 4 < asked / 4) ++older;
      REQUIRE(history.first_since(static_cast<std::int64_t>(asked / 4)) == older);
    }
    history.clear(pool);
    CHECK(pool.live() == 0);
  }
}

TEST_CASE("a History holds as many bytes as it may, and its newest message whatever its size") {
  MessagePool pool;
  History history;
  const auto one = static_cast<std::uint32_t>(sizeof(Message) + 1 + 100);
  const History::Limits limits{.messages_max = 10, .bytes_max = 3 * one};
  for (const std::uint64_t seq : {1U, 2U, 3U}) CHECK(push(history, pool, seq, limits, 100) == 0);
  CHECK(history.bytes() == 3 * one);
  CHECK(push(history, pool, 4, limits, 100) == 1'001);
  CHECK(history.size() == 3);
  CHECK(push(history, pool, 5, limits, 101) == 1'003);  // one byte more: two have to go
  CHECK(history.size() == 2);
  CHECK(push(history, pool, 6, limits, 5'000) == 1'005);
  CHECK(history.size() == 1);
  CHECK(history.newest()->seq == 6);
  CHECK(push(history, pool, 7, limits, 100) == 1'006);
  CHECK(history.size() == 1);
  history.check_invariants();
  history.clear(pool);
  CHECK(history.bytes() == 0);
}
