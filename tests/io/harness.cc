#include "tests/io/harness.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>

#include "broker/io/epoll.h"
#include "broker/io/uring.h"

namespace ringcast::io::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kPatience{10};  // ends a test that would hang; never waited for otherwise
constexpr std::int64_t kStepMs = 100;

std::unique_ptr<Backend> make_uring(const Shape& shape) {
  auto made = Uring::create({.ring = {.submission_entries = std::min(shape.queue_entries, kSubmissionEntries),
                                      .completion_entries = shape.queue_entries},
                             .receive_buffers = {.count = shape.receive_buffers}});
  if (!made) {
    MESSAGE("NOT TESTED: " << made.error().text);
    return nullptr;
  }
  return std::move(*made);
}

std::unique_ptr<Backend> make_epoll(const Shape& shape) {
  auto made = Epoll::create({.receive_area_size = shape.receive_buffers * kReceiveBufferSize});
  REQUIRE(made.has_value());
  return std::move(*made);
}

struct Kind {
  const char* name;
  std::unique_ptr<Backend> (*make)(const Shape&);
};

constexpr Kind kKinds[] = {
    {"io_uring", make_uring},
    {"epoll", make_epoll},
};

int checked(int result) {
  REQUIRE(result >= 0);
  return result;
}

}  // namespace

void on_each_backend(const std::function<void(Backend&)>& claim, const Shape& shape) {
  for (const Kind& kind : kKinds) {
    const std::string name = kind.name;
    INFO("backend ", name);
    const std::unique_ptr<Backend> backend = kind.make(shape);
    if (backend == nullptr) continue;
    CHECK(backend->name() == name);
    claim(*backend);
  }
}

std::vector<Seen> reap_until(Backend& backend, const std::function<bool(const std::vector<Seen>&)>& done) {
  std::vector<Seen> all;
  const Clock::time_point end = Clock::now() + kPatience;
  while (!done(all)) {
    REQUIRE_MESSAGE(Clock::now() < end, "only " << all.size() << " completions came");
    for (const Completion& one : backend.reap(kStepMs)) {
      all.push_back({one.kind, one.more, one.result, one.slot, {one.data.begin(), one.data.end()}});
    }
  }
  return all;
}

std::vector<Seen> reap_count(Backend& backend, std::size_t count) {
  return reap_until(backend, [count](const std::vector<Seen>& all) { return all.size() >= count; });
}

std::vector<Seen> reap_now(Backend& backend) {
  std::vector<Seen> all;
  // Twice nothing: the first may only have handed operations to the kernel.
  for (int quiet = 0; quiet < 2;) {
    const auto reaped = backend.reap(0);
    quiet = reaped.empty() ? quiet + 1 : 0;
    for (const Completion& one : reaped) {
      all.push_back({one.kind, one.more, one.result, one.slot, {one.data.begin(), one.data.end()}});
    }
  }
  return all;
}

std::vector<Seen> reap_at_once(Backend& backend) {
  std::vector<Seen> all;
  const Clock::time_point start = Clock::now();
  for (const Completion& one : backend.reap(5000)) {
    all.push_back({one.kind, one.more, one.result, one.slot, {one.data.begin(), one.data.end()}});
  }
  CHECK(Clock::now() - start < std::chrono::seconds(4));
  return all;
}

Pair unix_pair() {
  int fds[2];
  checked(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
  return {Descriptor(fds[0]), Descriptor(fds[1])};
}

Pair tcp_pair() {
  const Descriptor listening = listener();
  Descriptor theirs = connect_to(listening);
  return {Descriptor(checked(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC))), std::move(theirs)};
}

Descriptor listener() {
  Descriptor socket(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  checked(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address));
  checked(::listen(socket.get(), SOMAXCONN));
  return socket;
}

Descriptor connect_to(const Descriptor& listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  checked(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size));
  Descriptor socket(checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  checked(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), size));
  return socket;
}

void shrink_buffers(const Descriptor& socket) {
  const int smallest = 1;
  checked(::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest));
  checked(::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &smallest, sizeof smallest));
}

void reset(Descriptor& socket) {
  const linger hard{.l_onoff = 1, .l_linger = 0};
  checked(::setsockopt(socket.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard));
  socket.reset();
}

void write_all(const Descriptor& socket, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    done += static_cast<std::size_t>(
        checked(static_cast<int>(::send(socket.get(), text.data() + done, text.size() - done, MSG_NOSIGNAL))));
  }
}

std::string read_now(const Descriptor& socket) {
  std::string all;
  char piece[16384];
  for (;;) {
    const ssize_t size = ::recv(socket.get(), piece, sizeof piece, MSG_DONTWAIT);
    if (size <= 0) return all;
    all.append(piece, static_cast<std::size_t>(size));
  }
}

std::string read_exactly(const Descriptor& socket, std::size_t size) {
  std::string all(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::recv(socket.get(), all.data() + done, size - done, 0);
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  all.resize(done);
  return all;
}

bool same(const std::string& got, const std::string& expected) {
  if (got == expected) return true;
  const auto difference = std::mismatch(got.begin(), got.end(), expected.begin(), expected.end()).first - got.begin();
  MESSAGE("got " << got.size() << " bytes, expected " << expected.size() << ", first difference at " << difference);
  return false;
}

std::string pattern(std::size_t size, std::uint32_t seed) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) {
    // Differs between neighbours and between 64 KiB blocks, so that a lost or doubled piece shows.
    text[i] = static_cast<char>('!' + (i * 7 + i / 4096 * 13 + i / 65536 * 29 + seed) % 94);
  }
  return text;
}

Bytes bytes(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string fill(Backend& backend, const Descriptor& socket) {
  const std::string block = pattern(1 << 16, 99);
  std::string taken;
  for (;;) {
    const Send one{.fd = socket.get(), .slot = {0, 0}, .data = bytes(block)};
    const auto shorts = backend.send({&one, 1});
    const std::int32_t result = shorts.empty() ? static_cast<std::int32_t>(block.size()) : shorts[0].result;
    if (result == -EAGAIN) return taken;
    REQUIRE(result > 0);
    taken.append(block, 0, static_cast<std::size_t>(result));
  }
}

void submit(Backend& backend, const Operation& operation) {
  backend.submit({&operation, 1});
}

}  // namespace ringcast::io::test
