#include "perf/swarm.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "frame/header.h"
#include "frame/mask.h"
#include "perf/usage.h"

namespace ringcast::perf {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";
constexpr std::size_t kHeadSizeMax = 16 * 1024;
constexpr int kStalledReceiveBuffer = 4096;     // bytes: the kernel shall not read for those who do not
constexpr std::uint64_t kRetryNs = 50'000'000;  // a server that is only starting refuses connections for a while

std::string failure(std::string_view what, int error) {
  return std::string(what) + ": " + std::strerror(error);
}

// RFC 6455 §1.3's own key: nothing here depends on it being random.
std::string upgrade_of(const Plan& plan) {
  const std::string protocol(subprotocol(plan.form));
  return "GET " + plan.target +
         " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
         (protocol.empty() ? "" : "Sec-WebSocket-Protocol: " + protocol + "\r\n") + "\r\n";
}

std::string end_text(Bytes close_payload) {
  if (close_payload.size() < 2) return "closed by the server without a code";
  const int code = close_payload[0] << 8 | close_payload[1];
  return "closed by the server with " + std::to_string(code) + " " +
         std::string(close_payload.begin() + 2, close_payload.end());
}

}  // namespace

Swarm::Swarm(std::vector<Plan> plans) : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  connections_.reserve(plans.size());
  for (Plan& plan : plans) {
    Connection& connection = connections_.emplace_back();
    connection.reader = FrameReader(plan.form);
    if (plan.form == Form::nats) connection.nats = std::make_unique<NatsReader>();
    connection.plan = std::move(plan);
  }
  for (std::uint32_t i = 0; i < connections_.size(); ++i) {
    if (connections_[i].plan.part == Part::publisher) publishers_.push_back(i);
  }
  buffer_.resize(FrameReader::kTailMax + kReceiveSize);
}

Swarm::~Swarm() {
  for (const Connection& connection : connections_) {
    if (connection.fd >= 0) ::close(connection.fd);
  }
  if (epoll_ >= 0) ::close(epoll_);
}

std::expected<std::unique_ptr<Swarm>, std::string> Swarm::connect(const sockaddr_in& server, std::vector<Plan> plans) {
  std::unique_ptr<Swarm> swarm(new Swarm(std::move(plans)));
  const std::uint64_t deadline = now_ns() + kConnectTimeoutNs;
  std::size_t started = 0;
  std::size_t done = 0;
  std::vector<std::uint32_t> refused;
  while (done < swarm->connections_.size()) {
    while (started < swarm->connections_.size() && started - done < kConnectingMax) {
      if (auto ok = swarm->start(static_cast<std::uint32_t>(started++), server); !ok)
        return std::unexpected(ok.error());
    }
    std::array<epoll_event, kTurnEvents> events;
    const int count = ::epoll_wait(swarm->epoll_, events.data(), kTurnEvents, refused.empty() ? 1000 : 10);
    for (int i = 0; i < count; ++i) {
      const std::uint32_t index = events[static_cast<std::size_t>(i)].data.u32;
      const auto open = swarm->advance(index);
      if (!open) return std::unexpected(swarm->connections_[index].plan.target + ": " + open.error());
      if (swarm->connections_[index].state == State::planned) refused.push_back(index);
      if (*open) ++done;
    }
    if (now_ns() > deadline) {
      return std::unexpected("only " + std::to_string(done) + " of " + std::to_string(swarm->connections_.size()) +
                             " connections could be opened in 30 s");
    }
    if (refused.empty()) continue;
    ::usleep(kRetryNs / 1000);
    for (const std::uint32_t index : std::exchange(refused, {})) {
      if (auto ok = swarm->start(index, server); !ok) return std::unexpected(ok.error());
    }
  }
  return swarm;
}

std::expected<void, std::string> Swarm::start(std::uint32_t index, const sockaddr_in& server) {
  Connection& connection = connections_[index];
  connection.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (connection.fd < 0) return std::unexpected(failure("socket", errno) + " (raise ulimit -n?)");
  const int on = 1;
  ::setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (connection.plan.part == Part::stalled) {
    ::setsockopt(connection.fd, SOL_SOCKET, SO_RCVBUF, &kStalledReceiveBuffer, sizeof(kStalledReceiveBuffer));
  }
  const auto* address = reinterpret_cast<const sockaddr*>(&server);
  if (::connect(connection.fd, address, sizeof(server)) != 0 && errno != EINPROGRESS) {
    return std::unexpected(failure("connect", errno));
  }
  connection.state = State::connecting;
  arm(index, EPOLLOUT, EPOLL_CTL_ADD);
  return {};
}

