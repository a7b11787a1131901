#include "client/ticker.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>
#include <numbers>
#include <string_view>

#include "client/json_text.h"

namespace ringcast::client {
namespace {

struct Exchange {
  const char* name;
  const char* currency;
  std::array<std::string_view, 20> known;  // so that a visitor finds a name to look for
};

constexpr std::array kExchanges = {
    Exchange{"nasdaq", "USD", {"AAPL", "MSFT", "NVDA", "AMZN", "GOOGL", "META", "AVGO", "TSLA", "COST", "NFLX",
                               "AMD",  "ADBE", "PEP",  "CSCO", "INTC",  "QCOM", "TXN",  "AMGN", "SBUX", "MU"}},
    Exchange{"nyse", "USD", {"BRK.B", "JPM", "V",  "WMT", "UNH", "XOM", "MA",  "PG",  "JNJ", "HD",
                             "ORCL",  "BAC", "KO", "CVX", "CRM", "MCD", "DIS", "IBM", "GE",  "F"}},
    Exchange{"lse", "GBP", {"AZN",  "SHEL", "HSBA", "ULVR", "BP.", "RIO",  "GSK", "REL", "DGE", "BATS",
                            "LSEG", "NG.",  "BARC", "LLOY", "VOD", "TSCO", "RR.", "PRU", "AAL", "BT.A"}},
};

constexpr double kHotShare = 0.35;     // of all trades go to the few hot shares
constexpr double kHotChange = 0.002;   // chance, per trade, that another share becomes hot
constexpr double kJumpChance = 0.003;  // chance, per trade, of a move of many times the usual size
constexpr double kJumpSize = 8;
constexpr double kPriceMin = 100;         // hundredths: below it a share would stand still
constexpr double kPullPerTrade = 0.0005;  // back to the open, or a long run would leave every scale
constexpr std::uint32_t kLot = 100;

// Shares of a mood's mean length; normal lies between any two others.
constexpr double kQuietMs = 4000;
constexpr double kNormalMs = 8000;
constexpr double kBurstMs = 800;
constexpr double kQuietRate = 0.3;
constexpr double kBurstRate = 4.0;
// What the moods come to on average, each of quiet and burst following normal with an even chance.
constexpr double kMoodMean =
    (kNormalMs + 0.5 * kQuietMs * kQuietRate + 0.5 * kBurstMs * kBurstRate) / (kNormalMs + 0.5 * (kQuietMs + kBurstMs));

// Volume over a session: a floor, and an exponential fall from the open and rise to the close; its mean is 1.
constexpr double kOpenPeak = 2.4;
constexpr double kClosePeak = 1.8;
constexpr double kPeakWidth = 0.05;  // of the session
constexpr double kFloor = 1 - (kOpenPeak + kClosePeak) * kPeakWidth;

std::string invented_code(std::size_t number) {
  std::string code = "Q";  // no exchange here lists a four-letter code that begins with Q and ends in X
  code += static_cast<char>('A' + number / 26 % 26);
  code += static_cast<char>('A' + number % 26);
  code += 'X';
  if (number >= 26UL * 26) code += std::to_string(number / (26UL * 26));
  return code;
}

std::uint64_t to_hundredths(double price) {
  return static_cast<std::uint64_t>(std::llround(std::max(price, kPriceMin)));
}

void append_price(JsonText& json, std::string_view name, std::uint64_t hundredths) {
  json.add(name, static_cast<double>(hundredths) / 100, 2);
}

}  // namespace

Ticker::Ticker(const Options& options) : options_(options), random_(options.seed) {
  double sum = 0;
  for (std::uint32_t index = 0; index < options_.symbols; ++index) {
    const Exchange& exchange = kExchanges[index % kExchanges.size()];
    const std::size_t rank = index / kExchanges.size();
    Symbol symbol{.exchange = exchange.name, .code = {}, .currency = exchange.currency};
    symbol.code = rank < exchange.known.size() ? exchange.known[rank] : invented_code(rank - exchange.known.size());
    symbol.price = to_hundredths(100 * std::exp(4 + 0.9 * normal()));  // most between 20 and 150
    symbol.volatility = 0.0004 * std::exp(0.5 * normal());
    symbols_.push_back(std::move(symbol));
    sum += 1.0 / (static_cast<double>(rank) + 5);  // Zipf, flattened at its top
    popularity_.push_back(sum);
  }
  for (double& share : popularity_) share /= sum;
  if (!symbols_.empty()) {
    for (std::size_t i = 0; i < kHotSymbols; ++i) hot_.push_back(pick_symbol());
  }
  begin_session();
}

std::span<const Tick> Ticker::advance(std::int64_t elapsed_ms) {
  assert(elapsed_ms >= 0);
  ticks_.clear();
  for (pending_ms_ += elapsed_ms; pending_ms_ >= kStepMs; pending_ms_ -= kStepMs) step();
  return ticks_;
}

void Ticker::step() {
  if (symbols_.empty()) return;
  if (market_ms_ > 0 && market_ms_ % kSessionMs == 0) begin_session();
  if (market_ms_ >= mood_until_ms_) change_mood();
  const double mean = options_.rate_hz * intensity() * static_cast<double>(kStepMs) / 1000;
  for (std::uint32_t left = poisson(mean); left > 0; --left) trade(pick_symbol());
  market_ms_ += kStepMs;
}

void Ticker::begin_session() {
  for (Symbol& symbol : symbols_) {
    symbol.price = to_hundredths(static_cast<double>(symbol.price) * std::exp(0.01 * normal()));  // the night's news
    symbol.open = symbol.high = symbol.low = symbol.price;
    symbol.volume = 0;
  }
}

void Ticker::change_mood() {
  double mean_ms = kNormalMs;
  if (mood_ != Mood::normal) {
    mood_ = Mood::normal;
  } else if (uniform() < 0.5) {
    mood_ = Mood::quiet;
    mean_ms = kQuietMs;
  } else {
    mood_ = Mood::burst;
    mean_ms = kBurstMs;
  }
  mood_until_ms_ = market_ms_ + std::llround(-mean_ms * std::log(1 - uniform()));
}

void Ticker::trade(std::uint32_t index) {
  Symbol& symbol = symbols_[index];
  const double price = static_cast<double>(symbol.price);
  double move = symbol.volatility * normal();
  if (uniform() < kJumpChance) move *= kJumpSize;
  move += kPullPerTrade * std::log(static_cast<double>(symbol.open) / price);
  symbol.price = to_hundredths(price * std::exp(move));
  symbol.high = std::max(symbol.high, symbol.price);
  symbol.low = std::min(symbol.low, symbol.price);
  const auto lots = static_cast<std::uint32_t>(std::min(-4.0 * std::log(1 - uniform()), 50.0));
  const std::uint32_t size = kLot * (1 + lots);
  symbol.volume += size;
  const auto spread = static_cast<std::uint64_t>(1 + price * 0.0001 * uniform());
  ticks_.push_back({.symbol = index,
                    .size = size,
                    .price = symbol.price,
                    .bid = symbol.price - spread,
                    .ask = symbol.price + spread,
                    .volume = symbol.volume,
                    .open = symbol.open,
                    .high = symbol.high,
                    .low = symbol.low,
                    .market_ms = market_ms_});
}

double Ticker::intensity() const {
  const double time = static_cast<double>(market_ms_ % kSessionMs) / static_cast<double>(kSessionMs);
  const double session =
      kFloor + kOpenPeak * std::exp(-time / kPeakWidth) + kClosePeak * std::exp(-(1 - time) / kPeakWidth);
  const double mood = mood_ == Mood::quiet ? kQuietRate : mood_ == Mood::burst ? kBurstRate : 1.0;
  return session * mood / kMoodMean;
}

std::uint32_t Ticker::pick_symbol() {
  const double draw = uniform();
  if (!hot_.empty() && uniform() < kHotShare) {
    return hot_[static_cast<std::size_t>(draw * static_cast<double>(hot_.size()))];
  }
  const auto at = std::ranges::lower_bound(popularity_, draw);
  const auto index = static_cast<std::uint32_t>(
      std::min<std::ptrdiff_t>(at - popularity_.begin(), static_cast<std::ptrdiff_t>(symbols_.size()) - 1));
  if (!hot_.empty() && uniform() < kHotChange) hot_[random_() % hot_.size()] = index;
  return index;
}

// 53 random bits as a number in [0, 1).
double Ticker::uniform() {
  return static_cast<double>(random_() >> 11) * 0x1p-53;
}

// Box and Muller's, one of the two.
double Ticker::normal() {
  const double radius = std::sqrt(-2 * std::log(1 - uniform()));
  return radius * std::cos(2 * std::numbers::pi * uniform());
}

std::uint32_t Ticker::poisson(double mean) {
  constexpr double kExactMax = 30;  // beyond it Knuth's product takes long, and the normal curve is near enough
  if (mean > kExactMax) return static_cast<std::uint32_t>(std::max(0.0, std::round(mean + std::sqrt(mean) * normal())));
  const double limit = std::exp(-mean);
  std::uint32_t count = 0;
  for (double product = uniform(); product > limit; product *= uniform()) ++count;
  return count;
}

void append_tick(std::string& out, const Symbol& symbol, const Tick& tick, std::int64_t utc_ms) {
  JsonText json(out);
  json.add("exchange", symbol.exchange).add("symbol", symbol.code).add("currency", symbol.currency);
  append_price(json, "price", tick.price);
  append_price(json, "bid", tick.bid);
  append_price(json, "ask", tick.ask);
  json.add("size", std::uint64_t{tick.size}).add("volume", tick.volume);
  append_price(json, "open", tick.open);
  append_price(json, "high", tick.high);
  append_price(json, "low", tick.low);
  json.add("time_ms", static_cast<std::uint64_t>(utc_ms)).add_true("simulated");
  json.end();
}

}  // namespace ringcast::client
