// Attendance: what a command makes of its client's connection: tells losses and returns on stderr, and says when to
// end.
//
// A command ends when the first connection fails, or when a lost one does not come back for `retry_ms`: a person who
// mistyped the URL wants to know now, and a script does not want to wait for ever. Threads: on_state() is the client's;
// the rest are the command's.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "client/error.h"
#include "client/ringcast.h"

namespace ringcast::client {

class Attendance {
 public:
  // `name` begins the lines: "ringcast pub".
  Attendance(std::string name, std::int64_t retry_ms) : name_(std::move(name)), retry_ms_(retry_ms) {}

  // For ClientOptions::on_state.
  void on_state(const Status& status, std::int64_t now_ms);

  // Why the command is to end; nothing: go on.
  [[nodiscard]] std::optional<Error> over(std::int64_t now_ms) const;

  [[nodiscard]] bool was_connected() const;

 private:
  void say(const std::string& text) const;

  const std::string name_;
  const std::int64_t retry_ms_;
  mutable std::mutex mutex_;
  bool was_connected_ = false;
  bool closed_ = false;
  std::optional<std::int64_t> lost_ms_;
  std::optional<ClientError> error_;  // of the last try
};

}  // namespace ringcast::client
