#include "broker/io/uring.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <utility>

#include "broker/io/send_now.h"

namespace ringcast::io {
namespace {

// Sends per entry of the kernel: beyond 64 batching buys nothing, and a thousand would keep the thread away for 4 ms.
constexpr std::size_t kSendsPerEntry = 64;

// Of one Send; the kernel cuts at 2 GiB - 4 KiB, and results are 32 bits.
constexpr std::size_t kSendSizeMax = std::size_t{1} << 30;

// Per request of an armed send. After 128 rounds of waiting for room the kernel gives a request a thread of its own
// (APOLL_MAX_RETRY), and a thousand slow subscribers would be a thousand threads; 64 KiB ends long before.
constexpr std::size_t kArmedSendSizeMax = std::size_t{64} << 10;

// When the kernel has no memory for a request and no completion either, there is nothing to do but let it breathe.
constexpr int kBreathMs = 1;

}  // namespace

std::expected<std::unique_ptr<Uring>, Error> Uring::create(const Options& options) {
  std::unique_ptr<Uring> uring(new Uring);
  if (auto opened = uring->ring_.open(options.ring); !opened) return std::unexpected(std::move(opened.error()));
  if (auto opened = uring->buffers_.open(uring->ring_, options.receive_buffers); !opened) {
    return std::unexpected(std::move(opened.error()));
  }
  if (auto opened = uring->waker_.open(); !opened) return std::unexpected(std::move(opened.error()));
  // Half of the buffers: a burst that goes on finds some, and does not end receives.
  uring->turn_max_ = std::max(options.receive_buffers.count / 2, 1U);
  uring->waiting_.reserve(kCompletionEntries);
  uring->reaped_.reserve(kCompletionEntries);
  return uring;
}

void Uring::start() {
  if (started_) return;
  const auto enabled = ring_.enable();
  assert(enabled.has_value());  // probe_uring() did the same before
  started_ = true;
}

void Uring::submit(std::span<const Operation> operations) {
  start();
  for (const Operation& operation : operations) submit_one(operation);
}

void Uring::submit_one(const Operation& operation) {
  using Request = Tag::Request;
  switch (operation.kind) {
    case OperationKind::accept: {
      // Without SOCK_NONBLOCK, which makes io_uring answer -EAGAIN where it should wait.
      io_uring_prep_multishot_accept(&entry(Tag::of(Request::accept, operation.slot)), operation.fd, nullptr, nullptr,
                                     SOCK_CLOEXEC);
      return;
    }
    case OperationKind::cancel_accept:
      return cancel(Tag::of(Request::accept, operation.slot));
    case OperationKind::receive:
      return arm_receive(operation);
    case OperationKind::cancel_receive:
      return cancel(Tag::of(Request::receive, operation.slot));
    case OperationKind::send:
      return arm_send(operation);
    case OperationKind::poll_out:
      io_uring_prep_poll_add(&entry(Tag::of(Request::poll_out, operation.slot)), operation.fd, POLLOUT);
      return;
    // By system call, at once: io_uring would give IORING_OP_SHUTDOWN to a worker thread. Entries of this fd that wait
    // in the queue meet a socket that is shut, and complete as if it had been shut after them.
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

std::span<const Short> Uring::send(std::span<const Send> sends) {
  start();
  shorts_.clear();
  if (sends.size() <= kPlainSendsMax) {
    for (const Send& one : sends) {
      if (const auto shortfall = send_now(one)) shorts_.push_back(*shortfall);
    }
    return shorts_;
  }
  shortfalls_.clear();
  std::uint32_t position = 0;
  for (const Send& one : sends) {
    direct_send(one, position++);
    if (position % kSendsPerEntry == 0) flush();
  }
  flush();
  // Completions of one entry may be out of order: some kernels post failures before what they finish last.
  std::ranges::sort(shortfalls_, {}, &Shortfall::position);
  for (const Shortfall& shortfall : shortfalls_) {
    shorts_.push_back({sends[shortfall.position].slot, shortfall.result});
  }
  return shorts_;
}

std::span<const Completion> Uring::reap(std::int64_t timeout_ms) {
  start();
  give_buffers_back();
  if (!wake_armed_) arm_wake();
  for (const std::uint32_t number : std::exchange(armed_unfinished_, {})) continue_send(number);
  if (!waiting_.empty()) timeout_ms = 0;
  if (timeout_ms != 0 || ring_.has_work()) {
    const int result = ring_.enter(timeout_ms);
    unsigned seen = harvest();
    if (seen == 0 && result < 0) ::poll(nullptr, 0, kBreathMs);
    // Since kernel 6.13 an entry does 20 pieces of deferred work only. The turn is the batch: a burst of a thousand
    // messages in fifty turns would mean fifty sends to each subscriber instead of two.
    while (seen > 0 && waiting_.size() < turn_max_ && ring_.has_work()) {
      ring_.enter(0);
      seen = harvest();
    }
  }
  std::swap(waiting_, reaped_);
  return reaped_;
}

// The next entry, zeroed but for its tag, which each io_uring_prep_… leaves alone.
io_uring_sqe& Uring::entry(Tag tag) {
  io_uring_sqe* free = ring_.entry();
  if (free == nullptr) {
    flush();
    free = ring_.entry();
  }
  assert(free != nullptr);
  free->user_data = tag.user_data();
  return *free;
}

void Uring::arm_wake() {
  io_uring_prep_poll_multishot(&entry({.request = Tag::Request::wake}), waker_.fd(), POLLIN);
  wake_armed_ = true;
}

void Uring::arm_receive(const Operation& operation) {
  io_uring_sqe& sqe = entry(Tag::of(Tag::Request::receive, operation.slot));
  io_uring_prep_recv_multishot(&sqe, operation.fd, nullptr, 0, 0);
  sqe.ioprio |= IORING_RECVSEND_POLL_FIRST;  // a socket that is armed has usually nothing to read yet
  sqe.flags |= IOSQE_BUFFER_SELECT;
  sqe.buf_group = BufferRing::kGroup;
}

void Uring::arm_send(const Operation& operation) {
  assert(!operation.data.empty());
  assert(operation.data.size() <= kSendSizeMax);
  if (armed_free_.empty()) {
    armed_free_.push_back(static_cast<std::uint32_t>(armed_sends_.size()));
    armed_sends_.emplace_back();
  }
  const std::uint32_t number = armed_free_.back();
  armed_free_.pop_back();
  armed_sends_[number] = {.fd = operation.fd, .slot = operation.slot, .data = operation.data, .sent = 0};
  continue_send(number);
}

void Uring::continue_send(std::uint32_t number) {
  const ArmedSend& armed = armed_sends_[number];
  const Bytes rest = armed.data.subspan(armed.sent);
  io_uring_sqe& sqe = entry({.request = Tag::Request::armed_send, .number = number});
  io_uring_prep_send(&sqe, armed.fd, rest.data(), std::min(rest.size(), kArmedSendSizeMax), MSG_NOSIGNAL | MSG_WAITALL);
  sqe.ioprio |= IORING_RECVSEND_POLL_FIRST;  // it is armed because the socket was full
}

void Uring::cancel(Tag tag) {
  io_uring_sqe& sqe = entry({.request = Tag::Request::cancel});
  io_uring_prep_cancel64(&sqe, tag.user_data(), 0);
  sqe.flags |= IOSQE_CQE_SKIP_SUCCESS;  // what it cancels completes; that it found nothing is ignored in take()
}

// Finished when the kernel returns from consuming it. Success costs no completion, which is why WAITALL must be there:
// without it a short send is a success and would be silent.
void Uring::direct_send(const Send& send, std::uint32_t position) {
  assert(!send.data.empty());
  assert(send.data.size() <= kSendSizeMax);
  io_uring_sqe& sqe = entry({.request = Tag::Request::direct_send, .number = position});
  io_uring_prep_send(&sqe, send.fd, send.data.data(), send.data.size(), MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL);
  sqe.flags |= IOSQE_CQE_SKIP_SUCCESS;
}

// Submits all entries, however often the kernel must be asked, and takes every completion that is there. What
// overflowed is fetched too: the shortfall of a direct send may be among it.
void Uring::flush() {
  while (ring_.unsubmitted() > 0 || ring_.overflowed()) {
    const int result = ring_.enter(0);
    if (harvest() == 0 && result < 0) ::poll(nullptr, 0, kBreathMs);
  }
}

unsigned Uring::harvest() {
  return ring_.drain([this](const io_uring_cqe& completion) { take(completion); });
}

void Uring::take(const io_uring_cqe& completion) {
  const Tag tag = Tag::from_user_data(completion.user_data);
  const bool more = (completion.flags & IORING_CQE_F_MORE) != 0;
  switch (tag.request) {
    case Tag::Request::accept:
      waiting_.push_back(
          {.kind = OperationKind::accept, .more = more, .result = completion.res, .slot = tag.slot(), .data = {}});
      return;
    case Tag::Request::receive:
      return take_receive(completion, tag.slot());
    case Tag::Request::poll_out:
      waiting_.push_back(
          {.kind = OperationKind::poll_out, .more = false, .result = completion.res, .slot = tag.slot(), .data = {}});
      return;
    case Tag::Request::armed_send:
      return take_armed_send(tag.number, completion.res);
    case Tag::Request::direct_send:
      shortfalls_.push_back({tag.number, completion.res});
      return;
    case Tag::Request::cancel:
      return;
    case Tag::Request::wake:
      wake_armed_ = more;
      waiting_.push_back({.kind = OperationKind::wake, .more = false, .result = 0, .slot = {}, .data = {}});
      return;
  }
}

void Uring::take_receive(const io_uring_cqe& completion, SlotId slot) {
  const bool more = (completion.flags & IORING_CQE_F_MORE) != 0;
  MutableBytes data;
  if ((completion.flags & IORING_CQE_F_BUFFER) != 0) {
    data = buffers_.take(completion.flags, static_cast<std::size_t>(std::max(completion.res, 0)));
    if (data.empty()) buffers_.give_back(data.data());  // an end of stream may name a buffer that it did not use
  }
  waiting_.push_back(
      {.kind = OperationKind::receive, .more = more, .result = completion.res, .slot = slot, .data = data});
}

// A result below what was asked for means that an error follows, or a signal came between: asking for the rest tells.
void Uring::take_armed_send(std::uint32_t number, std::int32_t result) {
  ArmedSend& armed = armed_sends_[number];
  if (result > 0) armed.sent += static_cast<std::size_t>(result);
  const bool again = result > 0 || result == -EAGAIN || result == -EINTR;
  if (again && armed.sent < armed.data.size()) return armed_unfinished_.push_back(number);
  const std::int32_t total = result > 0 ? static_cast<std::int32_t>(armed.sent) : result < 0 ? result : -EIO;
  waiting_.push_back({.kind = OperationKind::send, .more = false, .result = total, .slot = armed.slot, .data = {}});
  armed_free_.push_back(number);
}

void Uring::give_buffers_back() {
  for (const Completion& completion : reaped_) {
    if (!completion.data.empty()) buffers_.give_back(completion.data.data());
  }
  buffers_.publish();
  reaped_.clear();
}

}  // namespace ringcast::io
