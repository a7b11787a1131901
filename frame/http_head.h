// FieldScanner and FieldSection: the field lines of a head or of trailers, checked byte by byte (RFC 9112 §5).
//
//    section := *( name ":" value CR LF ) CR LF
//
// Called by: RequestParser and ResponseParser, which keep the fields, and BodyReader, which ignores those of a trailer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string_view>
#include <vector>

#include "frame/bytes.h"
#include "frame/http_error.h"
#include "frame/http_fields.h"

namespace ringcast::frame {

// One byte of state, no memory.
class FieldScanner {
 public:
  // What the byte was.
  enum class Mark : std::uint8_t { inside, name_begin, colon, value_end, line_end, section_end };

  // Takes the next byte; fails at the first that cannot belong to a section.
  [[nodiscard]] std::expected<Mark, HttpError> take(std::uint8_t byte) noexcept;

  // How many bytes at the front of `in` only go on with the name or the value that has begun: take() need not see them.
  [[nodiscard]] std::size_t run_size(Bytes in) const noexcept;

 private:
  enum class State : std::uint8_t { line_start, name, value, line_feed, last_line_feed };

  [[nodiscard]] std::expected<Mark, HttpError> take_line_start(std::uint8_t byte) noexcept;
  [[nodiscard]] std::expected<Mark, HttpError> take_name(std::uint8_t byte) noexcept;
  [[nodiscard]] std::expected<Mark, HttpError> take_value(std::uint8_t byte) noexcept;

  State state_ = State::line_start;
};

// Remembers where in the head's text each field stands, because the text may still move while it grows.
class FieldSection {
 public:
  explicit FieldSection(std::uint32_t fields_max) noexcept : fields_max_(fields_max) {}

  // Takes the byte at `position` of the text. True at the end of the section.
  [[nodiscard]] std::expected<bool, HttpError> take(std::uint8_t byte, std::uint32_t position);

  // As FieldScanner's.
  [[nodiscard]] std::size_t run_size(Bytes in) const noexcept { return scanner_.run_size(in); }

  // The fields, as views into `text`, which has its final place now.
  [[nodiscard]] Fields fields(std::string_view text) const;

 private:
  struct Line {
    std::uint32_t name = 0;
    std::uint32_t colon = 0;
    std::uint32_t end = 0;
  };

  FieldScanner scanner_;
  std::uint32_t fields_max_;
  std::vector<Line> lines_;
};

}  // namespace ringcast::frame
