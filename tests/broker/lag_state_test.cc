#include "broker/lag_state.h"

#include <doctest/doctest.h>

#include <string>

using ringcast::broker::LagState;

TEST_CASE("lag is counted until it is told") {
  LagState state;
  CHECK_FALSE(state.to_tell());
  state.count(LagState::Fate::skipped, 10);
  state.count(LagState::Fate::merged, 4);
  state.count(LagState::Fate::skipped, 5);
  CHECK(state.to_tell());
  CHECK(state.skipped() == 15);
  CHECK(state.merged() == 4);
  state.told();
  CHECK_FALSE(state.to_tell());
  CHECK(state.skipped() == 0);
  CHECK(state.merged() == 0);
  state.count(LagState::Fate::merged, 0);  // it is behind: told too
  CHECK(state.to_tell());
}

TEST_CASE("ranges of a topic that follow each other are one") {
  LagState state;
  state.add_range("a", 1, 10);
  state.add_range("b", 1, 3);
  state.add_range("a", 11, 12);
  state.add_range("a", 14, 20);  // 13 was not lost
  const auto& ranges = state.ranges();
  REQUIRE(ranges.size() == 3);
  CHECK(ranges[0].first_seq == 1);
  CHECK(ranges[0].last_seq == 12);
  CHECK(ranges[2].topic == "a");
  CHECK(ranges[2].first_seq == 14);
}

TEST_CASE("256 ranges are kept and one more is not, but one that extends another is") {
  LagState state;
  for (std::uint64_t i = 0; i < LagState::kRangesMax; ++i) state.add_range("t" + std::to_string(i), 5, 6);
  CHECK(state.ranges().size() == LagState::kRangesMax);
  CHECK_FALSE(state.more_ranges());
  state.add_range("t7", 7, 9);
  CHECK_FALSE(state.more_ranges());
  CHECK(state.ranges()[7].last_seq == 9);
  state.add_range("one more", 1, 1);
  CHECK(state.ranges().size() == LagState::kRangesMax);
  CHECK(state.more_ranges());
  state.told();
  CHECK(state.ranges().empty());
  CHECK_FALSE(state.more_ranges());
}

TEST_CASE("the names of all ranges together are bounded, and given back when they are told") {
  constexpr std::size_t kName = 1'024;
  LagState state;
  const auto fill = [&] {
    for (std::size_t i = 0; i < LagState::kNamesBytesMax / kName; ++i) {
      std::string name(kName, 'x');
      name.replace(0, 3, std::to_string(100 + i));
      state.add_range(name, 1, 1);
    }
  };
  fill();
  CHECK_FALSE(state.more_ranges());
  state.add_range("a", 1, 1);
  CHECK(state.more_ranges());
  state.told();
  fill();
  CHECK_FALSE(state.more_ranges());
}
