#include "client/connection.h"

#include <poll.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace ringcast::client {
namespace {

// IANA's names, and ours from proto/'s table of close codes.
std::string_view name_of(std::uint16_t code) {
  switch (code) {
    case 1000:
      return "normal";
    case 1001:
      return "going away";
    case 1002:
      return "protocol error";
    case 1003:
      return "unsupported data";
    case 1005:
      return "no code";
    case 1007:
      return "invalid data";
    case 1008:
      return "policy";
    case 1009:
      return "message too big";
    case 1011:
      return "internal error";
    case 1012:
      return "service restart";
    case 1013:
      return "try again later";
    case 4008:
      return "too slow";
    default:
      return {};
  }
}

}  // namespace

Error closed_error(std::uint16_t code, std::string_view reason) {
  std::string text = "the broker closed the connection with " + std::to_string(code);
  if (const std::string_view name = name_of(code); !name.empty()) (text += " (").append(name) += ')';
  if (!reason.empty()) (text += ": ") += reason;
  return {.failure = Failure::closed, .text = std::move(text), .remedy = {}};
}

std::expected<Connection, Error> Connection::open(const Url& url, const std::string& target,
                                                  const std::vector<std::string>& protocols, Random& random,
                                                  Deadline deadline) {
  const auto endpoints = resolve(url);
  if (!endpoints) return std::unexpected(endpoints.error());
  Error last;
  for (const Endpoint& endpoint : *endpoints) {
    auto connection = start(endpoint, url, target, protocols, random);
    if (!connection) {
      last = connection.error();
      continue;
    }
    auto opened = connection->receive(deadline);
    if (opened && opened->kind == Event::Kind::opened) return connection;
    if (!opened) last = opened.error();
    if (last.failure != Failure::unreachable) break;  // it answered: the next address would say the same
  }
  return std::unexpected(last);
}

std::expected<Connection, Error> Connection::start(const Endpoint& endpoint, const Url& url, std::string target,
                                                   std::vector<std::string> protocols, Random& random) {
  auto socket = Socket::start_connect(endpoint, url);
  if (!socket) return std::unexpected(socket.error());
  return Connection(
      std::move(*socket),
      Stream(
          {.host = url.authority, .target = std::move(target), .protocols = std::move(protocols), .token = url.token},
          random));
}

std::expected<void, Error> Connection::flush(Deadline deadline) {
  for (;;) {
    if (auto written = write(); !written) return written;
    if (gathered() == 0) return {};
    if (failed_) return std::unexpected(why_failed());
    if (auto ready = wait(poll_events(), deadline, "to take what was sent"); !ready) return ready;
  }
}

std::expected<Event, Error> Connection::receive(Deadline deadline) {
  for (;;) {
    if (auto written = write(); !written) return std::unexpected(written.error());
    auto event = read();
    if (!event || event->kind != Event::Kind::need_more) return event;
    if (auto ready = wait(poll_events(), deadline, "to answer"); !ready) return std::unexpected(ready.error());
  }
}

std::expected<void, Error> Connection::close(std::uint16_t code, std::string_view reason, Deadline deadline) {
  start_close(code, reason);
  for (;;) {
    const auto event = receive(deadline);
    if (!event) return std::unexpected(event.error());
    if (event->kind != Event::Kind::closed) continue;
    if (event->code == code) return {};
    return std::unexpected(closed_error(event->code, frame::as_text(event->payload)));
  }
}

short Connection::poll_events() const noexcept {
  if (!connected_) return POLLOUT;
  return socket_.poll_events(gathered() > 0 && !failed_);
}

std::expected<void, Error> Connection::write() {
  if (!connected_) {
    pollfd ready{.fd = fd(), .events = POLLOUT, .revents = 0};
    if (::poll(&ready, 1, 0) == 0) return {};
    if (auto connected = socket_.finish_connect(); !connected) return connected;
    connected_ = true;
  }
  while (gathered() > 0 && !failed_) {
    const auto size = socket_.write(stream_.output());
    if (!size) {
      failed_ = size.error();
      break;
    }
    if (*size == 0) break;
    stream_.written(*size);
  }
  return {};
}

std::expected<Event, Error> Connection::read() {
  if (!connected_) return Event{};
  for (;;) {
    if (begin_ < end_) {
      const auto step = stream_.next({buffer_.get() + begin_, end_ - begin_});
      if (step) begin_ += step->consumed;
      if (!step || step->event.kind == Event::Kind::closed) write_last();
      if (!step) return std::unexpected(step.error());
      if (step->event.kind != Event::Kind::need_more) return step->event;
    }
    if (ended_) return std::unexpected(failed_.value_or(stream_.ended()));
    fill();
    if (begin_ == end_ && !ended_) return Event{};
  }
}

// The close frame that answers the peer's, or says what it did wrong, is sent if it can be, and not waited for.
void Connection::write_last() {
  if (const auto written = write(); !written) failed_ = written.error();
}

// Receives once into the buffer, which has been used up. There is none when nothing came.
void Connection::fill() {
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<std::uint8_t[]>(kReceiveSize);
  begin_ = end_ = 0;
  const auto size = socket_.read({buffer_.get(), kReceiveSize});
  if (size && *size) end_ = **size;
  if (!size && !failed_) failed_ = size.error();
  ended_ = !size || (*size && **size == 0);
  if (end_ == 0) buffer_.reset();  // a demo has hundreds of connections that hear nothing but pings
}

// Why nothing more can be written: what the peer said last, or else what the socket says.
Error Connection::why_failed() {
  for (;;) {
    const auto event = read();
    if (!event) return event.error();
    if (event->kind == Event::Kind::closed) return closed_error(event->code, frame::as_text(event->payload));
    if (event->kind == Event::Kind::need_more) return failed_.value_or(stream_.ended());
  }
}

std::expected<void, Error> Connection::wait(short events, Deadline deadline, std::string_view what) const {
  pollfd ready{.fd = fd(), .events = events, .revents = 0};
  const int count = ::poll(&ready, 1, deadline.left_ms());
  if (count > 0 || (count < 0 && errno == EINTR)) return {};
  if (count < 0) {
    return std::unexpected(Error{.failure = Failure::system, .text = std::strerror(errno), .remedy = {}});
  }
  return std::unexpected(Error{.failure = Failure::timeout,
                               .text = "the broker took too long " + std::string(what),
                               .remedy = "is it overloaded, or the network slow?"});
}

}  // namespace ringcast::client
