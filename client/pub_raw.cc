// pub --acks none: one raw WebSocket, many messages to a write, a close handshake at the end.

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <utility>

#include "client/connection.h"
#include "client/interrupt.h"
#include "client/lines.h"
#include "client/progress_line.h"
#include "client/pub.h"
#include "frame/utf8.h"

namespace ringcast::client {
namespace {

constexpr std::int64_t kConnectTimeoutMs = 10'000;  // the broker's own time for a handshake
constexpr std::int64_t kCloseTimeoutMs = 30'000;    // until a busy broker has read all that was sent
constexpr std::size_t kGatherMax = 256 * 1024;      // bytes that go into one write, and wait when the socket is full
constexpr std::uint64_t kNoLimit = std::numeric_limits<std::uint64_t>::max();

MessageKind kind_of(const PubOptions& options) {
  return options.kind == PayloadKind::binary ? MessageKind::binary : MessageKind::text;
}

// Many messages through one WebSocket.
class Publisher {
 public:
  Publisher(const PubOptions& options, Connection connection)
      : options_(options),
        connection_(std::move(connection)),
        progress_(options.progress),
        start_ms_(monotonic_ms()),
        limit_(options.count                                  ? *options.count
               : options.reads_input() || options.rate_hz > 0 ? kNoLimit
                                                              : 1) {}

  // Everything, up to the close handshake. Gives back the exit code.
  [[nodiscard]] std::expected<ExitCode, Error> run() {
    while (!finished() || connection_.gathered() > 0) {
      if (interrupt_.take()) {
        interrupted_ = true;
        limit_ = count_;  // nothing more; what was gathered still goes out
      }
      if (auto ok = gather(); !ok) return give_up(ok.error());
      if (auto ok = exchange(); !ok) return std::unexpected(ok.error());
      show();
      if (auto ok = wait(); !ok) return give_up(ok.error());
    }
    if (auto closed = finish(); !closed) return std::unexpected(closed.error());
    return interrupted_ ? ExitCode::interrupted : ExitCode::done;
  }

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }

 private:
  [[nodiscard]] bool finished() const { return count_ >= limit_ || (options_.reads_input() && lines_.done()); }
  [[nodiscard]] bool has_room() const { return connection_.gathered() < kGatherMax; }

  [[nodiscard]] std::expected<void, Error> finish() {
    const auto closed = connection_.close(1000, {}, Deadline::in_ms(kCloseTimeoutMs));
    if (!closed) return std::unexpected(closed.error());
    progress_.finish("published " + count_text(count_, monotonic_ms() - start_ms_));
    return {};
  }

  // The input is bad from here on; what came before it is published all the same.
  [[nodiscard]] std::unexpected<Error> give_up(Error error) {
    const auto closed = finish();
    return std::unexpected(closed ? std::move(error) : closed.error());
  }

  // When the next message is due, in milliseconds of the monotonic clock.
  [[nodiscard]] std::int64_t due_ms() const {
    if (options_.rate_hz <= 0) return start_ms_;
    return start_ms_ + static_cast<std::int64_t>(static_cast<double>(count_) * 1000 / options_.rate_hz);
  }

  // Takes what is due and there, as much as goes into one write.
  [[nodiscard]] std::expected<void, Error> gather() {
    const std::int64_t now_ms = options_.rate_hz > 0 ? monotonic_ms() : start_ms_;
    while (count_ < limit_ && has_room() && due_ms() <= now_ms) {
      std::string_view payload;
      if (options_.reads_input()) {
        const auto line = lines_.next();
        starved_ = !line;
        if (starved_) break;
        payload = *line;
      } else {
        payload = *options_.payload;
      }
      const MessageKind kind = kind_of(options_);
      if (kind == MessageKind::text && !frame::is_utf8(frame::as_bytes(payload))) {
        return std::unexpected(not_text_error(options_.reads_input() ? count_ + 1 : 0));
      }
      connection_.send(kind, frame::as_bytes(payload));
      ++count_;
    }
    return {};
  }

  [[nodiscard]] std::expected<void, Error> exchange() {
    if (auto written = connection_.write(); !written) return written;
    const auto event = connection_.read();
    if (!event) return std::unexpected(event.error());
    if (event->kind == Event::Kind::closed) {
      return std::unexpected(closed_error(event->code, frame::as_text(event->payload)));
    }
    return {};
  }

  // Until the socket, the input or the clock has something new; reads the input.
  [[nodiscard]] std::expected<void, Error> wait() {
    const std::int64_t now_ms = monotonic_ms();
    const bool due = due_ms() <= now_ms;
    const bool wants_line = starved_ && !finished() && has_room();
    std::int64_t wait_ms = ProgressLine::kIntervalMs;
    if (!finished() && !due) wait_ms = std::min(wait_ms, due_ms() - now_ms);
    if (!finished() && due && !starved_ && has_room()) wait_ms = 0;
    std::array<pollfd, 3> ready{pollfd{.fd = connection_.fd(), .events = connection_.poll_events()},
                                pollfd{.fd = interrupt_.fd(), .events = POLLIN},
                                pollfd{.fd = STDIN_FILENO, .events = POLLIN}};
    if (finished() && connection_.gathered() == 0) return {};
    ::poll(ready.data(), wants_line ? 3 : 2, static_cast<int>(wait_ms));
    if (!wants_line || ready[2].revents == 0) return {};
    const auto more = lines_.fill(STDIN_FILENO);
    if (!more) return std::unexpected(more.error());
    return {};
  }

  void show() {
    const std::int64_t now_ms = monotonic_ms();
    if (progress_.due(now_ms)) progress_.show("published " + count_text(count_, now_ms - start_ms_));
  }

  const PubOptions& options_;
  Interrupt interrupt_;
  Connection connection_;
  ProgressLine progress_;
  Lines lines_;
  std::int64_t start_ms_;
  std::uint64_t limit_;
  std::uint64_t count_ = 0;
  bool starved_ = false;  // there was no whole line when one was due
  bool interrupted_ = false;
};

}  // namespace

std::expected<ExitCode, Error> publish_raw(const Url& url, const PubOptions& options) {
  auto target = topic_target(url, options.topic, "mode=pub");
  if (!target) return std::unexpected(target.error());
  Random random;
  auto connection = Connection::open(url, *target, {}, random, Deadline::in_ms(kConnectTimeoutMs));
  if (!connection) return std::unexpected(connection.error());
  Publisher publisher(options, std::move(*connection));
  auto code = publisher.run();
  if (!code && code.error().failure != Failure::input) {
    code.error().text += "; " + with_commas(publisher.count()) +
                         " messages were sent, and how many of the last were published is not known";
  }
  return code;
}

}  // namespace ringcast::client
