// Driver: the client's thread: moves bytes between Engine and its sockets, commands from Mailbox, and time.
//
// Thread: run() is one, from the first call to the last; everything else before it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "client/engine.h"
#include "client/mailbox.h"
#include "client/random.h"
#include "client/socket.h"
#include "client/url.h"

namespace ringcast::client {

class Driver {
 public:
  // `mailbox` must outlive this.
  Driver(Engine::Options options, Url url, Mailbox& mailbox);

  // Until the engine has stopped.
  void run();

 private:
  static constexpr std::size_t kReceiveSize = std::size_t{64} * 1024;  // bytes: half of what the kernel holds ready
  static constexpr int kReadsMax = 16;  // in a turn, so that commands and time get theirs under a flood

  void take_commands();
  void dial();
  void connect_next();
  void finish_connect();
  void write();
  void read();
  void drop();
  void wait();

  Url url_;
  Mailbox& mailbox_;
  Random random_;
  Engine engine_;
  std::optional<Socket> socket_;
  bool connected_ = false;
  std::vector<Endpoint> endpoints_;  // still to be tried, the next one last
  std::optional<Error> socket_error_;
  std::unique_ptr<std::uint8_t[]> buffer_ = std::make_unique_for_overwrite<std::uint8_t[]>(kReceiveSize);
  std::vector<Command> commands_;
};

}  // namespace ringcast::client
