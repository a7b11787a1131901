#include "topics/producers.h"

#include <doctest/doctest.h>
#include <algorithm>
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "tests/topics/random.h"

using namespace ringcast::topics;
using Verdict = Producers::Verdict;
using Claim = Producers::Claim;

namespace {

constexpr Publisher kHere{.shard = 1, .slot = 2, .generation = 3};
constexpr Publisher kThere{.shard = 4, .slot = 5, .generation = 6};
constexpr std::uint64_t kWindow = Producers::kWindow;

// Checks and, as a home does, records what is to be published.
Verdict publish(Producers& producers, const ProducerSeq& seq, std::int64_t now_ms = 0, const Publisher& by = kHere) {
  const Verdict verdict = producers.check(seq, now_ms);
  if (verdict == Verdict::fresh || verdict == Verdict::duplicate) producers.record(seq, by, now_ms);
  producers.check_invariants();
  return verdict;
}

}  // namespace

TEST_CASE("a number that was recorded is a duplicate; one that was only checked is not") {
  Producers producers({});
  CHECK(producers.check({.id = 7, .incarnation = 1, .seq = 5}, 0) == Verdict::fresh);
  CHECK(producers.size() == 0);
  CHECK(publish(producers, {.id = 7, .incarnation = 1, .seq = 5}) == Verdict::fresh);
  CHECK(publish(producers, {.id = 7, .incarnation = 1, .seq = 5}) == Verdict::duplicate);
  CHECK(publish(producers, {.id = 8, .incarnation = 1, .seq = 5}) == Verdict::fresh);  // numbers of another producer
  CHECK(producers.size() == 2);
}

TEST_CASE("numbers that were skipped are fresh when they come late, once") {
  Producers producers({});
  for (const std::uint64_t seq : {10U, 3U, 9U, 64U, 63U, 1U}) {
    CHECK(publish(producers, {.id = 7, .seq = seq}) == Verdict::fresh);
    CHECK(publish(producers, {.id = 7, .seq = seq}) == Verdict::duplicate);
  }
  CHECK(publish(producers, {.id = 7, .seq = 2}) == Verdict::fresh);
}

TEST_CASE("the window's last number is still known, the one below it is too old") {
  Producers producers({});
  for (const std::uint64_t highest : {kWindow + 1, std::uint64_t{1} << 40, UINT64_MAX}) {
    CAPTURE(highest);
    CHECK(publish(producers, {.id = 7, .seq = highest}) == Verdict::fresh);
    CHECK(publish(producers, {.id = 7, .seq = highest - kWindow}) == Verdict::too_old);
    CHECK(publish(producers, {.id = 7, .seq = highest - kWindow + 1}) == Verdict::fresh);
    CHECK(publish(producers, {.id = 7, .seq = highest - kWindow + 1}) == Verdict::duplicate);
  }
  CHECK(publish(producers, {.id = 7, .seq = 1}) == Verdict::too_old);
}

TEST_CASE("a producer's older incarnations are fenced by a newer one's claim or publish; its numbers go on") {
  Producers producers({});
  CHECK(publish(producers, {.id = 7, .incarnation = 10, .seq = 1}) == Verdict::fresh);
  const Producers::Claimed claimed = producers.claim(7, 20, kThere, 0);
  CHECK(claimed.claim == Claim::claimed);
  CHECK(claimed.previous == kHere);
  CHECK(publish(producers, {.id = 7, .incarnation = 19, .seq = 2}) == Verdict::fenced);
  CHECK(publish(producers, {.id = 7, .incarnation = 20, .seq = 1}, 0, kThere) == Verdict::duplicate);
  CHECK(publish(producers, {.id = 7, .incarnation = 20, .seq = 2}, 0, kThere) == Verdict::fresh);
  CHECK(publish(producers, {.id = 7, .incarnation = 21, .seq = 2}) == Verdict::duplicate);  // without a claim
  CHECK(publish(producers, {.id = 7, .incarnation = 20, .seq = 3}, 0, kThere) == Verdict::fenced);
  CHECK(producers.claim(7, 22, kThere, 0).previous == kHere);
}

