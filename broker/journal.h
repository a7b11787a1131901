// Journal: what a shard has to say in the log, kept until somebody takes it along.
//
// Bounded: of each kind at most kPerSecond entries a second; of more only how many there were, which is told when the
// second is over. So a storm costs a count for each event, and the log stays legible.
// Thread:  one shard's. The worker files what is there at the end of each turn (JournalRing).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/connection_kind.h"
#include "broker/instant.h"
#include "broker/slot.h"

namespace ringcast::broker {

// Lets so many of each kind pass in a second, and counts the others.
class Throttle {
 public:
  static constexpr std::size_t kKindsMax = 16;
  static constexpr std::int64_t kWindowMs = 1'000;

  explicit Throttle(std::uint32_t per_second) : per_second_(per_second) {}

  [[nodiscard]] bool pass(std::size_t kind, Instant now) noexcept;
  // Counts some that were held back elsewhere.
  void hold(std::size_t kind, std::uint64_t count, Instant now) noexcept;
  // Calls told(kind, count) for each kind of which some were held back in a second that is over.
  template <typename Told>
  void release(Instant now, Told&& told) {
    if (held_kinds_ == 0) return;
    for (std::size_t kind = 0; kind < kKindsMax; ++kind) {
      Kind& one = kinds_[kind];
      if (one.held == 0 || now - one.since < kWindowMs) continue;
      --held_kinds_;
      one.since = now;
      one.passed = 0;
      told(kind, std::exchange(one.held, 0));
    }
  }
  [[nodiscard]] bool holds() const noexcept { return held_kinds_ != 0; }

 private:
  struct Kind {
    Instant since{};
    std::uint32_t passed = 0;
    std::uint64_t held = 0;
  };

  const std::uint32_t per_second_;
  std::array<Kind, kKindsMax> kinds_{};
  std::size_t held_kinds_ = 0;
};

class Journal {
 public:
  static constexpr std::uint32_t kPerSecond = 10;    // entries of a kind: what a person reads
  static constexpr std::size_t kUnfiledMax = 256;    // entries that nobody has taken: of some seconds
  static constexpr std::size_t kTextBytesMax = 128;  // of a reason or filter: a close frame's has 123

  enum class Kind : std::uint8_t {
    fault,          // a connection was closed for what it did
    lost,           // a peer did not answer a ping
    degraded,       // a slow subscriber gets newest values only
    skipped,        // the oldest messages of one were left out
    caught_up,      // it is up to date again
    slow,           // it was closed for being slow
    kicked,         // an operator closed a connection
    refused,        // a connection over max_connections
    limited,        // one over what its address may have
    accept_failed,  // accept(2) failed
    stalled,        // requests have found no room in another shard's ring for a while
    flowing,        // they do again
  };
  static constexpr std::size_t kKinds = 12;
  static_assert(kKinds <= Throttle::kKindsMax);

  struct Entry {
    Kind kind = Kind::fault;
    std::uint64_t more = 0;  // not 0: so many more of this kind, of which nothing else is known
    SlotId slot;             // valid(): of which connection
    ConnectionKind protocol = ConnectionKind::http;
    std::uint16_t code = 0;   // of its close; 0: none
    std::uint64_t count = 0;  // messages; shards, as a set; a limit; errno
    std::uint64_t bytes = 0;  // that it is owed
    std::int64_t ms = 0;      // how long
    std::string text;         // why
    std::string filter;       // of its first subscription
    std::string peer;         // its address: the connection layer's to find out
  };

  // The time that counts for note(): of this turn.
  void set_now(Instant now) noexcept { now_ = now; }

  void note(Entry entry);
  // The same of a connection that ends by it: no close() of this turn is told of it any more.
  void note_end(Entry entry);
  // A WebSocket is being closed with this code and reason of ours: an entry, if that is a fault of the peer's.
  void close(SlotId slot, ConnectionKind protocol, std::uint16_t code, std::string_view reason);

  // There is something to file, or seconds have to be ended.
  [[nodiscard]] bool any() const noexcept { return !entries_.empty() || throttle_.holds(); }
  // The end of a turn: what there is to tell, which the caller takes.
  [[nodiscard]] std::vector<Entry>& settle();

 private:
  Throttle throttle_{kPerSecond};
  std::vector<Entry> entries_;
  SlotId ended_;  // in this turn, and its reason is known
  Instant now_;
};

}  // namespace ringcast::broker
