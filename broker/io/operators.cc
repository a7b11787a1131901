#include "broker/io/operators.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <span>
#include <utility>
#include <vector>

#include "broker/io/process.h"

namespace ringcast::io {

namespace {

constexpr std::uint64_t kWaker = 0;
constexpr std::uint64_t kListener = 1;
constexpr std::uint64_t kTlsListener = 2;  // others are peers
constexpr std::size_t kReceiveBytes = 16 * 1024;
constexpr std::int64_t kWaitMaxMs = 60'000;
constexpr std::chrono::milliseconds kAcceptPause{50};

// Whether the local address of a connected socket is a loopback one.
bool reached_by_loopback(int fd) noexcept {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) < 0) return true;  // the stricter
  if (address.ss_family == AF_INET) {
    return ntohl(reinterpret_cast<const sockaddr_in*>(&address)->sin_addr.s_addr) >> 24 == 127;
  }
  const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(&address)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&v6)) return v6.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&v6);
}

}  // namespace

Operators::Operators(const Parts& parts, Listening listening)
    : config_(parts.config),
      mesh_(parts.mesh),
      fleet_(parts.fleet),
      desk_(parts.about, parts.services, parts.fleet.inquiries, parts.key),
      reporter_(parts.log),
      find_file_(parts.find_file),
      secret_(parts.secret),
      listening_(std::move(listening)),
      last_id_(kTlsListener) {
  if (listening_.context != nullptr) sealed_.reserve(kTlsSealedBytesMax);
}

Operators::~Operators() {
  stop();
}

void Operators::stop() {
  thread_.request_stop();
  fleet_.operators.wake();
  if (thread_.joinable()) thread_.join();
}

std::expected<void, Error> Operators::start() {
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.valid()) return std::unexpected(system_error(errno, "epoll_create1"));
  // Edge-triggered: the waker is never read.
  epoll_event waker{.events = EPOLLIN | EPOLLET, .data = {.u64 = kWaker}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fleet_.operators.fd(), &waker) < 0) {
    return std::unexpected(system_error(errno, "epoll_ctl"));
  }
  if (const auto watched = watch_listener(listening_.plain, kListener); !watched) return watched;
  if (const auto watched = watch_listener(listening_.tls, kTlsListener); !watched) return watched;
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  return {};
}

std::expected<void, Error> Operators::watch_listener(const Descriptor& listener, std::uint64_t id) {
  if (!listener.valid()) return {};
  epoll_event event{.events = EPOLLIN, .data = {.u64 = id}};
  if (::fcntl(listener.get(), F_SETFL, O_NONBLOCK) < 0) return std::unexpected(system_error(errno, "fcntl"));
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener.get(), &event) < 0) {
    return std::unexpected(system_error(errno, "epoll_ctl"));
  }
  return {};
}

broker::State Operators::state() const noexcept {
  switch (fleet_.stage.load(std::memory_order_acquire)) {
    case Stage::running:
      if (fleet_.drain_asked.load(std::memory_order_acquire)) return broker::State::lame_duck;
      return ready_.load(std::memory_order_acquire) ? broker::State::ready : broker::State::starting;
    case Stage::lame_duck:
      return broker::State::lame_duck;
    case Stage::draining:
      return broker::State::draining;
    case Stage::closing:
    case Stage::hurrying:
    case Stage::ended:
      return broker::State::closing;
  }
  std::unreachable();
}

void Operators::run(const std::stop_token& stop) {
  std::array<epoll_event, kPeersMax> events{};
  while (!stop.stop_requested()) {
    if (TlsContext context = fleet_.operators_tls.take()) listening_.context = std::move(context);
    ring(desk_.turn(state(), now()));
    Now time = now();
    report(time.monotonic);
    give_answers(time);
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait_ms(time));
    time = now();
    for (const epoll_event& event : std::span{events}.first(static_cast<std::size_t>(std::max(0, count)))) {
      const std::uint64_t id = event.data.u64;
      if (id == kListener) accept_peers(listening_.plain, time);
      if (id == kTlsListener) accept_peers(listening_.tls, time);
      const auto found = peers_.find(id);
      if (found == peers_.end()) continue;
      const bool gone = (event.events & (EPOLLHUP | EPOLLERR)) != 0;  // in both directions
      if (gone || !receive(*found->second, time) || !advance(id, *found->second, time)) drop(id);
    }
    look_at_deadlines(time);
  }
  report(now().monotonic);
  reporter_.settle(now().monotonic + broker::Throttle::kWindowMs);  // no second ends any more
}

void Operators::report(Instant now) {
  for (std::uint32_t shard = 0; shard < fleet_.journals.size(); ++shard) {
    broker::JournalRing& ring = fleet_.journals[shard];
    ring.drain([&](const broker::Journal::Entry& entry) { reporter_.take(shard, entry, now); });
    if (const std::uint64_t lost = ring.take_lost(); lost > 0) reporter_.lost(shard, lost);
  }
  reporter_.settle(now);
}

