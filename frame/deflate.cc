#include "frame/deflate.h"

#define ZLIB_CONST  // next_in points to const
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>

namespace ringcast::frame {

namespace {

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
  forget();
  if (payload.empty()) return kEmpty;  // zlib flushes twice in a row only once
  begin(payload);
  const bool done = step(payload.size());
  assert(done);
  static_cast<void>(done);
  return finished();
}

void Deflater::begin(Bytes payload) {
  assert(!payload.empty());
  assert(payload.size() <= std::numeric_limits<uInt>::max() / 2);
  forget();
  if (stream_ == nullptr) open();
  if (options_.context == Context::dropped) deflateReset(stream_.get());
  const std::size_t bound = deflateBound(stream_.get(), payload.size()) + kFlushSizeMax;
  if (bound > output_.capacity()) output_.grow_slow(0, bound);
  stream_->next_in = payload.data();
  rest_ = payload.size();
  size_ = 0;
}

bool Deflater::step(std::size_t input_max) {
  const std::size_t part = std::min(rest_, input_max);
  rest_ -= part;
  stream_->avail_in = static_cast<uInt>(part);
  for (;;) {
    stream_->next_out = output_.data() + size_;
    stream_->avail_out = static_cast<uInt>(output_.capacity() - size_);
    const int result = ::deflate(stream_.get(), rest_ == 0 ? Z_SYNC_FLUSH : Z_NO_FLUSH);
    assert(result == Z_OK || result == Z_BUF_ERROR);  // the latter: all was done when the output became full
    size_ = output_.capacity() - stream_->avail_out;
    if (stream_->avail_out > 0) break;
    output_.grow_slow(size_, output_.capacity() * 2);
  }
  assert(stream_->avail_in == 0);
  return rest_ == 0;
}

Bytes Deflater::finished() const noexcept {
  assert(rest_ == 0);
  assert(size_ > kDeflateTail.size());
  assert(std::ranges::equal(Bytes(output_.data(), size_).last(kDeflateTail.size()), kDeflateTail));
  return {output_.data(), size_ - kDeflateTail.size()};
}

}  // namespace ringcast::frame
