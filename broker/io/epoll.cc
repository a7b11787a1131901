#include "broker/io/epoll.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <limits>
#include <utility>

#include "broker/io/send_now.h"

namespace ringcast::io {
namespace {

// Of one connection in one turn, so that a flood waits for the others: what is left makes the socket ready again.
constexpr std::size_t kReceiveSizeMax = std::size_t{16} << 10;
constexpr std::size_t kSendAtOnceMax = std::size_t{256} << 10;
constexpr int kAcceptsPerTurn = 64;

constexpr std::size_t kCacheLine = 64;  // receives of different connections do not share one

constexpr std::uint32_t kReadable = EPOLLIN | EPOLLERR | EPOLLHUP;
constexpr std::uint32_t kWritable = EPOLLOUT | EPOLLERR | EPOLLHUP;

constexpr std::size_t round_up(std::size_t size) {
  return (size + kCacheLine - 1) / kCacheLine * kCacheLine;
}

}  // namespace

std::expected<std::unique_ptr<Epoll>, Error> Epoll::create(const Options& options) {
  assert(options.receive_area_size > 0 && options.receive_area_size % kCacheLine == 0);
  std::unique_ptr<Epoll> epoll(new Epoll);
  epoll->epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll->epoll_.valid()) return std::unexpected(system_error(errno, "epoll_create1"));
  if (auto opened = epoll->waker_.open(); !opened) return std::unexpected(std::move(opened.error()));
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = Tag{.request = Tag::Request::wake}.user_data()}};
  if (::epoll_ctl(epoll->epoll_.get(), EPOLL_CTL_ADD, epoll->waker_.fd(), &event) < 0) {
    return std::unexpected(system_error(errno, "epoll_ctl"));
  }
  // The kernel hands out ready descriptors in turn, so none starves if each that it hands out is served.
  epoll->receive_size_max_ = std::min(options.receive_area_size, kReceiveSizeMax);
  epoll->events_.resize(options.receive_area_size / epoll->receive_size_max_);
  epoll->area_ = std::make_unique_for_overwrite<std::uint8_t[]>(options.receive_area_size);
  return epoll;
}

void Epoll::submit(std::span<const Operation> operations) {
  for (const Operation& operation : operations) submit_one(operation);
}

void Epoll::submit_one(const Operation& operation) {
  switch (operation.kind) {
    case OperationKind::accept:
      return arm_accept(operation);
    case OperationKind::cancel_accept:
      return cancel_accept(operation);
    case OperationKind::receive: {
      Watch& watched = watch(operation);
      assert(!watched.receives);
      watched.receives = true;
      return update(operation.slot, watched);
    }
    case OperationKind::cancel_receive:
      return cancel_receive(operation.slot);
    case OperationKind::send: {
      Watch& watched = watch(operation);
      arm_send(watched, operation.data);
      return update(operation.slot, watched);
    }
    case OperationKind::poll_out: {
      Watch& watched = watch(operation);
      assert(!watched.polls_out);
      watched.polls_out = true;
      return update(operation.slot, watched);
    }
    // What is armed ends by itself: both directions being shut makes the socket ready for everything.
    case OperationKind::shutdown_write:
      ::shutdown(operation.fd, SHUT_WR);
      return;
    case OperationKind::shutdown_both:
      ::shutdown(operation.fd, SHUT_RDWR);
      return;
    case OperationKind::close:
      ::close(operation.fd);
      return;
    case OperationKind::wake:
      assert(operation.kind != OperationKind::wake);
      return;
  }
}

std::span<const Short> Epoll::send(std::span<const Send> sends) {
  shorts_.clear();
  for (const Send& one : sends) {
    if (const auto shortfall = send_now(one)) shorts_.push_back(*shortfall);
  }
  return shorts_;
}

