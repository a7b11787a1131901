#include "frame/deflate.h"

#define ZLIB_CONST  // next_in points to const
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <limits>

namespace ringcast::frame {

namespace {

// What a flush ends with and the receiver adds again: LEN and NLEN of an empty stored block (§7.2.1).
constexpr std::array<std::uint8_t, 4> kTail{0x00, 0x00, 0xff, 0xff};

// An empty message: the beginning of the empty stored block whose rest is the tail (§7.2.3.6).
constexpr std::array<std::uint8_t, 1> kEmpty{0x00};

// deflateBound() counts for one stream that is finished, not for one that is flushed.
constexpr std::size_t kFlushSizeMax = 16;  // bytes

constexpr int kMemoryLevel = 8;  // zlib's default: 128 KiB; 9 was no faster for messages of 128 B to 64 KiB

}  // namespace

void Deflater::Closer::operator()(z_stream_s* stream) const noexcept {
  deflateEnd(stream);
  delete stream;
}

Deflater::Deflater(Options options) noexcept : options_(options) {
  assert(options.window_bits >= kDeflateWindowBitsMin);
  assert(options.window_bits <= kWindowBitsMax);
  assert(options.level >= 1);
  assert(options.level <= 9);
}

Deflater::Deflater(Deflater&&) noexcept = default;
Deflater& Deflater::operator=(Deflater&&) noexcept = default;
Deflater::~Deflater() = default;

void Deflater::open() {
  stream_.reset(new z_stream_s{});
  const int opened = deflateInit2(stream_.get(), options_.level, Z_DEFLATED, -int{options_.window_bits}, kMemoryLevel,
                                  Z_DEFAULT_STRATEGY);
  assert(opened == Z_OK);
  static_cast<void>(opened);
}

Bytes Deflater::deflate(Bytes payload) {
  assert(payload.size() <= std::numeric_limits<uInt>::max() / 2);
  forget();
  if (payload.empty()) return kEmpty;  // zlib flushes twice in a row only once
  if (stream_ == nullptr) open();
  if (options_.context == Context::dropped) deflateReset(stream_.get());
  const std::size_t bound = deflateBound(stream_.get(), payload.size()) + kFlushSizeMax;
  if (bound > capacity_) grow_slow(0, bound);

  stream_->next_in = payload.data();
  stream_->avail_in = static_cast<uInt>(payload.size());
  std::size_t size = 0;
  for (;;) {
    stream_->next_out = output_.get() + size;
    stream_->avail_out = static_cast<uInt>(capacity_ - size);
    const int result = ::deflate(stream_.get(), Z_SYNC_FLUSH);
    assert(result == Z_OK || result == Z_BUF_ERROR);  // the latter: all was done when the output became full
    size = capacity_ - stream_->avail_out;
    if (stream_->avail_out > 0) break;
    grow_slow(size, capacity_ * 2);
  }
  assert(stream_->avail_in == 0);
  assert(size > kTail.size());
  assert(std::ranges::equal(Bytes(output_.get(), size).last(kTail.size()), kTail));
  return {output_.get(), size - kTail.size()};
}

// A larger output that begins with the `used` bytes of the one before.
void Deflater::grow_slow(std::size_t used, std::size_t capacity) {
  auto output = std::make_unique_for_overwrite<std::uint8_t[]>(capacity);
  if (used > 0) std::memcpy(output.get(), output_.get(), used);
  output_ = std::move(output);
  capacity_ = capacity;
}

void Deflater::forget() noexcept {
  if (capacity_ <= kKeptSizeMax) return;
  output_.reset();
  capacity_ = 0;
}

}  // namespace ringcast::frame
