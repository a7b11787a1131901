// Home against the plainest model of it: maps, sets and loops over everything.
#include <doctest/doctest.h>
#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/topics/random.h"
#include "topics/home.h"

using namespace ringcast::topics;

namespace {

constexpr HashKey kKey{.k0 = 5, .k1 = 6};
constexpr std::uint32_t kShards = 5;
constexpr std::uint32_t kTopicsMax = 25;

struct Kept {
  std::uint64_t seq;
  std::uint64_t position;
  Op op;
};

struct ModelTopic {
  std::uint64_t seq = 0;
  std::uint64_t position = 0;
  std::uint32_t kept_max = 1;
  std::deque<Kept> kept;
  TopicHandle handle;
};

class Model {
 public:
  explicit Model(std::uint32_t seed) : random_(seed), home_(options(), pool_) {}

  void step() {
    const std::uint32_t dice = random_.below(100);
    if (dice < 50) {
      publish(random_.topic());
    } else if (dice < 65) {
      announce(random_.below(kShards), random_.percent(50) ? random_.filter() : random_.topic());
    } else if (dice < 80) {
      withdraw_any();
    } else if (dice < 90) {
      forget(topics_.empty() || random_.percent(20) ? random_.topic() : any_topic());
    } else {
      check_snapshot(random_.filter());
    }
    check_last(random_.topic());
    home_.check_invariants();
    REQUIRE(pool_.live() == kept_count());
  }

 private:
  static Home::Options options() {
    return {.origin = 2,
            .key = kKey,
            .topics_max = kTopicsMax,
            .history = {.messages_max = 1},
            .history_rules = {{"a/#", 3}, {"b/#", 0}}};
  }
  static std::uint32_t kept_max(const std::string& name) {
    if (matches("a/#", name)) return 3;
    return matches("b/#", name) ? 0 : 1;
  }

  ShardSet interested(const std::string& name) const {
    ShardSet shards = 0;
    for (const auto& [shard, filter] : interest_) {
      if (matches(filter, name)) shards |= only(shard);
    }
    return shards;
  }

  void publish(const std::string& name) {
    CAPTURE(name);
    const std::uint64_t hash = hash_name(kKey, name);
    const auto handle = home_.find_or_make(name, hash);
    const bool known = topics_.contains(name);
    if (!known && topics_.size() == kTopicsMax) {
      REQUIRE_FALSE(handle.has_value());
      REQUIRE(handle.error() == Error::too_many_topics);
      return;
    }
    REQUIRE(handle.has_value());
    ModelTopic& topic = topics_[name];
    if (known) REQUIRE(topic.handle == *handle);
    if (!known) topic = {.seq = forgotten_, .kept_max = kept_max(name), .kept = {}, .handle = *handle};
    REQUIRE(home_.find(name, hash) == *handle);
    REQUIRE(home_.interested(*handle) == interested(name));

    const Op op = random_.percent(60) ? Op::set : random_.percent(50) ? Op::remove : Op::event;
    now_us_ += random_.below(20) - 5;
    Message* const message = pool_.make({.topic = name, .topic_hash = hash, .op = op});
    const Home::Sequenced sequenced = home_.sequence(*handle, message, now_us_);
    REQUIRE(sequenced.interested == interested(name));
    REQUIRE(sequenced.topic == *handle);
    REQUIRE(sequenced.seq == ++topic.seq);
    REQUIRE(sequenced.position == ++position_);
    REQUIRE(message->time_us >= last_time_us_);
    REQUIRE(message->time_us == std::max(last_time_us_, now_us_));
    last_time_us_ = message->time_us;
    REQUIRE(seqs_[name].insert(sequenced.seq).second);
    pool_.release(message);
    topic.position = position_;
    if (op == Op::event) return;
    topic.kept.push_back({sequenced.seq, sequenced.position, op});
    if (topic.kept.size() > topic.kept_max) topic.kept.pop_front();
  }

  void announce(std::uint32_t shard, const std::string& filter) {
    REQUIRE(home_.announce(shard, filter) == interest_.emplace(shard, filter).second);
  }

  void withdraw_any() {
    std::pair<std::uint32_t, std::string> one{random_.below(kShards), random_.filter()};
    if (!interest_.empty() && random_.percent(80)) one = *std::next(interest_.begin(), random_.below(interest_.size()));
    REQUIRE(home_.withdraw(one.first, one.second) == (interest_.erase(one) > 0));
  }

  void forget(const std::string& name) {
    const Home::Forget said = home_.forget(name);
    const auto found = topics_.find(name);
    if (found == topics_.end()) {
      REQUIRE(said == Home::Forget::unknown);
    } else if (has_value(found->second)) {
      REQUIRE(said == Home::Forget::has_value);
    } else {
      REQUIRE(said == Home::Forget::forgotten);
      forgotten_ = std::max(forgotten_, found->second.position);
      topics_.erase(found);
    }
    REQUIRE(home_.forgotten_position() == forgotten_);
  }

  void check_last(const std::string& name) const {
    const Message* const last = home_.last(name);
    const auto found = topics_.find(name);
    if (found == topics_.end() || !has_value(found->second)) {
      REQUIRE(last == nullptr);
      return;
    }
    REQUIRE(last != nullptr);
    REQUIRE(last->seq == found->second.kept.back().seq);
    const History* const history = home_.history(found->second.handle);
    REQUIRE(history->size() == found->second.kept.size());
    for (std::size_t i = 0; i < history->size(); ++i) REQUIRE((*history)[i]->seq == found->second.kept[i].seq);
  }

  void check_snapshot(const std::string& filter) {
    const std::uint64_t position_max = random_.below(position_ + 2);
    std::set<std::string> want;
    for (const auto& [name, topic] : topics_) {
      if (matches(filter, name) && has_value(topic) && topic.kept.back().position <= position_max) want.insert(name);
    }
    std::set<std::string> found;
    std::string after;
    for (bool done = false; !done;) {
      const Home::Chunk chunk{.after = after,
                              .position_max = position_max,
                              .count_max = 1 + random_.below(4),
                              .visits_max = 1 + random_.below(6)};
      const WalkEnd end = home_.snapshot(filter, chunk, [&](Message* message) {
        REQUIRE(found.insert(std::string(message->topic())).second);
        return random_.percent(20) ? Visit::stop : Visit::go_on;
      });
      done = end.done;
      after = end.after;
    }
    REQUIRE(found == want);
  }

  static bool has_value(const ModelTopic& topic) { return !topic.kept.empty() && topic.kept.back().op == Op::set; }
  const std::string& any_topic() { return std::next(topics_.begin(), random_.below(topics_.size()))->first; }
  std::size_t kept_count() const {
    std::size_t count = 0;
    for (const auto& [name, topic] : topics_) count += topic.kept.size();
    return count;
  }

  test::Random random_;
  MessagePool pool_;
  Home home_;
  std::map<std::string, ModelTopic> topics_;
  std::set<std::pair<std::uint32_t, std::string>> interest_;
  std::map<std::string, std::set<std::uint64_t>> seqs_;  // ever given, forgotten topics included
  std::uint64_t position_ = 0;
  std::uint64_t forgotten_ = 0;
  std::int64_t now_us_ = 1'000;
  std::int64_t last_time_us_ = 0;
};

}  // namespace

TEST_CASE("a home agrees with the plain model after every step of a random life") {
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Model model(seed);
    for (int step = 0; step < 400; ++step) {
      CAPTURE(step);
      model.step();
    }
  }
}