std::span<const Completion> Epoll::reap(std::int64_t timeout_ms) {
  reaped_.clear();
  area_used_ = 0;
  if (!waiting_.empty()) timeout_ms = 0;
  const int wait_ms = static_cast<int>(std::clamp<std::int64_t>(timeout_ms, -1, std::numeric_limits<int>::max()));
  const int count = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), wait_ms);
  assert(count >= 0 || errno == EINTR);
  for (int i = 0; i < count; ++i) handle(events_[static_cast<std::size_t>(i)]);
  std::swap(waiting_, reaped_);
  return reaped_;
}

// The slot's watch, given to a new tenant where the generation is new.
Epoll::Watch& Epoll::watch(const Operation& operation) {
  const SlotId slot = operation.slot;
  assert(slot.index <= Tag::kIndexMax);
  if (slot.index >= watches_.size()) watches_.resize(slot.index + 1);
  Watch& watched = watches_[slot.index];
  if (watched.interest == 0) watched = {.fd = operation.fd, .generation = slot.generation};
  assert(watched.fd == operation.fd);
  assert(watched.generation == slot.generation);
  return watched;
}

void Epoll::arm_send(Watch& watched, Bytes data) {
  assert(!watched.sends);
  assert(!data.empty());
  if (armed_free_.empty()) {
    armed_free_.push_back(static_cast<std::uint32_t>(armed_sends_.size()));
    armed_sends_.emplace_back();
  }
  watched.send = armed_free_.back();
  armed_free_.pop_back();
  armed_sends_[watched.send] = {.data = data, .sent = 0};
  watched.sends = true;
}

// Makes epoll's view that of `watched`.
void Epoll::update(SlotId slot, Watch& watched) {
  const std::uint32_t wanted = (watched.receives ? EPOLLIN : 0U) | (watched.sends || watched.polls_out ? EPOLLOUT : 0U);
  if (wanted == watched.interest) return;
  const Tag tag{.request = Tag::Request::receive, .index = slot.index, .number = slot.generation};
  epoll_event event{.events = wanted, .data = {.u64 = tag.user_data()}};
  const int change = watched.interest == 0 ? EPOLL_CTL_ADD : wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  if (::epoll_ctl(epoll_.get(), change, watched.fd, &event) < 0) return fail(slot, watched, errno);
  watched.interest = wanted;
}

// The kernel cannot watch the descriptor (ENOSPC: fs.epoll.max_user_watches, ENOMEM): all that is armed of it ends.
void Epoll::fail(SlotId slot, Watch& watched, int code) {
  const auto end = [&](OperationKind kind) {
    complete({.kind = kind, .more = false, .result = -code, .slot = slot, .data = {}});
  };
  if (watched.receives) end(OperationKind::receive);
  if (watched.polls_out) end(OperationKind::poll_out);
  if (watched.sends) {
    armed_free_.push_back(watched.send);
    end(OperationKind::send);
  }
  if (watched.interest != 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, watched.fd, nullptr);
  watched = {};
}

void Epoll::cancel_receive(SlotId slot) {
  if (slot.index >= watches_.size()) return;
  Watch& watched = watches_[slot.index];
  if (watched.generation != slot.generation || !watched.receives) return;
  watched.receives = false;
  complete({.kind = OperationKind::receive, .more = false, .result = -ECANCELED, .slot = slot, .data = {}});
  update(slot, watched);
}

void Epoll::arm_accept(const Operation& operation) {
  // accept(2) has no flag for one call: a connection that was reset meanwhile would block the shard.
  const int flags = ::fcntl(operation.fd, F_GETFL);
  ::fcntl(operation.fd, F_SETFL, flags | O_NONBLOCK);
  auto listener = std::ranges::find(listeners_, operation.fd, &Listener::fd);
  if (listener == listeners_.end())
    listener = listeners_.insert(listeners_.end(), Listener{.fd = operation.fd, .slot = {}});
  assert(!listener->armed);
  listener->slot = operation.slot;
  const Tag tag{.request = Tag::Request::accept, .index = static_cast<std::uint32_t>(listener - listeners_.begin())};
  epoll_event event{.events = EPOLLIN, .data = {.u64 = tag.user_data()}};
  listener->armed = ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, operation.fd, &event) == 0;
  if (!listener->armed) {
    complete({.kind = OperationKind::accept, .more = false, .result = -errno, .slot = operation.slot, .data = {}});
  }
}

