#include "client/sub.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <condition_variable>
#include <cstdio>
#include <limits>
#include <mutex>
#include <utility>

#include "client/attendance.h"
#include "client/deadline.h"
#include "client/exit_code.h"
#include "client/filter_table.h"
#include "client/interrupt.h"
#include "client/latency.h"
#include "client/message_line.h"
#include "client/output.h"
#include "client/progress_line.h"
#include "client/wakeup.h"

namespace ringcast::client {
namespace {

constexpr auto kCloseTimeout = std::chrono::milliseconds{1'000};  // nothing is lost by going without a goodbye
constexpr std::size_t kOutMax = std::size_t{1}
                                << 20;  // bytes of lines that wait for a slow reader; then we do not read

int fail(const Error& error) {
  std::fprintf(stderr, "ringcast sub: %s\n", to_line(error).c_str());
  return to_int(exit_code_of(error.failure));
}

class Subscriber {
 public:
  explicit Subscriber(const SubOptions& options)
      : options_(options),
        attendance_("ringcast sub", options.retry_ms),
        progress_(options.progress),
        limit_(options.count.value_or(std::numeric_limits<std::uint64_t>::max())),
        topic_(options.filters.size() > 1 || has_wildcard(options.filters[0]) ? ShowTopic::yes : ShowTopic::no) {
    for (std::size_t i = 0; i < options.filters.size(); ++i) table_.add(options.filters[i], i);
  }

  [[nodiscard]] std::expected<void, Error> connect() {
    auto client = Client::open({.url = options_.url, .name = "ringcast sub", .on_state = [this](const Status& status) {
                                  attendance_.on_state(status, monotonic_ms());
                                  wakeup_.poke();
                                }});
    if (!client) return std::unexpected(usage(client.error()));
    client_.emplace(*std::move(client));
    start_ms_ = monotonic_ms();
    for (std::size_t i = 0; i < options_.filters.size(); ++i) {
      auto subscription = client_->subscribe(
          options_.filters[i], options_.start, [this, i](const Message& message) { take(message, i); },
          [this, i](const SubscriptionEvent& event) { note(event, i); });
      if (!subscription) return std::unexpected(usage(subscription.error()));
      subscription->detach();
    }
    return {};
  }

  // Prints until interrupted, enough, too long, or nobody reads the output any more.
  [[nodiscard]] std::expected<void, Error> run() {
    std::expected<void, Error> ended;
    for (bool done = false; !done && !interrupt_.take();) {
      {
        const std::lock_guard lock(mutex_);
        std::swap(lines_, out_);
        done = count_ >= limit_ || refused_.has_value();
        if (refused_) ended = std::unexpected(*refused_);
      }
      room_.notify_one();
      if (!write_out(std::exchange(lines_, {}))) break;
      if (done) break;
      if (const auto error = attendance_.over(monotonic_ms())) return std::unexpected(*error);
      if (too_late()) return timed_out();
      wait();
    }
    return ended;
  }

  void finish() {
    {
      const std::lock_guard lock(mutex_);
      limit_ = count_;  // nothing more is taken
      if (refused_) return;
    }
    room_.notify_one();
    client_->close(kCloseTimeout);
    std::string text = "received " + count_text(count_, monotonic_ms() - start_ms_);
    if (options_.latency && latency_.count() > 0) text += ", broker to here " + latency_.summary();
    if (count_ > 0 || attendance_.was_connected()) progress_.finish(text);
  }

 private:
  static Error usage(const ClientError& error) {
    return {.failure = Failure::usage, .text = error.text, .remedy = error.remedy};
  }

  // ---- on the client's thread ----

  void take(const Message& message, std::size_t index) {
    if (options_.filters.size() > 1) {  // a message that several filters match belongs to the first
      matches_.clear();
      table_.match(message.topic, matches_);
      if (!matches_.empty() && std::ranges::min(matches_) != index) return;
    }
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return out_.size() < kOutMax || count_ >= limit_; });
    if (count_ >= limit_) return;
    ++count_;
    const auto time_us = static_cast<std::int64_t>(message.time_us);
    if (message.mark == Mark::live) latency_.add(utc_us() - time_us);
    if (options_.format == LineFormat::json) {
      append_json(out_, message);
    } else {
      append_plain(out_, message, topic_);
    }
    if (std::exchange(waiting_, false)) wakeup_.poke();
  }

