// SseClient: a subscriber by server-sent events, in JSON, judged message by message as one of the full protocol is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frame/http_body.h"
#include "frame/response_parser.h"
#include "tests/sim/client.h"
#include "tests/sim/subscriber_model.h"

namespace ringcast::sim {

class SseClient final : public Client {
 public:
  struct Options {
    SubscriberModel::Ask ask;  // of id 0; resume: by Last-Event-ID
  };

  SseClient(const World& world, std::uint32_t id, int listener, const Options& options);

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] bool open() const noexcept { return open_ && !gone() && !ended_; }
  [[nodiscard]] bool was_open() const noexcept { return open_; }
  [[nodiscard]] std::uint16_t status() const noexcept { return status_; }  // 0: no answer yet
  // The event that told why the stream ends; empty: none did.
  [[nodiscard]] const std::string& farewell() const noexcept { return farewell_; }
  [[nodiscard]] const SubscriberModel& subscriber() const noexcept { return subscriber_; }
  [[nodiscard]] std::uint64_t heard() const noexcept { return heard_; }  // messages

  // As FullClient::check_rest().
  void check_rest(bool ticked);

 private:
  void received(std::span<std::uint8_t> bytes) override;
  void ended() override { ended_ = true; }
  std::size_t read_some(std::span<const std::uint8_t> bytes);
  void read_blocks();
  void block(std::string_view text);
  void event(std::string_view kind, std::string_view data);
  void id_came(std::string_view token);
  void complete(proto::Resumed resumed);
  void complete_gap();

  const Options options_;
  SubscriberModel subscriber_;
  frame::ResponseParser response_;
  std::optional<frame::BodyReader> body_;
  std::string text_;  // of blocks that are not whole
  std::string farewell_;
  std::uint64_t heard_ = 0;
  std::uint16_t status_ = 0;
  bool open_ = false;
  bool ended_ = false;
  bool told_when_ = false;  // in the block before
  bool complete_ = false;
  bool told_ = false;  // at the beginning, that it comes from another epoch
};

}  // namespace ringcast::sim
