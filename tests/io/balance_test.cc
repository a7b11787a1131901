#include "broker/io/balance.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <random>

namespace ringcast::io {

TEST_CASE("keeper: a shard that has no more than the others keeps what it accepted") {
  CHECK(keeper(std::array{0U}, 0) == 0);
  CHECK(keeper(std::array{7U, 7U, 7U}, 1) == 1);
  CHECK(keeper(std::array{3U, 9U}, 0) == 0);
}

TEST_CASE("keeper: the slack is kept exactly, on both sides") {
  CHECK(keeper(std::array{0U, kBalanceSlack}, 1) == 1);
  CHECK(keeper(std::array{0U, kBalanceSlack + 1}, 1) == 0);
  CHECK(keeper(std::array{800U, 900U + kBalanceSlack}, 1) == 1);
  CHECK(keeper(std::array{800U, 901U + kBalanceSlack}, 1) == 0);
}

TEST_CASE("keeper: however uneven the kernel's hash, no shard gets far from the emptiest") {
  constexpr std::uint32_t kSeed = 7;
  std::mt19937 random(kSeed);
  std::array<std::uint32_t, 8> connections{};
  for (int i = 0; i < 10'000; ++i) {
    // Three of four connections hash to two of the eight shards.
    const std::uint32_t accepted_by = random() % 4 == 0 ? random() % 8 : random() % 2;
    ++connections[keeper(connections, accepted_by)];
    const auto [fewest, most] = std::ranges::minmax(connections);
    CHECK(most <= fewest + fewest / 8 + kBalanceSlack + 1);
  }
}

}  // namespace ringcast::io
