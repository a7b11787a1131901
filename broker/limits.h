// Limits: what one address and one subject may use of the broker: connections, connections begun, messages and bytes
// published a second. The accounts are the whole process's (broker/accounts.h), the numbers the configuration's.
//
// Who begins too much is refused (429); who publishes too much is refused over HTTP, and on a WebSocket is not read
// until his second is over, so that TCP slows him down.
// Behind trusted proxies a connection is that of the address in X-Forwarded-For, request by request.
// Thread:   one shard's.
// Hot path: charge() runs once per publish. Without limits: one comparison.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

#include "broker/accounts.h"
#include "broker/config.h"
#include "broker/net_address.h"
#include "broker/session_table.h"
#include "frame/http_fields.h"

namespace ringcast::broker {

// What is refused, and what is said of it.
struct OverLimit {
  std::string_view name;     // for programs
  std::string_view text;     // for people
  std::int64_t wait_ms = 0;  // until it is worth another try
  bool untold = false;       // too many are being told such things: the connection ends without a word

  [[nodiscard]] std::int64_t wait_s() const noexcept { return (wait_ms + 999) / 1'000; }
};

class Limits {
 public:
  static constexpr std::int64_t kTooManyWaitMs = 5'000;  // nobody knows when a connection of theirs will end
  static constexpr std::size_t kRefusedAtOnceMax = 64;  // connections that are told why; more are closed without a word

  struct Counters {
    std::uint64_t refused_connections = 0;
    std::uint64_t refused_publishes = 0;
    std::uint64_t throttled = 0;  // times that a WebSocket was not read for a while
  };
  using Verdict = std::expected<void, OverLimit>;

  // `accounts`: null for a broker that limits nobody.
  Limits(Accounts* accounts, const Config& config, SessionTable& sessions);
  Limits(const Limits&) = delete;
  Limits& operator=(const Limits&) = delete;
  // The configuration has changed. It holds for connections that come from now on.
  void configured();

  // Whether it needs to be known from where connections come.
  [[nodiscard]] bool wants_addresses() const noexcept { return address_.any() || !trusted_.empty(); }

  // ---- connections ----

  // A connection has come from there. Refused, it is there to be told so until released().
  [[nodiscard]] Verdict opened(SlotId slot, const NetAddress& address, Instant now);
  // Its next request says for whom it was forwarded; heeded if the peer is a trusted proxy. `opens`: the connection
  // will be his alone.
  [[nodiscard]] Verdict forwarded(SlotId slot, const frame::Fields& fields, bool opens, Instant now);
  // It is to be open for long, as the session's identity.
  [[nodiscard]] Verdict joined(SlotId slot, const Session& session, Instant now);
  void released(SlotId slot);

  // ---- publishing ----

  // Whether the connection may publish now.
  [[nodiscard]] Verdict may_publish(SlotId slot, const Session& session, Instant now);
  // It has, so much.
  void charge(SlotId slot, const Session& session, std::uint64_t messages, std::uint64_t bytes, Instant now) {
    if (limits_publishing_) charge_slow(slot, session, messages, bytes, now);
  }
  // Stops a WebSocket that has published more than it may.
  void throttle(SlotId slot, Session& session, Instant now) {
    if (limits_publishing_) throttle_slow(slot, session, now);
  }
  // Goes on with those whose time has come.
  void turn(Instant now);
  [[nodiscard]] Instant next_deadline() const noexcept {
    return throttled_.empty() ? Instant::never() : throttled_.top().at;
  }

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  // 0: no limit.
  struct Allowance {
    std::uint32_t connections = 0;
    std::uint32_t begun = 0;  // a second, as all below
    std::uint32_t messages = 0;
    std::uint64_t bytes = 0;

    [[nodiscard]] bool any() const noexcept { return connections > 0 || begun > 0 || publishing(); }
    [[nodiscard]] bool publishing() const noexcept { return messages > 0 || bytes > 0; }
  };
  // What one connection has of the accounts; counted in their `connections`.
  struct Hold {
    std::uint32_t generation = 0;
    bool by_proxy = false;
    bool refused = false;
    Accounts::Ref address;
    Accounts::Ref subject;
  };
  struct Throttled {
    Instant at;
    SlotId slot;
    friend bool operator>(const Throttled& a, const Throttled& b) noexcept { return a.at > b.at; }
  };

  [[nodiscard]] Verdict begin(const Accounts::Ref& account, const Allowance& allowance, bool opens, Instant now);
  [[nodiscard]] Hold& hold_of(SlotId slot);
  [[nodiscard]] Hold* find(SlotId slot);
  void let_go(Accounts::Ref& account);
  [[nodiscard]] std::int64_t wait_ms(SlotId slot, const Session& session, Instant now);
  void charge_slow(SlotId slot, const Session& session, std::uint64_t messages, std::uint64_t bytes, Instant now);
  void throttle_slow(SlotId slot, Session& session, Instant now);

  Accounts* const accounts_;
  const Config& config_;
  SessionTable& sessions_;
  Allowance address_;
  Allowance subject_;
  std::vector<NetRange> trusted_;
  bool limits_publishing_ = false;
  std::size_t refusing_ = 0;
  std::vector<Hold> holds_;  // by slot; empty where nothing is limited
  std::priority_queue<Throttled, std::vector<Throttled>, std::greater<>> throttled_;
  Counters counters_;
};

}  // namespace ringcast::broker
