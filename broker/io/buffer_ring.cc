#include "broker/io/buffer_ring.h"

#include <sys/mman.h>

#include <atomic>
#include <bit>
#include <cassert>
#include <cerrno>

namespace ringcast::io {
namespace {

// io_uring_buf_ring is an array of io_uring_buf whose first element's last field is the tail. The array is used
// directly: in C++ some versions of the header place io_uring_buf_ring::bufs one byte too far.
static_assert(sizeof(io_uring_buf) == 16 && offsetof(io_uring_buf, resv) == 14);

constexpr unsigned kBuffersMax = 32768;  // of a ring, by the kernel

}  // namespace

BufferRing::~BufferRing() {
  close();
}

std::expected<void, Error> BufferRing::open(Ring& ring, unsigned count) {
  assert(entries_ == nullptr);
  assert(std::has_single_bit(count) && count <= kBuffersMax);
  // One mapping: the buffers first, since each is a page, then the ring's entries, which must begin at a page too.
  const std::size_t buffers_size = count * kReceiveBufferSize;
  mapped_size_ = buffers_size + count * sizeof(io_uring_buf);
  void* const memory = ::mmap(nullptr, mapped_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return std::unexpected(system_error(errno, "memory for receive buffers"));
  buffers_ = static_cast<std::uint8_t*>(memory);
  entries_ = reinterpret_cast<io_uring_buf*>(buffers_ + buffers_size);
  count_ = count;

  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(entries_);
  registration.ring_entries = count;
  registration.bgid = kGroup;
  const int result = io_uring_register_buf_ring(&ring.raw(), &registration, 0);
  if (result < 0) {
    close();
    return std::unexpected(system_error(-result, "register receive buffers"));
  }
  ring_ = &ring;
  for (unsigned number = 0; number < count; ++number) add(number);
  publish();
  return {};
}

void BufferRing::close() noexcept {
  if (entries_ == nullptr) return;
  // First out of the kernel's hands, or a receive that still ends could write into whatever is mapped here next.
  if (ring_ != nullptr) io_uring_unregister_buf_ring(&ring_->raw(), kGroup);
  ::munmap(buffers_, mapped_size_);
  entries_ = nullptr;
}

std::span<std::uint8_t> BufferRing::take(std::uint32_t cqe_flags, std::size_t size) noexcept {
  assert((cqe_flags & IORING_CQE_F_BUFFER) != 0);
  const unsigned number = cqe_flags >> IORING_CQE_BUFFER_SHIFT;
  assert(number < count_);
  assert(size <= kReceiveBufferSize);
  return {buffers_ + number * kReceiveBufferSize, size};
}

void BufferRing::give_back(const std::uint8_t* data) noexcept {
  const auto offset = static_cast<std::size_t>(data - buffers_);
  assert(offset % kReceiveBufferSize == 0);
  add(static_cast<unsigned>(offset / kReceiveBufferSize));
}

void BufferRing::add(unsigned number) noexcept {
  io_uring_buf& entry = entries_[tail_ & (count_ - 1)];
  entry.addr = reinterpret_cast<std::uintptr_t>(buffers_ + number * kReceiveBufferSize);
  entry.len = kReceiveBufferSize;
  entry.bid = static_cast<std::uint16_t>(number);  // not entry.resv, which is the tail in entry 0
  ++tail_;
}

void BufferRing::publish() noexcept {
  // Release: the kernel reads the tail before the entries it covers.
  std::atomic_ref<std::uint16_t>(entries_[0].resv).store(tail_, std::memory_order_release);
}

}  // namespace ringcast::io
