// What the tests of the backends share: the table of backends, connected sockets, and collecting completions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "broker/io/backend.h"
#include "broker/io/descriptor.h"

namespace ringcast::io::test {

// How small the backend under test is to be made.
struct Shape {
  unsigned receive_buffers = 1024;
  unsigned queue_entries = 4096;  // of io_uring's completions; epoll has no such queue
};

// Calls `claim` with a fresh backend of each implementation that this machine allows, named in failures.
void on_each_backend(const std::function<void(Backend&)>& claim, const Shape& shape = {});

// A completion with its data copied.
struct Seen {
  OperationKind kind;
  bool more = false;
  std::int32_t result = 0;
  SlotId slot;
  std::string data;
};

// Reaps until `done` says so; fails the test after 10 s.
std::vector<Seen> reap_until(Backend& backend, const std::function<bool(const std::vector<Seen>&)>& done);

// Reaps until `count` completions are there.
std::vector<Seen> reap_count(Backend& backend, std::size_t count);

// Everything that is there now: reaps without waiting until nothing comes.
std::vector<Seen> reap_now(Backend& backend);

// One reap that would wait long, and must not, because something is there already.
std::vector<Seen> reap_at_once(Backend& backend);

struct Pair {
  Descriptor ours;
  Descriptor theirs;
};

[[nodiscard]] Pair unix_pair();
[[nodiscard]] Pair tcp_pair();

// A TCP listener on a free port of 127.0.0.1, and a connection to it.
[[nodiscard]] Descriptor listener();
[[nodiscard]] Descriptor connect_to(const Descriptor& listener);

// Makes the kernel's buffers of this socket as small as it allows.
void shrink_buffers(const Descriptor& socket);

// Closes so that the peer gets a reset.
void reset(Descriptor& socket);

// Writes all of `text`, blocking.
void write_all(const Descriptor& socket, const std::string& text);

// What can be read without waiting.
[[nodiscard]] std::string read_now(const Descriptor& socket);

// Reads `size` bytes, or less at the end of the stream, blocking.
[[nodiscard]] std::string read_exactly(const Descriptor& socket, std::size_t size);

// Whether the texts are equal; says where they differ, which CHECK(a == b) would drown in the texts themselves.
[[nodiscard]] bool same(const std::string& got, const std::string& expected);

// `size` bytes that tell their position.
[[nodiscard]] std::string pattern(std::size_t size, std::uint32_t seed = 0);

[[nodiscard]] Bytes bytes(const std::string& text);

// Fills the socket until it takes no more; returns what it took.
[[nodiscard]] std::string fill(Backend& backend, const Descriptor& socket);

inline constexpr SlotId kSlot{70'000, 0xffff'ffff};

[[nodiscard]] inline Operation on(const Descriptor& socket, OperationKind kind, SlotId slot = kSlot) {
  return {.kind = kind, .fd = socket.get(), .slot = slot, .data = {}};
}

// One operation, submitted.
void submit(Backend& backend, const Operation& operation);

}  // namespace ringcast::io::test
