#include "client/ticker.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <set>
#include <string>
#include <vector>

using namespace ringcast::client;

namespace {

// The first `milliseconds` of a market as text, advanced by `cut` at a time.
std::string run(Ticker::Options options, std::int64_t milliseconds, std::int64_t cut) {
  Ticker ticker(options);
  std::string text;
  for (std::int64_t at = 0; at < milliseconds; at += cut) {
    for (const Tick& tick : ticker.advance(cut)) append_tick(text, ticker.symbols()[tick.symbol], tick, tick.market_ms);
  }
  return text;
}

}  // namespace

TEST_CASE("Ticker trades the same market from the same seed, however advance() is cut") {
  const std::string whole = run({.seed = 7}, 2000, 2000);
  CHECK(whole.size() > 100'000);
  CHECK(run({.seed = 7}, 2000, 10) == whole);
  CHECK(run({.seed = 7}, 2000, 40) == whole);
  CHECK(run({.seed = 7}, 2000, 4) == whole);  // less than a step is kept for the next call
  CHECK(run({.seed = 8}, 2000, 2000) != whole);
}

TEST_CASE("Ticker's first trade is the one that every build and machine gives") {
  Ticker ticker({.symbols = 6, .rate_hz = 1000, .seed = 1});
  const auto ticks = ticker.advance(100);
  REQUIRE(!ticks.empty());
  std::string text;
  append_tick(text, ticker.symbols()[ticks[0].symbol], ticks[0], 1700000000000);
  CHECK(text ==
        R"({"exchange":"nyse","symbol":"BRK.B","currency":"USD","price":112.41,"bid":112.39,"ask":112.43,"size":400,)"
        R"("volume":400,"open":112.41,"high":112.41,"low":112.41,"time_ms":1700000000000,"simulated":true})");
}

TEST_CASE("Ticker keeps its rate over a session and has bursts and quiet spells within it") {
  constexpr double kRate = 500;
  Ticker ticker({.symbols = 300, .rate_hz = kRate, .seed = 3});
  std::vector<double> seconds;
  for (std::int64_t at = 0; at < Ticker::kSessionMs; at += 1000) {
    seconds.push_back(static_cast<double>(ticker.advance(1000).size()));
  }
  const double mean = std::accumulate(seconds.begin(), seconds.end(), 0.0) / static_cast<double>(seconds.size());
  CHECK(mean > 0.85 * kRate);
  CHECK(mean < 1.15 * kRate);
  const auto [least, most] = std::ranges::minmax(seconds);
  CHECK(most > 2.5 * kRate);
  CHECK(least < 0.35 * kRate);
  // The open and the close each have more volume than the middle.
  const auto sum = [&seconds](std::size_t from) {
    return std::accumulate(seconds.begin() + static_cast<std::ptrdiff_t>(from),
                           seconds.begin() + static_cast<std::ptrdiff_t>(from) + 20, 0.0);
  };
  CHECK(sum(0) > 1.3 * sum(290));
  CHECK(sum(580) > 1.2 * sum(290));
}

TEST_CASE("Ticker's prices stay plausible and every trade agrees with its session") {
  Ticker ticker({.symbols = 50, .rate_hz = 5000, .seed = 11});
  const std::vector<Symbol> start(ticker.symbols().begin(), ticker.symbols().end());
  for (int second = 0; second < 15; ++second) {
    for (const Tick& tick : ticker.advance(1000)) {
      REQUIRE(tick.bid < tick.price);
      REQUIRE(tick.price < tick.ask);
      REQUIRE(tick.low <= tick.price);
      REQUIRE(tick.price <= tick.high);
      REQUIRE(tick.size > 0);
      REQUIRE(tick.volume >= tick.size);
      const double ratio = static_cast<double>(tick.price) / static_cast<double>(start[tick.symbol].price);
      REQUIRE(std::abs(std::log(ratio)) < 1.5);
    }
  }
}

TEST_CASE("Ticker has distinct topics on three exchanges, up to thousands") {
  const Ticker ticker({.symbols = 5000});
  std::set<std::string> topics;
  std::set<std::string> exchanges;
  for (const Symbol& symbol : ticker.symbols()) {
    topics.insert(symbol.exchange + '/' + symbol.code);
    exchanges.insert(symbol.exchange);
  }
  CHECK(topics.size() == 5000);
  CHECK(exchanges == std::set<std::string>{"lse", "nasdaq", "nyse"});
}

TEST_CASE("Ticker without symbols, or without a rate, trades nothing") {
  CHECK(Ticker({.symbols = 0}).advance(1000).empty());
  CHECK(Ticker({.symbols = 5, .rate_hz = 0}).advance(1000).empty());
}
