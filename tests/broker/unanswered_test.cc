#include "broker/unanswered.h"

#include <doctest/doctest.h>

#include <random>
#include <vector>

namespace ringcast::broker {

TEST_CASE("unanswered: answers in any order give back what was added") {
  Unanswered publishes;
  const std::uint32_t first = publishes.add(10, 5);
  const std::uint32_t second = publishes.add(11, 7);
  const std::uint32_t third = publishes.add(12, 0);
  CHECK(publishes.size() == 3);
  CHECK(publishes.bytes() == 12);
  CHECK(publishes.answer(second) == 11);
  CHECK(publishes.answered_up_to() == 0);
  CHECK(publishes.answer(first) == 10);
  CHECK(publishes.answered_up_to() == 11);
  CHECK(publishes.answer(third) == 12);
  CHECK(publishes.answered_up_to() == 12);
  CHECK(publishes.size() == 0);
  CHECK(publishes.bytes() == 0);
  CHECK(publishes.answered() == 3);
  CHECK(publishes.answered_bytes() == 12);
}

TEST_CASE("unanswered: publishes without an id do not move what is answered") {
  Unanswered publishes;
  const std::uint32_t named = publishes.add(4, 1);
  const std::uint32_t nameless = publishes.add(0, 1);
  (void)publishes.answer(named);
  CHECK(publishes.answer(nameless) == 0);
  CHECK(publishes.answered_up_to() == 4);
}

TEST_CASE("unanswered: what was refused at once counts as answered") {
  Unanswered publishes;
  publishes.add_refused(100);
  CHECK(publishes.answered() == 1);
  CHECK(publishes.answered_bytes() == 100);
}

TEST_CASE("unanswered: agrees with a list that is searched, in any order and at any depth") {
  constexpr std::uint32_t kSeed = 20'261'121;
  CAPTURE(kSeed);
  std::mt19937 random(kSeed);
  Unanswered publishes;
  struct Entry {
    std::uint64_t id;
    std::uint32_t ticket;
    std::uint32_t bytes;
    bool answered;
  };
  std::vector<Entry> model;
  std::uint64_t next_id = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::size_t> open;
    for (std::size_t at = model.size() > 200 ? model.size() - 200 : 0; at < model.size(); ++at) {
      if (!model[at].answered) open.push_back(at);
    }
    if (open.empty() || (open.size() < 150 && random() % 2 == 0)) {
      next_id += 1 + random() % 3;
      const auto bytes = static_cast<std::uint32_t>(random() % 1'000);
      model.push_back({next_id, publishes.add(next_id, bytes), bytes, false});
    } else {
      Entry& entry = model[open[random() % 4 == 0 ? random() % open.size() : 0]];
      entry.answered = true;
      REQUIRE(publishes.answer(entry.ticket) == entry.id);
    }
    if (i % 50 != 0) continue;
    std::uint64_t up_to = 0;
    for (const Entry& entry : model) {
      if (!entry.answered) break;
      up_to = entry.id;
    }
    REQUIRE(publishes.answered_up_to() == up_to);
  }
}

}  // namespace ringcast::broker
