// topics_bench [TOPICS]: CPU nanoseconds of what topics/ does for a message: hashing and matching its name, a publish
// at its home, a snapshot of last values, match and fan-out at its subscribers, joining and leaving. With up to so many
// topics, filters and calls: a million by default; ctest runs it with a thousand, to see that it runs.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iterator>
#include <string>
#include <vector>

#include "tests/topics/random.h"
#include "topics/filter_trie.h"
#include "topics/home.h"
#include "topics/subscriptions.h"

namespace {

using namespace ringcast::topics;

constexpr HashKey kKey{.k0 = 13, .k1 = 14};

double cpu_ns() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Runs `body(i)` `count` times and prints CPU nanoseconds per call. `sum` is printed so that nothing is optimised away.
template <typename Body>
void timed(const std::string& what, std::uint32_t count, Body&& body) {
  std::uint64_t sum = 0;
  const double start = cpu_ns();
  for (std::uint32_t i = 0; i < count; ++i) sum += body(i);
  const double spent = cpu_ns() - start;
  std::printf("%-58s %9.1f ns  (%llu)\n", what.c_str(), spent / count, static_cast<unsigned long long>(sum));
}

// The sizes to look at: these, as far as they are not above `most`.
template <std::size_t n>
std::vector<std::uint32_t> up_to(std::uint32_t most, const std::array<std::uint32_t, n>& sizes) {
  std::vector<std::uint32_t> some;
  std::ranges::copy_if(sizes, std::back_inserter(some), [&](std::uint32_t size) { return size <= most; });
  return some;
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

void bench_names(std::uint32_t most) {
  const Topics topics(1'000);
  timed("hash_name, 30 bytes", most, [&](std::uint32_t i) { return hash_name(kKey, topics.names[i % 1'000]); });
  for (const std::uint32_t filters : up_to(most, std::array{10U, 1'000U, 10'000U, 1'000'000U})) {
    FilterTrie<std::uint32_t> trie(kKey);
    for (std::uint32_t i = 0; i < filters; ++i) {
      const std::string site = "iot/site" + std::to_string(i % 97);
      trie.insert(i % 2 == 0 ? site + "/+/value" + std::to_string(i) : site + "/device" + std::to_string(i) + "/#")
          .value = i;
    }
    timed("FilterTrie::match among " + std::to_string(filters) + " wildcard filters", most / 5, [&](std::uint32_t i) {
      std::uint64_t sum = 0;
      trie.match(topics.names[i % 1'000], [&](std::uint32_t value) { sum += value; });
      return sum;
    });
  }
}

void bench_home(std::uint32_t count, std::uint32_t calls) {
  const Topics topics(count);
  MessagePool pool;
  Home home({.key = kKey}, pool);
  home.announce(1, "iot/#");
  const std::vector<std::uint8_t> payload(128, 1);
  test::Random random(1);
  std::vector<std::uint32_t> order(calls);
  for (std::uint32_t& i : order) i = random.below(count);
  const auto publish = [&](std::uint32_t t) {
    const TopicHandle topic = home.find_or_make(topics.names[t], topics.hashes[t]).value();
    Message* const message = pool.make({.topic = topics.names[t], .topic_hash = topics.hashes[t], .payload = payload});
    const Home::Sequenced sequenced = home.sequence(topic, message, 1);
    pool.release(message);
    return sequenced.interested;
  };
  const std::string of_topics = std::to_string(count) + " topics";
  timed("first publish, " + of_topics, count, publish);
  timed("make + find + sequence + release, " + of_topics, calls, [&](std::uint32_t i) { return publish(order[i]); });
  timed("snapshot of " + of_topics + ", all together", 1, [&](std::uint32_t) {
    std::uint32_t visited = 0;
    home.snapshot("iot/+/+/temperature",
                  {.position_max = home.position(), .count_max = count, .visits_max = 2 * count + 1}, [&](Message*) {
                    ++visited;
                    return Visit::go_on;
                  });
    return visited;
  });
}

void bench_subscriptions(std::uint32_t count, std::uint32_t calls) {
  const Topics topics(count);
  Subscriptions subscriptions({.shards = 1, .key = kKey});
  std::uint32_t slot = 0;
  const auto join = [&](std::string_view filter) {
    const auto joined = subscriptions.join(filter, {}, {.slot = slot++}).value();
    subscriptions.marker(joined.place, 0);
  };
  for (const std::string& name : topics.names) join(name);
  const auto match = [&](std::uint32_t i) {
    const std::uint32_t topic = i % count;
    return subscriptions.match(0, {.index = topic}, topics.names[topic], topics.hashes[topic]).size();
  };
  const std::string in_turn = std::to_string(count) + " topics in turn";
  timed("Subscriptions::match, first time, " + in_turn, count, match);
  timed("Subscriptions::match, cached, " + in_turn, calls, match);
  timed("Subscriptions::match, cached, one topic", calls, [&](std::uint32_t) { return match(0); });
  for (std::uint32_t i = 0; i < count; ++i) join("iot/#");
  const GroupId group = subscriptions.match(0, {.index = 0}, topics.names[0], topics.hashes[0]).back();
  timed("fan_out to " + std::to_string(count) + " members", calls / 1'000, [&](std::uint32_t) {
    std::uint64_t sum = 0;
    subscriptions.fan_out(group, 0, 2 * count, [&](Member member) { sum += member.slot; });
    return sum;
  });
  timed("join + marker + leave", calls / 10, [&](std::uint32_t i) {
    const auto joined = subscriptions.join(topics.names[i % count], {}, {.slot = i}).value();
    const auto marked = subscriptions.marker(joined.place, 0);
    return subscriptions.leave(marked.moves.begin()[marked.moves.size() - 1].place).moves.size();
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint32_t most = argc > 1 ? static_cast<std::uint32_t>(std::max(1'000, std::atoi(argv[1]))) : 1'000'000;
  bench_names(most);
  for (const std::uint32_t count : up_to(most, std::array{1'000U, 100'000U, 1'000'000U})) bench_home(count, most);
  bench_subscriptions(std::min(most, 10'000U), most);
}
