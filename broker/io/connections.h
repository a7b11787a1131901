// Connections: where each connection stands between the kernel and its session. Pure: completions in, operations out.
//
// It sits between a Backend, which is dumb, and a Shard, which knows no descriptors. What is armed, what starves for
// buffers, which socket is full, what is being closed and what is still in flight is known here and nowhere else, so
// that all of it is simulated with the simulated backend.
// TLS (connections_tls.cc) is a stage in between: a connection that came to the TLS listener has one, through which
// what is received and what is owed passes a record at a time. Sealed bytes cannot be replaced by newer ones: a blocked
// connection owns those of one record at most, all else waits in its outbox.
//
// Thread:    one, its shard's.
// Closing:   finish: send what is owed, FIN, read until the peer closes too or its time is over. abort: at once. Either
//            way the descriptor is closed, and the slot given back, only after the last completion.
// Invariant: at most one of {a Send in this flush, an armed send, an armed poll_out} per connection.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "broker/io/backend.h"
#include "broker/io/tls_shard.h"
#include "broker/shard.h"
#include "topics/slab.h"

namespace ringcast::io {

class Connections {
 public:
  static constexpr std::size_t kSendsPerBatch = 64;         // measured best between 32 and 64 (README, "Sends")
  static constexpr std::size_t kGatherBytes = 16 * 1024;    // of small spans copied into one send
  static constexpr std::size_t kSendBytesMax = 256 * 1024;  // of one connection in one batch: others wait for it
  static constexpr std::int64_t kAcceptRetryMs = 100;       // after accept failed for want of descriptors or memory

  enum class Via : std::uint8_t { plain, tls };

  struct Options {
    int listener = -1;                                  // borrowed; -1: none
    int tls_listener = -1;                              // the same
    bool reached_by_loopback = true;                    // the listener's address is one
    bool tls_reached_by_loopback = true;                // the TLS listener's is
    std::uint64_t linger_bytes_max = 16 * 1024 * 1024;  // thrown away of a closing peer before it is cut off
  };

  struct Counters {
    std::uint64_t accepted = 0;
    std::uint64_t accept_errors = 0;
    std::uint64_t handed_over = 0;  // to a shard with fewer connections
    std::uint64_t starved = 0;      // receives that found no buffer
    std::uint64_t blocked = 0;      // sends that the socket did not take whole
    std::uint64_t sends = 0;
    std::uint64_t sent_bytes = 0;
    std::uint64_t received_bytes = 0;
  };

  // `tls` is needed for connections via TLS alone.
  Connections(broker::Shard& shard, const Options& options, std::unique_ptr<TlsShard> tls = nullptr);
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // ---- a turn, in this order ----

  // What has happened. Data of receives is used up (taken, or copied) when this returns.
  void complete(std::span<const Completion> completions, const Now& now);
  // Carries out the shard's lists: offers kept bytes to resumed sessions, ends doomed ones. After Shard::turn().
  void apply(const Now& now);
  // Sends up to `connections_max` dirty connections what they are owed. True when none is left.
  bool flush(Backend& backend, std::size_t connections_max, Instant now);
  // True when the last turn left something for the next one, which must not wait for an event.
  [[nodiscard]] bool has_more() const noexcept;
  // What is to be submitted; the caller submits it and clears the list.
  [[nodiscard]] std::vector<Operation>& operations() noexcept { return operations_; }

  // ---- the listener ----

  // Submits an accept, or cancels it; what was accepted meanwhile still comes.
  void start_accepting();
  void stop_accepting();
  [[nodiscard]] Instant accept_retry() const noexcept { return accept_retry_; }
  // When apply() or complete() has something to do, even if nothing has happened.
  [[nodiscard]] Instant next_deadline() const noexcept {
    return tls_ == nullptr ? accept_retry_ : std::min(accept_retry_, tls_->next_step());
  }

  // Asked for each accepted connection: which shard shall keep it. The default keeps all.
  using ChooseShard = std::uint32_t (*)(void* context, std::uint32_t self);
  void set_choose_shard(ChooseShard choose, void* context) noexcept {
    choose_shard_ = choose;
    choose_context_ = context;
  }

  // Asked where a connection comes from, if the shard wants to know (Limits). The default knows of none.
  using AddressOf = broker::NetAddress (*)(int fd);
  void set_address_of(AddressOf address_of) noexcept { address_of_ = address_of; }

  void set_linger_bytes_max(std::uint64_t bytes) noexcept { options_.linger_bytes_max = bytes; }

  // Takes a connection that was accepted, here or by another shard.
  void adopt(int fd, Instant now, Via via = Via::plain);

