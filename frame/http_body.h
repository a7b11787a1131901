// BodyReader: takes the body of an HTTP message off the stream, by length or in chunks (RFC 9112 §6, §7).
//
// Pull:    next() takes bytes until it has a piece of data or the end; data are views into the input, never copied.
// Bounded: the body by size_max (413), extensions of all chunks and trailers each by 4 KiB. Trailers are checked and
// ignored.
#pragma once

#include <cstddef>
#include <cstdint>

#include "frame/bytes.h"
#include "frame/http_error.h"
#include "frame/http_framing.h"
#include "frame/http_head.h"

namespace ringcast::frame {

class BodyReader {
 public:
  static constexpr std::size_t kExtensionsSizeMax = 4096;  // bytes over the whole body: nobody uses them
  static constexpr std::size_t kTrailersSizeMax = 4096;    // bytes: ours are ignored

  struct Step {
    enum class Kind : std::uint8_t { need_more, data, done, failed };

    std::size_t consumed = 0;
    Kind kind = Kind::need_more;
    HttpError error = HttpError::body_too_large;  // failed only
    Bytes data{};                                 // data only; never empty
  };

  // Holds no memory of its own. `size_max` is in bytes.
  BodyReader(Framing framing, std::uint64_t size_max) noexcept;

  // Takes bytes from the front of `in` up to the end of the next piece of data, or of the body. Says `done` again, and
  // `failed` again, when called again. A length over the limit fails before anything was read: next({}) asks for that.
  [[nodiscard]] Step next(Bytes in) noexcept;

 private:
  enum class State : std::uint8_t {
    data_by_length,
    data_until_close,
    size_first,  // the first digit of a chunk's size
    size,
    space_after_size,  // only an extension may follow
    extension,
    size_line_feed,
    chunk_data,
    chunk_carriage_return,
    chunk_line_feed,
    trailers,
    done,
    failed,
  };

  [[nodiscard]] bool expects_data() const noexcept;
  [[nodiscard]] Step take_data(std::size_t consumed, Bytes in) noexcept;
  void end_data() noexcept;
  void take_framing(std::uint8_t byte) noexcept;
  void take_size(std::uint8_t byte) noexcept;
  void take_size_end(std::uint8_t byte) noexcept;
  void take_extension(std::uint8_t byte) noexcept;
  void end_size() noexcept;
  void take_trailer(std::uint8_t byte) noexcept;
  void expect(std::uint8_t byte, std::uint8_t expected, State next) noexcept;
  void fail(HttpError error) noexcept;

  std::uint64_t remaining_ = 0;  // bytes of the body, or of the chunk
  std::uint64_t room_;           // bytes that the body may still have
  std::uint16_t extensions_size_ = 0;
  std::uint16_t trailers_size_ = 0;
  std::uint8_t size_digits_ = 0;
  FieldScanner trailers_;
  State state_ = State::done;
  HttpError error_ = HttpError::body_too_large;
};

}  // namespace ringcast::frame
