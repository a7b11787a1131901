#include "client/sub.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <condition_variable>
#include <cstdint>
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
#include "client/resume_file.h"
#include "client/wakeup.h"

namespace ringcast::client {
namespace {

constexpr auto kCloseTimeout = std::chrono::milliseconds{1'000};  // nothing is lost by going without a goodbye
constexpr double kRateMinHz = 0.001;                              // as the broker has it
constexpr double kRateMaxHz = 1000;
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
    points_.resize(options.filters.size());
  }

  [[nodiscard]] std::expected<void, Error> connect() {
    if (!options_.resume_file.empty()) {
      auto file = ResumeFile::open(options_.resume_file);
      if (!file) return std::unexpected(file.error());
      file_.emplace(*std::move(file));
    }
    auto client =
        Client::open({.url = options_.url,
                      .tls = {.ca = options_.tls.ca, .certificate = options_.tls.certificate, .key = options_.tls.key},
                      .token = [token = options_.token] { return token; },
                      .name = "ringcast sub",
                      .on_state =
                          [this](const Status& status) {
                            attendance_.on_state(status, monotonic_ms());
                            wakeup_.poke();
                          }});
    if (!client) return std::unexpected(usage(client.error()));
    client_.emplace(*std::move(client));
    start_ms_ = monotonic_ms();
    for (std::size_t i = 0; i < options_.filters.size(); ++i) {
      auto subscription = client_->subscribe(
          options_.filters[i], start_of(i), [this, i](const Message& message) { take(message, i); },
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
        if (file_) taken_ = points_;
        done = count_ >= limit_ || refused_.has_value();
        if (refused_) ended = std::unexpected(*refused_);
      }
      room_.notify_one();
      if (!write_out(std::exchange(lines_, {}))) break;
      if (file_) printed_ = taken_;
      if (done) break;
      if (const auto saved = save(Save::now_and_then); !saved) return saved;
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
    if (const auto saved = save(Save::finally); !saved) (void)fail(saved.error());
    client_->close(kCloseTimeout);
    std::string text = "received " + count_text(count_, monotonic_ms() - start_ms_);
    if (options_.latency && latency_.count() > 0) text += ", broker to here " + latency_.summary();
    if (count_ > 0 || attendance_.was_connected()) progress_.finish(text);
  }

 private:
  static Error usage(const ClientError& error) {
    return {.failure = Failure::usage, .text = error.text, .remedy = error.remedy};
  }

  // How the subscription of this filter begins: where an earlier run ended, if that is known.
  [[nodiscard]] SubscribeOptions start_of(std::size_t index) {
    SubscribeOptions options = options_.start;
    const ResumePoint* const point = file_ ? file_->find(options_.filters[index]) : nullptr;
    if (point == nullptr) return options;
    points_[index] = *point;
    options.start = Start::resume;
    options.last_count = 0;
    options.since_us = 0;
    options.resume_from = *point;
    return options;
  }

  // ---- on the client's thread ----

  // A message that several filters match belongs to the first.
  [[nodiscard]] bool is_anothers(const Message& message, std::size_t index) {
    if (options_.filters.size() == 1) return false;
    matches_.clear();
    table_.match(message.topic, matches_);
    return !matches_.empty() && std::ranges::min(matches_) != index;
  }

  void take(const Message& message, std::size_t index) {
    const bool anothers = is_anothers(message, index);
    std::unique_lock lock(mutex_);
    if (anothers) return points_[index].add(message);
    room_.wait(lock, [this] { return out_.size() < kOutMax || count_ >= limit_; });
    if (count_ >= limit_) return;
    ++count_;
    points_[index].add(message);
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
    switch (event.kind) {
      case SubscriptionEvent::Kind::subscribed:
      case SubscriptionEvent::Kind::snapshot_end:
        return;
      case SubscriptionEvent::Kind::gap:
        return say("gap: messages of " + filter + " may be missing here" +
                   (event.epoch == event.last_epoch ? "" : "; the broker was restarted, seq counts anew"));
      case SubscriptionEvent::Kind::recovered:
        return say("recovered: no message of " + filter + " is missing");
      case SubscriptionEvent::Kind::conflated:
        return say("conflated: the newest values of " + filter + " are here, some before them were left out");
      case SubscriptionEvent::Kind::lag:
        if (index == 0) tell_lag(event);  // it is the connection's: once for all filters
        return;
      case SubscriptionEvent::Kind::checkpoint: {
        const std::lock_guard lock(mutex_);
        if (count_ < limit_) points_[index].add(event);
        return;
      }
      case SubscriptionEvent::Kind::refused:
        return refuse(event, filter);
    }
  }

  static void say(const std::string& text) { std::fprintf(stderr, "ringcast sub: %s\n", text.c_str()); }

  static void tell_lag(const SubscriptionEvent& event) {
    if (event.skipped > 0) say("lag: too slow, " + with_commas(event.skipped) + " messages were left out");
    if (event.merged > 0) {
      say("lag: too slow, " + with_commas(event.merged) + " messages were left out for newer ones of their topics");
    }
    if (event.caught_up) say("lag: caught up, every message comes again");
  }

  void refuse(const SubscriptionEvent& event, const std::string& filter) {
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

  enum class Save : std::uint8_t { now_and_then, finally };

  // Keeps up to where everything was printed.
  [[nodiscard]] std::expected<void, Error> save(Save when) {
    if (!file_ || printed_.empty()) return {};
    const std::int64_t now_ms = monotonic_ms();
    if (when == Save::now_and_then && now_ms - saved_ms_ < ResumeFile::kSaveIntervalMs) return {};
    saved_ms_ = now_ms;
    ResumeFile::Points points;
    for (std::size_t i = 0; i < printed_.size(); ++i) points.insert_or_assign(options_.filters[i], printed_[i]);
    return file_->save(points);
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
  std::optional<ResumeFile> file_;
  std::vector<ResumePoint> taken_;    // by filter: behind lines_
  std::vector<ResumePoint> printed_;  // by filter: behind what was written
  std::int64_t saved_ms_ = 0;

  FilterTable table_;                   // the client's thread, as is what follows
  std::vector<std::uint64_t> matches_;  // scratch
  std::mutex mutex_;                    // over the rest
  std::condition_variable room_;
  std::string out_;
  std::vector<ResumePoint> points_;  // by filter: behind out_
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

SubscribeOptions start_since(std::int64_t since_ms) {
  const std::int64_t since_us = std::max<std::int64_t>(1, utc_us() - since_ms * 1000);
  return {.start = Start::since_time, .since_us = static_cast<std::uint64_t>(since_us)};
}

std::expected<SubscribeOptions, Error> with_delivery(SubscribeOptions options, const DeliveryWords& words) {
  const auto wrong = [](std::string text, std::string remedy = {}) {
    return std::unexpected(Error{.failure = Failure::usage, .text = std::move(text), .remedy = std::move(remedy)});
  };
  if (words.latest) options.delivery = Delivery::latest;
  if (!words.rate.empty()) {
    const char* const end = words.rate.data() + words.rate.size();
    const auto parsed = std::from_chars(words.rate.data(), end, options.max_rate_hz);
    const bool number = parsed.ec == std::errc{} && parsed.ptr == end;
    if (!number || !(options.max_rate_hz >= kRateMinHz && options.max_rate_hz <= kRateMaxHz)) {
      return wrong("--rate: \"" + std::string(words.rate) + "\" is not a rate from 0.001 to 1000");
    }
    if (!words.latest) return wrong("--rate needs --latest", "every message comes when it was published");
  }
  if (words.on_lag.empty()) return options;
  if (words.latest) return wrong("--on-lag does not go with --latest", "the newest values never fall behind");
  if (words.on_lag == "degrade") {
    options.on_lag = OnLag::degrade;
  } else if (words.on_lag == "skip") {
    options.on_lag = OnLag::skip;
  } else if (words.on_lag == "close") {
    options.on_lag = OnLag::close;
  } else {
    return wrong("--on-lag: \"" + std::string(words.on_lag) + "\" is not degrade, skip or close");
  }
  return options;
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
