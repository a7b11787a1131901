#include "frame/http_body.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "frame/hex.h"

namespace ringcast::frame {

namespace {

constexpr std::uint8_t kSizeDigitsMax = 15;  // hexadecimal digits of a chunk's size, leading zeros too: below 2^60

}  // namespace

BodyReader::BodyReader(Framing framing, std::uint64_t size_max) noexcept : room_(size_max) {
  switch (framing.kind) {
    case Framing::Kind::none:
      break;
    case Framing::Kind::length:
      remaining_ = framing.length;
      if (remaining_ > 0) state_ = State::data_by_length;
      if (remaining_ > room_) fail(HttpError::body_too_large);
      break;
    case Framing::Kind::chunked:
      state_ = State::size_first;
      break;
    case Framing::Kind::until_close:
      remaining_ = room_;
      state_ = State::data_until_close;
      break;
  }
}

BodyReader::Step BodyReader::next(Bytes in) noexcept {
  for (std::size_t at = 0;; ++at) {
    if (state_ == State::done) return {.consumed = at, .kind = Step::Kind::done};
    if (state_ == State::failed) return {.consumed = at, .kind = Step::Kind::failed, .error = error_};
    if (at == in.size()) return {.consumed = at, .kind = Step::Kind::need_more};
    if (expects_data()) return take_data(at, in.subspan(at));
    take_framing(in[at]);
  }
}

bool BodyReader::expects_data() const noexcept {
  return state_ == State::data_by_length || state_ == State::data_until_close || state_ == State::chunk_data;
}

// Takes what there is of the body, or of the chunk, as one piece.
BodyReader::Step BodyReader::take_data(std::size_t consumed, Bytes in) noexcept {
  const Bytes data = in.first(static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, in.size())));
  if (data.empty()) {
    assert(state_ == State::data_until_close);
    fail(HttpError::body_too_large);
    return {.consumed = consumed, .kind = Step::Kind::failed, .error = error_};
  }
  remaining_ -= data.size();
  if (remaining_ == 0) end_data();
  return {.consumed = consumed + data.size(), .kind = Step::Kind::data, .data = data};
}

void BodyReader::end_data() noexcept {
  if (state_ == State::chunk_data) state_ = State::chunk_carriage_return;
  if (state_ == State::data_by_length) state_ = State::done;
}

void BodyReader::take_framing(std::uint8_t byte) noexcept {
  switch (state_) {
    case State::size_first:
    case State::size:
      return take_size(byte);
    case State::space_after_size:
    case State::extension:
      return take_extension(byte);
    case State::size_line_feed:
      if (byte != '\n') return fail(HttpError::bare_carriage_return);
      return end_size();
    case State::chunk_carriage_return:
      return expect(byte, '\r', State::chunk_line_feed);
    case State::chunk_line_feed:
      return expect(byte, '\n', State::size_first);
    case State::trailers:
      return take_trailer(byte);
    case State::data_by_length:
    case State::data_until_close:
    case State::chunk_data:
    case State::done:
    case State::failed:
      break;
  }
  assert(!expects_data());
  std::unreachable();
}

void BodyReader::take_size(std::uint8_t byte) noexcept {
  const int digit = hex_value(static_cast<char>(byte));
  if (digit < 0) return state_ == State::size_first ? fail(HttpError::bad_chunk_size) : take_size_end(byte);
  if (size_digits_ == kSizeDigitsMax) return fail(HttpError::bad_chunk_size);
  ++size_digits_;
  remaining_ = remaining_ << 4 | static_cast<unsigned>(digit);
  state_ = State::size;
  if (remaining_ > room_) fail(HttpError::body_too_large);
}

void BodyReader::take_size_end(std::uint8_t byte) noexcept {
  if (byte == '\r') {
    state_ = State::size_line_feed;
  } else if (byte == ';') {
    state_ = State::extension;
  } else if (byte == ' ' || byte == '\t') {
    state_ = State::space_after_size;
  } else {
    fail(byte == '\n' ? HttpError::bare_line_feed : HttpError::bad_chunk_size);
  }
}

// RFC 9112 §7.1.1 lets white space stand before the `;`; without the `;` it is not an extension and not a size.
void BodyReader::take_extension(std::uint8_t byte) noexcept {
  if (++extensions_size_ > kExtensionsSizeMax) return fail(HttpError::bad_chunk_extension);
  if (state_ == State::space_after_size) {
    if (byte == ';') {
      state_ = State::extension;
    } else if (byte != ' ' && byte != '\t') {
      fail(HttpError::bad_chunk_size);
    }
    return;
  }
  if (byte == '\r') {
    state_ = State::size_line_feed;
  } else if (byte == '\n') {
    fail(HttpError::bare_line_feed);
  } else if (!is_value_char(static_cast<char>(byte))) {
    fail(HttpError::bad_chunk_extension);
  }
}

void BodyReader::end_size() noexcept {
  size_digits_ = 0;
  room_ -= remaining_;
  state_ = remaining_ > 0 ? State::chunk_data : State::trailers;
}

void BodyReader::take_trailer(std::uint8_t byte) noexcept {
  const auto mark = trailers_.take(byte);
  if (!mark) return fail(mark.error());
  if (*mark == FieldScanner::Mark::section_end) {
    state_ = State::done;
  } else if (++trailers_size_ > kTrailersSizeMax) {
    fail(HttpError::trailers_too_large);
  }
}

void BodyReader::expect(std::uint8_t byte, std::uint8_t expected, State next) noexcept {
  if (byte != expected) return fail(HttpError::bad_chunk_end);
  state_ = next;
}

void BodyReader::fail(HttpError error) noexcept {
  state_ = State::failed;
  error_ = error;
}

}  // namespace ringcast::frame
