// ConnectionsBench: one shard and its connections over a backend that does what the test says, nothing else.
//
// For what must hold at one certain moment. What must hold at any moment is simulated (tests/sim).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "broker/io/connections.h"

namespace ringcast::broker::test {

inline constexpr topics::HashKey kBenchKey{.k0 = 1, .k1 = 2};

// Takes of each send as much as the test lets it; its completions are those that the test gives.
class ScriptedBackend final : public io::Backend {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "scripted"; }
  void submit(std::span<const io::Operation>) override {}
  [[nodiscard]] std::span<const io::Short> send(std::span<const io::Send> sends) override;
  [[nodiscard]] std::span<const io::Completion> reap(std::int64_t) override { return {}; }
  void wake() noexcept override {}

  std::size_t room = SIZE_MAX;  // bytes that the sockets take, all together
  std::string sent;             // what they took
  std::vector<io::Short> shorts;
};

class ConnectionsBench {
 public:
  struct Options {
    Config config = {};
    std::uint32_t shards = 1;
    std::uint32_t requests_capacity = 64;
    std::uint32_t deliveries_capacity = 64;
  };

  explicit ConnectionsBench(const Options& options);
  ~ConnectionsBench();

  // A connection in the state after accept, with its receive armed.
  SlotId connect();
  // The same with a TLS listener: `tls` is the shard's from now on. Before the first connection.
  void use_tls(std::unique_ptr<io::TlsShard> tls);
  SlotId connect_tls();
  // One that is to be closed at once.
  void refuse_tls();
  // Events, to be taken by the next turn().
  void receive(SlotId slot, std::string_view bytes);
  void end_of_stream(SlotId slot);
  void finish_send(SlotId slot);   // the armed send's completion
  void socket_ready(SlotId slot);  // the armed poll_out's

  // Hands in the events, then turn, apply, flush. The operations that came of it are in `operations`.
  void turn();
  // Turns until nothing is left to do without an event: what a worker does before it sleeps.
  void settle();

  // What the sockets took since the last call.
  std::string take_sent();
  [[nodiscard]] std::size_t count(io::OperationKind kind) const;

  Config config;
  Mesh mesh;
  std::unique_ptr<Shard> shard;
  std::unique_ptr<io::Connections> connections;
  ScriptedBackend backend;
  std::vector<io::Operation> operations;  // all that were ever submitted
  Now now{.monotonic = {1'000'000}, .utc_us = 1};

 private:
  std::vector<io::Completion> completions_;
  std::vector<std::unique_ptr<std::string>> received_;
  int next_fd_ = 100;
  bool flushed_ = true;  // in the last turn
};

// A WebSocket handshake for a path, and a masked frame of a client.
[[nodiscard]] std::string upgrade_request(std::string_view path);
[[nodiscard]] std::string client_frame(frame::Opcode opcode, std::string_view payload);

}  // namespace ringcast::broker::test
