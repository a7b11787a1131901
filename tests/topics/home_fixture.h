// HomeFixture: a home and its pool, with the way of a request in one call.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "topics/home.h"

namespace ringcast::topics::test {

inline constexpr HashKey kHomeKey{.k0 = 3, .k1 = 4};

struct HomeFixture {
  explicit HomeFixture(Home::Options options = {}) : home((options.key = kHomeKey, std::move(options)), pool) {}

  std::expected<TopicHandle, Error> topic(std::string_view name) {
    return home.find_or_make(name, hash_name(kHomeKey, name));
  }
  TopicHandle find(std::string_view name) const { return home.find(name, hash_name(kHomeKey, name)); }

  Home::Sequenced publish(std::string_view name, Op op = Op::set, std::int64_t now_us = 0) {
    const TopicHandle handle = topic(name).value();
    Message* const message = pool.make({.topic = name, .topic_hash = hash_name(kHomeKey, name), .op = op});
    const Home::Sequenced sequenced = home.sequence(handle, message, now_us);
    CHECK(message->seq == sequenced.seq);
    CHECK(message->position == sequenced.position);
    time_us = message->time_us;
    pool.release(message);
    home.check_invariants();
    return sequenced;
  }

  std::vector<std::string> snapshot(std::string_view filter, std::uint64_t position_max) {
    std::vector<std::string> found;
    const WalkEnd end = home.snapshot(filter, {.position_max = position_max}, [&](Message* message) {
      found.emplace_back(message->topic());
      return Visit::go_on;
    });
    CHECK(end.done);
    return found;
  }

  MessagePool pool;
  Home home;
  std::int64_t time_us = 0;  // of the last message published
};

}  // namespace ringcast::topics::test
