// Auth: what decides who somebody is and what he may do: keys, rules, the anonymous role, revocations. Replaced as a
// whole while the shards read it, without a lock.
//
// Threads:  each shard calls rules() once a turn, and uses what it got until it calls again. All else is called by one
//           thread at a time.
// Memory:   what was replaced is freed by a later replace(), when every shard has asked since.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "broker/permissions.h"
#include "broker/revocations.h"
#include "broker/token.h"

namespace ringcast::broker {

// Never changes once the shards have it.
struct AuthRules {
  TokenRules tokens;
  Permissions anonymous;  // of who has no token
  Revocations revoked;
  std::uint64_t version = 0;  // Auth sets it
};

class Auth {
 public:
  Auth(AuthRules rules, std::uint32_t shards) : seen_(shards) { replace(std::move(rules)); }
  Auth(const Auth&) = delete;
  Auth& operator=(const Auth&) = delete;

  // The rules of now, for this shard's turn.
  [[nodiscard]] const AuthRules& rules(std::uint32_t shard) noexcept {
    const AuthRules* const now = current_.load(std::memory_order_acquire);  // pairs with replace()
    seen_[shard].version.store(now->version, std::memory_order_release);    // pairs with replace(): the last is let go
    return *now;
  }

  // From their next turns on the shards go by these; the caller wakes those that sleep.
  void replace(AuthRules rules) {
    rules.version = ++version_;
    versions_.push_back(std::make_unique<const AuthRules>(std::move(rules)));
    current_.store(versions_.back().get(), std::memory_order_release);
    std::uint64_t oldest = version_;
    for (const Seen& seen : seen_) oldest = std::min(oldest, seen.version.load(std::memory_order_acquire));
    while (versions_.front()->version < oldest) versions_.pop_front();
  }
  // What replace() gave last.
  [[nodiscard]] const AuthRules& newest() const noexcept { return *versions_.back(); }
  [[nodiscard]] std::size_t versions() const noexcept { return versions_.size(); }

 private:
  struct alignas(64) Seen {  // a cache line of its own: each shard writes one every turn
    std::atomic<std::uint64_t> version = 0;
  };
  std::vector<Seen> seen_;
  std::atomic<const AuthRules*> current_ = nullptr;
  std::deque<std::unique_ptr<const AuthRules>> versions_;  // oldest first
  std::uint64_t version_ = 0;
};

}  // namespace ringcast::broker
