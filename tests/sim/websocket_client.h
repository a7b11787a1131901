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
  };

  WebSocketClient(const World& world, std::uint32_t id, int listener, const Options& options);

  // Sends its next message, of about `size` bytes, in one frame or several.
  void publish(std::size_t size);

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] const std::vector<Key>& received_keys() const noexcept { return keys_; }
  [[nodiscard]] std::uint32_t published() const noexcept { return next_number_; }

 private:
  void message(const frame::Event& event) override;

  const Options options_;
  std::vector<Key> keys_;
  std::uint32_t next_number_ = 0;
};

}  // namespace ringcast::sim
