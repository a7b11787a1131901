#include "client/attendance.h"

#include <cstdio>

namespace ringcast::client {

void Attendance::on_state(const Status& status, std::int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  switch (status.state) {
    case State::connecting:
      return;
    case State::connected:
      if (lost_ms_) say(status.epoch_changed ? "connected again; the broker was restarted" : "connected again");
      was_connected_ = true;
      lost_ms_.reset();
      error_.reset();
      return;
    case State::draining:
      return;
    case State::waiting:
      error_ = status.error;
      if (lost_ms_ || !was_connected_) return;
      lost_ms_ = now_ms;
      if (retry_ms_ > 0 && error_) say(error_->text + "; trying again");
      return;
    case State::closed:
      closed_ = true;
      if (status.error) error_ = status.error;
      return;
  }
}

std::optional<Error> Attendance::over(std::int64_t now_ms) const {
  const std::lock_guard lock(mutex_);
  if (!error_) return std::nullopt;
  const bool too_long = lost_ms_ && now_ms - *lost_ms_ >= retry_ms_;
  if (!closed_ && was_connected_ && !too_long) return std::nullopt;
  // What is refused at the first try, for good, is a wrong URL.
  Error error{.failure = closed_ && !was_connected_ ? Failure::usage : Failure::closed,
              .text = error_->text,
              .remedy = error_->remedy};
  if (too_long && retry_ms_ > 0) error.remedy = "gave up after " + std::to_string(retry_ms_ / 1000) + " s; see --retry";
  return error;
}

bool Attendance::was_connected() const {
  const std::lock_guard lock(mutex_);
  return was_connected_;
}

void Attendance::say(const std::string& text) const {
  std::fprintf(stderr, "%s: %s\n", name_.c_str(), text.c_str());
}

}  // namespace ringcast::client
