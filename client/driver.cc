#include "client/driver.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "client/deadline.h"

namespace ringcast::client {
namespace {

// The steady clock of libstdc++ is the monotonic clock of deadline.h.
std::int64_t to_ms(std::chrono::steady_clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

Engine::Options with_jitter(Engine::Options options, Random& random) {
  if (!options.uniform) options.uniform = [&random] { return random.uniform(); };
  return options;
}

}  // namespace

Driver::Driver(Engine::Options options, Url url, Mailbox& mailbox)
    : url_(std::move(url)),
      mailbox_(mailbox),
      engine_(with_jitter(std::move(options), random_), random_, monotonic_ms()) {}

void Driver::run() {
  while (!engine_.stopped()) {
    take_commands();
    if (engine_.wants_dial(monotonic_ms())) dial();
    if (connected_) write();
    if (connected_) read();
    if (connected_) write();
    engine_.tick(monotonic_ms());
    if (!engine_.attached()) drop();
    mailbox_.count(engine_.counters());
    if (!engine_.stopped()) wait();
  }
  drop();
  take_commands();  // what was posted before all were told that it is over
  mailbox_.count(engine_.counters());
}

void Driver::take_commands() {
  const auto close_by = mailbox_.take(commands_);
  for (Command& command : commands_) {
    if (auto* publish = std::get_if<Outgoing>(&command)) engine_.publish(std::move(*publish));
    if (auto* subscribe = std::get_if<NewSubscription>(&command)) engine_.subscribe(std::move(*subscribe));
    if (const auto* end = std::get_if<EndSubscription>(&command)) engine_.unsubscribe(end->id);
  }
  commands_.clear();
  if (close_by) engine_.close(to_ms(*close_by), monotonic_ms());
}

void Driver::dial() {
  engine_.dialing(monotonic_ms());
  auto endpoints = resolve(url_);
  if (!endpoints) return engine_.dial_failed(endpoints.error(), monotonic_ms());
  endpoints_ = *std::move(endpoints);
  std::ranges::reverse(endpoints_);
  connect_next();
}

// Begins with the next address; when there is none left, the last one's error is that of the try.
void Driver::connect_next() {
  Error error;
  while (!endpoints_.empty()) {
    auto socket = Socket::start_connect(endpoints_.back(), url_);
    endpoints_.pop_back();
    if (socket) {
      socket_.emplace(*std::move(socket));
      return;
    }
    error = socket.error();
  }
  engine_.dial_failed(error, monotonic_ms());
}

void Driver::finish_connect() {
  const auto finished = socket_->finish_connect();
  if (finished) {
    connected_ = true;
    socket_error_.reset();
    return engine_.connected();
  }
  socket_.reset();
  if (!endpoints_.empty()) return connect_next();
  engine_.dial_failed(finished.error(), monotonic_ms());
}

void Driver::write() {
  for (engine_.gather(); !engine_.output().empty() && !socket_error_; engine_.gather()) {
    const auto size = socket_->write(engine_.output());
    if (!size) socket_error_ = size.error();  // kept until everything that came before it was read
    if (!size || *size == 0) return;
    engine_.written(*size);
  }
}

void Driver::read() {
  for (int i = 0; i < kReadsMax && engine_.attached(); ++i) {
    const auto size = socket_->read({buffer_.get(), kReceiveSize});
    if (size && !*size) {
      if (socket_error_) engine_.ended(socket_error_, monotonic_ms());
      return;
    }
    if (!size || **size == 0) {
      if (!size && !socket_error_) socket_error_ = size.error();
      return engine_.ended(socket_error_, monotonic_ms());
    }
    engine_.received({buffer_.get(), **size}, monotonic_ms());
    if (**size < kReceiveSize) return;
  }
}

// The connection is over: a close frame that is still to be said goes out if the socket takes it.
void Driver::drop() {
  if (connected_) write();
  connected_ = false;
  socket_.reset();
  endpoints_.clear();
}

void Driver::wait() {
  if (!mailbox_.sleep()) return;
  const std::int64_t left_ms = std::max<std::int64_t>(0, engine_.next_tick_ms() - monotonic_ms());
  const bool pending = connected_ && socket_->has_pending();
  const int timeout = pending ? 0 : static_cast<int>(std::min<std::int64_t>(left_ms, std::numeric_limits<int>::max()));
  std::array<pollfd, 2> ready{pollfd{.fd = mailbox_.fd(), .events = POLLIN, .revents = 0},
                              pollfd{.fd = -1, .events = POLLIN, .revents = 0}};
  if (socket_) ready[1].fd = socket_->fd();
  if (socket_ && !connected_) ready[1].events = POLLOUT;
  if (connected_) ready[1].events = socket_->poll_events(!engine_.output().empty() && !socket_error_);
  ::poll(ready.data(), ready.size(), timeout);
  mailbox_.woken();
  if (socket_ && !connected_ && ready[1].revents != 0) finish_connect();
}

}  // namespace ringcast::client