void Epoll::cancel_accept(const Operation& operation) {
  const auto listener = std::ranges::find(listeners_, operation.slot, &Listener::slot);
  if (listener == listeners_.end() || !listener->armed) return;
  listener->armed = false;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener->fd, nullptr);
  complete({.kind = OperationKind::accept, .more = false, .result = -ECANCELED, .slot = operation.slot, .data = {}});
}

void Epoll::handle(const epoll_event& event) {
  const Tag tag = Tag::from_user_data(event.data.u64);
  if (tag.request == Tag::Request::wake) {
    complete({.kind = OperationKind::wake, .more = false, .result = 0, .slot = {}, .data = {}});
  } else if (tag.request == Tag::Request::accept) {
    accept(listeners_[tag.index]);
  } else {
    handle_connection(tag.index, event.events);
  }
}

void Epoll::handle_connection(std::uint32_t index, std::uint32_t events) {
  Watch& watched = watches_[index];
  const SlotId slot{index, watched.generation};
  if (watched.receives && (events & kReadable) != 0) receive(slot, watched);
  if (watched.sends && (events & kWritable) != 0) continue_send(slot, watched);
  if (watched.polls_out && (events & kWritable) != 0) {
    watched.polls_out = false;
    complete({.kind = OperationKind::poll_out,
              .more = false,
              .result = static_cast<std::int32_t>(events),
              .slot = slot,
              .data = {}});
  }
  update(slot, watched);
}

void Epoll::receive(SlotId slot, Watch& watched) {
  std::uint8_t* const at = area_.get() + area_used_;
  const ssize_t size = ::recv(watched.fd, at, receive_size_max_, MSG_DONTWAIT);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  Completion completion{.kind = OperationKind::receive, .more = false, .result = 0, .slot = slot, .data = {}};
  if (size > 0) {
    completion.more = true;
    completion.result = static_cast<std::int32_t>(size);
    completion.data = {at, static_cast<std::size_t>(size)};
    area_used_ += round_up(static_cast<std::size_t>(size));
  } else if (size < 0) {
    completion.result = -errno;
  }
  watched.receives = completion.more;
  complete(completion);
}

void Epoll::continue_send(SlotId slot, Watch& watched) {
  ArmedSend& armed = armed_sends_[watched.send];
  const Bytes rest = armed.data.subspan(armed.sent);
  const ssize_t sent =
      ::send(watched.fd, rest.data(), std::min(rest.size(), kSendAtOnceMax), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && (errno == EAGAIN || errno == EINTR)) return;
  std::int32_t result = 0;
  if (sent < 0) {
    result = -errno;
  } else {
    armed.sent += static_cast<std::size_t>(sent);
    if (armed.sent < armed.data.size()) return;
    result = static_cast<std::int32_t>(armed.sent);
  }
  watched.sends = false;
  armed_free_.push_back(watched.send);
  complete({.kind = OperationKind::send, .more = false, .result = result, .slot = slot, .data = {}});
}

void Epoll::accept(Listener& listener) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    const int fd = ::accept4(listener.fd, nullptr, nullptr, SOCK_CLOEXEC);
    const int code = fd < 0 ? errno : 0;
    if (code == EAGAIN) return;
    if (code == ECONNABORTED || code == EINTR) continue;
    listener.armed = fd >= 0;
    complete({.kind = OperationKind::accept,
              .more = listener.armed,
              .result = fd >= 0 ? fd : -code,
              .slot = listener.slot,
              .data = {}});
    if (fd >= 0) continue;
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener.fd, nullptr);
    return;
  }
}

}  // namespace ringcast::io
