// Log: lines to stderr, written by a thread of their own, so that no shard ever waits for whoever reads stderr.
//
// Thread:   any thread may write; a line costs it one short lock and no system call.
// Bounded:  kLogLinesMax lines wait at most. When stderr is slower than that, the oldest are lost, and a line says how
//           many as soon as there is room.
// Lifetime: the destructor writes what waits. It is main's, and goes after the shards.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "broker/config.h"
#include "broker/instant.h"
#include "broker/log_line.h"

namespace ringcast::broker {

inline constexpr std::size_t kLogLinesMax = 1024;  // a burst of some errors per connection, in about 0.5 MiB

class Log {
 public:
  // Takes each finished line, with its line break, on the log's thread.
  using Sink = std::function<void(std::string_view line)>;

  Log(LogLevel level, LogFormat format);  // to stderr
  Log(LogLevel level, LogFormat format, Sink sink);
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;
  ~Log();

  // Puts a line into the queue of the log's thread; never waits. When the queue is full the oldest line gives way.
  void write(LogLevel level, std::string_view text, LogFields fields = {}) {
    write(level, text, std::span<const LogField>{fields.begin(), fields.size()});
  }
  void write(LogLevel level, std::string_view text, std::span<const LogField> fields);

  // What is logged from now on. Any thread.
  void set_level(LogLevel level);
  [[nodiscard]] LogLevel level() const noexcept { return level_.load(std::memory_order_relaxed); }

  void debug(std::string_view text, LogFields fields = {}) { write(LogLevel::debug, text, fields); }
  void info(std::string_view text, LogFields fields = {}) { write(LogLevel::info, text, fields); }
  void warning(std::string_view text, LogFields fields = {}) { write(LogLevel::warning, text, fields); }
  void error(std::string_view text, LogFields fields = {}) { write(LogLevel::error, text, fields); }

 private:
  struct Writer;  // spdlog's, whose headers are slow to compile

  std::atomic<LogLevel> level_;  // relaxed: nothing else depends on it
  LogFormat format_;
  std::unique_ptr<Writer> writer_;
};

// Lets one line of a kind pass per interval, and counts those that it holds back. One per shard and kind of line:
//   if (const auto held = limit.pass(now)) log.warning("cannot accept", {{"error", text}, {"held_back", *held}});
class LogLimit {
 public:
  explicit LogLimit(std::int64_t interval_ms = 10'000) : interval_ms_(interval_ms) {}

  // How many were held back since the last one that passed, or nothing if this one is to be held back.
  [[nodiscard]] std::optional<std::uint64_t> pass(Instant now);

 private:
  std::int64_t interval_ms_;
  Instant next_;
  std::uint64_t held_ = 0;
};

}  // namespace ringcast::broker
