// Network: streams between simulated clients and the shards' simulated backends, in one thread and without time.
//
// A stream has two ends. What an end writes lies in its send buffer until transfer() moves it to the other's receive
// buffer; both are bounded. As in TCP: FIN follows the data, an end that closes with unread bytes or gets more after
// it closed answers with a reset, and a descriptor's number is used again as soon as it is free.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/random.h"

namespace ringcast::sim {

enum class Side : std::uint8_t { client = 0, server = 1 };

[[nodiscard]] constexpr Side other(Side side) noexcept {
  return side == Side::client ? Side::server : Side::client;
}

class Network {
 public:
  struct Options {
    std::size_t send_buffer_bytes = 4'096;
    std::size_t receive_buffer_bytes = 4'096;
  };

  Network(const Options& options, Random& random) : options_(options), random_(random) {}
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // ---- streams, by number ----

  // A stream from a client to a listener's descriptor; its server end is there once it was accepted.
  [[nodiscard]] std::size_t connect(int listener);

  // Bytes taken, 0 < n <= bytes.size(), or -EAGAIN, -EPIPE, -ECONNRESET.
  std::int32_t write(std::size_t stream, Side side, std::string_view bytes);
  // Bytes read into `out`, 0 at the end of the stream, or -EAGAIN, -ECONNRESET.
  std::int32_t read(std::size_t stream, Side side, std::span<std::uint8_t> out);
  void shutdown_write(std::size_t stream, Side side);
  void shutdown_both(std::size_t stream, Side side);
  void close(std::size_t stream, Side side);
  // The end goes without a word but a reset.
  void reset(std::size_t stream, Side side);

  [[nodiscard]] bool readable(std::size_t stream, Side side) const;  // read() would not say -EAGAIN
  [[nodiscard]] bool writable(std::size_t stream, Side side) const;  // write() would not say -EAGAIN
  [[nodiscard]] bool closed(std::size_t stream, Side side) const { return end(stream, side).closed; }

  // Moves some of what is under way on a stream. False when there was nothing to move.
  bool transfer(std::size_t stream);
  [[nodiscard]] std::size_t streams() const noexcept { return streams_.size(); }
  // True when both ends have closed and nothing will ever move again.
  [[nodiscard]] bool over(std::size_t stream) const;

  // ---- descriptors, of the server's side ----

  [[nodiscard]] int listen();
  // A descriptor of the next stream that waits at the listener; -1 when none does.
  [[nodiscard]] int accept(int listener);
  [[nodiscard]] bool waits(int listener) const;  // accept() would give one
  [[nodiscard]] std::size_t stream_of(int fd) const;
  void close(int fd);
  [[nodiscard]] std::size_t open_descriptors() const;  // but for listeners

 private:
  static constexpr std::size_t kFree = SIZE_MAX;
  static constexpr std::size_t kListener = SIZE_MAX - 1;

  struct End {
    std::string sending;   // written, on its way
    std::string received;  // arrived, not read
    bool fin_sent = false;
    bool fin_received = false;
    bool reads_nothing = false;  // shut down for reading
    bool closed = false;
    bool was_reset = false;
  };
  struct Stream {
    End ends[2];
    bool accepted = false;
  };
  struct Listener {
    int fd = -1;
    std::deque<std::size_t> backlog;
  };

  [[nodiscard]] End& end(std::size_t stream, Side side) { return streams_[stream].ends[static_cast<int>(side)]; }
  [[nodiscard]] const End& end(std::size_t stream, Side side) const {
    return streams_[stream].ends[static_cast<int>(side)];
  }
  bool transfer(std::size_t stream, Side from);
  void send_reset(std::size_t stream, Side to);
  [[nodiscard]] int take_descriptor(std::size_t stream);
  [[nodiscard]] const Listener& listener(int fd) const;

  Options options_;
  Random& random_;
  std::vector<Stream> streams_;
  std::vector<std::size_t> descriptors_;  // by fd: the stream, or kFree, or kListener
  std::vector<Listener> listeners_;
};

}  // namespace ringcast::sim
