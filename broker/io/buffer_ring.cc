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

constexpr unsigned kBuffersMax = 32768;   // of a ring, by the kernel
constexpr std::size_t kPageSize = 65536;  // the largest of any machine we run on; more is only more aligned

}  // namespace

BufferRing::~BufferRing() {
  close();
}

std::expected<void, Error> BufferRing::open(Ring& ring, const Options& options) {
  assert(entries_ == nullptr);
  assert(std::has_single_bit(options.count) && options.count <= kBuffersMax);
  assert(options.size > 0);
  options_ = options;
  // One mapping: the entries first, which must begin at a page, then the buffers at the next one.
  const std::size_t entries_size = (options.count * sizeof(io_uring_buf) + kPageSize - 1) / kPageSize * kPageSize;
  mapped_size_ = entries_size + options.count * options.size;
  void* const memory = ::mmap(nullptr, mapped_size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return std::unexpected(system_error(errno, "memory for receive buffers"));
  entries_ = static_cast<io_uring_buf*>(memory);
  buffers_ = static_cast<std::uint8_t*>(memory) + entries_size;

  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uintptr_t>(entries_);
  registration.ring_entries = options.count;
  registration.bgid = kGroup;
  const int result = io_uring_register_buf_ring(&ring.raw(), &registration, 0);
  if (result < 0) {
    close();
    return std::unexpected(system_error(-result, "io_uring buffer ring"));
  }
  ring_ = &ring;
  for (unsigned number = 0; number < options.count; ++number) add(number);
  publish();
  return {};
}

void BufferRing::close() noexcept {
  if (entries_ == nullptr) return;
  // First out of the kernel's hands, or a receive that still ends could write into whatever is mapped here next.
  if (ring_ != nullptr) io_uring_unregister_buf_ring(&ring_->raw(), kGroup);
  ::munmap(entries_, mapped_size_);
  entries_ = nullptr;
}

std::span<std::uint8_t> BufferRing::take(std::uint32_t cqe_flags, std::size_t size) noexcept {
  assert((cqe_flags & IORING_CQE_F_BUFFER) != 0);
  const unsigned number = cqe_flags >> IORING_CQE_BUFFER_SHIFT;
  assert(number < options_.count);
  assert(size <= options_.size);
  return {buffers_ + number * options_.size, size};
}

void BufferRing::give_back(const std::uint8_t* data) noexcept {
  const auto offset = static_cast<std::size_t>(data - buffers_);
  assert(offset % options_.size == 0);
  add(static_cast<unsigned>(offset / options_.size));
}

void BufferRing::add(unsigned number) noexcept {
  io_uring_buf& entry = entries_[tail_ & (options_.count - 1)];
  entry.addr = reinterpret_cast<std::uintptr_t>(buffers_ + number * options_.size);
  entry.len = static_cast<std::uint32_t>(options_.size);
  entry.bid = static_cast<std::uint16_t>(number);  // not entry.resv, which is the tail in entry 0
  ++tail_;
}

void BufferRing::publish() noexcept {
  // Release: the kernel reads the tail before the entries it covers.
  std::atomic_ref<std::uint16_t>(entries_[0].resv).store(tail_, std::memory_order_release);
}

}  // namespace ringcast::io
