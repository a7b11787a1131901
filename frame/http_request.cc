#include "frame/http_request.h"

#include <algorithm>
#include <cassert>
#include <expected>
#include <string>
#include <utility>

#include "frame/http_head.h"

namespace ringcast::frame {

namespace {

constexpr std::uint8_t kTlsHandshake = 0x16;       // RFC 8446 §5.1: the first byte of a ClientHello's record
constexpr std::size_t kMethodSizeMax = 32;         // bytes; the longest registered one has 17
constexpr std::string_view kVersion = "HTTP/d.d";  // d: a digit

// RFC 9112 §3.2: one Host, and a good one, in HTTP/1.1; at most one before. Gives back the host that counts.
std::expected<std::string_view, HttpError> check_host(const Request& request) {
  const std::size_t count = request.fields.count("Host");
  if (count > 1) return std::unexpected(HttpError::duplicate_host);
  if (count == 0) {
    if (request.version_minor > 0) return std::unexpected(HttpError::missing_host);
    return request.parts.authority;
  }
  const std::string_view host = *request.fields.get("Host");
  if (!is_authority(host)) return std::unexpected(HttpError::bad_host);
  // The target's authority counts and the field is ignored (§3.2.2).
  return request.parts.authority.empty() ? host : request.parts.authority;
}

// RFC 9110 §10.1.1: HTTP/1.0 does not know it.
std::expected<bool, HttpError> check_expectation(const Request& request) {
  if (request.version_minor == 0) return false;
  const auto expectations = request.fields.list("Expect");
  const auto is_continue = [](std::string_view value) { return equals_ignoring_case(value, "100-continue"); };
  if (!std::ranges::all_of(expectations, is_continue)) return std::unexpected(HttpError::unknown_expectation);
  return !expectations.empty();
}

}  // namespace

// The head so far. Views into text_ are made when it has ended, because it moves while it grows.
class RequestParser::Head {
 public:
  explicit Head(RequestLimits limits) : limits_(limits), section_(limits.fields_max) {}

  [[nodiscard]] Step next(Bytes in);
  [[nodiscard]] bool done() const noexcept { return state_ == State::done; }
  [[nodiscard]] const Request& request() const noexcept { return request_; }

 private:
  enum class State : std::uint8_t {
    start,
    start_line_feed,  // of the one empty line that may come first
    method,
    target,
    version,
    line_feed,  // of the request line
    fields,
    done,
    failed,
  };

  using Taken = std::expected<void, HttpError>;

  [[nodiscard]] std::size_t take_run(Bytes in);
  [[nodiscard]] Taken take(std::uint8_t byte);
  [[nodiscard]] Taken take_start(std::uint8_t byte) noexcept;
  [[nodiscard]] Taken take_method(std::uint8_t byte) noexcept;
  [[nodiscard]] Taken take_target(std::uint8_t byte) noexcept;
  [[nodiscard]] Taken take_version(std::uint8_t byte) noexcept;
  [[nodiscard]] Taken take_field(std::uint8_t byte);
  [[nodiscard]] Taken finish_line();
  [[nodiscard]] Taken finish();
  [[nodiscard]] std::string_view method() const noexcept {
    return std::string_view(text_).substr(method_at_, target_at_ - 1 - method_at_);
  }
  [[nodiscard]] std::uint32_t position() const noexcept { return static_cast<std::uint32_t>(text_.size()) - 1; }
  [[nodiscard]] HttpError too_large() const noexcept {
    return state_ < State::fields ? HttpError::target_too_long : HttpError::head_too_large;
  }

