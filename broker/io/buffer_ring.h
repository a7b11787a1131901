// BufferRing: the receive buffers of a shard, from which the kernel takes one for each piece of data it receives.
//
// Shared by all connections of the shard, so an idle connection holds none. When it is empty, receives end with
// ENOBUFS. Lifetime: must be closed (or destroyed) before its Ring is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>

#include "broker/io/ring.h"

namespace ringcast::io {

// 4 MiB a shard. 1024: a burst from 1,000 connections in one turn without ENOBUFS.
inline constexpr unsigned kReceiveBuffers = 1024;

// 4 KiB: a page, and room for any request head that is not deliberately large; bulk publishes take several.
inline constexpr std::size_t kReceiveBufferSize = 4096;

class BufferRing {
 public:
  BufferRing() = default;
  BufferRing(const BufferRing&) = delete;
  BufferRing& operator=(const BufferRing&) = delete;
  ~BufferRing();

  struct Options {
    unsigned count = kReceiveBuffers;       // a power of two, at most 32768
    std::size_t size = kReceiveBufferSize;  // bytes each
  };

  // Registers the buffers as group kGroup of `ring`, all of them free.
  [[nodiscard]] std::expected<void, Error> open(Ring& ring, const Options& options);

  // The first `size` bytes of the buffer that a completion with `cqe_flags` names. It is ours until give_back().
  [[nodiscard]] std::span<std::uint8_t> take(std::uint32_t cqe_flags, std::size_t size) noexcept;

  // Queues for the kernel the buffer that begins at `data`; publish() makes all queued ones usable.
  void give_back(const std::uint8_t* data) noexcept;
  void publish() noexcept;

  static constexpr std::uint16_t kGroup = 0;

 private:
  void close() noexcept;
  void add(unsigned number) noexcept;

  Ring* ring_ = nullptr;
  Options options_;
  std::size_t mapped_size_ = 0;
  io_uring_buf* entries_ = nullptr;  // shared with the kernel; the ring's tail lies in entries_[0].resv
  std::uint8_t* buffers_ = nullptr;
  std::uint16_t tail_ = 0;
};

}  // namespace ringcast::io