  void note(const SubscriptionEvent& event, std::size_t index) {
    const std::string& filter = options_.filters[index];
    if (event.kind == SubscriptionEvent::Kind::gap) {
      std::fprintf(stderr, "ringcast sub: gap: messages of %s may be missing here%s\n", filter.c_str(),
                   event.epoch == event.last_epoch ? "" : "; the broker was restarted, seq counts anew");
    }
    if (event.kind != SubscriptionEvent::Kind::refused) return;
    const bool usage =
        event.code == ErrorCode::bad_filter || event.code == ErrorCode::forbidden || event.code == ErrorCode::bad_value;
    const std::lock_guard lock(mutex_);
    refused_ = Error{.failure = usage ? Failure::usage : Failure::refused,
                     .text = filter + " was refused: " + event.text,
                     .remedy = {}};
    wakeup_.poke();
  }

  // ---- on the command's ----

  [[nodiscard]] bool too_late() const {
    return options_.timeout_ms > 0 && monotonic_ms() - start_ms_ >= options_.timeout_ms;
  }

  [[nodiscard]] std::expected<void, Error> timed_out() const {
    if (!options_.count) return {};
    return std::unexpected(Error{.failure = Failure::timeout,
                                 .text = "fewer than " + with_commas(*options_.count) + " messages came in time",
                                 .remedy = {}});
  }

  void wait() {
    const std::int64_t now_ms = monotonic_ms();
    {
      const std::lock_guard lock(mutex_);
      if (!out_.empty() || count_ >= limit_) return;
      waiting_ = true;
      if (progress_.due(now_ms) && ::isatty(STDOUT_FILENO) == 0) {  // never between the messages themselves
        progress_.show("received " + count_text(count_, now_ms - start_ms_));
      }
    }
    std::int64_t wait_ms = ProgressLine::kIntervalMs;
    if (options_.timeout_ms > 0) {
      wait_ms = std::clamp<std::int64_t>(start_ms_ + options_.timeout_ms - now_ms, 0, wait_ms);
    }
    std::array<pollfd, 2> ready{pollfd{.fd = wakeup_.fd(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = interrupt_.fd(), .events = POLLIN, .revents = 0}};
    ::poll(ready.data(), ready.size(), static_cast<int>(wait_ms));
    wakeup_.clear();
  }

  const SubOptions& options_;
  Interrupt interrupt_;  // before the client's thread begins
  Wakeup wakeup_;
  Attendance attendance_;
  ProgressLine progress_;
  std::int64_t start_ms_ = 0;
  std::string lines_;  // being written

  FilterTable table_;                   // the client's thread, as is what follows
  std::vector<std::uint64_t> matches_;  // scratch
  std::mutex mutex_;                    // over the rest
  std::condition_variable room_;
  std::string out_;
  std::uint64_t limit_;
  std::uint64_t count_ = 0;
  Latency latency_;
  std::optional<Error> refused_;
  bool waiting_ = false;
  const ShowTopic topic_;
  std::optional<Client> client_;  // last: its callbacks use the others
};

}  // namespace

std::expected<SubscribeOptions, Error> parse_start(std::string_view text) {
  if (text == "now") return SubscribeOptions{};
  if (text == "last") return SubscribeOptions{.start = Start::last_values};
  constexpr std::string_view kLastN = "last:";
  SubscribeOptions options{.start = Start::last_n};
  if (text.starts_with(kLastN)) {
    const std::string_view digits = text.substr(kLastN.size());
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), options.last_count);
    if (error == std::errc{} && end == digits.data() + digits.size() && options.last_count > 0) return options;
  }
  return std::unexpected(Error{.failure = Failure::usage,
                               .text = "--start: \"" + std::string(text) + "\" is not now, last or last:N",
                               .remedy = "last:10 begins with up to ten kept messages of each topic"});
}

int run_sub(const SubOptions& options) {
  if (options.filters.empty()) {
    return fail({.failure = Failure::usage, .text = "no filter to subscribe to", .remedy = "name one, such as chat/#"});
  }
  Subscriber subscriber(options);
  if (auto ok = subscriber.connect(); !ok) return fail(ok.error());
  const auto ok = subscriber.run();
  subscriber.finish();
  return ok ? to_int(ExitCode::done) : fail(ok.error());
}

}  // namespace ringcast::client
