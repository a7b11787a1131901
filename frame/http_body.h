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

namespace ringcast::frame {

// How the end of a body is known.
struct Framing {
  enum class Kind : std::uint8_t {
    none,         // no body
    length,       // Content-Length
    chunked,      // Transfer-Encoding: chunked
    until_close,  // a response with neither: ends with the connection
  };

  Kind kind = Kind::none;
  std::uint64_t length = 0;  // bytes

  friend bool operator==(const Framing&, const Framing&) = default;
};

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
    data_to_close,
    size_first,  // the first digit of a chunk's size
    size,
    size_space,  // after the size: only `;` may follow
    extension,
    size_lf,
    chunk_data,
    chunk_cr,
    chunk_lf,
    trailer_start,
    trailer_name,
    trailer_value,
    trailer_lf,
    last_lf,
    done,
    failed,
  };

  [[nodiscard]] Step take_data(std::size_t consumed, Bytes in) noexcept;
  [[nodiscard]] bool take_framing(std::uint8_t byte) noexcept;
  [[nodiscard]] bool take_size(std::uint8_t byte) noexcept;
  [[nodiscard]] bool take_trailer(std::uint8_t byte) noexcept;
  [[nodiscard]] bool end_size() noexcept;
  [[nodiscard]] bool fail(HttpError error) noexcept;

  std::uint64_t remaining_ = 0;  // bytes of the body, or of the chunk
  std::uint64_t room_;           // bytes that the body may still have
  std::uint16_t extensions_size_ = 0;
  std::uint16_t trailers_size_ = 0;
  State state_;
  HttpError error_ = HttpError::body_too_large;
};

}  // namespace ringcast::frame
