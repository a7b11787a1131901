// Epoll: the Backend on epoll, recv(2) and send(2), where io_uring is refused. Sends cost the same CPU (README,
// "Design").
//
// A descriptor is in the epoll set exactly while something of its slot is armed: one with nothing armed would report
// its peer's end on every wait. Lifetime: memory of armed sends must outlive their completions, or this object.
#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <vector>

#include "broker/io/backend.h"
#include "broker/io/descriptor.h"
#include "broker/io/tag.h"
#include "broker/io/waker.h"

namespace ringcast::io {

class Epoll final : public Backend {
 public:
  // 4 MiB a shard, as much as io_uring's receive buffers: 16 KiB for each of 256 connections that are ready in one
  // turn.
  static constexpr std::size_t kReceiveAreaSize = std::size_t{4} << 20;

  struct Options {
    std::size_t receive_area_size = kReceiveAreaSize;  // bytes; smaller means fewer connections per turn, never a loss
  };

  [[nodiscard]] static std::expected<std::unique_ptr<Epoll>, Error> create(const Options& options);

  [[nodiscard]] const char* name() const noexcept override { return "epoll"; }
  void submit(std::span<const Operation> operations) override;
  [[nodiscard]] std::span<const Short> send(std::span<const Send> sends) override;
  [[nodiscard]] std::span<const Completion> reap(std::int64_t timeout_ms) override;
  void wake() noexcept override { waker_.wake(); }

 private:
  // What is armed of one slot. A send's data is in `armed_sends_`, since few connections have one.
  struct Watch {
    int fd = -1;
    std::uint32_t generation = 0;
    std::uint32_t interest = 0;  // the events that epoll is asked for; 0: not in the set
    std::uint32_t send = 0;      // number in armed_sends_
    bool receives = false;
    bool sends = false;
    bool polls_out = false;
  };
  struct ArmedSend {
    Bytes data;
    std::size_t sent = 0;
  };
  struct Listener {
    int fd = -1;
    SlotId slot;
    bool armed = false;
  };

  Epoll() = default;

  void submit_one(const Operation& operation);
  Watch& watch(const Operation& operation);
  void arm_send(Watch& watched, Bytes data);
  void update(SlotId slot, Watch& watched);
  void fail(SlotId slot, Watch& watched, int code);
  void cancel_receive(SlotId slot);
  void arm_accept(const Operation& operation);
  void cancel_accept(const Operation& operation);

  void handle(const epoll_event& event);
  void handle_connection(std::uint32_t index, std::uint32_t events);
  void receive(SlotId slot, Watch& watched);
  void continue_send(SlotId slot, Watch& watched);
  void accept(Listener& listener);
  void complete(Completion completion) { waiting_.push_back(completion); }

  Descriptor epoll_;
  Waker waker_;
  std::vector<epoll_event> events_;  // as many as the receive area can serve
  std::unique_ptr<std::uint8_t[]> area_;
  std::size_t receive_size_max_ = 0;  // bytes, of one receive
  std::size_t area_used_ = 0;         // bytes, by the completions of this turn
  std::vector<Watch> watches_;        // by SlotId::index
  std::vector<Listener> listeners_;
  std::vector<ArmedSend> armed_sends_;
  std::vector<std::uint32_t> armed_free_;  // numbers of armed_sends_ not in use
  std::vector<Short> shorts_;              // what send() returned
  std::vector<Completion> waiting_;        // for the next reap()
  std::vector<Completion> reaped_;         // what the last reap() returned
};

}  // namespace ringcast::io
