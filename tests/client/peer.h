// Peer: the server's side of a WebSocket over bytes, as far as tests of the client need it, built on frame/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "frame/handshake.h"
#include "frame/header.h"
#include "frame/http_request.h"
#include "frame/parser.h"

namespace ringcast::test {

class Peer {
 public:
  // Takes what the client wrote. Events are kept as lines: "text hello", "binary 2", "ping x", "close 1000 bye".
  void take(frame::Bytes in) {
    std::vector<std::uint8_t> bytes(in.begin(), in.end());
    std::size_t at = 0;
    while (!upgraded_ && at < bytes.size()) {
      const auto step = request_.next(frame::Bytes(bytes).subspan(at));
      at += step.consumed;
      if (step.kind != frame::RequestParser::Step::Kind::done) return;
      answer_handshake();
    }
    for (;;) {
      const frame::Step step = parser_.next(std::span(bytes).subspan(at));
      at += step.consumed;
      if (step.event.kind == frame::Event::Kind::need_more) return;
      note(step.event);
      if (step.event.kind == frame::Event::Kind::failed) return;
    }
  }

  // What the server wants to send; the caller takes it.
  [[nodiscard]] std::vector<std::uint8_t> release() { return std::exchange(out_, {}); }

  void send(frame::Opcode opcode, std::string_view payload, bool fin = true) {
    std::array<std::uint8_t, frame::kHeaderSizeMax> head;
    const auto size = frame::encode_header({.opcode = opcode, .fin = fin, .payload_size = payload.size()}, head);
    out_.insert(out_.end(), head.begin(), head.begin() + static_cast<std::ptrdiff_t>(size));
    out_.insert(out_.end(), payload.begin(), payload.end());
  }
  void send_raw(std::string_view bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }

  std::string protocol;            // what to choose in the handshake
  std::vector<std::string> heard;  // events
  std::string target;              // of the request
  bool echo = false;               // sends each message back, as `echo=1`

 private:
  void answer_handshake() {
    const frame::Request& request = request_.request();
    target = request.target;
    const auto upgrade = frame::check_upgrade(request);
    send_raw(upgrade ? frame::upgrade_response(*upgrade, {.protocol = protocol, .extensions = {}})
                     : "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
    request_.release();
    upgraded_ = true;
  }

  void note(const frame::Event& event) {
    const std::string payload(frame::as_text(event.payload));
    switch (event.kind) {
      case frame::Event::Kind::text:
        heard.push_back("text " + payload);
        if (echo) send(frame::Opcode::text, payload);
        return;
      case frame::Event::Kind::binary:
        heard.push_back("binary " + std::to_string(payload.size()));
        if (echo) send(frame::Opcode::binary, payload);
        return;
      case frame::Event::Kind::ping:
        heard.push_back("ping " + payload);
        return;
      case frame::Event::Kind::pong:
        heard.push_back("pong " + payload);
        return;
      case frame::Event::Kind::close:
        heard.push_back("close " + std::to_string(event.code) + ' ' + payload);
        if (echo) {
          const char code[] = {static_cast<char>(event.code >> 8), static_cast<char>(event.code & 0xff)};
          send(frame::Opcode::close, std::string_view(code, event.code == frame::kNoStatus ? 0 : 2));
        }
        return;
      case frame::Event::Kind::failed:
        heard.push_back("failed " + std::string(frame::text(event.error)));
        return;
      case frame::Event::Kind::need_more:
        return;
    }
  }

  frame::RequestParser request_;
  frame::Parser parser_{{.role = frame::Role::server, .message_size_max = 32 << 20}};
  std::vector<std::uint8_t> out_;
  bool upgraded_ = false;
};

}  // namespace ringcast::test
