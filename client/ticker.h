// Ticker: a simulated stock market, made to look like the real thing to a broker and to an eye.
//
// Trading comes in bursts and quiet spells, a few shares trade far more than the rest and infect themselves, prices
// walk at random with now and then a jump, and a session of ten minutes opens and closes with far more volume than its
// middle has. Nothing of it is real, and every message says so: "simulated":true.
//
// Deterministic: a seed gives one market, however the calls to advance() are cut. Thread: one.
#pragma once

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace ringcast::client {

// One share. Prices are whole hundredths of its currency, so that no rounding adds up.
struct Symbol {
  std::string exchange;  // "nasdaq", "nyse", "lse": also the level of its topic
  std::string code;      // "AAPL"; invented codes beyond the well-known ones
  const char* currency = "USD";
  std::uint64_t open = 0;
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::uint64_t price = 0;
  std::uint64_t volume = 0;  // shares traded in this session
  double volatility = 0;     // standard deviation of one step, as a share of the price
};

struct Tick {
  std::uint32_t symbol = 0;  // index into symbols()
  std::uint32_t size = 0;    // shares in this trade
  std::uint64_t price = 0;   // hundredths
  std::uint64_t bid = 0;     // hundredths, below the price
  std::uint64_t ask = 0;     // hundredths, above the price
  std::uint64_t volume = 0;  // of the session, with this trade
  std::uint64_t open = 0;
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::int64_t market_ms = 0;  // since the market was made
};

enum class Mood : std::uint8_t { quiet, normal, burst };

class Ticker {
 public:
  static constexpr std::int64_t kStepMs = 10;  // prices move in steps of this
  static constexpr std::int64_t kSessionMs =
      std::int64_t{10} * 60 * 1000;  // from open to close, and a new session follows at once

  struct Options {
    std::uint32_t symbols = 500;
    double rate_hz = 2000;  // trades per second, averaged over a session
    std::uint64_t seed = 1;
  };

  explicit Ticker(const Options& options);

  [[nodiscard]] std::span<const Symbol> symbols() const noexcept { return symbols_; }

  // The trades of the next `elapsed_ms`, in order, valid until the next call. Whole steps only; the rest is kept.
  [[nodiscard]] std::span<const Tick> advance(std::int64_t elapsed_ms);

 private:
  void step();
  void begin_session();
  void change_mood();
  void trade(std::uint32_t index);
  [[nodiscard]] double intensity() const;
  [[nodiscard]] std::uint32_t pick_symbol();
  [[nodiscard]] double uniform();
  [[nodiscard]] double normal();
  [[nodiscard]] std::uint32_t poisson(double mean);

  static constexpr std::size_t kHotSymbols = 8;

  Options options_;
  std::mt19937_64 random_;  // the engine is specified to the bit; the standard's distributions are not
  std::vector<Symbol> symbols_;
  std::vector<double> popularity_;  // cumulative, ends at 1
  std::vector<std::uint32_t> hot_;  // shares that trade in clusters just now
  std::vector<Tick> ticks_;
  Mood mood_ = Mood::normal;
  std::int64_t mood_until_ms_ = 0;
  std::int64_t market_ms_ = 0;
  std::int64_t pending_ms_ = 0;
};

// The tick as compact JSON, appended to `out`; `utc_ms` is when it is sent.
void append_tick(std::string& out, const Symbol& symbol, const Tick& tick, std::int64_t utc_ms);

}  // namespace ringcast::client
