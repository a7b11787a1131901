// Subscriptions: what the client is subscribed to, wanted or confirmed, and whose callbacks a message is for.
//
// Called by: Engine. Thread: one. Callbacks are called from here, each between Gate::enter and leave.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/filter_table.h"
#include "client/resume_state.h"
#include "client/ringcast.h"

namespace ringcast::client {

// Asked before each callback of a subscription: another thread may have ended it, and waits for the one that runs.
struct Gate {
  std::move_only_function<bool(std::uint64_t id)> enter;
  std::move_only_function<void()> leave;
};

struct NewSubscription {
  std::uint64_t id = 0;
  std::string filter;
  SubscribeOptions options;
  MessageCallback on_message;
  SubscriptionEventCallback on_event;
};

class Subscriptions {
 public:
  struct Entry {
    enum class State : std::uint8_t {
      wanted,     // not asked for on this connection yet
      requested,  // asked for
      live,
    };

    NewSubscription what;
    ResumeState resume;
    State state = State::wanted;
    bool was_live = false;   // on an earlier connection: it is to be told what came of the time between
    bool resuming = false;   // the broker was asked to go on at resume.point(), and has not said yet what came of it
    bool tells_gap = false;  // resuming: a gap is still to be told if there is one
    bool exact = false;      // no wildcards
    std::uint64_t last_seq = 0;
    std::uint64_t last_time_us = 0;
  };

  explicit Subscriptions(Gate gate) : gate_(std::move(gate)) {}

  // A new one, wanted but not live. Requires: its id is new.
  Entry& add(NewSubscription what);
  // Ends it without a callback. False if there was none.
  bool remove(std::uint64_t id);
  [[nodiscard]] Entry* find(std::uint64_t id);

  // Calls `act` with each, oldest first. `act` must not add or remove.
  template <typename Act>
  void each(Act act) {
    for (auto& [id, entry] : entries_) act(entry);
  }

  // The broker has confirmed it: live messages are dispatched to it, too.
  void confirm(Entry& entry);

  // There is a connection, to a broker of this epoch.
  void begin(std::string_view epoch);

  // The connection is lost: none is live any more.
  void lose();

  // The broker says: the connection is too slow, or has caught up. Those that get every message are told.
  void lag(const SubscriptionEvent& event);

  // The broker says: there is a new resume point of these; none are all that are live.
  void checkpoint(const SubscriptionEvent& event, std::span<const std::uint64_t> ids);

  // A live message: to all that match. Another one: to the subscription that it is for.
  void dispatch(const Message& message);
  void dispatch(const Message& message, std::uint64_t id);
  // Raw: to all, whatever their filter.
  void dispatch_to_all(const Message& message);

  // Messages that came again, and were not told again.
  [[nodiscard]] std::uint64_t repeats() const noexcept { return repeats_; }

  // Calls its callback for events, if the gate lets that through.
  void tell(Entry& entry, const SubscriptionEvent& event);

 private:
  void call(Entry& entry, const Message& message);

  Gate gate_;
  std::map<std::uint64_t, Entry> entries_;
  FilterTable live_;
  std::vector<std::uint64_t> matches_;  // scratch
  std::uint64_t repeats_ = 0;
  bool lagging_ = false;  // the connection: values come in place of messages
};

}  // namespace ringcast::client
