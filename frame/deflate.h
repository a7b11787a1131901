// Deflater: compresses messages, one after the other (RFC 7692 §7.2.1).
//
// Called by: a shard, once per message and window size, for all subscribers that agreed to it; a client, for its own.
// Memory:    none before the first message; then zlib's 128 KiB and eight times its window (256 KiB more at 15 bits
//            than at 9), and an output of at least the size of the largest message; over
//            DeflateOutput::kKeptSizeMax it is given back by forget().
// Hot path:  deflate() runs once per message. No allocation once it has seen a message of that size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "frame/bytes.h"
#include "frame/deflate_offer.h"
#include "frame/deflate_output.h"

struct z_stream_s;  // zlib's, which only deflate.cc includes

namespace ringcast::frame {

class Deflater {
 public:
  // zlib's 1 (fast) to 9 (small). 1 KiB of JSON: 25% left at 6, 26% at 3, in two thirds of the time; 64 KiB: 16% and
  // 18%, in a third of the time.
  static constexpr int kLevelDefault = 3;

  struct Options {
    std::uint8_t window_bits = kWindowBitsMax;  // at least kDeflateWindowBitsMin, at most what was agreed
    Context context = Context::dropped;
    int level = kLevelDefault;
  };

  explicit Deflater(Options options) noexcept;
  Deflater(Deflater&&) noexcept;
  Deflater& operator=(Deflater&&) noexcept;
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;
  ~Deflater();

  // The payload of the compressed message, without the tail 00 00 ff ff; never empty, and longer than `payload` where
  // nothing could be saved: with a dropped context the caller then sends it as it is. With a kept one it must be sent,
  // because later messages refer to it. The view is valid until the next call of deflate() or forget().
  [[nodiscard]] Bytes deflate(Bytes payload);

  // The same in steps, for what takes long: begin(), then step(), which takes up to `input_max` bytes of `payload`
  // more, until it is true; then finished() is what deflate() returns. `payload` stays where it is, and is not empty.
  void begin(Bytes payload);
  [[nodiscard]] bool step(std::size_t input_max);
  [[nodiscard]] Bytes finished() const noexcept;

  // Ends the view of the last message, and gives a large output back.
  void forget() noexcept { output_.forget(); }

  // Bytes of output on the heap now.
  [[nodiscard]] std::size_t heap_size() const noexcept { return output_.capacity(); }

 private:
  struct Closer {
    void operator()(z_stream_s* stream) const noexcept;
  };

  void open();

  std::unique_ptr<z_stream_s, Closer> stream_;
  DeflateOutput output_;
  std::size_t size_ = 0;  // of the output
  std::size_t rest_ = 0;  // bytes of the payload that step() has not taken
  Options options_;
};

}  // namespace ringcast::frame