  // The socket of a slot; -1: it has none any more.
  [[nodiscard]] int descriptor(SlotId slot) noexcept {
    const Connection* const connection = find(slot);
    return connection == nullptr ? -1 : connection->fd;
  }

  [[nodiscard]] std::size_t open() const noexcept { return open_; }  // descriptors
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  [[nodiscard]] TlsShard* tls() noexcept { return tls_.get(); }  // null: none

 private:
  enum class State : std::uint8_t {
    closed,  // the slot is free
    open,
    finishing,  // sends what is owed
    lingering,  // FIN is out; reads and throws away
    aborting,   // waits for its last completions
  };
  struct Connection {
    int fd = -1;
    std::uint32_t generation = 0;
    State state = State::closed;
    bool receive_armed : 1 = false;
    bool receive_cancelled : 1 = false;               // its last completion is still to come
    bool starved : 1 = false;                         // in starved_
    bool waits_for_socket : 1 = false;                // an armed send or poll_out is in flight
    bool end_of_stream : 1 = false;                   // the peer sends no more
    std::uint32_t thrown_away = 0;                    // bytes, while lingering; it stays at its largest value
    std::unique_ptr<std::vector<std::uint8_t>> kept;  // received, not taken yet
    std::unique_ptr<TlsConnection> tls;               // null: plain
  };
  static_assert(sizeof(Connection) == 32);  // one for each slot, idle or not
  struct Listener {
    int fd = -1;
    bool armed = false;
  };

  void accepted(const Completion& completion, const Now& now);
  void received(const Completion& completion, Instant now);
  void end_of_stream(SlotId slot, Connection& connection, Instant now);
  void throw_away(SlotId slot, Connection& connection, std::size_t size);
  void received_plain(SlotId slot, Connection& connection, MutableBytes data, Instant now);
  void received_data(SlotId slot, Connection& connection, MutableBytes data, Instant now);
  void socket_ready(const Completion& completion, Instant now);
  void offer_kept(SlotId slot, Connection& connection, Instant now);
  void finish(SlotId slot, Connection& connection, Instant now);
  void abort(SlotId slot, Connection& connection);
  void fin_if_sent(SlotId slot, Connection& connection, Instant now);
  void fin(SlotId slot, Connection& connection, Instant now);
  void close_if_idle(SlotId slot, Connection& connection);
  void arm_receive(SlotId slot, Connection& connection);
  void cancel_receive(SlotId slot, Connection& connection);
  void want_receive(SlotId slot, Connection& connection);

  // connections_sending.cc
  void wait_for_socket(SlotId slot, Connection& connection);
  void gather_batch(std::size_t end);
  void account_batch(std::span<const Short> shorts, Instant now);
  [[nodiscard]] static bool owes(const Connection& connection, const broker::Session& session) noexcept {
    return !session.outbox.empty() || (connection.tls != nullptr && connection.tls->owes());
  }

  // connections_tls.cc
  void begin_sealing();
  void received_sealed(SlotId slot, Connection& connection, Bytes data, Instant now);
  void step_handshakes(Instant now);
  void step_handshake(SlotId slot, Connection& connection, Instant now);
  void identify(SlotId slot, TlsConnection& tls);
  void open_sealed(SlotId slot, Connection& connection, Instant now);
  void take_said(SlotId slot, Connection& connection);
  void fail_tls(SlotId slot, Connection& connection, Instant now);
  void gather_sealed(SlotId slot, Connection& connection, broker::Session& session);
  void sealed_was_sent(TlsConnection& tls, Bytes data, std::size_t taken);
  void forget_tls(Connection& connection) noexcept;
  [[nodiscard]] Connection* find(SlotId slot) noexcept;

  broker::Shard& shard_;
  Options options_;
  std::unique_ptr<TlsShard> tls_;                      // outlives the connections'
  std::vector<std::unique_ptr<Connection[]>> chunks_;  // by slot index, beside the shard's sessions
  std::vector<Operation> operations_;
  std::vector<SlotId> starved_;
  std::vector<Send> batch_;
  std::vector<SlotId> dirty_again_;
  std::size_t dirty_done_ = 0;  // of the shard's dirty list, by this flush
  std::size_t round_left_ = 0;  // of those that were dirty when the round began
  std::unique_ptr<std::uint8_t[]> scratch_;
  ChooseShard choose_shard_ = nullptr;
  void* choose_context_ = nullptr;
  AddressOf address_of_ = nullptr;
  bool accepting_ = false;             // wanted
  std::array<Listener, 2> listeners_;  // by Via
  Instant accept_retry_ = Instant::never();
  bool offered_ = false;  // kept bytes, in the last apply(): what came of them is still to be taken up
  std::size_t open_ = 0;
  Counters counters_;
};

}  // namespace ringcast::io
