// Stream: the client's side of one WebSocket over bytes: handshake, messages, pings, closing. Pure, no I/O.
//
// Called by: Connection, which moves the bytes. Thread: one.
// Out:  send() and close() gather frames, masked as RFC 6455 §5.3 wants it; output() is what is to be written, so that
//       many messages go in one write.
// In:   next() takes bytes until it has one event. Pings are answered and a close is returned by itself: both only
//       add to the output.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/error.h"
#include "client/random.h"
#include "frame/bytes.h"
#include "frame/close.h"
#include "frame/http_body.h"
#include "frame/http_response.h"
#include "frame/parser.h"
#include "frame/response_parser.h"

namespace ringcast::client {

// What next() found. `payload` is valid until the next call.
struct Event {
  enum class Kind : std::uint8_t {
    need_more,  // all input was taken
    opened,     // the handshake is done; `payload` is the subprotocol that the server chose, if any
    text,
    binary,
    closed,  // both sides have closed, or the peer has: `code`, and its reason in `payload`
  };

  Kind kind = Kind::need_more;
  std::uint16_t code = frame::kNoStatus;
  frame::Bytes payload;
};

struct StreamStep {
  std::size_t consumed = 0;  // bytes of the input; the rest is to be offered again
  Event event;
};

enum class MessageKind : std::uint8_t { text, binary };

class Stream {
 public:
  // What the server may send in one message; bytes. Above the largest that a broker can be configured to take.
  static constexpr std::size_t kMessageSizeMax = std::size_t{64} << 20;

  struct Options {
    std::string host;                    // host [":" port], for the Host field
    std::string target;                  // path and query, encoded
    std::vector<std::string> protocols;  // subprotocols in order of preference
    std::string token = {};              // for Authorization; empty: none
  };

  // Puts the request for the upgrade into output(). `random` must outlive this.
  Stream(Options options, Random& random);

  enum class State : std::uint8_t {
    opening,  // the handshake is under way; what is sent already waits behind it
    open,
    closing,  // we have sent a close frame and wait for the peer's
    closed,   // nothing is sent or taken any more
  };
  [[nodiscard]] State state() const noexcept { return state_; }

  // Gathers one message. Requires that close() was not called; ignored once the peer has closed. Text must be UTF-8.
  void send(MessageKind kind, frame::Bytes payload);

  // Gathers a ping, to which a living peer answers. Ignored unless open.
  void ping();

  // Gathers a close frame, once. Requires a code that may be sent (frame::is_sendable_close_code).
  void close(std::uint16_t code, std::string_view reason);

  // What is to be written, and how much of it was.
  [[nodiscard]] frame::Bytes output() const noexcept { return frame::Bytes(out_).subspan(out_begin_); }
  void written(std::size_t size);

  // Takes bytes off the front of `in`, up to the next event. An error ends the connection: the peer refused the upgrade
  // or broke the protocol; in the second case output() ends with the close frame that says so (§7.1.7).
  [[nodiscard]] std::expected<StreamStep, Error> next(frame::MutableBytes in);

  // What the end of the byte stream means now: an error unless the stream is closed.
  [[nodiscard]] Error ended() const;

 private:
  [[nodiscard]] std::expected<StreamStep, Error> next_head(frame::Bytes in);
  [[nodiscard]] std::expected<StreamStep, Error> next_refusal(frame::Bytes in);
  void add_frame(frame::Opcode opcode, frame::Bytes payload);
  void add_close(std::uint16_t code, std::string_view reason);

  static constexpr std::size_t kRefusalSizeMax = 4096;  // bytes of a refusal's body that are worth showing

  Options options_;
  Random& random_;
  frame::Nonce nonce_;
  frame::ResponseParser head_;
  frame::Parser parser_;
  State state_ = State::opening;
  std::uint16_t status_ = 0;                  // of the answer to the upgrade
  std::optional<frame::BodyReader> refusal_;  // reads why the server said no
  std::string body_;                          // of the refusal, or the subprotocol chosen
  std::vector<std::uint8_t> out_;
  std::size_t out_begin_ = 0;
};

}  // namespace ringcast::client
