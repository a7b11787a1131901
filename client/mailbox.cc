#include "client/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace ringcast::client {

Mailbox::Mailbox(Limits limits) : limits_(limits), event_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

Mailbox::~Mailbox() {
  if (event_fd_ >= 0) ::close(event_fd_);
}

bool Mailbox::has_room(std::size_t bytes) const noexcept {
  if (unacked_ == 0) return true;  // a message larger than the window goes alone
  return unacked_ < limits_.messages && unacked_bytes_ + bytes <= limits_.bytes;
}

Mailbox::Admission Mailbox::post_publish(Outgoing& message, Wait wait) {
  const std::size_t bytes = message.bytes();
  std::unique_lock lock(mutex_);
  const auto ready = [&] { return status_.state == State::closed || has_room(bytes); };
  const bool may_wait = !wait.until || *wait.until > std::chrono::steady_clock::now();
  if (!ready() && may_wait && !on_own_thread()) {
    ++waiting_;
    if (wait.until) {
      changed_.wait_until(lock, *wait.until, ready);
    } else {
      changed_.wait(lock, ready);
    }
    --waiting_;
  }
  if (status_.state == State::closed) return Admission::closed;
  if (!has_room(bytes)) return Admission::full;
  ++unacked_;
  unacked_bytes_ += bytes;
  ++counters_.published;
  post(std::move(message));
  return Admission::taken;
}

std::optional<std::uint64_t> Mailbox::post_subscribe(NewSubscription what) {
  const std::lock_guard lock(mutex_);
  if (status_.state == State::closed) return std::nullopt;
  const std::uint64_t id = next_id_;
  next_id_ += 2;
  what.id = id;
  live_.insert(id);
  post(std::move(what));
  return id;
}

void Mailbox::end_subscription(std::uint64_t id) {
  std::unique_lock lock(mutex_);
  if (live_.erase(id) == 0) return;
  post(EndSubscription{.id = id});
  if (!on_own_thread()) callback_.wait(lock, [&] { return running_ != id; });
}

void Mailbox::post_close(std::chrono::steady_clock::time_point deadline) {
  const std::lock_guard lock(mutex_);
  close_by_ = std::min(close_by_.value_or(deadline), deadline);
  wake();
}

// Requires the mutex.
void Mailbox::post(Command command) {
  commands_.push_back(std::move(command));
  wake();
}

// Requires the mutex.
void Mailbox::wake() {
  fresh_ = true;
  if (std::exchange(asleep_, false)) ::eventfd_write(event_fd_, 1);
}

bool Mailbox::wait_answered(std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(mutex_);
  const auto answered = [&] { return counters_.published == counters_.answered; };
  if (answered() || on_own_thread()) return answered();
  ++waiting_;
  changed_.wait_until(lock, until, answered);
  --waiting_;
  return answered();
}

bool Mailbox::wait_connected(std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(mutex_);
  const auto known = [&] { return status_.state == State::connected || status_.state == State::closed; };
  if (!known() && !on_own_thread()) {
    ++waiting_;
    changed_.wait_until(lock, until, known);
    --waiting_;
  }
  return status_.state == State::connected;
}

Status Mailbox::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

Counters Mailbox::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

std::optional<std::chrono::steady_clock::time_point> Mailbox::take(std::vector<Command>& out) {
  assert(out.empty());
  const std::lock_guard lock(mutex_);
  std::swap(out, commands_);
  fresh_ = false;
  return close_by_;
}

bool Mailbox::sleep() {
  const std::lock_guard lock(mutex_);
  asleep_ = !fresh_;
  return asleep_;
}

void Mailbox::woken() {
  eventfd_t count = 0;
  ::eventfd_read(event_fd_, &count);
  const std::lock_guard lock(mutex_);
  asleep_ = false;
}

void Mailbox::release(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  assert(unacked_ > 0);
  assert(unacked_bytes_ >= bytes);
  --unacked_;
  unacked_bytes_ -= bytes;
  if (waiting_ > 0) changed_.notify_all();
}

bool Mailbox::enter(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  if (!live_.contains(id)) return false;
  running_ = id;
  return true;
}

void Mailbox::leave() {
  const std::lock_guard lock(mutex_);
  running_ = 0;
  callback_.notify_all();
}

void Mailbox::set_status(const Status& status) {
  const std::lock_guard lock(mutex_);
  status_ = status;
  changed_.notify_all();
}

void Mailbox::count(const Counters& counters) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t published = counters_.published;
  counters_ = counters;
  counters_.published = published;
  if (waiting_ > 0) changed_.notify_all();
}

}  // namespace ringcast::client