TEST_CASE("a claim is refused to an older incarnation, and to an equal one by another connection") {
  Producers producers({});
  const Producers::Claimed first = producers.claim(7, 20, kHere, 0);
  CHECK(first.claim == Claim::claimed);
  CHECK(first.previous == Publisher{});
  CHECK(producers.claim(7, 19, kThere, 0).claim == Claim::fenced);
  CHECK(producers.claim(7, 20, kThere, 0).claim == Claim::fenced);
  const Producers::Claimed again = producers.claim(7, 20, kHere, 0);
  CHECK(again.claim == Claim::claimed);
  CHECK(again.previous == Publisher{});  // nobody fences itself
  CHECK(producers.claim(7, 21, kHere, 0).previous == Publisher{});
}

TEST_CASE("check_claim says what claim would and changes nothing") {
  Producers producers({.producers_max = 1});
  CHECK(producers.check_claim(7, 20, kHere, 0).claim == Claim::claimed);
  CHECK(producers.size() == 0);
  (void)producers.claim(7, 20, kHere, 0);
  CHECK(producers.check_claim(7, 21, kThere, 0).previous == kHere);
  CHECK(publish(producers, {.id = 7, .incarnation = 20, .seq = 1}) == Verdict::fresh);  // not fenced
  CHECK(producers.check_claim(8, 1, kThere, 0).claim == Claim::too_many);
}

