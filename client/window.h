// Window: the publishes that have no answer yet, in order, each with its producer sequence number.
//
// Called by: Engine. Thread: one. Answers come in any order; entries leave from the front, so the numbers in the window
// are consecutive and one is found by subtraction. Over a lost connection entries stay, and are sent again in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "client/outgoing.h"

namespace ringcast::client {

class Window {
 public:
  struct Entry {
    enum class State : std::uint8_t { queued, sent, answered };

    Outgoing message;
    State state = State::queued;
    std::uint64_t sent_end = 0;  // raw: where its frame ends in the stream of bytes
    bool in_doubt = false;       // sent on a connection that ended without an answer
    bool maybe_twice = false;    // … and then to a broker that cannot know the repeat
    bool epoch_changed = false;
  };

  explicit Window(std::uint64_t next_seq) : first_seq_(next_seq) {}

  void push(Outgoing message) { entries_.push_back({.message = std::move(message)}); }

  // The producer sequence number of the next entry to send: the first that is queued, if it is less than `span` above
  // the first without an answer: further, the broker would not know a repeat of that one.
  [[nodiscard]] std::optional<std::uint64_t> next_to_send(std::uint64_t span);

  // The entry with this number, if it waits to be sent or for its answer.
  [[nodiscard]] Entry* find(std::uint64_t seq);

  // Takes out the entry that was answered. Requires find(seq).
  [[nodiscard]] Entry take(std::uint64_t seq);

  // It is to be sent again on the next connection: the broker said that it did not publish it.
  void put_back(std::uint64_t seq);

  // The connection is lost. `certain`: what was not answered was certainly not published.
  enum class Certainty : std::uint8_t { doubtful, certain };
  void lose(Certainty certainty);

  // There is a new one, and the broker does not know what we sent before.
  enum class Epoch : std::uint8_t { same, changed };
  void forget(Epoch epoch);

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  [[nodiscard]] std::uint64_t first_seq() const noexcept { return first_seq_; }
  [[nodiscard]] std::uint64_t end_seq() const noexcept { return first_seq_ + entries_.size(); }

 private:
  std::deque<Entry> entries_;  // that of first_seq_ first; the front is never answered
  std::uint64_t first_seq_;
  std::size_t cursor_ = 0;  // no entry before it is queued
};

}  // namespace ringcast::client
