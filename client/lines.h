// Lines: cuts standard input into lines, as it comes, for a caller that polls. Pure but for fill().
//
// A line ends with a line feed, which is not part of it; the last one may lack it. Thread: one.
#pragma once

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "client/error.h"

namespace ringcast::client {

class Lines {
 public:
  static constexpr std::size_t kLineSizeMax = std::size_t{64} << 20;  // bytes: the largest message there can be

  // Reads once what `fd` has, blocking if that is nothing. False at its end.
  [[nodiscard]] std::expected<bool, Error> fill(int fd);

  // The next whole line, valid until the next fill(); none: more must be read, or all is done().
  [[nodiscard]] std::optional<std::string_view> next();

  // Takes bytes as if they had been read, or the end of the input. For fill() and tests.
  void add(std::string_view bytes);
  void end() { ended_ = true; }

  // True when the input has ended and every line was given out.
  [[nodiscard]] bool done() const noexcept { return ended_ && begin_ == text_.size(); }

 private:
  std::string text_;
  std::size_t begin_ = 0;    // of the line that comes next
  std::size_t scanned_ = 0;  // up to here there is no line feed behind begin_
  bool ended_ = false;
};

}  // namespace ringcast::client
