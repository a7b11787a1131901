// WebSocketClient: a raw subscriber and publisher of one URL, which writes down all that it gets.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "frame/handshake.h"
#include "frame/parser.h"
#include "frame/response_parser.h"
#include "tests/sim/client.h"
#include "tests/sim/payload.h"

namespace ringcast::sim {

class WebSocketClient final : public Client {
 public:
  struct Options {
    std::string filter;
    bool echo = true;
    bool last = false;
    bool publish_only = false;
  };

  WebSocketClient(const World& world, std::uint32_t id, int listener, const Options& options);

  // Sends its next message, of about `size` bytes, in one frame or several.
  void publish(std::size_t size);
  void ping();
  // Sends a close frame and waits for the answer.
  void say_goodbye();

  // Breaks RFC 6455: it is to be closed with the code that belongs to it.
  void misbehave();

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] bool open() const noexcept { return state_ == State::open; }
  [[nodiscard]] bool was_open() const noexcept { return !high_.empty(); }
  [[nodiscard]] const std::vector<Key>& received_keys() const noexcept { return keys_; }
  [[nodiscard]] std::uint32_t published() const noexcept { return next_number_; }
  [[nodiscard]] const Positions& high() const noexcept { return high_; }  // when it saw the 101
  // The code of the broker's close frame, if one came.
  [[nodiscard]] std::optional<std::uint16_t> close_code() const noexcept { return close_code_; }
  [[nodiscard]] bool said_goodbye() const noexcept { return said_goodbye_; }  // publishes no more
  [[nodiscard]] std::uint16_t code_expected() const noexcept { return code_expected_; }
  [[nodiscard]] std::optional<std::uint16_t> refused() const noexcept { return refused_; }  // with this status

 private:
  enum class State : std::uint8_t { handshake, open, closed };

  void received(std::span<std::uint8_t> bytes) override;
  void ended() override { state_ = State::closed; }
  std::size_t read_response(std::span<std::uint8_t> bytes);
  void handle(const frame::Event& event);
  void message(const frame::Event& event);
  void closed_by(const frame::Event& event);
  void write_frame(frame::Header header, std::string_view payload);

  const Options options_;
  frame::ResponseParser response_;
  frame::Parser parser_{{.role = frame::Role::client, .message_size_max = std::size_t{1} << 24}};
  State state_ = State::handshake;
  std::string key_;
  std::vector<Key> keys_;
  std::uint32_t next_number_ = 0;
  Positions high_;
  std::deque<std::string> pings_;  // not answered
  std::uint32_t next_ping_ = 0;
  std::optional<std::uint16_t> close_code_;
  std::optional<std::uint16_t> refused_;
  std::uint16_t code_expected_ = 1'000;
  bool said_goodbye_ = false;
};

}  // namespace ringcast::sim
