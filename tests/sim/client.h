// Client: one end of a simulated stream that speaks to the broker, as bytes. Its protocol is its subclass's.
#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "broker/instant.h"
#include "tests/sim/network.h"

namespace ringcast::sim {

// What is wrong, in words: a simulation that throws it has found a bug. The seed is added by who catches it.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Fails the simulation unless `holds`. `what` is a text, or makes one when it is needed.
inline void expect(bool holds, const char* what) {
  if (!holds) throw Failure(what);
}
template <typename Text>
  requires std::invocable<Text>
void expect(bool holds, Text&& what) {
  if (!holds) throw Failure(what());
}

// What every client knows of the world: how far each home has counted (Home::position()).
using Positions = std::vector<std::uint64_t>;

class Kept;
class Ledger;

// An epoch as the broker writes it.
[[nodiscard]] std::string epoch_text(std::uint64_t epoch);

class Client {
 public:
  struct World {
    Network& network;
    Random& random;
    const Positions& positions;
    const Ledger& ledger;
    const Now& now;
    const Kept& kept;                  // what topics keep
    const std::int64_t& paces_end_ms;  // from then on LATEST does not wait for its pace
    std::uint64_t epoch = 0;
    std::uint64_t began_us = 0;  // when the broker started
    bool may_lag = false;        // whoever reads nothing may be degraded
    bool compression = false;    // some WebSocket clients offer it
  };

  Client(const World& world, std::uint32_t id, int listener)
      : world_(world), id_(id), low_(world.positions), stream_(world.network.connect(listener)) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  virtual ~Client() = default;

  // Writes and reads what it can. False when there was nothing to do.
  bool step();

  // Reads nothing until told to go on.
  void stall() noexcept { stalled_ = was_stalled_ = true; }
  void go_on() noexcept { stalled_ = false; }
  // Goes without a word.
  void reset();
  // Sends no more once all is written, but reads on.
  void half_close() noexcept { closes_side_ = true; }
  // From now on it may be cut off for what it did.
  void excuse() noexcept { excused_ = true; }

  [[nodiscard]] virtual std::string name() const = 0;  // for people
  [[nodiscard]] std::uint32_t id() const noexcept { return id_; }
  [[nodiscard]] std::size_t stream() const noexcept { return stream_; }
  [[nodiscard]] bool stalled() const noexcept { return stalled_; }
  [[nodiscard]] bool was_stalled() const noexcept { return was_stalled_; }
  [[nodiscard]] bool gone() const noexcept { return gone_; }  // its end is closed
  [[nodiscard]] bool excused() const noexcept { return excused_; }
  [[nodiscard]] const Positions& low() const noexcept { return low_; }  // before its first byte

 protected:
  virtual void received(std::span<std::uint8_t> bytes) = 0;
  // The broker has closed its side, or reset.
  virtual void ended() = 0;
  void write(std::string_view bytes) { out_ += bytes; }
  // Closes its end once everything is written.
  void finish() noexcept { finishes_ = true; }
  void close();
  // RINGCAST_TRACE=1: what it asks (">") and is told ("<") on stderr.
  [[nodiscard]] static bool traces();
  void trace(const char* way, std::string_view text) const;

  World world_;

 private:
  bool write_some();
  bool read_some();

  const std::uint32_t id_;
  const Positions low_;
  const std::size_t stream_;
  std::string out_;
  bool stalled_ = false;
  bool was_stalled_ = false;
  bool excused_ = false;
  bool closes_side_ = false;
  bool side_closed_ = false;
  bool finishes_ = false;
  bool gone_ = false;
};

}  // namespace ringcast::sim
