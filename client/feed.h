// Feed: one topic that the demo publishes to: a connection that comes back by itself after it is lost.
//
// What is published while it is away, or while the broker takes too little, is skipped and counted: live data has
// nothing to say about the past. Called from the demo's poll loop. Thread: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "client/backoff.h"
#include "client/connection.h"

namespace ringcast::client {

class Feed {
 public:
  static constexpr std::int64_t kOpenTimeoutMs = 10'000;  // for connecting and the handshake
  static constexpr std::size_t kGatherMax =
      std::size_t{32} * 1024;  // bytes waiting for the socket: some seconds of one share

  // `target` is the topic's path and query (topic_target()). Tries for the first time at `now_ms`.
  Feed(std::string target, std::int64_t now_ms) : target_(std::move(target)), next_try_ms_(now_ms) {}

  enum class State : std::uint8_t { waiting, opening, open };
  [[nodiscard]] State state() const noexcept;

  // True when a waiting feed may try to connect.
  [[nodiscard]] bool due(std::int64_t now_ms) const noexcept { return !connection_ && now_ms >= next_try_ms_; }
  void connect(const Endpoint& endpoint, const Url& url, Random& random, std::int64_t now_ms);

  // Publishes a text message. False when it was skipped.
  [[nodiscard]] bool publish(std::string_view payload);

  // Moves bytes both ways, when its fd is ready.
  void turn(Random& random, std::int64_t now_ms);

  // Gives up an attempt to connect that has taken too long.
  void check_time(Random& random, std::int64_t now_ms);

  [[nodiscard]] const Connection* connection() const noexcept { return connection_ ? &*connection_ : nullptr; }

  // Why it was lost last; null if it never was.
  [[nodiscard]] const Error* last_error() const noexcept { return error_ ? &*error_ : nullptr; }

  // Ends an open connection with a close frame, without waiting for the answer.
  void close();

 private:
  void lose(Error error, Random& random, std::int64_t now_ms);

  std::string target_;
  std::optional<Connection> connection_;
  std::optional<Error> error_;  // why it was lost last
  Backoff backoff_;
  std::int64_t next_try_ms_;
  std::int64_t opened_by_ms_ = 0;
};

}  // namespace ringcast::client
