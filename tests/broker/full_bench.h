// FullBench: some shards on one thread, and clients of the full protocol's JSON form that talk to them by bytes.
//
// No sockets and no clock: settle() runs turns until nothing is left to do.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/shard.h"
#include "frame/inflate.h"
#include "frame/parser.h"

namespace ringcast::broker::test {

struct Client {
  std::uint32_t shard = 0;
  SlotId slot;
  bool reads = true;                 // else its socket is full
  bool full = false;                 // the shard was told so
  std::vector<std::uint8_t> unread;  // what the broker would not take yet
  std::string head;                  // of the answer to the handshake
  bool open = false;
  frame::Parser parser{
      frame::Parser::Options{.role = frame::Role::client, .message_size_max = 1 << 24, .compression = true}};
  frame::Inflater inflater{frame::Inflater::Options{}};  // of the window that was agreed to
  std::vector<std::string> heard;
  std::size_t compressed = 0;  // of those heard
  std::size_t bytes = 0;       // that came since the answer to the handshake
  std::uint16_t close_code = 0;
};

class FullBench {
 public:
  struct Options {
    std::uint32_t shards = 2;
    std::uint32_t requests_capacity = 64;
    std::uint32_t deliveries_capacity = 64;
    Config config;
    std::uint64_t memory_budget = 0;  // bytes; 0: none
    Budget budget;
  };

  FullBench() : FullBench(Options{}) {}
  explicit FullBench(const Options& options);
  ~FullBench();
  FullBench(const FullBench&) = delete;
  FullBench& operator=(const FullBench&) = delete;

  // Opens a WebSocket; REQUIREs that it opens.
  Client& connect(std::uint32_t shard, std::string_view target = "/ws", std::string_view protocol = "ringcast.v1.json");
  // Sends a handshake and settles; the head of the answer.
  std::string try_connect(std::uint32_t shard, std::string_view target, std::string_view protocol);

  // A connection that sends these bytes; everything that it gets is in `head`, unless it is a WebSocket.
  Client& request(std::uint32_t shard, std::string_view request);

  // The same with Sec-WebSocket-Extensions.
  Client& connect_offering(std::string_view extensions, std::uint32_t shard, std::string_view target,
                           std::string_view protocol);
  std::string try_connect_offering(std::string_view extensions, std::string_view target, std::string_view protocol);

  // Sends one frame, masked, and settles.
  void send(Client& client, frame::Header header, std::string_view payload);
  // Sends one text message, masked, and settles.
  void say(Client& client, std::string_view json);
  // Sends without settling.
  void whisper(Client& client, std::string_view json);
  void write(Client& client, frame::Header header, std::string_view payload);
  // Sends bytes that are no frame, without settling.
  void write_bytes(Client& client, std::string_view bytes);
  // What was heard since the last call.
  std::vector<std::string> take(Client& client);
  // Says and takes.
  std::vector<std::string> ask(Client& client, std::string_view json);

  // One who reads again: its socket has taken all that is owed before the shard hears of it, as by a send that was
  // armed.
  void take_armed(Client& client);

  // The peer is gone.
  void lose(Client& client);
  void drain();
  void settle();
  // One turn of each shard; false when nothing was done.
  bool turn();

  [[nodiscard]] const MemoryUse& memory() noexcept { return mesh_.memory(); }
  [[nodiscard]] Shard& shard(std::uint32_t index) { return *shards_[index]; }
  Now now{.monotonic = {1'000}, .utc_us = 1'000'000};

 private:
  Client& dial(std::uint32_t shard, std::string_view target, std::string_view protocol,
               std::string_view extensions = {});
  void offer(Client& client);
  void carry_out(std::uint32_t index);
  void read(Client& client);
  void take_owed(Client& client, Session& session);
  [[nodiscard]] Client* find(std::uint32_t shard, SlotId slot);

  Config config_;
  Mesh mesh_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::pair<std::uint32_t, SlotId>> finishing_;  // connections that end when they have sent what they owe
  bool worked_ = false;
};

}  // namespace ringcast::broker::test
