#include "client/http.h"

#include <poll.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "client/socket.h"
#include "frame/http_body.h"
#include "frame/http_response.h"
#include "frame/response_parser.h"

namespace ringcast::client {
namespace {

Error timeout() {
  return {.failure = Failure::timeout,
          .text = "the broker took too long to answer",
          .remedy = "is it overloaded, or the network slow?"};
}

Error broken(frame::HttpError error) {
  return {.failure = Failure::protocol,
          .text = "no HTTP/1.1 answer: " + std::string(frame::text(error)),
          .remedy = "is it a Ringcast broker?"};
}

std::string head_of(const Url& url, const HttpRequest& request) {
  std::string head;
  ((head += request.method) += ' ') += request.target;
  (head += " HTTP/1.1\r\nHost: ") += url.authority;
  head += "\r\nConnection: close\r\nContent-Length: " + std::to_string(request.body.size());
  if (!url.token.empty()) (head += "\r\nAuthorization: Bearer ") += url.token;
  if (!request.content_type.empty()) (head += "\r\nContent-Type: ") += request.content_type;
  return head += "\r\n\r\n";
}

// Reads an answer as its bytes come. Pure.
class Answer {
 public:
  // True when the answer is whole.
  [[nodiscard]] std::expected<bool, Error> take(frame::Bytes in) {
    while (!body_reader_) {
      const auto step = head_.next(in);
      in = in.subspan(step.consumed);
      if (step.kind == frame::ResponseParser::Step::Kind::failed) return std::unexpected(broken(step.error));
      if (step.kind == frame::ResponseParser::Step::Kind::need_more) return false;
      answer_.status = head_.response().status;
      if (answer_.status >= 200) {
        const frame::Framing framing = head_.response().framing;
        body_reader_.emplace(framing, kAnswerSizeMax);
        until_close_ = framing.kind == frame::Framing::Kind::until_close;
      }
      head_.release();  // an interim answer is passed over, RFC 9110 §15.2
    }
    for (;;) {
      const auto step = body_reader_->next(in);
      in = in.subspan(step.consumed);
      using Kind = frame::BodyReader::Step::Kind;
      if (step.kind == Kind::failed) return std::unexpected(broken(step.error));
      if (step.kind == Kind::need_more) return false;
      if (step.kind == Kind::done) return true;
      answer_.body += frame::as_text(step.data);
    }
  }

  // True when the end of the connection ends the answer: one without a length (RFC 9112 §6.3).
  [[nodiscard]] bool ended() const { return until_close_; }
  [[nodiscard]] HttpAnswer release() { return std::move(answer_); }

 private:
  frame::ResponseParser head_;
  std::optional<frame::BodyReader> body_reader_;
  HttpAnswer answer_;
  bool until_close_ = false;
};

std::expected<Socket, Error> connect(const Url& url, Deadline deadline) {
  const auto endpoints = resolve(url);
  if (!endpoints) return std::unexpected(endpoints.error());
  Error last = timeout();
  for (const Endpoint& endpoint : *endpoints) {
    auto socket = Socket::start_connect(endpoint, url);
    if (!socket) {
      last = socket.error();
      continue;
    }
    pollfd ready{.fd = socket->fd(), .events = POLLOUT, .revents = 0};
    if (::poll(&ready, 1, deadline.left_ms()) <= 0) continue;
    const auto connected = socket->finish_connect();
    if (connected) return socket;
    last = connected.error();
  }
  return std::unexpected(last);
}

}  // namespace

std::expected<HttpAnswer, Error> request(const Url& url, const HttpRequest& request, Deadline deadline) {
  auto socket = connect(url, deadline);
  if (!socket) return std::unexpected(socket.error());
  std::string out = head_of(url, request);
  out += frame::as_text(request.body);
  frame::Bytes left = frame::as_bytes(out);
  Answer answer;
  std::optional<Error> write_error;  // the answer may be there all the same: "413, too large" comes before all is read
  std::array<std::uint8_t, 16 * 1024> buffer;
  for (;;) {
    if (!left.empty()) {
      const auto written = socket->write(left);
      if (!written) write_error = written.error();
      left = written ? left.subspan(*written) : frame::Bytes();
    }
    const auto size = socket->read(buffer);
    if (!size) return std::unexpected(write_error.value_or(size.error()));
    if (*size) {
      if (**size == 0) break;
      const auto whole = answer.take(frame::Bytes(buffer).first(**size));
      if (!whole) return std::unexpected(whole.error());
      if (*whole) return answer.release();
      continue;
    }
    pollfd ready{.fd = socket->fd(), .events = socket->poll_events(!left.empty()), .revents = 0};
    if (::poll(&ready, 1, deadline.left_ms()) == 0) return std::unexpected(timeout());
  }
  if (answer.ended()) return answer.release();
  return std::unexpected(write_error.value_or(
      Error{.failure = Failure::closed, .text = "the broker ended the connection instead of answering", .remedy = {}}));
}

}  // namespace ringcast::client
