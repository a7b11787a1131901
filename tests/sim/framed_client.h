// FramedClient: a client's end of a WebSocket: handshake, frames, pings, close. What the messages say is its
// subclass's.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "frame/deflate_offer.h"
#include "frame/handshake.h"
#include "frame/inflate.h"
#include "frame/parser.h"
#include "frame/response_parser.h"
#include "tests/sim/client.h"

namespace ringcast::sim {

class FramedClient : public Client {
 public:
  // Asks for `target` and offers the subprotocol, unless it is empty.
  FramedClient(const World& world, std::uint32_t id, int listener, std::string target, std::string protocol);

  void ping();
  // Sends a close frame and waits for the answer.
  void say_goodbye();
  // Breaks RFC 6455: it is to be closed with the code that belongs to it.
  void misbehave();

  [[nodiscard]] bool open() const noexcept { return state_ == State::open; }
  [[nodiscard]] bool was_open() const noexcept { return !high_.empty(); }
  [[nodiscard]] const Positions& high() const noexcept { return high_; }  // when it saw the 101
  // The code of the broker's close frame, if one came.
  [[nodiscard]] std::optional<std::uint16_t> close_code() const noexcept { return close_code_; }
  [[nodiscard]] bool said_goodbye() const noexcept { return said_goodbye_; }  // says nothing more
  [[nodiscard]] std::uint16_t code_expected() const noexcept { return code_expected_; }
  [[nodiscard]] std::optional<std::uint16_t> refused() const noexcept { return refused_; }  // with this status

 protected:
  virtual void message(const frame::Event& event) = 0;
  // Sends a message in one frame or several.
  void write_message(frame::Opcode opcode, std::string_view payload);
  void write_frame(frame::Header header, std::string_view payload);
  // The last message: it is to be closed with this code.
  void expect_close(std::uint16_t code) noexcept;

 private:
  enum class State : std::uint8_t { handshake, open, closed };

  void received(std::span<std::uint8_t> bytes) final;
  void ended() override { state_ = State::closed; }
  [[nodiscard]] frame::UpgradeRequest request() const;
  void negotiated(std::string_view extensions);
  std::size_t read_response(std::span<std::uint8_t> bytes);
  void handle(const frame::Event& event);
  void closed_by(const frame::Event& event);

  const std::string target_;
  const std::string protocol_;
  const std::string_view protocols_[1];
  frame::ResponseParser response_;
  frame::Parser parser_{{.role = frame::Role::client, .message_size_max = std::size_t{1} << 24}};
  std::optional<frame::DeflateOffer> offer_;        // of compression
  std::optional<frame::DeflateAgreement> deflate_;  // what came of it
  std::optional<frame::Inflater> inflater_;
  std::string extensions_;
  State state_ = State::handshake;
  Positions high_;
  std::deque<std::string> pings_;  // not answered
  std::uint32_t next_ping_ = 0;
  std::optional<std::uint16_t> close_code_;
  std::optional<std::uint16_t> refused_;
  std::uint16_t code_expected_ = 1'000;
  bool said_goodbye_ = false;
};

}  // namespace ringcast::sim
