// Swarm: thousands of WebSocket connections in one thread and one epoll, light enough not to be what is measured.
//
// Subscribers read into one shared buffer and hand each message's stamp to the Tally; publishers gather the frames of a
// turn into one write. Stalled subscribers never read after the upgrade; idle ones only answer pings.
// Hot path: turn() runs all the time; a delivery costs no allocation.
#pragma once

#include <netinet/in.h>

#include <array>
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "perf/frame_reader.h"
#include "perf/nats_reader.h"
#include "perf/slow_check.h"
#include "perf/tally.h"

namespace ringcast::perf {

enum class Part : std::uint8_t { subscriber, publisher, stalled, idle };

// One connection to be made: what it does, and its URL's path and query.
struct Plan {
  Part part = Part::subscriber;
  std::uint32_t index = 0;  // the how many-eth of its part
  std::string target;
  Form form = Form::raw;
  bool acks = false;                // a publisher whose messages are answered
  std::vector<std::uint8_t> hello;  // frames that it sends first
  std::uint32_t ready = 0;          // so often the server then says that something has begun
};

class Swarm {
 public:
  static constexpr std::uint64_t kConnectTimeoutNs = 30'000'000'000;  // all of them, and the server's start
  static constexpr std::size_t kConnectingMax = 256;                  // at a time: below any listen backlog
  static constexpr std::size_t kOutSizeMax = 256 * 1024;              // bytes a publisher gathers before it waits
  static constexpr std::uint32_t kUnansweredMax = 1024;  // publishes: the broker would read no further beyond it

  // Connects everything that is planned, and upgrades it. Fails with one line.
  [[nodiscard]] static std::expected<std::unique_ptr<Swarm>, std::string> connect(const sockaddr_in& server,
                                                                                  std::vector<Plan> plans);
  Swarm(const Swarm&) = delete;
  Swarm& operator=(const Swarm&) = delete;
  ~Swarm();

  // Reads what has come, waiting for it up to `wait_ns`, for at most kTurnEvents connections.
  void turn(std::uint64_t wait_ns, Tally& tally);

  // False while the publisher has more to write than kOutSizeMax, or more unanswered than kUnansweredMax.
  [[nodiscard]] bool has_room(std::uint32_t publisher) const;

  // Adds a frame, already masked, to what the publisher writes at the next flush().
  void append(std::uint32_t publisher, Bytes frame);
  void flush();

  // Connections other than stalled ones that the server has ended, and how the first one was.
  [[nodiscard]] std::uint32_t ended() const noexcept { return ended_; }
  [[nodiscard]] const std::string& first_end() const noexcept { return first_end_; }

  // Stalled subscribers that the server has ended by now; asks the sockets.
  [[nodiscard]] std::uint32_t stalled_ended() const;
  [[nodiscard]] std::size_t size() const noexcept { return connections_.size(); }

  // How often a socket was read and had something: with the deliveries, how many messages the server sends at a time.
  [[nodiscard]] std::uint64_t receives() const noexcept { return receives_; }

  // From the first connection that was accepted to the last one that was ready; nanoseconds.
  [[nodiscard]] std::uint64_t opening_ns() const noexcept { return opened_ns_ - accepted_ns_; }

  // Publishes that were not answered yet, of all publishers.
  [[nodiscard]] std::uint64_t unanswered() const;
  [[nodiscard]] const SlowCheck& slow_check() const noexcept { return slow_check_; }

 private:
  enum class State : std::uint8_t { planned, connecting, upgrading, greeting, open, ended };

  struct Connection {
    Plan plan;
    int fd = -1;
    State state = State::planned;
    bool write_armed = false;
    std::uint8_t tail_size = 0;                              // bytes of `tail`
    std::array<std::uint8_t, FrameReader::kTailMax> tail{};  // of a frame that was cut
    FrameReader reader;
    std::unique_ptr<NatsReader> nats;  // instead, with Form::nats
    std::uint32_t unanswered = 0;      // publishers: publishes
    std::string head;                  // of the answer to the upgrade
    std::vector<std::uint8_t> out;     // publishers: frames to write; all: a pong
  };

  static constexpr int kTurnEvents = 64;  // few, so that the next due message waits for no more receives than these
  static constexpr std::size_t kReceiveSize = 256 * 1024;  // bytes

  explicit Swarm(std::vector<Plan> plans);

  [[nodiscard]] std::expected<void, std::string> start(std::uint32_t index, const sockaddr_in& server);
  [[nodiscard]] std::expected<bool, std::string> advance(std::uint32_t index);
  [[nodiscard]] std::expected<bool, std::string> read_head(Connection& connection);
  [[nodiscard]] std::expected<bool, std::string> greet(std::uint32_t index);
  std::expected<bool, std::string> opened(std::uint32_t index);
  void receive(std::uint32_t index, Tally* tally);
  [[nodiscard]] bool take(std::uint32_t index, Bytes bytes, std::uint64_t now, Tally* tally);
  [[nodiscard]] bool deliver(std::uint32_t index, const FrameReader::Found& found, std::uint64_t now, Tally& tally);
  void answer_ping(std::uint32_t index, Bytes payload);
  void write(std::uint32_t index);
  void arm(std::uint32_t index, std::uint32_t events, int operation);
  void end(std::uint32_t index, std::string why);

  int epoll_ = -1;
  std::vector<Connection> connections_;
  std::vector<std::uint32_t> publishers_;  // their indexes
  std::vector<std::uint32_t> dirty_;       // publishers with something new to write
  std::vector<std::uint8_t> buffer_;       // kTailMax, then kReceiveSize
  SlowCheck slow_check_;
  std::uint64_t receives_ = 0;
  std::uint64_t accepted_ns_ = 0;
  std::uint64_t opened_ns_ = 0;
  std::uint32_t ended_ = 0;
  std::string first_end_;
};

}  // namespace ringcast::perf
