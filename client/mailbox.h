// Mailbox: what the user's threads and the client's thread share: commands one way, room in the window the other.
//
// Threads: post…(), wait…() and end() by any; the rest by the client's thread alone. One mutex, never held during a
// callback. The client's thread is woken by a write to an eventfd, and only when it said that it sleeps.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <variant>
#include <vector>

#include "client/outgoing.h"
#include "client/subscriptions.h"

namespace ringcast::client {

struct EndSubscription {
  std::uint64_t id = 0;
};

using Command = std::variant<Outgoing, NewSubscription, EndSubscription>;

class Mailbox {
 public:
  struct Limits {
    std::uint64_t messages = 0;
    std::size_t bytes = 0;
  };

  enum class Admission : std::uint8_t { taken, full, closed };
  // How long a publish may wait for room.
  struct Wait {
    std::optional<std::chrono::steady_clock::time_point> until;  // none: as long as it takes
  };

  explicit Mailbox(Limits limits);
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  ~Mailbox();

  // ---- any thread ----

  // Takes `message` when there is room, and only then. The client's own thread never waits.
  [[nodiscard]] Admission post_publish(Outgoing& message, Wait wait);
  // Gives the new subscription its id; none when closed.
  [[nodiscard]] std::optional<std::uint64_t> post_subscribe(NewSubscription what);
  // Returns when no callback of it runs any more, or at once on the client's own thread.
  void end_subscription(std::uint64_t id);
  // Asks for the end, with a time by which it must come; an earlier one stays.
  void post_close(std::chrono::steady_clock::time_point deadline);
  // Until nothing published lacks its result.
  [[nodiscard]] bool wait_answered(std::chrono::steady_clock::time_point until);
  // Until connected (true) or closed.
  [[nodiscard]] bool wait_connected(std::chrono::steady_clock::time_point until);
  [[nodiscard]] Status status() const;
  [[nodiscard]] Counters counters() const;
  [[nodiscard]] bool on_own_thread() const noexcept {
    return std::this_thread::get_id() == own_thread_.load(std::memory_order_relaxed);
  }

  // ---- the client's thread ----

  void set_own_thread() noexcept { own_thread_.store(std::this_thread::get_id(), std::memory_order_relaxed); }
  [[nodiscard]] int fd() const noexcept { return event_fd_; }
  // Swaps the waiting commands into `out`, which must be empty; gives back the deadline if the end is wanted.
  std::optional<std::chrono::steady_clock::time_point> take(std::vector<Command>& out);
  // True if it may sleep until fd() is readable: nothing waits.
  [[nodiscard]] bool sleep();
  void woken();
  // One publish has its result.
  void release(std::size_t bytes);
  [[nodiscard]] bool enter(std::uint64_t id);
  void leave();
  void set_status(const Status& status);
  // At the end of a turn: totals, and how many publishes have got their results.
  void count(const Counters& counters);

 private:
  [[nodiscard]] bool has_room(std::size_t bytes) const noexcept;
  void post(Command command);
  void wake();

  const Limits limits_;
  int event_fd_;
  std::atomic<std::thread::id> own_thread_;  // relaxed: a thread only asks whether it is itself
  mutable std::mutex mutex_;
  std::condition_variable changed_;   // room, answers, state
  std::condition_variable callback_;  // the end of one
  std::vector<Command> commands_;
  std::optional<std::chrono::steady_clock::time_point> close_by_;
  bool fresh_ = false;  // something was posted since take()
  bool asleep_ = false;
  std::uint64_t waiting_ = 0;  // threads that wait on changed_
  std::uint64_t unacked_ = 0;
  std::size_t unacked_bytes_ = 0;
  std::uint64_t next_id_ = 3;     // of a subscription: odd, and 1 is the hello's
  std::set<std::uint64_t> live_;  // subscriptions that were not ended
  std::uint64_t running_ = 0;     // whose callback runs; 0: none
  Status status_;
  Counters counters_;
};

}  // namespace ringcast::client
