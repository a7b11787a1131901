#include "tests/sim/network.h"

#include <algorithm>
#include <cassert>
#include <cerrno>

namespace ringcast::sim {

std::size_t Network::connect(int fd) {
  streams_.emplace_back();
  const auto found = std::ranges::find(listeners_, fd, &Listener::fd);
  assert(found != listeners_.end());
  found->backlog.push_back(streams_.size() - 1);
  return streams_.size() - 1;
}

std::int32_t Network::write(std::size_t stream, Side side, std::string_view bytes) {
  assert(!bytes.empty());
  End& from = end(stream, side);
  assert(!from.closed);
  if (from.was_reset) return -ECONNRESET;
  if (from.fin_sent) return -EPIPE;
  const std::size_t room = options_.send_buffer_bytes - std::min(options_.send_buffer_bytes, from.sending.size());
  const std::size_t taken = std::min(room, bytes.size());
  if (taken == 0) return -EAGAIN;
  from.sending += bytes.substr(0, taken);
  return static_cast<std::int32_t>(taken);
}

std::int32_t Network::read(std::size_t stream, Side side, std::span<std::uint8_t> out) {
  assert(!out.empty());
  End& to = end(stream, side);
  assert(!to.closed);
  const std::size_t taken = std::min(out.size(), to.received.size());
  std::copy_n(to.received.begin(), taken, out.begin());
  to.received.erase(0, taken);
  if (taken > 0) return static_cast<std::int32_t>(taken);
  if (to.was_reset) return -ECONNRESET;
  return to.fin_received || to.reads_nothing ? 0 : -EAGAIN;
}

bool Network::readable(std::size_t stream, Side side) const {
  const End& to = end(stream, side);
  return !to.received.empty() || to.was_reset || to.fin_received || to.reads_nothing;
}

bool Network::writable(std::size_t stream, Side side) const {
  const End& from = end(stream, side);
  return from.was_reset || from.fin_sent || from.sending.size() < options_.send_buffer_bytes;
}

void Network::shutdown_write(std::size_t stream, Side side) {
  end(stream, side).fin_sent = true;
}

void Network::shutdown_both(std::size_t stream, Side side) {
  end(stream, side).fin_sent = true;
  end(stream, side).reads_nothing = true;
}

void Network::close(std::size_t stream, Side side) {
  End& gone = end(stream, side);
  assert(!gone.closed);
  gone.closed = true;
  gone.fin_sent = true;
  if (!gone.received.empty() && !gone.was_reset) send_reset(stream, other(side));
  gone.received.clear();
}

void Network::reset(std::size_t stream, Side side) {
  End& gone = end(stream, side);
  gone.closed = true;
  gone.sending.clear();
  gone.received.clear();
  send_reset(stream, other(side));
}

// Whoever gets a reset can still read what had arrived, on some systems; on others that is lost too.
void Network::send_reset(std::size_t stream, Side to) {
  End& victim = end(stream, to);
  victim.was_reset = true;
  victim.sending.clear();
  if (random_.percent(50)) victim.received.clear();
}

bool Network::transfer(std::size_t stream) {
  const bool up = transfer(stream, Side::client);
  const bool down = transfer(stream, Side::server);
  return up || down;
}

bool Network::transfer(std::size_t stream, Side side) {
  End& from = end(stream, side);
  End& to = end(stream, other(side));
  if (to.was_reset || from.was_reset) return false;
  if (!from.sending.empty()) {
    if (to.closed) {
      from.was_reset = true;  // data for an end that has gone
      from.sending.clear();
      return true;
    }
    const std::size_t room =
        to.reads_nothing ? SIZE_MAX
                         : options_.receive_buffer_bytes - std::min(options_.receive_buffer_bytes, to.received.size());
    const std::size_t most = std::min(room, from.sending.size());
    if (most == 0) return false;
    const std::size_t moved = random_.percent(60) ? most : random_.between(1, most);
    if (!to.reads_nothing) to.received += from.sending.substr(0, moved);
    from.sending.erase(0, moved);
    return true;
  }
  if (!from.fin_sent || to.fin_received || to.closed) return false;
  to.fin_received = true;
  return true;
}

bool Network::over(std::size_t stream) const {
  const End& client = end(stream, Side::client);
  const End& server = end(stream, Side::server);
  return client.closed && server.closed;
}

// ---- descriptors ----

int Network::take_descriptor(std::size_t stream) {
  auto free = std::ranges::find(descriptors_, kFree);
  if (free == descriptors_.end()) free = descriptors_.insert(descriptors_.end(), kFree);
  *free = stream;
  return static_cast<int>(free - descriptors_.begin());
}

int Network::listen() {
  listeners_.push_back({.fd = take_descriptor(kListener), .backlog = {}});
  return listeners_.back().fd;
}

const Network::Listener& Network::listener(int fd) const {
  const auto found = std::ranges::find(listeners_, fd, &Listener::fd);
  assert(found != listeners_.end());
  return *found;
}

bool Network::waits(int fd) const {
  return !listener(fd).backlog.empty();
}

int Network::accept(int fd) {
  auto& backlog = listeners_[static_cast<std::size_t>(&listener(fd) - listeners_.data())].backlog;
  if (backlog.empty()) return -1;
  const std::size_t stream = backlog.front();
  backlog.pop_front();
  streams_[stream].accepted = true;
  return take_descriptor(stream);
}

std::size_t Network::stream_of(int fd) const {
  assert(fd >= 0);
  assert(static_cast<std::size_t>(fd) < descriptors_.size());
  const std::size_t stream = descriptors_[static_cast<std::size_t>(fd)];
  assert(stream < streams_.size());  // else the descriptor is closed
  return stream;
}

void Network::close(int fd) {
  close(stream_of(fd), Side::server);
  descriptors_[static_cast<std::size_t>(fd)] = kFree;
}

std::size_t Network::open_descriptors() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(descriptors_, [&](std::size_t stream) { return stream < kListener; }));
}

}  // namespace ringcast::sim
