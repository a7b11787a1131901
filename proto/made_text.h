// MadeText: memory for what a reader has to make, because it is not in the input as it is: strings without their
// escapes, headers from several places. Within one call it never moves, so results can borrow from it.
#pragma once

#include <bit>
#include <cassert>
#include <cstddef>
#include <string>
#include <string_view>

namespace ringcast::proto {

class MadeText {
 public:
  // Begins a call that makes at most `room` bytes. Allocates only if no call before had as much.
  void begin(std::size_t room) {
    text_.clear();
    if (text_.capacity() < room) text_.reserve(std::bit_ceil(room));
    begin_ = text_.data();
  }

  [[nodiscard]] std::size_t size() const noexcept { return text_.size(); }
  // To be appended to.
  [[nodiscard]] std::string& text() noexcept { return text_; }

  // What was appended since size() was `mark`.
  [[nodiscard]] std::string_view since(std::size_t mark) const noexcept {
    assert(text_.data() == begin_);
    return std::string_view(text_).substr(mark);
  }

 private:
  std::string text_;
  const char* begin_ = nullptr;
};

}  // namespace ringcast::proto
