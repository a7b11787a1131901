#include "client/stream.h"

#include <array>
#include <cassert>
#include <utility>

#include "client/refusal.h"
#include "frame/handshake.h"
#include "frame/http_body.h"
#include "frame/mask.h"

namespace ringcast::client {
namespace {

frame::UpgradeRequest request_of(const Stream::Options& options, const frame::Nonce& nonce,
                                 std::span<const std::string_view> protocols, std::span<const frame::Field> fields) {
  return {.host = options.host,
          .target = options.target,
          .nonce = nonce,
          .protocols = protocols,
          .extensions = {},
          .fields = fields};
}

Error protocol_error(std::string text) {
  return {.failure = Failure::protocol, .text = std::move(text), .remedy = "is it a Ringcast broker?"};
}

}  // namespace

Stream::Stream(Options options, Random& random)
    : options_(std::move(options)),
      random_(random),
      nonce_(random.nonce()),
      parser_({.role = frame::Role::client, .message_size_max = kMessageSizeMax}) {
  const std::vector<std::string_view> protocols(options_.protocols.begin(), options_.protocols.end());
  const std::string authorization = "Bearer " + options_.token;
  const frame::Field field{"Authorization", authorization};
  const std::span<const frame::Field> fields{&field, options_.token.empty() ? 0U : 1U};
  const std::string request = frame::upgrade_request(request_of(options_, nonce_, protocols, fields));
  out_.assign(request.begin(), request.end());
}

void Stream::send(MessageKind kind, frame::Bytes payload) {
  assert(state_ != State::closing);
  if (state_ == State::closed) return;
  add_frame(kind == MessageKind::text ? frame::Opcode::text : frame::Opcode::binary, payload);
}

void Stream::ping() {
  if (state_ == State::open) add_frame(frame::Opcode::ping, {});
}

void Stream::close(std::uint16_t code, std::string_view reason) {
  if (state_ == State::closing || state_ == State::closed) return;
  state_ = state_ == State::open ? State::closing : State::closed;
  if (state_ == State::closing) add_close(code, reason);
}

void Stream::written(std::size_t size) {
  out_begin_ += size;
  assert(out_begin_ <= out_.size());
  if (out_begin_ == out_.size()) {
    out_.clear();
    out_begin_ = 0;
  } else if (out_begin_ > out_.size() / 2) {  // moving the smaller half costs each byte at most once on average
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_begin_));
    out_begin_ = 0;
  }
}

std::expected<StreamStep, Error> Stream::next(frame::MutableBytes in) {
  if (state_ == State::opening) return next_head(in);
  if (state_ == State::closed) return StreamStep{.consumed = in.size(), .event = {}};
  StreamStep step;
  for (;;) {
    const frame::Step found = parser_.next(in.subspan(step.consumed));
    step.consumed += found.consumed;
    using Kind = frame::Event::Kind;
    switch (found.event.kind) {
      case Kind::need_more:
        return step;
      case Kind::text:
      case Kind::binary:
        step.event.kind = found.event.kind == Kind::text ? Event::Kind::text : Event::Kind::binary;
        step.event.payload = found.event.payload;
        return step;
      case Kind::ping:
        add_frame(frame::Opcode::pong, found.event.payload);
        break;
      case Kind::pong:
        break;
      case Kind::close: {
        if (state_ == State::open) add_close(found.event.code, {});
        state_ = State::closed;
        step.event = {.kind = Event::Kind::closed, .code = found.event.code, .payload = found.event.payload};
        return step;
      }
      case Kind::failed: {
        const std::string_view text = frame::text(found.event.error);
        if (state_ == State::open) add_close(frame::close_status(found.event.error), text);
        state_ = State::closed;
        return std::unexpected(protocol_error("the server broke the WebSocket protocol: " + std::string(text)));
      }
    }
  }
}

std::expected<StreamStep, Error> Stream::next_head(frame::Bytes in) {
  if (refusal_) return next_refusal(in);
  std::size_t consumed = 0;
  for (;;) {
    const frame::ResponseParser::Step found = head_.next(in.subspan(consumed));
    consumed += found.consumed;
    using Kind = frame::ResponseParser::Step::Kind;
    if (found.kind == Kind::need_more) return StreamStep{.consumed = consumed, .event = {}};
    if (found.kind == Kind::failed) {
      return std::unexpected(protocol_error("no HTTP/1.1 answer: " + std::string(frame::text(found.error))));
    }
    status_ = head_.response().status;
    if (status_ >= 200 || status_ == 101) break;
    head_.release();  // an interim answer, RFC 9110 §15.2
  }
  if (status_ != 101) {
    refusal_.emplace(head_.response().framing, kRefusalSizeMax);
    auto step = next_refusal(in.subspan(consumed));
    if (step) step->consumed += consumed;
    return step;
  }
  const std::vector<std::string_view> protocols(options_.protocols.begin(), options_.protocols.end());
  const auto accepted = frame::check_upgrade_response(head_.response(), request_of(options_, nonce_, protocols, {}));
  if (!accepted) return std::unexpected(protocol_error("a bad upgrade: " + std::string(frame::text(accepted.error()))));
  body_ = accepted->protocol;
  head_.release();
  state_ = State::open;
  return StreamStep{.consumed = consumed, .event = {.kind = Event::Kind::opened, .payload = frame::as_bytes(body_)}};
}

// The body says why; the error waits for its end, or for that of the connection.
std::expected<StreamStep, Error> Stream::next_refusal(frame::Bytes in) {
  StreamStep step;
  for (;;) {
    const frame::BodyReader::Step found = refusal_->next(in.subspan(step.consumed));
    step.consumed += found.consumed;
    using Kind = frame::BodyReader::Step::Kind;
    if (found.kind == Kind::need_more) return step;
    if (found.kind != Kind::data) break;
    body_ += frame::as_text(found.data);
  }
  state_ = State::closed;
  return std::unexpected(refusal_error(status_, body_));
}

Error Stream::ended() const {
  if (refusal_) return refusal_error(status_, body_);
  return {.failure = Failure::closed,
          .text = state_ == State::opening ? "the server ended the connection instead of answering"
                                           : "the connection ended without a close frame",
          .remedy = {}};
}

void Stream::add_frame(frame::Opcode opcode, frame::Bytes payload) {
  const frame::Header header{.opcode = opcode, .masked = true, .mask = random_.mask(), .payload_size = payload.size()};
  std::array<std::uint8_t, frame::kHeaderSizeMax> head;
  const std::size_t head_size = frame::encode_header(header, head);
  out_.insert(out_.end(), head.begin(), head.begin() + static_cast<std::ptrdiff_t>(head_size));
  const std::size_t begin = out_.size();
  out_.insert(out_.end(), payload.begin(), payload.end());
  frame::mask(std::span(out_).subspan(begin), header.mask);
}

void Stream::add_close(std::uint16_t code, std::string_view reason) {
  std::array<std::uint8_t, frame::kCloseFrameSizeMax> plain;
  const std::size_t size = frame::encode_close_frame({.code = code, .reason = reason}, plain);
  constexpr std::size_t kPlainHeader = 2;  // an unmasked frame of at most 125 bytes
  add_frame(frame::Opcode::close, frame::Bytes(plain).subspan(kPlainHeader, size - kPlainHeader));
}

}  // namespace ringcast::client
