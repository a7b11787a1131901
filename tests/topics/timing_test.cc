// What the hot paths cost. Skipped by ctest; run it from a release build:
//   build/release/topics_tests --no-skip --test-case='timing:*'
#include <doctest/doctest.h>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "tests/topics/random.h"
#include "topics/filter_trie.h"
#include "topics/home.h"
#include "topics/subscriptions.h"

using namespace ringcast::topics;

namespace {

constexpr HashKey kKey{.k0 = 13, .k1 = 14};

double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Runs `body(i)` `count` times and prints CPU nanoseconds per call. `sum` is printed so that nothing is optimised away.
template <typename Body>
void timed(const char* what, std::uint32_t count, Body&& body) {
  std::uint64_t sum = 0;
  const double start = cpu_ns();
  for (std::uint32_t i = 0; i < count; ++i) sum += body(i);
  const double spent = cpu_ns() - start;
  std::printf("%-58s %9.1f ns  (%llu)\n", what, spent / count, static_cast<unsigned long long>(sum));
}

struct Topics {
  explicit Topics(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      names.push_back("iot/site" + std::to_string(i % 97) + "/device" + std::to_string(i) + "/temperature");
      hashes.push_back(hash_name(kKey, names.back()));
    }
  }
  std::vector<std::string> names;
  std::vector<std::uint64_t> hashes;
};

}  // namespace

TEST_CASE("timing: hash and match of one name" * doctest::skip()) {
  const Topics topics(1'000);
  timed("hash_name, 30 bytes", 1'000'000, [&](std::uint32_t i) { return hash_name(kKey, topics.names[i % 1'000]); });
  for (const std::uint32_t filters : {10U, 10'000U, 1'000'000U}) {
    FilterTrie<std::uint32_t> trie(kKey);
    for (std::uint32_t i = 0; i < filters; ++i) {
      const std::string site = "iot/site" + std::to_string(i % 97);
      trie.insert(i % 2 == 0 ? site + "/+/value" + std::to_string(i) : site + "/device" + std::to_string(i) + "/#")
          .value = i;
    }
    const std::string what = "FilterTrie::match among " + std::to_string(filters) + " wildcard filters";
    timed(what.c_str(), 200'000, [&](std::uint32_t i) {
      std::uint64_t sum = 0;
      trie.match(topics.names[i % 1'000], [&](std::uint32_t value) { sum += value; });
      return sum;
    });
  }
}

TEST_CASE("timing: a publish at its home" * doctest::skip()) {
  for (const std::uint32_t count : {1'000U, 100'000U, 1'000'000U}) {
    const Topics topics(count);
    MessagePool pool;
    Home home({.key = kKey}, pool);
    home.announce(1, "iot/#");
    const std::vector<std::uint8_t> payload(128, 1);
    test::Random random(1);
    std::vector<std::uint32_t> order(1'000'000);
    for (std::uint32_t& i : order) i = random.below(count);
    const auto publish = [&](std::uint32_t t) {
      const TopicHandle topic = home.find_or_make(topics.names[t], topics.hashes[t]).value();
      Message* const message =
          pool.make({.topic = topics.names[t], .topic_hash = topics.hashes[t], .payload = payload});
      const Home::Sequenced sequenced = home.sequence(topic, message, 1);
      pool.release(message);
      return sequenced.interested;
    };
    timed(("first publish, " + std::to_string(count) + " topics").c_str(), count, publish);
    timed(("make + find + sequence + release, " + std::to_string(count) + " topics").c_str(), 1'000'000,
          [&](std::uint32_t i) { return publish(order[i]); });
    std::uint32_t visited = 0;
    timed(("snapshot, per topic of " + std::to_string(count)).c_str(), 1, [&](std::uint32_t) {
      home.snapshot("iot/+/+/temperature",
                    {.position_max = home.position(), .count_max = count, .visits_max = 2 * count + 1}, [&](Message*) {
                      ++visited;
                      return Visit::go_on;
                    });
      return visited;
    });
    std::printf("  of %u topics\n", visited);
  }
}

TEST_CASE("timing: match and fan-out at the subscribers" * doctest::skip()) {
  const Topics topics(10'000);
  Subscriptions subscriptions({.shards = 1, .key = kKey});
  std::uint32_t slot = 0;
  const auto join = [&](std::string_view filter) {
    const auto joined = subscriptions.join(filter, {}, {.slot = slot++}).value();
    subscriptions.marker(joined.place, 0);
  };
  for (const std::string& name : topics.names) join(name);
  const auto match = [&](std::uint32_t i) {
    return subscriptions.match(0, {.index = i % 10'000}, topics.names[i % 10'000], topics.hashes[i % 10'000]).size();
  };
  timed("Subscriptions::match, first time", 10'000, match);
  timed("Subscriptions::match, cached, 10,000 topics in turn", 1'000'000, match);
  timed("Subscriptions::match, cached, one topic", 1'000'000, [&](std::uint32_t) { return match(0); });
  for (std::uint32_t i = 0; i < 10'000; ++i) join("iot/#");
  const GroupId group = subscriptions.match(0, {.index = 0}, topics.names[0], topics.hashes[0]).back();
  timed("fan_out, per 10,000 members", 1'000, [&](std::uint32_t) {
    std::uint64_t sum = 0;
    subscriptions.fan_out(group, 0, 100'000, [&](Member member) { sum += member.slot; });
    return sum;
  });
  timed("join + marker + leave", 100'000, [&](std::uint32_t i) {
    const auto joined = subscriptions.join(topics.names[i % 10'000], {}, {.slot = i}).value();
    const auto marked = subscriptions.marker(joined.place, 0);
    return subscriptions.leave(marked.moves.begin()[marked.moves.size() - 1].place).moves.size();
  });
}
