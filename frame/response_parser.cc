#include "frame/response_parser.h"

#include <cassert>
#include <expected>
#include <string>
#include <utility>

#include "frame/http_head.h"

namespace ringcast::frame {

namespace {

constexpr std::string_view kStatusLine = "HTTP/1.d ddd";  // d: a digit; a space and the reason may follow

}  // namespace

// The head so far. Views into text_ are made when it has ended, because it moves while it grows.
class ResponseParser::Head {
 public:
  [[nodiscard]] Step next(Bytes in);
  [[nodiscard]] bool done() const noexcept { return state_ == State::done; }
  [[nodiscard]] const Response& response() const noexcept { return response_; }

 private:
  enum class State : std::uint8_t { status_line, line_feed, fields, done, failed };

  using Taken = std::expected<void, HttpError>;

  [[nodiscard]] Taken take(std::uint8_t byte);
  [[nodiscard]] Taken take_status_line(std::uint8_t byte) noexcept;
  [[nodiscard]] Taken finish();
  [[nodiscard]] std::uint32_t position() const noexcept { return static_cast<std::uint32_t>(text_.size()) - 1; }

  State state_ = State::status_line;
  std::uint32_t line_size_ = 0;  // bytes of the status line
  FieldSection section_{kFieldsMax};
  std::string text_;
  Response response_;
};

ResponseParser::Step ResponseParser::Head::next(Bytes in) {
  assert(state_ != State::done);
  assert(state_ != State::failed);
  std::size_t at = 0;
  while (at < in.size()) {
    const std::uint8_t byte = in[at++];
    text_.push_back(static_cast<char>(byte));
    Taken taken = take(byte);
    if (taken && state_ == State::done) taken = finish();
    if (taken && state_ != State::done && text_.size() >= kHeadSizeMax) {
      taken = std::unexpected(HttpError::head_too_large);
    }
    if (!taken) {
      state_ = State::failed;
      return {.consumed = at, .kind = Step::Kind::failed, .error = taken.error()};
    }
    if (state_ == State::done) return {.consumed = at, .kind = Step::Kind::done};
  }
  return {.consumed = at};
}

ResponseParser::Head::Taken ResponseParser::Head::take(std::uint8_t byte) {
  switch (state_) {
    case State::status_line:
      return take_status_line(byte);
    case State::line_feed:
      if (byte != '\n') return std::unexpected(HttpError::bare_carriage_return);
      state_ = State::fields;
      return {};
    case State::fields: {
      const auto ended = section_.take(byte, position());
      if (!ended) return std::unexpected(ended.error());
      if (*ended) state_ = State::done;
      return {};
    }
    case State::done:
    case State::failed:
      break;
  }
  std::unreachable();
}

ResponseParser::Head::Taken ResponseParser::Head::take_status_line(std::uint8_t byte) noexcept {
  const std::size_t at = position();
  const char c = static_cast<char>(byte);
  if (at < kStatusLine.size()) {
    const bool digit = kStatusLine[at] == 'd';
    if (digit ? c < '0' || c > '9' : c != kStatusLine[at]) return std::unexpected(HttpError::bad_status_line);
    return {};
  }
  if (c == '\r') {
    line_size_ = position();
    state_ = State::line_feed;
    return {};
  }
  if (c == '\n') return std::unexpected(HttpError::bare_line_feed);
  if (at == kStatusLine.size() && c != ' ') return std::unexpected(HttpError::bad_status_line);
  if (!is_value_char(c)) return std::unexpected(HttpError::bad_status_line);
  return {};
}

ResponseParser::Head::Taken ResponseParser::Head::finish() {
  const std::string_view text = text_;
  constexpr std::size_t kStatusAt = kStatusLine.size() - 3;
  for (std::size_t i = 0; i < 3; ++i) {
    response_.status = static_cast<std::uint16_t>(response_.status * 10 + (text[kStatusAt + i] - '0'));
  }
  if (response_.status < 100 || response_.status > 599) return std::unexpected(HttpError::bad_status_line);
  response_.version_minor = text[kStatusLine.find('d')] == '0' ? 0 : 1;
  response_.reason = trim_spaces(text.substr(kStatusLine.size(), line_size_ - kStatusLine.size()));
  response_.fields = section_.fields(text);
  const auto framing = response_framing(response_.fields, response_.version_minor, response_.status);
  if (!framing) return std::unexpected(framing.error());
  response_.framing = *framing;
  const bool ends = framing->kind == Framing::Kind::until_close;
  response_.keep_alive = !ends && is_keep_alive(response_.fields, response_.version_minor);
  return {};
}

ResponseParser::ResponseParser() noexcept = default;
ResponseParser::ResponseParser(ResponseParser&&) noexcept = default;
ResponseParser& ResponseParser::operator=(ResponseParser&&) noexcept = default;
ResponseParser::~ResponseParser() = default;

ResponseParser::Step ResponseParser::next(Bytes in) {
  if (in.empty()) return {};
  if (!head_) head_ = std::make_unique<Head>();
  return head_->next(in);
}

const Response& ResponseParser::response() const noexcept {
  assert(head_);
  assert(head_->done());
  return head_->response();
}

void ResponseParser::release() noexcept {
  head_.reset();
}

}  // namespace ringcast::frame