// Takes one step towards the open WebSocket. True when it is there.
std::expected<bool, std::string> Swarm::advance(std::uint32_t index) {
  Connection& connection = connections_[index];
  if (connection.state == State::upgrading) {
    auto upgraded = read_head(connection);
    return upgraded && *upgraded ? greet(index) : upgraded;
  }
  if (connection.state == State::greeting) {
    if (!connection.out.empty()) write(index);
    if (connection.state == State::greeting) receive(index, nullptr);
    if (connection.state == State::ended) return std::unexpected(first_end_);
    return connection.plan.ready == 0 ? opened(index) : false;
  }
  if (connection.state != State::connecting) return false;
  int error = 0;
  socklen_t size = sizeof(error);
  ::getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == ECONNREFUSED) {
    ::close(std::exchange(connection.fd, -1));
    connection.state = State::planned;
    return false;
  }
  if (error != 0) return std::unexpected(failure("connect", error));
  if (accepted_ns_ == 0) accepted_ns_ = now_ns();
  const std::string request = upgrade_of(connection.plan);
  const ssize_t sent = ::send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL);
  if (sent != static_cast<ssize_t>(request.size())) return std::unexpected(failure("send", errno));
  connection.state = State::upgrading;
  arm(index, EPOLLIN, EPOLL_CTL_MOD);
  return false;
}

// Up to the end of the head and no further: frames behind it belong to the reader.
std::expected<bool, std::string> Swarm::read_head(Connection& connection) {
  std::array<char, 1024> seen;
  for (;;) {
    const ssize_t count = ::recv(connection.fd, seen.data(), seen.size(), MSG_PEEK);
    if (count < 0 && errno == EAGAIN) return false;
    if (count < 0) return std::unexpected(failure("recv", errno));
    if (count == 0) return std::unexpected("the server ended the connection: " + connection.head);
    const std::size_t before = connection.head.size();
    connection.head.append(seen.data(), static_cast<std::size_t>(count));
    const std::size_t end = connection.head.find(kHeadEnd, before < kHeadEnd.size() ? 0 : before - kHeadEnd.size());
    if (end != std::string::npos) connection.head.resize(end + kHeadEnd.size());
    if (::recv(connection.fd, seen.data(), connection.head.size() - before, 0) < 0)
      return std::unexpected(failure("recv", errno));
    if (connection.head.size() > kHeadSizeMax) return std::unexpected("the server's answer has no end");
    if (end == std::string::npos) continue;
    if (!connection.head.starts_with("HTTP/1.1 101 ")) {
      return std::unexpected("refused: " + connection.head.substr(0, connection.head.find('\r')));
    }
    connection.head = {};
    return true;
  }
}

// Says what is to be said first.
std::expected<bool, std::string> Swarm::greet(std::uint32_t index) {
  Connection& connection = connections_[index];
  if (connection.plan.hello.empty()) return opened(index);
  connection.state = State::greeting;
  connection.out = std::exchange(connection.plan.hello, {});
  write(index);
  if (connection.state == State::ended) return std::unexpected(first_end_);
  return connection.plan.ready == 0 ? opened(index) : false;
}

std::expected<bool, std::string> Swarm::opened(std::uint32_t index) {
  Connection& connection = connections_[index];
  connection.state = State::open;
  if (connection.plan.part == Part::stalled) arm(index, 0, EPOLL_CTL_DEL);
  opened_ns_ = now_ns();
  return true;
}

