#include "client/demo.h"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "client/exit_code.h"
#include "client/feed.h"
#include "client/interrupt.h"
#include "client/machine.h"
#include "client/progress_line.h"
#include "client/ticker.h"

namespace ringcast::client {
namespace {

constexpr std::int64_t kSampleMs = 1000;     // how often the machine is looked at
constexpr std::size_t kOpeningMax = 64;      // connections under way at a time: below any listen backlog
constexpr std::int64_t kCatchUpMaxMs = 500;  // after a longer pause (a sleeping laptop) the market goes on from now

int fail(const Error& error) {
  std::fprintf(stderr, "ringcast demo: %s\n", to_line(error).c_str());
  return to_int(exit_code_of(error.failure));
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

// A connection per topic needs more files than many a shell allows at first.
void raise_open_files() {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

class Demo {
 public:
  Demo(const DemoOptions& options, Url url, Endpoint endpoint)
      : options_(options),
        url_(std::move(url)),
        endpoint_(std::move(endpoint)),
        ticker_({.symbols = options.symbols, .rate_hz = options.rate_hz, .seed = options.seed}),
        machine_(host_name()),
        progress_(options.progress) {}

  // Until interrupted, or the broker says that what we ask for cannot be.
  [[nodiscard]] std::expected<void, Error> run() {
    start_ms_ = market_ms_ = monotonic_ms();
    for (const Symbol& symbol : ticker_.symbols()) {
      if (auto ok = add_feed("ticker/" + symbol.exchange + '/' + symbol.code); !ok) return ok;
    }
    while (!interrupt_.take()) {
      const std::int64_t now_ms = monotonic_ms();
      if (auto ok = publish_machine(now_ms); !ok) return ok;
      publish_ticks(now_ms);
      connect_due(now_ms);
      if (auto ok = look_at_errors(now_ms); !ok) return ok;
      if (progress_.due(now_ms)) progress_.show(summary(now_ms));
      wait(now_ms);
    }
    for (Feed& feed : feeds_) feed.close();
    progress_.finish(summary(monotonic_ms()));
    return {};
  }

 private:
  [[nodiscard]] std::expected<void, Error> add_feed(const std::string& topic) {
    auto target = topic_target(url_, topic, "mode=pub");
    if (!target) return std::unexpected(target.error());
    feeds_.emplace_back(std::move(*target), monotonic_ms());
    return {};
  }

  [[nodiscard]] std::expected<void, Error> publish_machine(std::int64_t now_ms) {
    if (now_ms < sample_ms_) return {};
    sample_ms_ = now_ms + kSampleMs;
    for (const Reading& reading : machine_.sample(now_ms * 1'000'000, utc_ms())) {
      const auto [at, added] = machine_feeds_.try_emplace(reading.topic, feeds_.size());
      if (added) {
        if (auto ok = add_feed(reading.topic); !ok) return ok;
      }
      count(feeds_[at->second].publish(reading.payload));
    }
    return {};
  }

  void publish_ticks(std::int64_t now_ms) {
    const std::int64_t elapsed_ms = std::min(now_ms - market_ms_, kCatchUpMaxMs);
    market_ms_ = now_ms;
    for (const Tick& tick : ticker_.advance(elapsed_ms)) {
      payload_.clear();
      append_tick(payload_, ticker_.symbols()[tick.symbol], tick, utc_ms());
      count(feeds_[tick.symbol].publish(payload_));  // the shares' feeds come first, in their order
    }
  }

  void connect_due(std::int64_t now_ms) {
    std::size_t opening = 0;
    for (Feed& feed : feeds_) {
      feed.check_time(random_, now_ms);
      if (feed.state() == Feed::State::opening) ++opening;
    }
    for (Feed& feed : feeds_) {
      if (opening >= kOpeningMax) return;
      if (!feed.due(now_ms)) continue;
      feed.connect(endpoint_, url_, random_, now_ms);
      ++opening;
    }
  }

  // Says once, not once per connection, that the broker has gone; gives up where trying again cannot help.
  [[nodiscard]] std::expected<void, Error> look_at_errors(std::int64_t now_ms) {
    open_ = 0;
    const Error* lost = nullptr;
    for (const Feed& feed : feeds_) {
      if (feed.state() == Feed::State::open) ++open_;
      if (feed.state() != Feed::State::waiting || feed.last_error() == nullptr) continue;
      if (feed.last_error()->failure == Failure::usage) return std::unexpected(*feed.last_error());
      lost = feed.last_error();
    }
    const bool away = open_ == 0 && lost != nullptr;
    if (away && !away_) progress_.finish(to_line(*lost) + "; trying again until it is back");
    if (away_ && open_ == feeds_.size()) progress_.finish("connected again: " + summary(now_ms));
    away_ = away || (away_ && open_ < feeds_.size());
    return {};
  }

  [[nodiscard]] std::string summary(std::int64_t now_ms) const {
    std::string text = "published " + count_text(published_, now_ms - start_ms_) + " to " + with_commas(open_) +
                       " of " + with_commas(feeds_.size()) + " topics";
    if (skipped_ > 0) text += ", skipped " + with_commas(skipped_) + " while the broker was away or slow";
    return text;
  }

  // Until the next step of the market; moves the bytes of the feeds that are ready.
  void wait(std::int64_t now_ms) {
    polled_.clear();
    owners_.clear();
    for (Feed& feed : feeds_) {
      if (feed.connection() == nullptr) continue;
      polled_.push_back({.fd = feed.connection()->fd(), .events = feed.connection()->poll_events()});
      owners_.push_back(&feed);
    }
    polled_.push_back({.fd = interrupt_.fd(), .events = POLLIN});
    const std::int64_t step_ms = options_.symbols > 0 ? Ticker::kStepMs : kSampleMs / 10;
    const std::int64_t wait_ms = std::max<std::int64_t>(1, now_ms + step_ms - monotonic_ms());
    if (::poll(polled_.data(), polled_.size(), static_cast<int>(wait_ms)) <= 0) return;
    for (std::size_t i = 0; i < owners_.size(); ++i) {
      if (polled_[i].revents != 0) owners_[i]->turn(random_, monotonic_ms());
    }
  }

  void count(bool published) { ++(published ? published_ : skipped_); }

  const DemoOptions& options_;
  Url url_;
  Endpoint endpoint_;
  Interrupt interrupt_;
  Random random_;
  Ticker ticker_;
  Machine machine_;
  std::vector<Feed> feeds_;                                        // of the shares, in their order, then the machine's
  std::map<std::string, std::size_t, std::less<>> machine_feeds_;  // topic to place in feeds_
  std::vector<pollfd> polled_;
  std::vector<Feed*> owners_;  // whose each of polled_ is, until feeds_ grows
  ProgressLine progress_;
  std::string payload_;
  std::int64_t start_ms_ = 0;
  std::int64_t sample_ms_ = 0;  // when the machine is looked at next
  std::int64_t market_ms_ = 0;  // up to when the market has traded
  std::uint64_t published_ = 0;
  std::uint64_t skipped_ = 0;
  std::size_t open_ = 0;
  bool away_ = false;
};

}  // namespace

int run_demo(const DemoOptions& options) {
  auto place = open_place(options.url, options.tls);
  if (!place) return fail(place.error());
  place->url.token = options.token;
  auto endpoints = resolve(place->url);
  if (!endpoints) return fail(endpoints.error());
  raise_open_files();
  Demo demo(options, place->url, std::move(endpoints->front()));
  const auto ok = demo.run();
  return ok ? to_int(ExitCode::done) : fail(ok.error());
}

}  // namespace ringcast::client
