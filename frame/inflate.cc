#include "frame/inflate.h"

#define ZLIB_CONST  // next_in points to const
#include <zlib.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "frame/utf8.h"

namespace ringcast::frame {

namespace {

constexpr std::size_t kFirstOutputBytes = std::size_t{16} * 1024;  // bytes: most messages fit without growing

}  // namespace

// One message on its way through zlib.
class Inflater::Message {
 public:
  Message(Inflater& inflater, Wanted wanted) noexcept
      : inflater_(inflater), stream_(*inflater.stream_), wanted_(wanted) {}

  // Takes the next piece of the payload.
  [[nodiscard]] std::expected<void, Error> take(Bytes piece) {
    stream_.next_in = piece.data();
    stream_.avail_in = static_cast<uInt>(piece.size());
    // Once more when the output was full: more may wait inside zlib when all input is taken.
    do {
      if (const auto taken = step(); !taken) return taken;
    } while (stream_.avail_in > 0 || (stream_.avail_out == 0 && !ended_));
    return {};
  }

  // True at the end of a whole number of blocks and bytes. zlib.h, inflate(): data_type is 128 between two blocks, plus
  // the number of bits that the last byte has left.
  [[nodiscard]] bool at_block_end() const noexcept { return ended_ || stream_.data_type == 128; }

  [[nodiscard]] bool utf8_complete() const noexcept { return utf8_.complete(); }
  [[nodiscard]] Bytes output() const noexcept { return {inflater_.output_.data(), size_}; }

 private:
  [[nodiscard]] std::expected<void, Error> step() {
    if (ended_) {
      // §7.2.3.4: behind a block with BFINAL, and padding to a byte, the next block follows. zlib's inflateReset()
      // would forget the window, which the message goes on with; this keeps it, and costs nothing, however many there
      // are.
      inflateResetKeep(&stream_);
      ended_ = false;
    }
    // One past the limit: it shows that the message is too big, and nothing behind it is ever made.
    const std::size_t room_max = wanted_.size_max + 1;
    DeflateOutput& output = inflater_.output_;
    if (size_ == output.capacity()) {
      output.grow_slow(size_, std::min(std::max(output.capacity() * 2, kFirstOutputBytes), room_max));
    }
    const std::size_t room = std::min(output.capacity(), room_max);
    stream_.next_out = output.data() + size_;
    stream_.avail_out = static_cast<uInt>(room - size_);
    const int result = ::inflate(&stream_, Z_NO_FLUSH);
    // Z_BUF_ERROR: there was nothing to do, which is no failure. Out of memory ends the process, as everywhere.
    assert(result != Z_MEM_ERROR);
    assert(result != Z_STREAM_ERROR);
    if (result == Z_DATA_ERROR || result == Z_NEED_DICT) return std::unexpected(Error::invalid_deflate);
    ended_ = result == Z_STREAM_END;

    const std::size_t size = room - stream_.avail_out;
    const Bytes fresh(output.data() + size_, size - size_);
    if (wanted_.content == Content::text && !utf8_.feed(fresh)) return std::unexpected(Error::invalid_utf8);
    size_ = size;
    if (size_ > wanted_.size_max) return std::unexpected(Error::message_too_big);
    return {};
  }

  Inflater& inflater_;
  z_stream_s& stream_;
  Wanted wanted_;
  std::size_t size_ = 0;
  Utf8 utf8_;
  bool ended_ = false;
};

void Inflater::Closer::operator()(z_stream_s* stream) const noexcept {
  inflateEnd(stream);
  delete stream;
}

Inflater::Inflater(Options options) noexcept : options_(options) {
  assert(options.window_bits >= kWindowBitsMin);
  assert(options.window_bits <= kWindowBitsMax);
}

Inflater::Inflater(Inflater&&) noexcept = default;
Inflater& Inflater::operator=(Inflater&&) noexcept = default;
Inflater::~Inflater() = default;

void Inflater::open() {
  stream_.reset(new z_stream_s{});
  const int opened = inflateInit2(stream_.get(), -int{options_.window_bits});  // negative: no zlib header
  assert(opened == Z_OK);
  static_cast<void>(opened);
}

std::expected<Bytes, Error> Inflater::inflate(Bytes deflated, Wanted wanted) {
  forget();
  if (deflated.empty()) return Bytes();  // §7.2.3.6 has a byte for that; without it nothing is missing either
  if (stream_ == nullptr) open();
  if (options_.context == Context::dropped) inflateReset(stream_.get());
  if (options_.context == Context::kept) inflateResetKeep(stream_.get());

  Message message(*this, wanted);
  if (const auto taken = message.take(deflated); !taken) return std::unexpected(taken.error());
  // A peer that leaves out the empty block behind its BFINAL (§7.2.3.4), or leaves in the tail that it was to take off,
  // has sent the whole message all the same: nothing is missing, and the tail would begin a block that never ends.
  if (!message.at_block_end()) {
    if (const auto taken = message.take(kDeflateTail); !taken) return std::unexpected(taken.error());
  }
  if (!message.at_block_end()) return std::unexpected(Error::invalid_deflate);
  if (wanted.content == Content::text && !message.utf8_complete()) return std::unexpected(Error::invalid_utf8);
  return message.output();
}

}  // namespace ringcast::frame
