// Home::replay against the plainest model, while topics are published, removed and forgotten between its chunks.
#include <doctest/doctest.h>
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/topics/random.h"
#include "topics/home.h"

using namespace ringcast::topics;

namespace {

constexpr HashKey kKey{.k0 = 5, .k1 = 6};

class World {
 public:
  explicit World(std::uint32_t seed)
      : random_(seed),
        home_({.key = kKey, .history = {.messages_max = 1}, .history_rules = {{"a/#", 9}, {"b/#", 0}, {"+/a", 4}}},
              pool_) {}

  void change() {
    const std::string name = random_.topic();
    if (random_.percent(15)) {
      if (home_.forget(name) == Home::Forget::forgotten) lives_[name].clear();
      return;
    }
    const std::uint64_t hash = hash_name(kKey, name);
    const Op op = random_.percent(60) ? Op::set : random_.percent(70) ? Op::remove : Op::event;
    Message* const message = pool_.make({.topic = name, .topic_hash = hash, .op = op});
    const Home::Sequenced sequenced = home_.sequence(home_.find_or_make(name, hash).value(), message, 0);
    pool_.release(message);
    if (op != Op::event) lives_[name].push_back({.seq = sequenced.seq, .position = sequenced.position});
  }

  // Replays in chunks of any size, with changes between them, and checks what came.
  void replay() {
    const std::string filter = random_.filter();
    CAPTURE(filter);
    const std::uint64_t position_max = home_.position() - std::min<std::uint64_t>(home_.position(), random_.below(20));
    const std::uint32_t per_topic_max = 1 + random_.below(random_.percent(50) ? 3 : 12);
    const bool quiet = random_.percent(30);
    const auto before = wanted(filter, position_max, per_topic_max);
    std::vector<Said> said;
    std::string after;
    std::uint64_t after_seq = 0;
    for (bool done = false; !done;) {
      const Home::ReplayChunk chunk{.after = after,
                                    .after_seq = after_seq,
                                    .position_max = position_max,
                                    .per_topic_max = per_topic_max,
                                    .count_max = 1 + random_.below(5),
                                    .visits_max = 1 + random_.below(6)};
      std::uint32_t count = 0;
      const Home::ReplayEnd end = home_.replay(filter, chunk, [&](Message* message) {
        REQUIRE(count < chunk.count_max);
        if (random_.percent(10)) return Visit::refuse;
        ++count;
        said.push_back({std::string(message->topic()), message->seq});
        return random_.percent(20) ? Visit::stop : Visit::go_on;
      });
      done = end.done;
      after = std::string(end.after);
      after_seq = end.after_seq;
      if (quiet) continue;
      for (std::uint32_t changes = random_.below(4); changes > 0; --changes) change();
    }
    const auto still = wanted(filter, position_max, per_topic_max);
    if (quiet) REQUIRE(said == before);
    // All that history kept throughout came; nothing else than what was kept at the beginning; each once, in order.
    REQUIRE(is_part(still, said));
    REQUIRE(is_part(said, before));
  }

  void check() const { home_.check_invariants(); }

 private:
  struct Said {
    std::string topic;
    std::uint64_t seq;
    friend bool operator==(const Said&, const Said&) = default;
  };
  struct Kept {
    std::uint64_t seq;
    std::uint64_t position;
  };

  // As if `/` were the lowest byte: the order of names.
  static std::string order_of(std::string name) {
    std::ranges::replace(name, '/', '\x01');
    return name;
  }

  // True if `part` is `whole` with some left out.
  static bool is_part(const std::vector<Said>& part, const std::vector<Said>& whole) {
    auto at = whole.begin();
    for (const Said& one : part) {
      at = std::find(at, whole.end(), one);
      if (at == whole.end()) return false;
      ++at;
    }
    return true;
  }

  static std::size_t kept_max(const std::string& name) {
    if (matches("a/#", name)) return 9;
    if (matches("b/#", name)) return 0;
    return matches("+/a", name) ? 4 : 1;
  }

  std::vector<Said> wanted(const std::string& filter, std::uint64_t position_max, std::size_t per_topic_max) const {
    std::map<std::string, std::pair<std::string, std::vector<Kept>>> topics;
    for (const auto& [name, life] : lives_) {
      if (matches(filter, name)) topics[order_of(name)] = {name, life};
    }
    std::vector<Said> all;
    for (auto& [order, topic] : topics) {
      auto& [name, kept] = topic;
      kept.erase(kept.begin(), kept.end() - static_cast<std::ptrdiff_t>(std::min(kept.size(), kept_max(name))));
      std::erase_if(kept, [&](const Kept& one) { return one.position > position_max; });
      const std::size_t skip = kept.size() - std::min(kept.size(), per_topic_max);
      for (std::size_t i = skip; i < kept.size(); ++i) all.push_back({name, kept[i].seq});
    }
    return all;
  }

  test::Random random_;
  MessagePool pool_;
  Home home_;
  std::map<std::string, std::vector<Kept>> lives_;  // every SET and REMOVE of each topic since it was last made
};

}  // namespace

TEST_CASE("a replay in chunks says what is kept, each once and in order, whatever happens between the chunks") {
  for (std::uint32_t seed = 1; seed <= 24; ++seed) {
    CAPTURE(seed);
    World world(seed);
    for (int step = 0; step < 60; ++step) {
      CAPTURE(step);
      for (int changes = 0; changes < 12; ++changes) world.change();
      world.replay();
      world.check();
    }
  }
}

TEST_CASE("a replay goes on in the middle of a topic, and behind it when it is gone") {
  MessagePool pool;
  Home home({.key = kKey, .history = {.messages_max = 4}}, pool);
  const auto publish = [&](std::string_view name, Op op) {
    Message* const message = pool.make({.topic = name, .topic_hash = hash_name(kKey, name), .op = op});
    home.sequence(home.find_or_make(name, hash_name(kKey, name)).value(), message, 0);
    pool.release(message);
  };
  for (int i = 0; i < 4; ++i) publish("a", Op::set);
  publish("b", Op::set);
  const std::uint64_t position_max = home.position();
  std::vector<std::uint64_t> seqs;
  const auto chunk = [&](std::uint64_t after_seq, std::uint32_t count_max) {
    seqs.clear();
    return home.replay("#",
                       {.after = after_seq > 0 ? "a" : "",
                        .after_seq = after_seq,
                        .position_max = position_max,
                        .per_topic_max = 3,
                        .count_max = count_max},
                       [&](Message* message) {
                         seqs.push_back(message->seq);
                         return Visit::go_on;
                       });
  };
  Home::ReplayEnd end = chunk(0, 1);
  CHECK(seqs == std::vector<std::uint64_t>{2});
  CHECK_FALSE(end.done);
  CHECK(end.after == "a");
  CHECK(end.after_seq == 2);
  end = chunk(2, 2);
  CHECK(seqs == std::vector<std::uint64_t>{3, 4});
  CHECK(end.resumed == Resumed::recovered);
  CHECK(end.after == "a");
  CHECK(end.after_seq == 0);  // all of it is said
  publish("a", Op::remove);
  publish("a", Op::remove);
  publish("a", Op::remove);  // history lets 1, 2 and 3 go
  end = chunk(2, 64);
  CHECK(seqs == std::vector<std::uint64_t>{4, 1});
  CHECK(end.resumed == Resumed::gap);  // of 3
  CHECK(end.done);
  REQUIRE(home.forget("a") == Home::Forget::forgotten);
  end = chunk(2, 64);
  CHECK(seqs == std::vector<std::uint64_t>{1});
  CHECK(end.resumed == Resumed::gap);
  CHECK(end.done);
}
