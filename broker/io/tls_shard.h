// TlsShard: what the TLS connections of one shard share: the context, the wire, and the order of their handshakes.
//
// A handshake costs a thousand times what a message does, and whoever connects chooses when. So a turn takes few steps
// of handshakes, those that are under way before those that begin, each kind in the order of arrival; how many begin in
// a second is limited, and how many are under way. Pure. Thread: one shard's.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "broker/instant.h"
#include "broker/io/tls_context.h"
#include "broker/io/tls_stage.h"
#include "broker/slot.h"

namespace ringcast::io {

// TLS of one connection.
struct TlsConnection {
  TlsConnection(ssl_ctx_st& context, TlsWire& wire) : stage(context, wire) {}

  TlsStage stage;
  std::vector<std::uint8_t> owed;     // ciphertext that goes before anything else; an armed send may hold it
  std::vector<std::uint8_t> later;    // what goes behind it, said while it was held
  std::vector<std::uint8_t> arrived;  // of a handshake that waits for its step
  std::uint32_t handshake_bytes = 0;  // of the peer
  bool begun = false;                 // the handshake had its first step
  bool waits = false;                 // for a step, in one of TlsShard's lists

  [[nodiscard]] bool owes() const noexcept { return !owed.empty() || !later.empty(); }
};

class TlsShard {
 public:
  // Of one turn: some milliseconds with RSA keys, one with ECDSA.
  static constexpr std::size_t kStepsPerTurn = 4;

  // This shard's share of the process's limits; at least 1 each.
  struct Limits {
    std::uint32_t handshakes_max = 4'000;
    std::uint32_t handshakes_per_second = 2'000;
  };

  struct Counters {
    std::uint64_t handshakes = 0;  // completed
    std::uint64_t resumed = 0;     // of these, with a ticket
    std::uint64_t failed = 0;      // handshakes and connections that ended by an error of TLS
    std::uint64_t refused = 0;     // closed at once: too many handshakes under way
  };

  TlsShard(TlsContext context, const Limits& limits)
      : limits_(limits), tokens_(kToken * limits.handshakes_per_second), context_(std::move(context)) {}

  // New connections begin with this one.
  void use(TlsContext context) noexcept { context_ = std::move(context); }
  [[nodiscard]] ssl_ctx_st& context() noexcept { return *context_; }

  // A connection wants to begin its handshake; false: too many are under way.
  [[nodiscard]] bool admit() noexcept {
    if (under_way_ >= limits_.handshakes_max) {
      ++counters.refused;
      return false;
    }
    ++under_way_;
    return true;
  }
  // One is complete, or has failed, or its connection has gone.
  void over() noexcept { --under_way_; }
  [[nodiscard]] std::uint32_t under_way() const noexcept { return under_way_; }

  // Something came of a handshake: it wants a step.
  void wait(SlotId slot, TlsConnection& connection) {
    if (connection.waits) return;
    connection.waits = true;
    (connection.begun ? continuing_ : beginning_).push_back(slot);
  }
  // Whose step is next; not valid(): nobody's now.
  [[nodiscard]] SlotId next(Instant now) {
    if (!continuing_.empty()) return take(continuing_);
    if (beginning_.empty()) return {};
    refill(now);
    if (tokens_ < kToken) return {};
    tokens_ -= kToken;
    return take(beginning_);
  }
  // When next() has one again; never() if nobody waits.
  [[nodiscard]] Instant next_step() const noexcept {
    if (!continuing_.empty()) return filled_;
    if (beginning_.empty()) return Instant::never();
    const std::int64_t missing = std::max<std::int64_t>(0, kToken - tokens_);
    return filled_ + (missing + limits_.handshakes_per_second - 1) / limits_.handshakes_per_second;
  }

  TlsWire wire;
  std::vector<std::uint8_t> plain = std::vector<std::uint8_t>(kTlsRecordBytes);  // of one record
  std::vector<std::uint8_t> sealed;                                              // of one batch of sends
  Counters counters;

 private:
  static constexpr std::int64_t kToken = 1000;  // a handshake, in thousandths: so many per millisecond as per second

  [[nodiscard]] static SlotId take(std::deque<SlotId>& list) {
    const SlotId slot = list.front();
    list.pop_front();
    return slot;
  }
  void refill(Instant now) noexcept {
    const std::int64_t per_second = limits_.handshakes_per_second;
    const std::int64_t passed_ms = std::clamp<std::int64_t>(now - filled_, 0, 1000);
    tokens_ = std::min(kToken * per_second, tokens_ + passed_ms * per_second);
    filled_ = now;
  }

  const Limits limits_;
  std::int64_t tokens_;
  Instant filled_{0};
  std::uint32_t under_way_ = 0;
  std::deque<SlotId> beginning_;
  std::deque<SlotId> continuing_;
  TlsContext context_;
};

}  // namespace ringcast::io
