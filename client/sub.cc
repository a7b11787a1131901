#include "client/sub.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <utility>

#include "client/base64.h"
#include "client/connection.h"
#include "client/exit_code.h"
#include "client/interrupt.h"
#include "client/progress_line.h"
#include "frame/http_response.h"

namespace ringcast::client {
namespace {

constexpr std::int64_t kConnectTimeoutMs = 10'000;  // the broker's own time for a handshake
constexpr std::int64_t kCloseTimeoutMs = 1'000;     // nothing is lost by going without the broker's goodbye
constexpr std::size_t kOutMax = 256 * 1024;         // bytes of lines that are written at once

int fail(const Error& error) {
  std::fprintf(stderr, "ringcast sub: %s\n", to_line(error).c_str());
  return to_int(exit_code_of(error.failure));
}

class Subscriber {
 public:
  explicit Subscriber(const SubOptions& options)
      : options_(options),
        progress_(options.progress),
        limit_(options.count.value_or(std::numeric_limits<std::uint64_t>::max())) {}

  [[nodiscard]] std::expected<void, Error> connect(const Url& url) {
    for (const std::string& filter : options_.filters) {
      auto target = topic_target(url, filter, options_.start == StartWith::last ? "last=1" : "");
      if (!target) return std::unexpected(target.error());
      auto connection = Connection::open(url, *target, {}, random_, Deadline::in_ms(kConnectTimeoutMs));
      if (!connection) return std::unexpected(connection.error());
      connections_.push_back(std::move(*connection));
    }
    start_ms_ = monotonic_ms();
    return {};
  }

  // Prints until interrupted, enough, or nobody reads the output any more.
  [[nodiscard]] std::expected<void, Error> run() {
    while (count_ < limit_ && !reader_gone_ && !interrupt_.take()) {
      for (std::size_t i = 0; i < connections_.size(); ++i) {
        if (auto ok = drain(i); !ok) {
          write_out();  // what came before the end
          return ok;
        }
      }
      write_out();
      if (count_ < limit_ && !reader_gone_) wait();
    }
    return {};
  }

  void finish() {
    for (Connection& connection : connections_) {
      if (connection.state() != Stream::State::open) continue;
      static_cast<void>(connection.close(1000, {}, Deadline::in_ms(kCloseTimeoutMs)));
    }
    progress_.finish("received " + count_text(count_, monotonic_ms() - start_ms_));
  }

 private:
  [[nodiscard]] std::expected<void, Error> drain(std::size_t index) {
    Connection& connection = connections_[index];
    if (auto written = connection.write(); !written) return written;  // pongs
    while (count_ < limit_) {
      const auto event = connection.read();
      if (!event) return std::unexpected(event.error());
      switch (event->kind) {
        case Event::Kind::need_more:
          return connection.write();
        case Event::Kind::opened:
          break;
        case Event::Kind::closed:
          return std::unexpected(closed_error(event->code, frame::as_text(event->payload)));
        case Event::Kind::text:
        case Event::Kind::binary:
          add_line(options_.filters[index], *event);
          ++count_;
          if (out_.size() >= kOutMax) write_out();
          break;
      }
    }
    return {};
  }

  void add_line(const std::string& filter, const Event& message) {
    const bool binary = message.kind == Event::Kind::binary;
    if (options_.format == LineFormat::json) {
      out_ += "{\"filter\":";
      frame::append_json_string(out_, filter);
      out_ += binary ? ",\"base64\":\"" : ",\"text\":";
      if (binary) append_base64(out_, message.payload);
      if (!binary) frame::append_json_string(out_, frame::as_text(message.payload));
      out_ += binary ? "\"}\n" : "}\n";
      return;
    }
    if (options_.filters.size() > 1) (out_ += filter) += '\t';
    if (binary) {
      out_ += "base64:";
      append_base64(out_, message.payload);
    } else {
      out_ += frame::as_text(message.payload);
    }
    out_ += '\n';
  }

  void write_out() {
    std::string_view left = out_;
    while (!left.empty() && !reader_gone_) {
      const ssize_t size = ::write(STDOUT_FILENO, left.data(), left.size());
      if (size > 0) left.remove_prefix(static_cast<std::size_t>(size));
      reader_gone_ = size < 0 && errno != EINTR && errno != EAGAIN;  // EPIPE: `| head` has seen enough
    }
    out_.clear();
  }

  void wait() {
    if (progress_.due(monotonic_ms()) && ::isatty(STDOUT_FILENO) == 0) {  // never between the messages themselves
      progress_.show("received " + count_text(count_, monotonic_ms() - start_ms_));
    }
    polled_.clear();
    for (const Connection& connection : connections_) {
      polled_.push_back({.fd = connection.fd(), .events = connection.poll_events()});
    }
    polled_.push_back({.fd = interrupt_.fd(), .events = POLLIN});
    ::poll(polled_.data(), polled_.size(), static_cast<int>(ProgressLine::kIntervalMs));
  }

  const SubOptions& options_;
  Interrupt interrupt_;
  Random random_;
  std::vector<Connection> connections_;  // one for each filter, in their order
  std::vector<pollfd> polled_;
  ProgressLine progress_;
  std::string out_;
  std::int64_t start_ms_ = 0;
  std::uint64_t limit_;
  std::uint64_t count_ = 0;
  bool reader_gone_ = false;
};

}  // namespace

int run_sub(const SubOptions& options) {
  const auto url = parse_url(options.url);
  if (!url) return fail(url.error());
  if (options.filters.empty()) {
    return fail({.failure = Failure::usage, .text = "no filter to subscribe to", .remedy = "name one, such as chat/#"});
  }
  Subscriber subscriber(options);
  if (auto ok = subscriber.connect(*url); !ok) return fail(ok.error());
  const auto ok = subscriber.run();
  subscriber.finish();
  return ok ? to_int(ExitCode::done) : fail(ok.error());
}

}  // namespace ringcast::client
