// Uring: the Backend on io_uring, kernel 6.1 or newer.
//
// Lifetime: memory of armed sends must outlive their completions, or this object.
// Hot path: send() makes one entry per connection and, for a socket with room, sees no completion at all.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <vector>

#include "broker/io/backend.h"
#include "broker/io/buffer_ring.h"
#include "broker/io/ring.h"
#include "broker/io/tag.h"
#include "broker/io/waker.h"

namespace ringcast::io {

class Uring final : public Backend {
 public:
  // So few are sent by send(2). Against it the ring costs 0.6 us more for one send, breaks even at three and saves 0.5
  // us on each of 64 (128 B, loopback, kernel 6.18).
  static constexpr std::size_t kPlainSendsMax = 2;

  struct Options {
    Ring::Options ring;
    BufferRing::Options receive_buffers;
  };

  // Any thread; the first call of submit(), send() or reap() then binds it to its thread.
  [[nodiscard]] static std::expected<std::unique_ptr<Uring>, Error> create(const Options& options);

  [[nodiscard]] const char* name() const noexcept override { return "io_uring"; }
  void submit(std::span<const Operation> operations) override;
  [[nodiscard]] std::span<const Short> send(std::span<const Send> sends) override;
  [[nodiscard]] std::span<const Completion> reap(std::int64_t timeout_ms) override;
  void wake() noexcept override { waker_.wake(); }

 private:
  // An armed send of which `sent` bytes are gone.
  struct ArmedSend {
    int fd = -1;
    SlotId slot;
    Bytes data;
    std::size_t sent = 0;
  };
  // A direct send that was not taken whole.
  struct Shortfall {
    std::uint32_t position = 0;  // in the list given to send()
    std::int32_t result = 0;
  };

  Uring() = default;

  void start();
  void submit_one(const Operation& operation);
  io_uring_sqe& entry(Tag tag);
  void arm_wake();
  void arm_receive(const Operation& operation);
  void arm_send(const Operation& operation);
  void cancel(Tag tag);
  void continue_send(std::uint32_t number);
  void direct_send(const Send& send, std::uint32_t position);

  void flush();
  unsigned harvest();
  void take(const io_uring_cqe& completion);
  void take_receive(const io_uring_cqe& completion, SlotId slot);
  void take_armed_send(std::uint32_t number, std::int32_t result);
  void give_buffers_back();

  Ring ring_;
  BufferRing buffers_;  // after ring_: unregistered before the ring is gone
  Waker waker_;
  std::size_t turn_max_ = 0;  // completions of a reap beyond which it fetches no more
  bool started_ = false;
  bool wake_armed_ = false;
  std::vector<ArmedSend> armed_sends_;
  std::vector<std::uint32_t> armed_free_;        // numbers of armed_sends_ not in use
  std::vector<std::uint32_t> armed_unfinished_;  // numbers whose next part is to be submitted
  std::vector<Shortfall> shortfalls_;            // of the send() in progress
  std::vector<Short> shorts_;                    // what send() returned
  std::vector<Completion> waiting_;              // for the next reap()
  std::vector<Completion> reaped_;               // what the last reap() returned
};

}  // namespace ringcast::io
