// Backend: io::Backend over the simulated Network, with the faults of a kernel and a strict eye on the shard.
//
// It never waits: reap() returns what has completed, and ready() tells whether that would be anything.
// Checked: bytes of an armed send stay what they were until it completes; a descriptor is closed with nothing in
// flight; at most one send per slot; a slot's generation never comes twice. Receive buffers are overwritten and freed
// at the next reap.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "broker/io/backend.h"
#include "tests/sim/faults.h"
#include "tests/sim/network.h"

namespace ringcast::sim {

class Backend final : public io::Backend {
 public:
  Backend(Network& network, const Faults& faults, Random& random)
      : network_(network), faults_(faults), random_(random) {}
  ~Backend() override;

  [[nodiscard]] const char* name() const noexcept override { return "simulated"; }
  void submit(std::span<const io::Operation> operations) override;
  [[nodiscard]] std::span<const io::Short> send(std::span<const io::Send> sends) override;
  [[nodiscard]] std::span<const io::Completion> reap(std::int64_t timeout_ms) override;
  void wake() noexcept override;

  // The kernel works on: what is late comes nearer. Once per reap, and while the shard sleeps.
  void advance();
  // True when reap() has something to return: a sleeping shard wakes.
  [[nodiscard]] bool ready() const;
  // True when nothing but receives, accepts and sends to full sockets is in flight: nothing more comes by itself.
  [[nodiscard]] bool quiet() const;
  // Streams that are open here.
  [[nodiscard]] std::size_t open() const noexcept { return watches_.size(); }

 private:
  struct Armed {
    bool is = false;
    std::size_t late = 0;  // how often advance() is to be called before it can complete
    bool noticed = false;  // that it could complete: `late` was drawn
  };
  // What is armed of one descriptor.
  struct Watch {
    SlotId slot;
    Armed receive;
    bool cancelled = false;
    std::size_t cancel_late = 0;
    Armed poll_out;
    Armed send;
    io::Bytes data;    // of the armed send
    std::string copy;  // of its bytes when it was armed
    std::size_t sent = 0;
    std::int32_t error = 0;
  };
  struct Listener {
    Armed accept;
    SlotId slot;
    bool cancelled = false;
  };

  void submit_one(const io::Operation& operation);
  Watch& watch(int fd, SlotId slot);
  void close(const io::Operation& operation);
  void notice(Armed& armed, bool possible);
  void push_armed_send(int fd, Watch& watch);
  [[nodiscard]] bool can_receive(int fd, const Watch& watch) const;
  [[nodiscard]] bool can_accept(int fd, const Listener& listener) const;
  [[nodiscard]] bool send_done(const Watch& watch) const { return watch.error != 0 || watch.sent == watch.copy.size(); }
  [[nodiscard]] static bool due(const Armed& armed) { return armed.is && armed.noticed && armed.late == 0; }

  void reap_accept(int fd, Listener& listener);
  void reap_receive(int fd, Watch& watch);
  bool reap_data(int fd, Watch& watch);
  void end_receive(Watch& watch, std::int32_t result);
  void reap_send(Watch& watch);
  void reap_poll_out(int fd, Watch& watch);
  void return_buffers();

  Network& network_;
  const Faults& faults_;
  Random& random_;
  std::map<int, Watch> watches_;  // by descriptor
  std::map<int, Listener> listeners_;
  std::map<std::uint32_t, std::uint32_t> generations_;  // by slot: the last one seen
  std::vector<std::vector<std::uint8_t>> buffers_;      // borrowed
  std::vector<io::Completion> reaped_;
  std::vector<io::Short> shorts_;
  bool wake_pending_ = false;
  std::size_t wake_late_ = 0;
};

}  // namespace ringcast::sim
