// WebSocketClient: a raw subscriber and publisher of one URL, which writes down all that it gets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/framed_client.h"
#include "tests/sim/payload.h"

namespace ringcast::sim {

class WebSocketClient final : public FramedClient {
 public:
  struct Options {
    std::string filter;
    bool echo = true;
    bool last = false;
    bool publish_only = false;
    bool latest = false;
    std::uint32_t rate_hz = 0;  // with latest; 0: no limit

    [[nodiscard]] std::int64_t period_ms() const noexcept { return rate_hz == 0 ? 0 : (999 + rate_hz) / rate_hz; }
  };

  WebSocketClient(const World& world, std::uint32_t id, int listener, const Options& options);

  // Sends its next message, of about `size` bytes, in one frame or several.
  void publish(std::size_t size);

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] const std::vector<Key>& received_keys() const noexcept { return keys_; }
  [[nodiscard]] const std::vector<std::int64_t>& received_ms() const noexcept {
    return received_ms_;
  }  // when each came
  [[nodiscard]] std::uint32_t published() const noexcept { return next_number_; }

 private:
  void message(const frame::Event& event) override;

  const Options options_;
  std::vector<Key> keys_;
  std::vector<std::int64_t> received_ms_;
  std::uint32_t next_number_ = 0;
};

}  // namespace ringcast::sim