void Swarm::turn(std::uint64_t wait_ns, Tally& tally) {
  std::array<epoll_event, kTurnEvents> events;
  const timespec wait{.tv_sec = static_cast<time_t>(wait_ns / 1'000'000'000),
                      .tv_nsec = static_cast<long>(wait_ns % 1'000'000'000)};
  const int count = ::epoll_pwait2(epoll_, events.data(), kTurnEvents, &wait, nullptr);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if ((event.events & EPOLLOUT) != 0) write(event.data.u32);
    if ((event.events & ~std::uint32_t{EPOLLOUT}) != 0) receive(event.data.u32, &tally);
  }
}

bool Swarm::has_room(std::uint32_t publisher) const {
  const Connection& connection = connections_[publishers_[publisher]];
  return connection.out.size() < kOutSizeMax && connection.unanswered < kUnansweredMax;
}

void Swarm::append(std::uint32_t publisher, Bytes frame) {
  const std::uint32_t index = publishers_[publisher];
  Connection& connection = connections_[index];
  if (connection.state != State::open) return;
  if (connection.out.empty()) dirty_.push_back(index);
  connection.out.insert(connection.out.end(), frame.begin(), frame.end());
  if (connection.plan.acks) ++connection.unanswered;
}

void Swarm::flush() {
  for (const std::uint32_t index : dirty_) write(index);
  dirty_.clear();
}

void Swarm::receive(std::uint32_t index, Tally* tally) {
  Connection& connection = connections_[index];
  if (connection.state != State::open && connection.state != State::greeting) return;
  std::uint8_t* const begin = buffer_.data() + FrameReader::kTailMax - connection.tail_size;
  std::memcpy(begin, connection.tail.data(), connection.tail_size);
  const ssize_t count = ::recv(connection.fd, buffer_.data() + FrameReader::kTailMax, kReceiveSize, 0);
  if (count < 0 && errno == EAGAIN) return;
  if (count <= 0) {
    end(index, count == 0 ? "ended by the server without a close frame" : failure("recv", errno));
    return;
  }
  ++receives_;
  const Bytes bytes(begin, connection.tail_size + static_cast<std::size_t>(count));
  if (!take(index, bytes, now_ns(), tally)) return;
}

// False when the connection has ended by it.
bool Swarm::take(std::uint32_t index, Bytes bytes, std::uint64_t now, Tally* tally) {
  using Kind = FrameReader::Found::Kind;
  Connection& connection = connections_[index];
  for (;;) {
    const FrameReader::Found found = connection.nats ? connection.nats->read(bytes) : connection.reader.read(bytes);
    switch (found.kind) {
      case Kind::message:
        if (connection.plan.part == Part::subscriber && tally != nullptr && !deliver(index, found, now, *tally))
          return false;
        break;
      case Kind::unstamped:
        break;
      case Kind::ready:
        if (connection.plan.ready > 0) --connection.plan.ready;
        break;
      case Kind::ack:
        --connection.unanswered;
        break;
      case Kind::error:
        end(index, "the server refused: " + std::string(found.payload.begin(), found.payload.end()));
        return false;
      case Kind::ping:
        answer_ping(index, found.payload);
        break;
      case Kind::close:
        end(index, end_text(found.payload));
        return false;
      case Kind::bad:
        end(index, "the server sent a frame that no server may send");
        return false;
      case Kind::nothing:
        assert(bytes.size() <= FrameReader::kTailMax);
        connection.tail_size = static_cast<std::uint8_t>(bytes.size());
        std::memcpy(connection.tail.data(), bytes.data(), bytes.size());
        return true;
    }
  }
}

bool Swarm::deliver(std::uint32_t index, const FrameReader::Found& found, std::uint64_t now, Tally& tally) {
  const Connection& connection = connections_[index];
  tally.deliver(connection.plan.index, found.stamp, now);
  const Form form = connection.plan.form;
  if (form == Form::raw || form == Form::nats || found.payload.empty() || !slow_check_.is_due()) return true;
  if (slow_check_.agrees(connection.plan.form, found.payload, found.stamp)) return true;
  end(index, "a message was not what it looked like: " + std::string(found.payload.begin(), found.payload.end()));
  return false;
}

void Swarm::answer_ping(std::uint32_t index, Bytes payload) {
  Connection& connection = connections_[index];
  std::array<std::uint8_t, frame::kHeaderSizeMax> header;
  const std::size_t size =
      frame::encode_header({.opcode = frame::Opcode::pong, .masked = true, .payload_size = payload.size()}, header);
  if (connection.out.empty()) dirty_.push_back(index);
  connection.out.insert(connection.out.end(), header.begin(), header.begin() + static_cast<std::ptrdiff_t>(size));
  connection.out.insert(connection.out.end(), payload.begin(), payload.end());  // the mask is zero
}

void Swarm::write(std::uint32_t index) {
  Connection& connection = connections_[index];
  if (connection.state != State::open && connection.state != State::greeting) return;
  if (!connection.out.empty()) {
    const ssize_t sent = ::send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
      end(index, failure("send", errno));
      return;
    }
    if (sent > 0) connection.out.erase(connection.out.begin(), connection.out.begin() + sent);
  }
  const bool blocked = !connection.out.empty();
  if (blocked == connection.write_armed) return;
  connection.write_armed = blocked;
  arm(index, blocked ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

void Swarm::arm(std::uint32_t index, std::uint32_t events, int operation) {
  epoll_event event{.events = events, .data = {.u32 = index}};
  ::epoll_ctl(epoll_, operation, connections_[index].fd, &event);
}

void Swarm::end(std::uint32_t index, std::string why) {
  Connection& connection = connections_[index];
  if (ended_++ == 0) first_end_ = connection.plan.target + ": " + std::move(why);
  ::close(std::exchange(connection.fd, -1));
  connection.state = State::ended;
  connection.out.clear();
}

std::uint64_t Swarm::unanswered() const {
  std::uint64_t sum = 0;
  for (const std::uint32_t index : publishers_) sum += connections_[index].unanswered;
  return sum;
}

std::uint32_t Swarm::stalled_ended() const {
  std::uint32_t count = 0;
  for (const Connection& connection : connections_) {
    if (connection.plan.part != Part::stalled) continue;
    // Data waits before any FIN, so only the state of the connection tells: anything but established is an end.
    tcp_info info{};
    socklen_t size = sizeof(info);
    ::getsockopt(connection.fd, IPPROTO_TCP, TCP_INFO, &info, &size);
    if (info.tcpi_state != TCP_ESTABLISHED) ++count;
  }
  return count;
}

}  // namespace ringcast::perf