int Operators::wait_ms(const Now& now) const {
  Instant next = std::min(desk_.next_deadline(), now.monotonic + kWaitMaxMs);
  for (const auto& [id, peer] : peers_) next = std::min(next, peer->session.deadline());
  return static_cast<int>(std::max<std::int64_t>(0, next - now.monotonic));
}

void Operators::ring(topics::ShardSet shards) {
  while (shards != 0) {
    const std::uint32_t shard = topics::take_shard(shards);
    if (mesh_.doorbell(shard).ring()) fleet_.controls[shard].backend.load(std::memory_order_acquire)->wake();
  }
}

// ---- peers ----

void Operators::accept_peers(const Descriptor& listener, const Now& now) {
  for (;;) {
    Descriptor socket(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.valid()) {
      // Out of descriptors: it would fail at once for ever, as whoever waits still does.
      if (errno != EAGAIN && !make_room()) std::this_thread::sleep_for(kAcceptPause);
      return;
    }
    if (peers_.size() >= kPeersMax && !make_room()) continue;
    const std::uint64_t id = ++last_id_;
    const int fd = socket.release();
    auto peer = std::make_unique<Peer>(fd, config_, reached_by_loopback(fd), now, find_file_, secret_);
    if (&listener == &listening_.tls) peer->tls = std::make_unique<TlsConnection>(*listening_.context, wire_);
    epoll_event event{.events = EPOLLIN, .data = {.u64 = id}};
    peer->interest = EPOLLIN;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) peers_.emplace(id, std::move(peer));
  }
}

// Whoever waits for nothing and came first goes: slow or idle peers must not shut out probes.
bool Operators::make_room() {
  std::uint64_t oldest = 0;
  for (const auto& [id, peer] : peers_) {
    if (!peer->answering && !owes(*peer) && (oldest == 0 || id < oldest)) oldest = id;
  }
  if (oldest != 0) drop(oldest);
  return oldest != 0;
}

// False when the socket gives nothing any more.
bool Operators::receive(Peer& peer, const Now& now) {
  if (!peer.session.wants_bytes()) return true;
  std::array<char, kReceiveBytes> buffer;
  const ssize_t size = ::recv(peer.fd.get(), buffer.data(), buffer.size(), 0);
  if (size < 0) return errno == EAGAIN || errno == EINTR;
  const auto bytes = static_cast<std::size_t>(size);
  if (size == 0) {
    peer.session.peer_finished();
  } else if (peer.tls != nullptr) {
    received_sealed(peer, {reinterpret_cast<const std::uint8_t*>(buffer.data()), bytes}, now);
  } else {
    peer.session.received({buffer.data(), bytes}, now);
  }
  return true;
}

bool Operators::advance(std::uint64_t id, Peer& peer, const Now& now) {
  do {
    if (!peer.answering) {
      if (auto request = peer.session.take_request()) {
        peer.answering = true;
        desk_.begin(id, *std::move(request), state(), now);
      }
    }
    if (!send(peer, now)) return false;
  } while (!peer.answering && peer.session.has_request());
  if (peer.session.ended() && !owes(peer)) return false;
  watch(id, peer);
  return true;
}

// False when the socket takes nothing any more, or nothing that it takes could be read.
bool Operators::send(Peer& peer, const Now& now) {
  if (peer.tls != nullptr) return send_sealed(peer, now);
  while (!peer.session.output().empty()) {
    const std::string_view output = peer.session.output();
    const ssize_t size = ::send(peer.fd.get(), output.data(), output.size(), MSG_NOSIGNAL);
    if (size < 0) return errno == EAGAIN || errno == EINTR;
    peer.session.sent(static_cast<std::size_t>(size), now);
  }
  return true;
}

void Operators::watch(std::uint64_t id, Peer& peer) {
  const std::uint32_t interest = (peer.session.wants_bytes() ? EPOLLIN : 0U) | (owes(peer) ? EPOLLOUT : 0U);
  if (interest == peer.interest) return;
  peer.interest = interest;
  epoll_event event{.events = interest, .data = {.u64 = id}};
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, peer.fd.get(), &event);
}

void Operators::drop(std::uint64_t id) {
  desk_.forget(id);
  peers_.erase(id);
}

void Operators::give_answers(const Now& now) {
  for (broker::Answered& answered : std::exchange(desk_.answered(), {})) {
    const auto found = peers_.find(answered.call);
    if (found == peers_.end() || !found->second->answering) continue;
    found->second->answering = false;
    found->second->session.answer(answered.answer, now);
    if (!advance(answered.call, *found->second, now)) drop(answered.call);
  }
}

void Operators::look_at_deadlines(const Now& now) {
  std::vector<std::uint64_t> late;
  for (const auto& [id, peer] : peers_) {
    if (peer->session.deadline() <= now.monotonic) late.push_back(id);
  }
  for (const std::uint64_t id : late) {
    Peer& peer = *peers_.at(id);
    peer.session.late(now);
    if (!advance(id, peer, now)) drop(id);
  }
}

}  // namespace ringcast::io
