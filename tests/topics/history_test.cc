#include "topics/history.h"

#include <doctest/doctest.h>
#include <algorithm>
#include <deque>

#include "tests/topics/random.h"

using namespace ringcast::topics;

namespace {

// Pushes a message of this seq that nobody else holds.
void push(History& history, MessagePool& pool, std::uint64_t seq) {
  Message* const message = pool.make({.topic = "t"});
  message->seq = seq;
  history.push(message, pool);
  pool.release(message);
}

}  // namespace

TEST_CASE("a History keeps one message by default, none when told so") {
  MessagePool pool;
  History history;
  CHECK(history.newest() == nullptr);
  push(history, pool, 1);
  push(history, pool, 2);
  CHECK(history.size() == 1);
  CHECK(history.newest()->seq == 2);
  CHECK(pool.live() == 1);
  history.clear(pool);
  CHECK(pool.live() == 0);
  history.limit(0);
  push(history, pool, 3);
  CHECK(history.size() == 0);
  CHECK(history.newest() == nullptr);
  CHECK(pool.live() == 0);
}

TEST_CASE("a message that leaves the History lives on while another reference holds it") {
  MessagePool pool;
  History history;
  Message* const message = pool.make({.topic = "t"});
  message->seq = 1;
  history.push(message, pool);
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
    history.limit(messages_max);
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
        push(history, pool, seq);
        model.push_back(seq);
        if (model.size() > messages_max) model.pop_front();
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
    }
    history.clear(pool);
    CHECK(pool.live() == 0);
  }
}
