// Operators: the operators' thread: it asks the shards, publishes `$broker/stats`, and serves the operators' port.
//
// Thread: one of its own. It waits in epoll(7), whatever the shards use, and never for a shard: however busy they are
// or it is, neither holds the other up.
#pragma once

#include <atomic>
#include <cstdint>
#include <expected>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "broker/admin_session.h"
#include "broker/config.h"
#include "broker/desk.h"
#include "broker/io/descriptor.h"
#include "broker/io/error.h"
#include "broker/io/tls_shard.h"
#include "broker/io/worker.h"
#include "broker/reporter.h"

namespace ringcast::io {

class Operators {
 public:
  // Connections at once: some scrapers, probes and terminals. Beyond, the one that has been idle longest makes room.
  static constexpr std::size_t kPeersMax = 64;

  // What it works with; all outlive it. The fleet's workers are there, if not running yet.
  struct Parts {
    const broker::Config& config;
    const broker::About& about;
    const broker::Desk::Services& services;
    broker::Mesh& mesh;
    Fleet& fleet;
    topics::HashKey key;
    broker::FindFile find_file = nullptr;    // the dashboard
    broker::Reporter::Tell log = nullptr;    // what the shards' journals say; on the operators' thread
    const broker::Secret* secret = nullptr;  // that requests are to bring; null: none
  };

  // Where it listens; what is not valid() is off.
  struct Listening {
    Descriptor plain;
    Descriptor tls;
    TlsContext context;  // null: there is no TLS
  };

  Operators(const Parts& parts, Listening listening);
  Operators(const Operators&) = delete;
  Operators& operator=(const Operators&) = delete;
  ~Operators();  // ends the thread

  // Makes what the thread waits with, and starts it.
  [[nodiscard]] std::expected<void, Error> start();
  // Ends the thread, after it has told what the workers had to say; they have ended.
  void stop();
  // The workers run: from now on the broker is ready.
  void set_ready() noexcept { ready_.store(true, std::memory_order_release); }

 private:
  struct Peer {
    Peer(int socket, const broker::Config& config, bool by_loopback, const Now& now, broker::FindFile find_file,
         const broker::Secret* secret)
        : fd(socket), session(config, by_loopback, now, find_file, secret) {}
    Descriptor fd;
    std::unique_ptr<TlsConnection> tls;  // null: plain
    broker::AdminSession session;
    std::uint32_t interest = 0;  // what epoll was told to watch for
    bool answering = false;      // the desk has a request of it
  };
  using Peers = std::unordered_map<std::uint64_t, std::unique_ptr<Peer>>;

  void run(const std::stop_token& stop);
  [[nodiscard]] std::expected<void, Error> watch_listener(const Descriptor& listener, std::uint64_t id);
  void accept_peers(const Descriptor& listener, const Now& now);
  [[nodiscard]] bool make_room();
  [[nodiscard]] bool receive(Peer& peer, const Now& now);
  // Goes on with a peer as far as it can: its request to the desk, its answer to the socket. False: it has gone.
  [[nodiscard]] bool advance(std::uint64_t id, Peer& peer, const Now& now);
  [[nodiscard]] bool send(Peer& peer, const Now& now);
  void received_sealed(Peer& peer, Bytes bytes, const Now& now);
  void take_said(Peer& peer);
  [[nodiscard]] bool send_sealed(Peer& peer, const Now& now);
  [[nodiscard]] static bool owes(const Peer& peer) noexcept {
    return !peer.session.output().empty() || (peer.tls != nullptr && peer.tls->owes());
  }
  void watch(std::uint64_t id, Peer& peer);
  void drop(std::uint64_t id);
  void give_answers(const Now& now);
  void look_at_deadlines(const Now& now);
  [[nodiscard]] int wait_ms(const Now& now) const;
  void report(Instant now);
  void ring(topics::ShardSet shards);
  [[nodiscard]] broker::State state() const noexcept;

  const broker::Config config_;  // of its start: main's changes by reloads, on another thread
  broker::Mesh& mesh_;
  Fleet& fleet_;
  broker::Desk desk_;
  broker::Reporter reporter_;
  const broker::FindFile find_file_;
  const broker::Secret* const secret_;
  Listening listening_;
  TlsWire wire_;
  std::vector<std::uint8_t> sealed_;  // of one record
  Descriptor epoll_;
  Peers peers_;
  std::uint64_t last_id_;
  std::atomic<bool> ready_ = false;
  std::jthread thread_;  // last: the others are there while it runs
};

// What the kernel says of this process, for /metrics.
[[nodiscard]] broker::ProcessFigures process_figures(std::int64_t started_us);

}  // namespace ringcast::io
