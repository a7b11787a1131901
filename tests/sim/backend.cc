#include "tests/sim/backend.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cassert>
#include <cerrno>

namespace ringcast::sim {

using io::Completion;
using io::OperationKind;

namespace {
std::string_view view(io::Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
}  // namespace

Backend::~Backend() {
  return_buffers();
}

void Backend::submit(std::span<const io::Operation> operations) {
  for (const io::Operation& operation : operations) submit_one(operation);
}

void Backend::submit_one(const io::Operation& operation) {
  switch (operation.kind) {
    case OperationKind::accept: {
      Listener& listener = listeners_[operation.fd];
      assert(!listener.accept.is);
      listener = {.accept = {.is = true}, .slot = operation.slot};
      return;
    }
    case OperationKind::cancel_accept:
      listeners_[operation.fd].cancelled = listeners_[operation.fd].accept.is;
      return;
    case OperationKind::receive: {
      Watch& watched = watch(operation.fd, operation.slot);
      assert(!watched.receive.is);
      watched.receive = {.is = true};
      watched.cancelled = false;
      return;
    }
    case OperationKind::cancel_receive: {
      Watch& watched = watch(operation.fd, operation.slot);
      if (!watched.receive.is) return;  // it has ended by itself, and that is on its way
      assert(!watched.cancelled);
      watched.cancelled = true;
      watched.cancel_late = faults_.lateness(faults_.late_cancel, random_);
      return;
    }
    case OperationKind::send: {
      Watch& watched = watch(operation.fd, operation.slot);
      assert(!watched.send.is);
      assert(!watched.poll_out.is);
      assert(!operation.data.empty());
      watched.send = {.is = true};
      watched.data = operation.data;
      watched.copy = view(operation.data);
      watched.sent = 0;
      watched.error = 0;
      return;
    }
    case OperationKind::poll_out: {
      Watch& watched = watch(operation.fd, operation.slot);
      assert(!watched.send.is);
      assert(!watched.poll_out.is);
      watched.poll_out = {.is = true};
      return;
    }
    case OperationKind::shutdown_write:
      return network_.shutdown_write(network_.stream_of(operation.fd), Side::server);
    case OperationKind::shutdown_both:
      return network_.shutdown_both(network_.stream_of(operation.fd), Side::server);
    case OperationKind::close:
      return close(operation);
    case OperationKind::wake:
      assert(operation.kind != OperationKind::wake);
      return;
  }
}

// The descriptor's watch, made with its first operation. One slot has one descriptor, and each tenant a generation.
Backend::Watch& Backend::watch(int fd, SlotId slot) {
  (void)network_.stream_of(fd);  // it is open
  const auto [at, fresh] = watches_.try_emplace(fd);
  Watch& watched = at->second;
  if (fresh) {
    watched.slot = slot;
    const auto [last, first] = generations_.try_emplace(slot.index, slot.generation);
    assert(first || last->second < slot.generation);
    last->second = slot.generation;
  }
  assert(watched.slot == slot);
  return watched;
}

void Backend::close(const io::Operation& operation) {
  const auto at = watches_.find(operation.fd);
  if (at != watches_.end()) {
    assert(at->second.slot == operation.slot);
    assert(!at->second.receive.is);
    assert(!at->second.send.is);
    assert(!at->second.poll_out.is);
    watches_.erase(at);
  }
  network_.close(operation.fd);
}

std::span<const io::Short> Backend::send(std::span<const io::Send> sends) {
  shorts_.clear();
  for (std::size_t i = 0; i < sends.size(); ++i) {
    const io::Send& one = sends[i];
    assert(!one.data.empty());
    for (std::size_t k = 0; k < i; ++k) assert(sends[k].slot != one.slot);
    const Watch& watched = watch(one.fd, one.slot);
    assert(!watched.send.is);
    assert(!watched.poll_out.is);
    std::string_view bytes = view(one.data);
    if (random_.permille(faults_.short_send)) bytes = bytes.substr(0, random_.between(1, bytes.size()));
    std::int32_t result = -EAGAIN;
    if (!random_.permille(faults_.again)) result = network_.write(network_.stream_of(one.fd), Side::server, bytes);
    if (result == static_cast<std::int32_t>(one.data.size())) continue;
    shorts_.push_back({.slot = one.slot, .result = result});
  }
  return shorts_;
}

void Backend::wake() noexcept {
  if (wake_pending_) return;
  wake_pending_ = true;
  wake_late_ = faults_.lateness(faults_.late_wake, random_);
}

// ---- what the kernel does meanwhile ----

void Backend::notice(Armed& armed, bool possible) {
  if (armed.noticed && armed.late > 0) --armed.late;
  if (!armed.is || armed.noticed || !possible) return;
  armed.noticed = true;
  armed.late = faults_.lateness(faults_.late, random_);
}

void Backend::push_armed_send(int fd, Watch& watched) {
  if (!watched.send.is || send_done(watched)) return;
  assert(view(watched.data) == watched.copy);  // the shard has changed bytes that are being sent
  const std::int32_t result =
      network_.write(network_.stream_of(fd), Side::server, std::string_view(watched.copy).substr(watched.sent));
  if (result > 0) watched.sent += static_cast<std::size_t>(result);
  if (result < 0 && result != -EAGAIN) watched.error = result;
}

bool Backend::can_receive(int fd, const Watch& watched) const {
  return watched.receive.is &&
         (network_.readable(network_.stream_of(fd), Side::server) || (watched.cancelled && watched.cancel_late == 0));
}

bool Backend::can_accept(int fd, const Listener& listener) const {
  return listener.accept.is && (listener.cancelled || network_.waits(fd));
}

void Backend::advance() {
  if (wake_late_ > 0) --wake_late_;
  for (auto& [fd, listener] : listeners_) notice(listener.accept, can_accept(fd, listener));
  for (auto& [fd, watched] : watches_) {
    push_armed_send(fd, watched);
    if (watched.cancelled && watched.cancel_late > 0) --watched.cancel_late;
    notice(watched.receive, can_receive(fd, watched));
    notice(watched.send, send_done(watched));
    const bool writable = network_.writable(network_.stream_of(fd), Side::server);
    notice(watched.poll_out, writable || random_.permille(faults_.false_writable));
  }
}

bool Backend::ready() const {
  if (wake_pending_ && wake_late_ == 0) return true;
  if (std::ranges::any_of(listeners_, [](const auto& one) { return due(one.second.accept); })) return true;
  return std::ranges::any_of(watches_, [](const auto& one) {
    const Watch& watched = one.second;
    return due(watched.receive) || due(watched.send) || due(watched.poll_out);
  });
}

bool Backend::quiet() const {
  if (wake_pending_) return false;
  const auto stirs = [](const Armed& armed) { return armed.is && armed.noticed; };
  if (std::ranges::any_of(
          listeners_, [&](const auto& one) { return stirs(one.second.accept) || can_accept(one.first, one.second); })) {
    return false;
  }
  return std::ranges::none_of(watches_, [&](const auto& one) {
    const auto& [fd, watched] = one;
    if (stirs(watched.receive) || stirs(watched.send) || stirs(watched.poll_out)) return true;
    if (watched.cancelled || can_receive(fd, watched)) return true;
    return (watched.send.is || watched.poll_out.is) && network_.writable(network_.stream_of(fd), Side::server);
  });
}

// ---- completions ----

std::span<const Completion> Backend::reap(std::int64_t) {
  return_buffers();
  reaped_.clear();
  advance();
  if (wake_pending_ && wake_late_ == 0) {
    wake_pending_ = false;
    reaped_.push_back({.kind = OperationKind::wake, .slot = {}, .data = {}});
  }
  for (auto& [fd, listener] : listeners_) {
    if (due(listener.accept)) reap_accept(fd, listener);
  }
  // From anywhere in the ring, so that nobody is always first to the buffers.
  auto at = watches_.lower_bound(static_cast<int>(random_.below(64)));
  for (std::size_t i = 0; i < watches_.size(); ++i, ++at) {
    if (at == watches_.end()) at = watches_.begin();
    auto& [fd, watched] = *at;
    if (due(watched.receive)) reap_receive(fd, watched);
    if (due(watched.send)) reap_send(watched);
    if (due(watched.poll_out)) reap_poll_out(fd, watched);
  }
  return reaped_;
}

void Backend::reap_accept(int fd, Listener& listener) {
  const auto complete = [&](std::int32_t result, bool more) {
    reaped_.push_back(
        {.kind = OperationKind::accept, .more = more, .result = result, .slot = listener.slot, .data = {}});
    if (!more) listener.accept = {};
    listener.accept.noticed = false;
  };
  while (listener.accept.is) {
    if (listener.cancelled) return complete(-ECANCELED, false);
    if (!network_.waits(fd)) return void(listener.accept.noticed = false);
    if (random_.permille(faults_.accept_fails)) return complete(-EMFILE, false);
    complete(network_.accept(fd), !random_.permille(faults_.multishot_ends));
  }
}

void Backend::end_receive(Watch& watched, std::int32_t result) {
  reaped_.push_back(
      {.kind = OperationKind::receive, .more = false, .result = result, .slot = watched.slot, .data = {}});
  watched.receive = {};
  watched.cancelled = false;
}

void Backend::reap_receive(int fd, Watch& watched) {
  if (watched.cancelled && watched.cancel_late == 0) return end_receive(watched, -ECANCELED);
  while (reap_data(fd, watched) && random_.percent(50)) {
  }
  watched.receive.noticed = false;
}

// One completion with data, or the last one. False when there is nothing more to be had now.
bool Backend::reap_data(int fd, Watch& watched) {
  const std::size_t stream = network_.stream_of(fd);
  if (!watched.receive.is || !network_.readable(stream, Side::server)) return false;
  if (buffers_.size() >= faults_.receive_buffers) {
    end_receive(watched, -ENOBUFS);
    return false;
  }
  std::size_t size = faults_.receive_buffer_bytes;
  if (random_.permille(faults_.short_receive)) size = random_.between(1, size);
  std::vector<std::uint8_t> buffer(size);
  const std::int32_t result = network_.read(stream, Side::server, buffer);
  if (result <= 0) {
    end_receive(watched, result);
    return false;
  }
  buffer.resize(static_cast<std::size_t>(result));
  buffer.shrink_to_fit();  // so that reading past the end is seen
  buffers_.push_back(std::move(buffer));
  const bool more = !random_.permille(faults_.multishot_ends);
  reaped_.push_back(
      {.kind = OperationKind::receive, .more = more, .result = result, .slot = watched.slot, .data = buffers_.back()});
  if (more) return true;
  watched.receive = {};
  watched.cancelled = false;
  return false;
}

void Backend::reap_send(Watch& watched) {
  assert(view(watched.data) == watched.copy);  // the shard has changed bytes that are being sent
  const std::int32_t result = watched.error != 0 ? watched.error : static_cast<std::int32_t>(watched.copy.size());
  reaped_.push_back({.kind = OperationKind::send, .result = result, .slot = watched.slot, .data = {}});
  watched.send = {};
  watched.data = {};
}

void Backend::reap_poll_out(int fd, Watch& watched) {
  const bool broken = network_.readable(network_.stream_of(fd), Side::server);
  const auto result = static_cast<std::int32_t>(broken && random_.percent(50) ? EPOLLOUT | EPOLLHUP : EPOLLOUT);
  reaped_.push_back({.kind = OperationKind::poll_out, .result = result, .slot = watched.slot, .data = {}});
  watched.poll_out = {};
}

void Backend::return_buffers() {
  for (auto& buffer : buffers_) std::ranges::fill(buffer, std::uint8_t{0xdd});
  buffers_.clear();
}

}  // namespace ringcast::sim
