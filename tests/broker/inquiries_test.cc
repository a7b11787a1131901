// Inquiries across threads, for ThreadSanitizer: what one side writes the other reads only when it has changed hands.
#include "broker/inquiries.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ringcast::broker {

using Part = Inquiries::Part;

namespace {

// A shard's thread, which does `answer` over and over while it lives.
template <typename Answer>
std::jthread answering_thread(Inquiries& inquiries, Answer answer) {
  return std::jthread([&inquiries, answer](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (!inquiries.any()) std::this_thread::yield();
      answer();
    }
  });
}

void answer_sample(Inquiries& inquiries) {
  if (!inquiries.asked(Part::sample)) return;
  ++inquiries.sample.turns;
  inquiries.sample.slowest[7].owed_bytes = inquiries.sample.turns;
  inquiries.answer(Part::sample);
}

}  // namespace

TEST_CASE("a part belongs to who asked until it asks, and again when it is answered") {
  Inquiries inquiries;
  CHECK(inquiries.is_mine(Part::sample));
  CHECK_FALSE(inquiries.any());
  inquiries.ask(Part::query);
  CHECK(inquiries.asked(Part::query));
  CHECK_FALSE(inquiries.asked(Part::sample));
  CHECK(inquiries.is_mine(Part::sample));
  CHECK_FALSE(inquiries.is_mine(Part::query));
  CHECK(inquiries.any_before_sleep());
  inquiries.answer(Part::query);
  CHECK(inquiries.is_mine(Part::query));
  CHECK_FALSE(inquiries.any());
}

TEST_CASE("questions and answers of all parts cross between two threads whole") {
  constexpr std::uint64_t kRounds = 2'000;
  Inquiries inquiries;
  const std::jthread shard = answering_thread(inquiries, [&] {
    answer_sample(inquiries);
    if (inquiries.asked(Part::own_value)) {
      inquiries.own_value.published = inquiries.own_value.payload.size() == inquiries.own_value.hash;
      inquiries.answer(Part::own_value);
    }
    if (inquiries.asked(Part::query)) {
      auto& members = std::get<MembersQuery>(inquiries.query);
      for (const std::string& topic : members.topics) members.counts.push_back(topic.size());
      inquiries.answer(Part::query);
    }
  });
  std::uint64_t samples = 0;
  std::uint64_t values = 0;
  std::uint64_t queries = 0;
  bool sampled = false;
  bool valued = false;
  bool queried = false;
  while (samples < kRounds || values < kRounds || queries < kRounds) {
    if (inquiries.is_mine(Part::sample)) {
      if (std::exchange(sampled, false)) ++samples;
      REQUIRE(inquiries.sample.turns == samples);
      REQUIRE(inquiries.sample.slowest[7].owed_bytes == samples);
      if (samples < kRounds) {
        inquiries.ask(Part::sample);
        sampled = true;
      }
    }
    if (inquiries.is_mine(Part::own_value)) {
      if (std::exchange(valued, false)) {
        ++values;
        REQUIRE(inquiries.own_value.published);
      }
      if (values < kRounds) {
        inquiries.own_value.payload.assign(values % 300, 'x');
        inquiries.own_value.hash = values % 300;
        inquiries.ask(Part::own_value);
        valued = true;
      }
    }
    if (inquiries.is_mine(Part::query)) {
      if (std::exchange(queried, false)) {
        ++queries;
        REQUIRE(std::get<MembersQuery>(inquiries.query).counts == std::vector<std::uint64_t>{1, 2});
      }
      if (queries < kRounds) {
        inquiries.query = MembersQuery{.topics = {"a", "bc"}};
        inquiries.ask(Part::query);
        queried = true;
      }
    }
    std::this_thread::yield();
  }
}

TEST_CASE("a configuration comes whole from main's thread, while the operators' asks the same shard") {
  constexpr std::uint64_t kReloads = 500;
  Inquiries inquiries;
  const std::jthread shard = answering_thread(inquiries, [&] {
    answer_sample(inquiries);
    if (inquiries.asked(Part::config)) {
      // What it says of the configuration, main reads: the part goes back and forth.
      inquiries.config.memory_budget += inquiries.config.config.history_rules.size();
      inquiries.answer(Part::config);
    }
  });
  std::jthread operators([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      if (inquiries.is_mine(Part::sample)) inquiries.ask(Part::sample);
      std::this_thread::yield();
    }
  });
  for (std::uint64_t reload = 0; reload < kReloads; ++reload) {
    inquiries.config = {.config = {}, .memory_budget = reload};
    inquiries.config.config.history_rules.assign(reload % 9, {.filter = "a/#", .last = 3});
    inquiries.ask(Part::config);
    while (!inquiries.is_mine(Part::config)) std::this_thread::yield();
    REQUIRE(inquiries.config.memory_budget == reload + reload % 9);
  }
}

}  // namespace ringcast::broker