TEST_CASE("producers_max producers are kept; one more is refused until one has been idle for its time") {
  constexpr std::int64_t kIdle = 1'000'000;
  constexpr std::int64_t kGone = kIdle + Producers::kUsedWithinMs;
  Producers producers({.producers_max = 2, .idle_max_ms = kIdle});
  CHECK(publish(producers, {.id = 1, .seq = 1}, 0) == Verdict::fresh);
  CHECK(publish(producers, {.id = 2, .seq = 1}, 0) == Verdict::fresh);
  CHECK(publish(producers, {.id = 1, .seq = 1}, 5'000) == Verdict::duplicate);  // a repeat is a use
  CHECK(publish(producers, {.id = 3, .seq = 1}, kGone - 1) == Verdict::too_many);
  CHECK(producers.claim(3, 1, kHere, kGone - 1).claim == Claim::too_many);
  CHECK(publish(producers, {.id = 3, .seq = 1}, kGone) == Verdict::fresh);
  CHECK(producers.size() == 2);
  CHECK(publish(producers, {.id = 1, .seq = 1}, kGone) == Verdict::duplicate);
  CHECK(publish(producers, {.id = 2, .seq = 1}, kGone) == Verdict::too_many);  // it went: nothing is known of it
}

TEST_CASE("those past their time dwindle while new ones come, though there is room") {
  Producers producers({.producers_max = 1'000, .idle_max_ms = 1});
  for (std::uint64_t id = 1; id <= 100; ++id) (void)publish(producers, {.id = id, .seq = 1}, 0);
  CHECK(producers.size() == 100);
  for (std::uint64_t id = 1'001; id <= 1'050; ++id) (void)publish(producers, {.id = id, .seq = 1}, 2'000);
  CHECK(producers.size() == 50);
}

namespace {

// The plainest model: every number ever recorded, in a set; the order of use in a vector.
class Model {
 public:
  static constexpr std::int64_t kIdle = 20'000;
  static constexpr std::size_t kMax = 6;

  explicit Model(std::uint32_t seed) : random_(seed) {}

  void step() {
    now_ms_ += random_.percent(5) ? random_.below(30'000) : random_.below(700);
    const std::uint64_t id = random_.below(9);
    const std::uint64_t incarnation = incarnations_ - std::min<std::uint64_t>(incarnations_, random_.below(4));
    if (random_.percent(5)) ++incarnations_;
    const Publisher holder{.shard = random_.below(2), .slot = random_.below(3)};
    if (random_.percent(15)) {
      claim(id, incarnation, holder);
    } else {
      publish({.id = id, .incarnation = incarnation, .seq = next_seq(id)}, holder);
    }
    producers_.check_invariants();
    REQUIRE(producers_.size() == known_.size());
  }

 private:
  struct Known {
    std::uint64_t incarnation = 0;
    Publisher holder;
    std::int64_t used_ms = 0;
    std::set<std::uint64_t> seqs;
  };

  std::uint64_t next_seq(std::uint64_t id) {
    const auto found = known_.find(id);
    const std::uint64_t highest =
        found == known_.end() || found->second.seqs.empty() ? 0 : *found->second.seqs.rbegin();
    if (random_.percent(3)) return highest + 1 + random_.below(3'000);
    if (random_.percent(50)) return highest + 1 + random_.below(4);
    return highest - std::min<std::uint64_t>(highest - (highest > 0), random_.below(random_.percent(50) ? 8 : 1'200)) +
           (highest == 0);
  }

  bool gone(std::uint64_t id) const { return now_ms_ - known_.at(id).used_ms >= kIdle + Producers::kUsedWithinMs; }
  bool has_place() const { return known_.size() < kMax || gone(order_.front()); }

  Known& use(std::uint64_t id) {
    if (!known_.contains(id)) {
      for (int i = 0; i < 2 && !order_.empty() && gone(order_.front()); ++i) {
        known_.erase(order_.front());
        order_.erase(order_.begin());
      }
      order_.push_back(id);
      known_[id].used_ms = now_ms_;
    } else if (now_ms_ - known_[id].used_ms >= Producers::kUsedWithinMs) {
      known_[id].used_ms = now_ms_;
      std::erase(order_, id);
      order_.push_back(id);
    }
    return known_[id];
  }

  Verdict expected(const ProducerSeq& publish) const {
    const auto found = known_.find(publish.id);
    if (found == known_.end()) return has_place() ? Verdict::fresh : Verdict::too_many;
    const Known& known = found->second;
    if (publish.incarnation < known.incarnation) return Verdict::fenced;
    if (!known.seqs.empty() && *known.seqs.rbegin() >= publish.seq + kWindow) return Verdict::too_old;
    return known.seqs.contains(publish.seq) ? Verdict::duplicate : Verdict::fresh;
  }

  void publish(const ProducerSeq& publish, const Publisher& holder) {
    const Verdict verdict = producers_.check(publish, now_ms_);
    REQUIRE(verdict == expected(publish));
    if (verdict != Verdict::fresh && verdict != Verdict::duplicate) return;
    if (random_.percent(20)) return;  // there was no room for it
    producers_.record(publish, holder, now_ms_);
    Known& known = use(publish.id);
    known.incarnation = publish.incarnation;
    known.holder = holder;
    known.seqs.insert(publish.seq);
  }

  void claim(std::uint64_t id, std::uint64_t incarnation, const Publisher& holder) {
    const Producers::Claimed claimed = producers_.claim(id, incarnation, holder, now_ms_);
    const auto found = known_.find(id);
    if (found == known_.end()) {
      REQUIRE(claimed.claim == (has_place() ? Claim::claimed : Claim::too_many));
      REQUIRE(claimed.previous == Publisher{});
      if (claimed.claim == Claim::too_many) return;
    } else {
      const Known& known = found->second;
      const bool refused =
          incarnation < known.incarnation || (incarnation == known.incarnation && holder != known.holder);
      REQUIRE(claimed.claim == (refused ? Claim::fenced : Claim::claimed));
      if (refused) return;
      REQUIRE(claimed.previous == (known.holder == holder ? Publisher{} : known.holder));
    }
    Known& known = use(id);
    known.incarnation = incarnation;
    known.holder = holder;
  }

  test::Random random_;
  Producers producers_{{.producers_max = kMax, .idle_max_ms = kIdle}};
  std::map<std::uint64_t, Known> known_;
  std::vector<std::uint64_t> order_;  // by use, oldest first
  std::uint64_t incarnations_ = 1;
  std::int64_t now_ms_ = 0;
};

}  // namespace

TEST_CASE("fewer producers from now on: those that are there stay, new ones wait for one past its time") {
  Producers producers({.producers_max = 4, .idle_max_ms = 10'000});
  for (std::uint64_t id = 1; id <= 4; ++id)
    CHECK(publish(producers, {.id = id, .incarnation = 1, .seq = 1}) == Verdict::fresh);
  producers.set_producers_max(2);
  producers.check_invariants();
  CHECK(publish(producers, {.id = 1, .incarnation = 1, .seq = 2}) == Verdict::fresh);
  CHECK(publish(producers, {.id = 9, .incarnation = 1, .seq = 1}) == Verdict::too_many);
  CHECK(publish(producers, {.id = 9, .incarnation = 1, .seq = 1}, 20'000) == Verdict::fresh);
  CHECK(producers.size() <= 4);
  producers.set_producers_max(6);
  CHECK(publish(producers, {.id = 10, .incarnation = 1, .seq = 1}, 20'000) == Verdict::fresh);
}

TEST_CASE("producers agree with the plain model after every step of a random life") {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Model model(seed);
    for (int step = 0; step < 2'000; ++step) {
      CAPTURE(step);
      model.step();
    }
  }
}
