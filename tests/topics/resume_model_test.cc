// Home::resume against the plainest model, a log of everything that was ever published, while topics are published,
// removed and forgotten between its chunks.
#include <doctest/doctest.h>
#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/topics/random.h"
#include "topics/home.h"

using namespace ringcast::topics;

namespace {

constexpr HashKey kResumeKey{.k0 = 7, .k1 = 8};

class ResumeWorld {
 public:
  explicit ResumeWorld(std::uint32_t seed)
      : random_(seed), home_({.key = kResumeKey, .history = {.messages_max = 1}, .history_rules = rules()}, pool_) {}

  void change() {
    const std::string name = random_.topic();
    if (random_.percent(6)) {
      if (home_.forget(name) == Home::Forget::forgotten) lives_.erase(name);
      return;
    }
    const std::uint64_t hash = hash_name(kResumeKey, name);
    const Op op = random_.percent(85) ? Op::set : random_.percent(50) ? Op::remove : Op::event;
    now_us_ += random_.percent(50) ? random_.below(700'000) : 0;
    Message* const message = pool_.make({.topic = name, .topic_hash = hash, .op = op});
    const Home::Sequenced done = home_.sequence(home_.find_or_make(name, hash).value(), message, now_us_);
    log_.push_back({.name = name, .position = done.position, .time_us = message->time_us});
    pool_.release(message);
    if (op != Op::event) lives_[name].push_back(done.position);
    if (op == Op::event) lives_.try_emplace(name);
  }

  void resume() {
    const std::string filter = random_.percent(30) ? random_.topic() : random_.filter();
    CAPTURE(filter);
    Home::ResumeChunk chunk{.say = random_.percent(50) ? Home::Since::every : Home::Since::newest};
    const std::uint64_t back = random_.percent(50) ? random_.below(15) : random_.below(400);
    if (random_.percent(70)) chunk.since = home_.position() - std::min(home_.position(), back);
    if (random_.percent(30)) chunk.since_us = now_us_ - static_cast<std::int64_t>(random_.below(60'000'000));
    chunk.position_max = home_.position() - std::min<std::uint64_t>(home_.position(), random_.below(5));
    CAPTURE(chunk.since);
    CAPTURE(chunk.since_us);
    CAPTURE(chunk.position_max);
    const bool quiet = random_.percent(30);
    said_.clear();
    Resumed resumed = Resumed::recovered;
    std::string after;
    for (bool done = false; !done;) {
      chunk.after = after;
      chunk.count_max = 1 + random_.below(5);
      chunk.visits_max = 1 + random_.below(random_.percent(50) ? 8 : 200);
      const Home::ResumeEnd end = home_.resume(filter, chunk, [&](Message* message) {
        if (random_.percent(10)) return Visit::refuse;
        said_.push_back({.name = std::string(message->topic()), .position = message->position});
        return random_.percent(20) ? Visit::stop : Visit::go_on;
      });
      REQUIRE(end.visits <= chunk.visits_max + 4);  // at least one topic, whatever the bound
      resumed = std::max(resumed, end.resumed);
      done = end.done;
      after = std::string(end.after);
      chunk.within = end.within;
      chunk.topic = end.topic;
      for (std::uint32_t changes = quiet ? 0 : random_.below(4); changes > 0; --changes) change();
    }
    CAPTURE(static_cast<int>(resumed));
    check(filter, chunk, resumed);
  }

  void check_home() const { home_.check_invariants(); }
  std::map<Resumed, int> outcomes;

 private:
  struct Logged {
    std::string name;
    std::uint64_t position;
    std::int64_t time_us = 0;
  };

  static std::vector<HistoryRule> rules() {
    return {{.filter = "a/#", .messages_max = 9},
            {.filter = "b/#", .messages_max = 0},
            {.filter = "+/a", .messages_max = 4}};
  }
  static std::size_t kept_max(const std::string& name) {
    for (const HistoryRule& rule : rules()) {
      if (matches(rule.filter, name)) return rule.messages_max;
    }
    return 1;
  }
  bool is_kept(const Logged& one) const {
    const auto life = lives_.find(one.name);
    if (life == lives_.end()) return false;
    const std::vector<std::uint64_t>& kept = life->second;
    const std::size_t count = std::min(kept.size(), kept_max(one.name));
    return std::find(kept.end() - static_cast<std::ptrdiff_t>(count), kept.end(), one.position) != kept.end();
  }

  void check(const std::string& filter, const Home::ResumeChunk& chunk, Resumed resumed) {
    ++outcomes[resumed];
    std::map<std::string, std::vector<std::uint64_t>> wanted;  // by topic, rising
    std::map<std::string, std::uint64_t> newest;               // of each topic, ever
    bool lost = false;
    for (const Logged& one : log_) {
      if (!matches(filter, one.name)) continue;
      newest[one.name] = one.position;
      if (one.position <= chunk.since || one.time_us < chunk.since_us) continue;
      lost = lost || !is_kept(one);
      if (one.position <= chunk.position_max) wanted[one.name].push_back(one.position);
    }
    std::map<std::string, std::vector<std::uint64_t>> said;
    for (const Logged& one : said_) said[one.name].push_back(one.position);
    // Nothing but what was missed, each once and in order.
    for (const auto& [name, positions] : said) {
      CAPTURE(name);
      REQUIRE(std::ranges::is_sorted(positions));
      REQUIRE(std::set(positions.begin(), positions.end()).size() == positions.size());
      REQUIRE(std::ranges::includes(wanted[name], positions));
      if (chunk.say == Home::Since::newest) REQUIRE(positions.size() == 1);
    }
    // What is still kept was said.
    for (const auto& [name, positions] : wanted) {
      CAPTURE(name);
      for (const std::uint64_t position : positions) {
        const bool is_due = chunk.say == Home::Since::every || position == newest[name];
        if (is_due && is_kept({.name = name, .position = position}))
          REQUIRE(std::ranges::count(said[name], position) == 1);
      }
    }
    if (resumed == Resumed::recovered) {
      for (const auto& [name, positions] : wanted) REQUIRE(said[name] == positions);
    } else if (resumed == Resumed::conflated) {
      REQUIRE(chunk.say == Home::Since::newest);
      bool left_out = lost;
      for (const auto& [name, positions] : wanted) {
        CAPTURE(name);
        if (positions != said[name]) left_out = true;
        if (newest[name] > chunk.position_max) continue;  // comes live
        REQUIRE(said[name] == std::vector{positions.back()});
      }
      REQUIRE((left_out || chunk.since_us != INT64_MIN));
    } else {  // no cry without a cause; of a time the home knows only the second
      const bool forgot = home_.forgotten_position() > chunk.since;
      REQUIRE((lost || forgot || chunk.since_us != INT64_MIN));
    }
  }

  test::Random random_;
  MessagePool pool_;
  Home home_;
  std::int64_t now_us_ = 1'000'000'000;
  std::vector<Logged> log_;
  std::vector<Logged> said_;
  std::map<std::string, std::vector<std::uint64_t>> lives_;  // SET and REMOVE of each topic since it was last made
};

}  // namespace

TEST_CASE("a resumption says all that is kept, each once and in order, and the truth about the rest") {
  std::map<Resumed, int> outcomes;
  for (std::uint32_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    ResumeWorld world(seed);
    for (int step = 0; step < 40; ++step) {
      CAPTURE(step);
      for (int changes = 0; changes < 15; ++changes) world.change();
      world.resume();
      world.check_home();
    }
    for (const auto& [resumed, count] : world.outcomes) outcomes[resumed] += count;
  }
  for (const Resumed resumed : {Resumed::recovered, Resumed::conflated, Resumed::gap}) CHECK(outcomes[resumed] > 50);
}
