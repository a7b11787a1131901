// Authenticator: who the connections of a shard are: takes their tokens, remembers those that it has checked, and says
// when one is over.
//
// Thread:  one shard's. Pure: the time comes in.
// Budget:  a signature costs up to 0.1 ms, so a turn checks a few; the connections behind them wait for the next turn
//          in the order in which they came. What was checked lately is known by its hash.
// Without Auth everybody is anonymous and may do all but publish below `$`; tokens are not looked at.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/auth.h"
#include "broker/identity.h"
#include "broker/instant.h"
#include "broker/slot.h"

namespace ringcast::broker {

class Authenticator {
 public:
  static constexpr std::uint32_t kChecksPerTurn = 8;    // of signatures: less than a millisecond
  static constexpr std::size_t kRememberedMax = 1'024;  // tokens: who posts comes with the same one again and again
  static constexpr std::size_t kWatchedSlack = 1'024;   // entries, some 24 KiB: below, nobody looks who has gone
  static constexpr std::int64_t kLookAgainMs = 60'000;  // the wall clock may be set while we sleep

  struct Counters {
    std::uint64_t accepted = 0;
    std::array<std::uint64_t, kTokenErrors> refused{};
    std::uint64_t checks = 0;   // of signatures
    std::uint64_t delayed = 0;  // requests that waited for their check
    std::uint64_t expired = 0;  // open connections that were closed for it
    std::uint64_t revoked = 0;
    std::uint64_t forbidden = 0;  // subscriptions and publishes that were refused for want of a permission
  };

  // `auth`: null for a broker that asks nobody who he is. `accounts`: where subjects have accounts; null: they have
  // none.
  Authenticator(Auth* auth, std::uint32_t shard, Accounts* accounts = nullptr);
  Authenticator(const Authenticator&) = delete;
  Authenticator& operator=(const Authenticator&) = delete;

  [[nodiscard]] bool on() const noexcept { return auth_ != nullptr; }
  [[nodiscard]] const IdentityRef& anonymous() const noexcept { return anonymous_; }

  // Who shows a certificate of this subject: may do what everybody may.
  [[nodiscard]] IdentityRef of_certificate(std::string subject) const;

  // Takes up new rules, and a new turn's budget. True if the rules are new: open connections are to be looked through.
  [[nodiscard]] bool begin_turn(const Now& now);

  // Whether this token can be checked in this turn. Else wait(): its turn will come.
  [[nodiscard]] bool has_time_for(std::string_view token) const;
  void wait(SlotId slot) {
    ++counters_.delayed;
    waiting_.push_back(slot);
  }
  // The next that waited, if there is time for it: the next token to be checked is its.
  [[nodiscard]] std::optional<SlotId> take_waiting();
  [[nodiscard]] bool anybody_waits() const noexcept { return !waiting_.empty(); }

  // Whose token it is.
  [[nodiscard]] std::expected<IdentityRef, TokenError> check(std::string_view token);
  // Counts a request that came without a token where one is needed, or for which a right was missing.
  void count_refused(TokenError error) noexcept { ++counters_.refused[static_cast<std::size_t>(error)]; }
  void count_forbidden() noexcept { ++counters_.forbidden; }
  void count_expired() noexcept { ++counters_.expired; }
  void count_revoked() noexcept { ++counters_.revoked; }

  // Whether what made this identity still holds by the rules of now: it is not revoked, its key is still there.
  [[nodiscard]] bool still_holds(const Identity& identity) const;

  // The connection is to be looked at when that time has come, or soon after. Only the earliest entry of each counts.
  void watch(SlotId slot, std::int64_t at_s);
  [[nodiscard]] std::size_t watched() const noexcept { return watched_.size(); }
  // Lets go of entries of connections that `is_open` does not know any more, if most may be such: tokens live for days,
  // connections for moments. `live`: how many are open.
  template <typename IsOpen>
  void forget_gone(std::size_t live, IsOpen is_open) {
    if (watched_.size() <= 2 * live + kWatchedSlack) return;
    std::erase_if(watched_, [&](const Watched& watched) { return !is_open(watched.slot); });
    keep_earliest();
  }
  // The next whose time has come; it is forgotten.
  [[nodiscard]] std::optional<SlotId> take_due();
  [[nodiscard]] Instant next_deadline() const noexcept;
  [[nodiscard]] std::int64_t now_s() const noexcept { return now_s_; }

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  struct Watched {
    std::int64_t at_s = 0;
    SlotId slot;
    friend bool operator>(const Watched& a, const Watched& b) noexcept { return a.at_s > b.at_s; }
  };
  using Digest = std::string;  // SHA-256: the token itself is not kept

  [[nodiscard]] Accounts::Ref account_of(std::string_view subject) const;
  void remember(Digest digest, const IdentityRef& identity);
  void keep_earliest();

  Auth* const auth_;
  const std::uint32_t shard_;
  Accounts* const accounts_;
  const AuthRules* rules_ = nullptr;
  std::uint64_t version_ = 0;
  IdentityRef anonymous_;
  std::int64_t now_s_ = 0;
  Instant now_{0};
  std::int64_t now_us_ = 0;
  std::uint32_t checks_left_ = kChecksPerTurn;
  bool is_its_turn_ = false;  // who comes now has waited
  std::deque<SlotId> waiting_;
  std::unordered_map<Digest, IdentityRef> remembered_;
  std::deque<Digest> remembered_order_;  // oldest first
  std::vector<Watched> watched_;         // a heap, the earliest first
  Counters counters_;
};

}  // namespace ringcast::broker
