#include "topics/deadlines.h"

#include <doctest/doctest.h>
#include <algorithm>
#include <map>

#include "tests/topics/random.h"

using namespace ringcast::topics;

TEST_CASE("an entry comes up once, never after its tick, and its tick is what add() gave") {
  for (std::uint32_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    test::Random random(seed);
    Deadlines deadlines;
    std::multimap<Deadlines::Tick, std::uint32_t> model;  // by the tick given
    Deadlines::Tick now = 1;
    for (std::uint32_t step = 0; step < 2'000; ++step) {
      if (random.percent(60)) {
        const std::uint32_t far = random.percent(30) ? 100'000 : random.percent(50) ? 20'000 : 400;
        const Deadlines::Tick wanted = now + random.below(far);
        const Deadlines::Tick given = deadlines.add(step, wanted);
        REQUIRE(given <= std::max(wanted, now + 1));
        if (wanted < now + 200) REQUIRE(given >= wanted);
        REQUIRE((given >= wanted || given + 256 > wanted || given + 256 > now + 63 * 256));
        model.emplace(given, step);
      } else {
        now += random.below(random.percent(20) ? 3'000 : 20);
        const Deadlines::Tick next = deadlines.next();
        REQUIRE(next == (model.empty() ? Deadlines::kNever : std::max(next, model.begin()->first)));
        for (auto entry = deadlines.take(now); entry; entry = deadlines.take(now)) {
          REQUIRE(entry->tick <= now);
          const auto [first, last] = model.equal_range(entry->tick);
          const auto at = std::find_if(first, last, [&](const auto& one) { return one.second == entry->index; });
          REQUIRE(at != last);
          model.erase(at);
        }
        REQUIRE((model.empty() || model.begin()->first > now));
      }
      REQUIRE(deadlines.size() == model.size());
    }
  }
}
