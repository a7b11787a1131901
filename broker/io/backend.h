// Backend: what a shard asks of the kernel and what the kernel answers, as lists of plain values.
//
// Three implementations, all dumb: Uring (broker/io/uring.h), Epoll (broker/io/epoll.h) and the simulated one of the
// tests (tests/sim/backend.h). What a connection is in the middle of is known by io::Connections alone, which is pure;
// so ENOBUFS, EAGAIN, short sends and late completions are simulated too.
//
// Thread:   one backend per shard; every call is made by that shard's thread, except wake(), which any thread may call.
// Lifetime: memory given in an Operation stays valid until its completion. A Send's memory is free again when send()
//           returns. Data of a receive is borrowed until the next reap().
#pragma once

#include <cstdint>
#include <span>

#include "broker/slot.h"

namespace ringcast::io {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

enum class OperationKind : std::uint8_t {
  accept,          // fd is a listener: arms a multishot accept; one completion per connection, result = its descriptor
  cancel_accept,   // ends it; the accept's last completion says more = false
  receive,         // arms a multishot receive; completions until one says more = false
  cancel_receive,  // ends it; the receive's last completion says more = false (-ECANCELED, or whatever came first)
  send,            // sends all of `data`, however long that takes; one completion: data.size(), or an error
  poll_out,        // one completion, result >= 0, when the socket can take bytes, or an error
  shutdown_write,  // no completion: FIN after what was sent
  shutdown_both,   // no completion: ends every armed operation of this fd, each of which completes
  close,           // no completion: the descriptor is gone. Requires that nothing of this slot is in flight
  wake,            // never submitted: the completion of a wake() from another thread
};

struct Operation {
  OperationKind kind;
  int fd = -1;
  SlotId slot;
  Bytes data;  // send only
};

// One completion of an operation. `slot` is the operation's.
struct Completion {
  OperationKind kind;
  bool more = false;        // multishot: still armed, more completions follow
  std::int32_t result = 0;  // bytes, a descriptor, 0 = end of stream for receive, or -errno (-ENOBUFS: no free buffer)
  SlotId slot;
  MutableBytes data;  // receive with result > 0: the bytes, writable in place, valid until the next reap()
};

// A send that never waits: what the socket does not take at once is left to the caller.
struct Send {
  int fd = -1;
  SlotId slot;
  Bytes data;
};

// A Send of which the socket took only `result` bytes, or -errno (-EAGAIN: none, it is full).
struct Short {
  SlotId slot;
  std::int32_t result = 0;
};

class Backend {
 public:
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  // "io_uring", "epoll" or "simulated".
  [[nodiscard]] virtual const char* name() const noexcept = 0;

  // Takes all of `operations`, in order, those of one fd in their order. Their completions come from reap(); never
  // here.
  virtual void submit(std::span<const Operation> operations) = 0;

  // Sends each once, without waiting; at most one Send per slot in a call, and no send or poll_out of that slot in
  // flight. Returns those that were not taken whole, in the order of `sends`, valid until the next call. What is not
  // named was taken whole and costs no completion.
  [[nodiscard]] virtual std::span<const Short> send(std::span<const Send> sends) = 0;

  // Gives back the receive buffers of the last reap, waits up to `timeout_ms` (0: not at all, < 0: without end) until
  // something has completed, and returns it, valid until the next call. May return nothing before the time is over.
  [[nodiscard]] virtual std::span<const Completion> reap(std::int64_t timeout_ms) = 0;

  // Ends a waiting reap() of this backend, or the next one, with a `wake` completion. Any thread; never blocks.
  virtual void wake() noexcept = 0;
};

}  // namespace ringcast::io
