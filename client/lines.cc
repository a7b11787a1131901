#include "client/lines.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace ringcast::client {

std::expected<bool, Error> Lines::fill(int fd) {
  std::array<char, 64 * 1024> chunk;
  const ssize_t count = ::read(fd, chunk.data(), chunk.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (count < 0) {
    return std::unexpected(Error{.failure = Failure::input,
                                 .text = std::string("cannot read standard input: ") + std::strerror(errno),
                                 .remedy = {}});
  }
  if (count == 0) end();
  add(std::string_view(chunk.data(), static_cast<std::size_t>(count)));
  if (text_.size() - begin_ > kLineSizeMax) {
    return std::unexpected(Error{.failure = Failure::input,
                                 .text = "a line of standard input is longer than 64 MiB",
                                 .remedy = "a message cannot be"});
  }
  return !ended_;
}

std::optional<std::string_view> Lines::next() {
  const std::size_t feed = text_.find('\n', scanned_);
  if (feed == std::string::npos && !(ended_ && begin_ < text_.size())) {
    scanned_ = text_.size();
    return std::nullopt;
  }
  const std::size_t end = feed == std::string::npos ? text_.size() : feed;
  const std::string_view line = std::string_view(text_).substr(begin_, end - begin_);
  begin_ = feed == std::string::npos ? end : end + 1;
  scanned_ = begin_;
  return line;
}

void Lines::add(std::string_view bytes) {
  text_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  text_ += bytes;
}

}  // namespace ringcast::client
