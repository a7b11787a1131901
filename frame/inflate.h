// Inflater: takes the compression off messages, one after the other (RFC 7692 §7.2.2).
//
// Called by: Parser, with the inflater that its caller lends it. One serves all connections of a shard whose peers drop
//            their context: a message is inflated in one call, when it is complete, so that nothing of a connection
//            stays here. A connection whose peer keeps its context needs one of its own.
// Memory:    none before the first message; then zlib's 7 KiB, its window (32 KiB at 15 bits) and the output, which
//            grows with what comes out, never past the limit, and is given back by forget() when it is over
//            DeflateOutput::kKeptSizeMax.
// Hot path:  inflate() runs once per compressed message. No allocation once it has seen a message of that size.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>

#include "frame/bytes.h"
#include "frame/deflate_offer.h"
#include "frame/deflate_output.h"
#include "frame/error.h"

struct z_stream_s;  // zlib's, which only inflate.cc includes

namespace ringcast::frame {

class Inflater {
 public:
  struct Options {
    std::uint8_t window_bits = kWindowBitsMax;  // at least what the peer compresses with
    Context context = Context::dropped;
  };

  enum class Content : std::uint8_t { binary, text };

  struct Wanted {
    Content content = Content::binary;  // text: it must be UTF-8
    std::size_t size_max = 0;           // bytes, inflated; one more is message_too_big
  };

  explicit Inflater(Options options) noexcept;
  Inflater(Inflater&&) noexcept;
  Inflater& operator=(Inflater&&) noexcept;
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater();

  // Inflates the payload of one whole message. The view is valid until the next call of inflate() or forget().
  // Fails with invalid_deflate for what is not DEFLATE or not all of it, invalid_utf8 and message_too_big, each as soon
  // as it shows: never more than `size_max` + 1 bytes are inflated. After a failure a kept context is lost.
  [[nodiscard]] std::expected<Bytes, Error> inflate(Bytes deflated, Wanted wanted);

  // Ends the view of the last message, and gives a large output back.
  void forget() noexcept { output_.forget(); }

  // Bytes of output on the heap now.
  [[nodiscard]] std::size_t heap_size() const noexcept { return output_.capacity(); }

 private:
  struct Closer {
    void operator()(z_stream_s* stream) const noexcept;
  };
  class Message;

  void open();

  std::unique_ptr<z_stream_s, Closer> stream_;
  DeflateOutput output_;
  Options options_;
};

}  // namespace ringcast::frame