  RequestLimits limits_;
  State state_ = State::start;
  bool empty_line_seen_ = false;
  std::uint8_t version_[2] = {};  // major and minor digit
  std::uint32_t method_at_ = 0;
  std::uint32_t target_at_ = 0;
  std::uint32_t version_at_ = 0;
  FieldSection section_;
  std::string text_;
  Request request_;
};

RequestParser::Step RequestParser::Head::next(Bytes in) {
  assert(state_ != State::done);
  assert(state_ != State::failed);
  std::size_t at = 0;
  while (at < in.size()) {
    at += take_run(in.subspan(at));
    if (at == in.size()) break;
    const std::uint8_t byte = in[at++];
    text_.push_back(static_cast<char>(byte));
    Taken taken = take(byte);
    if (taken && state_ == State::done) taken = finish();
    if (taken && state_ != State::done && text_.size() >= limits_.head_size_max) taken = std::unexpected(too_large());
    if (!taken) {
      state_ = State::failed;
      return {.consumed = at, .kind = Step::Kind::failed, .error = taken.error()};
    }
    if (state_ == State::done) return {.consumed = at, .kind = Step::Kind::done};
  }
  return {.consumed = at};
}

// Takes what only goes on with the target, or with a field's name or value, in one step; returns its size. The byte
// that reaches a limit is left to take().
std::size_t RequestParser::Head::take_run(Bytes in) {
  std::size_t size = 0;
  const std::size_t room = limits_.head_size_max - text_.size() - 1;
  if (state_ == State::fields) {
    size = section_.run_size(in.first(std::min(room, in.size())));
  } else if (state_ == State::target) {
    const std::size_t line_room = limits_.line_size_max - (text_.size() - method_at_);
    const std::size_t size_max = std::min({room, line_room, in.size()});
    while (size < size_max && is_target_char(static_cast<char>(in[size]))) ++size;
  }
  text_.append(as_text(in.first(size)));
  return size;
}

RequestParser::Head::Taken RequestParser::Head::take(std::uint8_t byte) {
  switch (state_) {
    case State::start:
      return take_start(byte);
    case State::method:
      return take_method(byte);
    case State::target:
      return take_target(byte);
    case State::version:
      return take_version(byte);
    case State::start_line_feed:
    case State::line_feed:
      if (byte != '\n') return std::unexpected(HttpError::bare_carriage_return);
      if (state_ == State::start_line_feed) {
        state_ = State::start;
        return {};
      }
      state_ = State::fields;
      return finish_line();
    case State::fields:
      return take_field(byte);
    case State::done:
    case State::failed:
      break;
  }
  std::unreachable();
}

RequestParser::Head::Taken RequestParser::Head::take_start(std::uint8_t byte) noexcept {
  if (byte == kTlsHandshake) return std::unexpected(HttpError::tls_hello);
  // §2.2: one empty line before the request line is ignored; old clients end their bodies so.
  if (byte == '\r' && !empty_line_seen_) {
    empty_line_seen_ = true;
    state_ = State::start_line_feed;
    return {};
  }
  if (byte == '\n') return std::unexpected(HttpError::bare_line_feed);
  if (!is_token_char(static_cast<char>(byte))) return std::unexpected(HttpError::bad_method);
  method_at_ = position();
  state_ = State::method;
  return {};
}

RequestParser::Head::Taken RequestParser::Head::take_method(std::uint8_t byte) noexcept {
  if (byte == ' ') {
    target_at_ = position() + 1;
    state_ = State::target;
    return {};
  }
  if (!is_token_char(static_cast<char>(byte))) return std::unexpected(HttpError::bad_method);
  if (position() - method_at_ == kMethodSizeMax) return std::unexpected(HttpError::method_too_long);
  return {};
}

RequestParser::Head::Taken RequestParser::Head::take_target(std::uint8_t byte) noexcept {
  if (byte == ' ' && position() > target_at_) {
    version_at_ = position() + 1;
    state_ = State::version;
    return {};
  }
  if (byte == '\n') return std::unexpected(HttpError::bare_line_feed);
  if (byte == '\r') return std::unexpected(HttpError::bad_version);  // HTTP/0.9
  if (!is_target_char(static_cast<char>(byte))) return std::unexpected(HttpError::bad_target);
  if (position() - method_at_ == limits_.line_size_max) return std::unexpected(HttpError::target_too_long);
  return {};
}

RequestParser::Head::Taken RequestParser::Head::take_version(std::uint8_t byte) noexcept {
  const std::size_t at = position() - version_at_;
  if (at == kVersion.size()) {
    if (byte == '\n') return std::unexpected(HttpError::bare_line_feed);
    if (byte != '\r') return std::unexpected(HttpError::bad_version);
    state_ = State::line_feed;
    return {};
  }
  if (kVersion[at] == 'd') {
    if (byte < '0' || byte > '9') return std::unexpected(HttpError::bad_version);
    version_[at == kVersion.size() - 1 ? 1 : 0] = static_cast<std::uint8_t>(byte - '0');
    return {};
  }
  if (byte != static_cast<std::uint8_t>(kVersion[at])) return std::unexpected(HttpError::bad_version);
  return {};
}

RequestParser::Head::Taken RequestParser::Head::take_field(std::uint8_t byte) {
  const auto ended = section_.take(byte, position());
  if (!ended) return std::unexpected(ended.error());
  if (*ended) state_ = State::done;
  return {};
}

RequestParser::Head::Taken RequestParser::Head::finish_line() {
  if (version_[0] != 1 || version_[1] > 1) return std::unexpected(HttpError::version_not_supported);
  request_.version_minor = version_[1];
  if (method() == "CONNECT") return std::unexpected(HttpError::method_not_implemented);
  const std::string_view target = std::string_view(text_).substr(target_at_, version_at_ - 1 - target_at_);
  const auto parts = split_target(target);
  const bool asterisk = target == "*" && method() != "OPTIONS";
  if (!parts || asterisk) return std::unexpected(HttpError::bad_target);
  return {};
}

// What is about more than one field; the text has its final place now.
RequestParser::Head::Taken RequestParser::Head::finish() {
  const std::string_view text = text_;
  request_.method = method();
  request_.target = text.substr(target_at_, version_at_ - 1 - target_at_);
  request_.fields = section_.fields(text);

  request_.parts = *split_target(request_.target);  // checked by finish_line()
  const auto host = check_host(request_);
  if (!host) return std::unexpected(host.error());
  request_.host = *host;
  const auto framing = request_framing(request_.fields, request_.version_minor);
  if (!framing) return std::unexpected(framing.error());
  request_.framing = *framing;
  const auto expectation = check_expectation(request_);
  if (!expectation) return std::unexpected(expectation.error());
  request_.expect_continue = *expectation;
  request_.keep_alive = is_keep_alive(request_.fields, request_.version_minor);
  return {};
}

RequestParser::RequestParser(RequestLimits limits) noexcept : limits_(limits) {
  assert(limits.line_size_max > kMethodSizeMax);
  assert(limits.head_size_max > 0);
}
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;
RequestParser::~RequestParser() = default;

RequestParser::Step RequestParser::next(Bytes in) {
  if (in.empty()) return {};
  if (!head_) head_ = std::make_unique<Head>(limits_);
  return head_->next(in);
}

const Request& RequestParser::request() const noexcept {
  assert(head_);
  assert(head_->done());
  return head_->request();
}

bool RequestParser::in_progress() const noexcept {
  return head_ && !head_->done();
}

void RequestParser::release() noexcept {
  head_.reset();
}

}  // namespace ringcast::frame
