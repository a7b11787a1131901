// pub --acks each: messages within a window, each with its result.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <limits>
#include <mutex>
#include <utility>

#include "client/attendance.h"
#include "client/deadline.h"
#include "client/interrupt.h"
#include "client/latency.h"
#include "client/lines.h"
#include "client/output.h"
#include "client/progress_line.h"
#include "client/pub.h"
#include "client/ringcast.h"
#include "client/wakeup.h"
#include "frame/http_response.h"
#include "frame/utf8.h"

namespace ringcast::client {
namespace {

constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();
constexpr auto kCloseTimeout = std::chrono::milliseconds{2'000};  // for the goodbye: everything is answered by then

std::string_view name_of(PublishStatus status) {
  switch (status) {
    case PublishStatus::sequenced:
      return "sequenced";
    case PublishStatus::duplicate:
      return "duplicate";
    case PublishStatus::sent:
      return "sent";
    case PublishStatus::refused:
      return "refused";
    case PublishStatus::full:
      return "full";
    case PublishStatus::not_sent:
      return "not_sent";
    case PublishStatus::unknown:
      return "unknown";
  }
  std::unreachable();
}

// The broker would say the same again: the topic or an option is wrong.
bool is_usage(ErrorCode code) {
  return code == ErrorCode::bad_topic || code == ErrorCode::forbidden || code == ErrorCode::unsupported;
}

void append_result(std::string& out, const std::string& topic, std::uint64_t number, const PublishResult& result) {
  out += "{\"topic\":";
  frame::append_json_string(out, topic);
  (out += ",\"message\":") += std::to_string(number);
  ((out += ",\"status\":\"") += name_of(result.status)) += '"';
  if (result.seq > 0) (out += ",\"seq\":") += std::to_string(result.seq);
  if (!result.epoch.empty()) ((out += ",\"epoch\":\"") += result.epoch) += '"';
  if (result.time_us > 0) (out += ",\"time_us\":") += std::to_string(result.time_us);
  if (result.maybe_twice) out += ",\"maybe_twice\":true";
  if (result.epoch_changed) out += ",\"epoch_changed\":true";
  if (!result.text.empty()) frame::append_json_string(out += ",\"text\":", result.text);
  out += "}\n";
}

// What the client's thread learns and the command wants to know.
struct Ledger {
  std::uint64_t answered = 0;
  std::uint64_t sequenced = 0;  // or duplicate
  std::uint64_t maybe_twice = 0;
  std::optional<Error> refused;  // the first that was
  std::string out;               // results to print
  Latency latency;
};

class AckedPublisher {
 public:
  explicit AckedPublisher(const PubOptions& options)
      : options_(options),
        attendance_("ringcast pub", options.retry_ms),
        progress_(options.progress),
        limit_(options.count                                  ? *options.count
               : options.reads_input() || options.rate_hz > 0 ? kNoLimit
                                                              : 1) {}

  [[nodiscard]] std::expected<ExitCode, Error> run() {
    auto client =
        Client::open({.url = options_.url,
                      .tls = {.ca = options_.tls.ca, .certificate = options_.tls.certificate, .key = options_.tls.key},
                      .token = [token = options_.token] { return token; },
                      .name = "ringcast pub",
                      .unacked_messages_max = kUnackedMessagesMax,
                      .on_state =
                          [this](const Status& status) {
                            attendance_.on_state(status, monotonic_ms());
                            wakeup_.poke();
                          }});
    if (!client) {
      return std::unexpected(
          Error{.failure = Failure::usage, .text = client.error().text, .remedy = client.error().remedy});
    }
    client_.emplace(*std::move(client));
    start_ms_ = monotonic_ms();
    const auto worked = work();
    client_->close(std::chrono::milliseconds{worked ? kCloseTimeout.count() : 0});
    print();
    return finish(worked);
  }

 private:
  // Until everything has its result, or something is wrong.
  [[nodiscard]] std::expected<void, Error> work() {
    for (;;) {
      if (interrupt_.take()) {
        if (interrupted_) return {};  // the second one does not wait for answers
        interrupted_ = true;
        limit_ = count_;
      }
      look();
      if (auto ok = gather(); !ok) fault_ = fault_.value_or(ok.error());
      if (fault_) limit_ = count_;  // what was published gets its results first
      print();
      // A client that has given up has answered for the broker, and says why at any moment.
      if (finished() && seen_ == count_ && (fault_ || interrupted_ || all_taken())) break;
      if (const auto error = attendance_.over(monotonic_ms())) return std::unexpected(*error);
      show();
      if (auto ok = wait(); !ok) fault_ = fault_.value_or(ok.error());
    }
    if (fault_) return std::unexpected(*fault_);
    return {};
  }

  [[nodiscard]] bool all_taken() {
    const std::lock_guard lock(mutex_);
    return ledger_.sequenced == count_;
  }

  // Takes over what the client's thread has noted.
  void look() {
    const std::lock_guard lock(mutex_);
    if (ledger_.refused && !fault_) {
      fault_ = ledger_.refused;
      limit_ = count_;
    }
    seen_ = ledger_.answered;
  }

  [[nodiscard]] bool finished() const { return count_ >= limit_ || (options_.reads_input() && lines_.done()); }

  [[nodiscard]] std::int64_t due_ms() const {
    if (options_.rate_hz <= 0) return start_ms_;
    return start_ms_ + static_cast<std::int64_t>(static_cast<double>(count_) * 1000 / options_.rate_hz);
  }

  // Publishes what is due and there, as far as the window has room.
  [[nodiscard]] std::expected<void, Error> gather() {
    const std::int64_t now_ms = options_.rate_hz > 0 ? monotonic_ms() : start_ms_;
    full_ = false;
    while (count_ < limit_ && due_ms() <= now_ms) {
      if (options_.reads_input() && !line_) {
        const auto line = lines_.next();
        starved_ = !line;
        if (starved_) break;
        line_.emplace(*line);
      }
      const std::string& payload = options_.reads_input() ? *line_ : *options_.payload;
      if (options_.kind == PayloadKind::text && !frame::is_utf8(frame::as_bytes(payload))) {
        return std::unexpected(not_text_error(options_.reads_input() ? count_ + 1 : 0));
      }
      full_ = !publish(payload);
      if (full_) break;
      line_.reset();
      ++count_;
    }
    return {};
  }

  // False when the window is full.
  [[nodiscard]] bool publish(const std::string& payload) {
    const Format format = options_.kind == PayloadKind::binary ? Format::binary : Format::text;
    return client_->try_publish(options_.topic, payload, {.format = format},
                                [this, number = count_ + 1, begun = monotonic_us()](const PublishResult& result) {
                                  note(number, begun, result);
                                });
  }

  // On the client's thread.
  void note(std::uint64_t number, std::int64_t begun_us, const PublishResult& result) {
    const std::lock_guard lock(mutex_);
    ++ledger_.answered;
    const bool good = result.status == PublishStatus::sequenced || result.status == PublishStatus::duplicate;
    if (good) ++ledger_.sequenced;
    if (good) ledger_.latency.add(monotonic_us() - begun_us);
    if (result.maybe_twice) ++ledger_.maybe_twice;
    if (result.status == PublishStatus::refused && !ledger_.refused) {
      const std::string which = options_.reads_input() ? "line " + std::to_string(number) + " was " : "";
      ledger_.refused = Error{.failure = is_usage(result.code) ? Failure::usage : Failure::refused,
                              .text = which + "refused: " + result.text,
                              .remedy = {}};
    }
    if (options_.json || (options_.single() && good)) append_result(ledger_.out, options_.topic, number, result);
    if (std::exchange(waiting_, false)) wakeup_.poke();
  }

  void print() {
    std::string out;
    {
      const std::lock_guard lock(mutex_);
      std::swap(out, ledger_.out);
    }
    if (!out.empty()) write_out(out);  // a reader that is gone does not end what is published
  }

  void show() {
    const std::int64_t now_ms = monotonic_ms();
    if (!progress_.due(now_ms)) return;
    const std::lock_guard lock(mutex_);
    progress_.show("published " + count_text(ledger_.sequenced, now_ms - start_ms_));
  }

  // Until the client, the input or the clock has something new; reads the input.
  [[nodiscard]] std::expected<void, Error> wait() {
    const bool wants_line = options_.reads_input() && starved_ && !finished();
    std::int64_t wait_ms = ProgressLine::kIntervalMs;
    if (!finished() && !full_ && !starved_) {
      wait_ms = std::clamp<std::int64_t>(due_ms() - monotonic_ms(), 0, wait_ms);
    }
    {
      const std::lock_guard lock(mutex_);
      if (ledger_.answered != seen_) return {};  // there may be room again
      waiting_ = true;
    }
    std::array<pollfd, 3> ready{pollfd{.fd = wakeup_.fd(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = interrupt_.fd(), .events = POLLIN, .revents = 0},
                                pollfd{.fd = wants_line ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0}};
    ::poll(ready.data(), ready.size(), static_cast<int>(wait_ms));
    wakeup_.clear();
    if (ready[2].revents == 0) return {};
    const auto more = lines_.fill(STDIN_FILENO);
    starved_ = false;
    if (!more) return std::unexpected(more.error());
    return {};
  }

  // The client has ended: nobody else changes the ledger any more.
  [[nodiscard]] std::expected<ExitCode, Error> finish(std::expected<void, Error> worked) {
    const std::uint64_t missing = count_ - ledger_.sequenced;
    if (!options_.single() && ledger_.answered > 0) {
      std::string text = "published " + count_text(ledger_.sequenced, monotonic_ms() - start_ms_);
      if (ledger_.latency.count() > 0) text += ", acks " + ledger_.latency.summary();
      progress_.finish(text);
    }
    if (ledger_.maybe_twice > 0) {
      std::fprintf(stderr,
                   "ringcast pub: %s of them may have been published twice, before and after the broker was lost\n",
                   with_commas(ledger_.maybe_twice).c_str());
    }
    if (!worked && worked.error().failure != Failure::input && missing > 0 && attendance_.was_connected() && !fault_) {
      worked.error().text +=
          "; " + with_commas(missing) + " of " + with_commas(count_) + " messages were not acknowledged";
    }
    if (!worked) return std::unexpected(worked.error());
    return interrupted_ ? ExitCode::interrupted : ExitCode::done;
  }

  const PubOptions& options_;
  Interrupt interrupt_;  // before the client's thread begins
  Wakeup wakeup_;
  Attendance attendance_;
  ProgressLine progress_;
  Lines lines_;
  std::optional<std::string> line_;  // taken, but the window was full
  std::int64_t start_ms_ = 0;
  std::uint64_t limit_;
  std::uint64_t count_ = 0;
  std::uint64_t seen_ = 0;  // answers, when look() looked
  bool starved_ = false;    // there was no whole line when one was due
  bool full_ = false;
  bool interrupted_ = false;
  std::optional<Error> fault_;

  std::mutex mutex_;
  Ledger ledger_;
  bool waiting_ = false;
  std::optional<Client> client_;  // last: its callbacks use the others
};

}  // namespace

std::expected<ExitCode, Error> publish_acked(const PubOptions& options) {
  return AckedPublisher(options).run();
}

}  // namespace ringcast::client
