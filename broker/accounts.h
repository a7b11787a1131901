// Accounts: what each address and each subject uses of the broker, over all its shards.
//
// An Account is one party's: how many connections it has, and until when it has used up what it may begin, publish and
// send each second. The limits themselves are the caller's: a reload changes them.
// Threads: any; a mutex lets who opens and gives back accounts in one by one, some hundred nanoseconds each. Charging
//          takes no lock.
// Bounded: an account lives while somebody holds it, and then as one of the kIdleMax that were used last: who comes
//          back at once finds what he has used up. What falls out behind those is forgotten.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "broker/instant.h"
#include "topics/hash.h"

namespace ringcast::broker {

// How much of something was used lately, where so much a second is allowed. At most one second's worth at once.
class Meter {
 public:
  // Milliseconds until one may be taken; 0: now. Never more than kWaitMaxMs. Requires: per_second > 0.
  [[nodiscard]] std::int64_t wait_ms(std::uint64_t per_second, Instant now) const noexcept;
  // Takes `amount`, also more than there is room for: whoever comes next waits for it. Requires: per_second > 0.
  void take(std::uint64_t amount, std::uint64_t per_second, Instant now) noexcept;

  static constexpr std::int64_t kWaitMaxMs = 60'000;  // one message, however large, costs its publisher no more

 private:
  // On the monotonic clock. Relaxed: nothing else depends on it.
  std::atomic<std::int64_t> paid_until_ns_{0};
};

class Account {
 public:
  std::atomic<std::uint32_t> connections{0};  // relaxed: nothing else depends on it
  Meter begun;                                // connections
  Meter messages;
  Meter bytes;

 private:
  friend class Accounts;  // under its mutex:
  std::uint32_t references_ = 0;
  const std::string* name_ = nullptr;
  std::list<Account*>::iterator idle_at_;  // while references_ is 0
};

class Accounts {
 public:
  static constexpr std::size_t kIdleMax = 16'384;  // some 4 MiB

  // One reference to an account. Made and ended by any thread; itself one's.
  class Ref {
   public:
    Ref() = default;
    Ref(const Ref& other) : accounts_(other.accounts_), account_(other.account_) {
      if (accounts_ != nullptr) accounts_->hold(*account_);
    }
    Ref(Ref&& other) noexcept
        : accounts_(std::exchange(other.accounts_, nullptr)), account_(std::exchange(other.account_, nullptr)) {}
    Ref& operator=(Ref other) noexcept {
      std::swap(accounts_, other.accounts_);
      std::swap(account_, other.account_);
      return *this;
    }
    ~Ref() {
      if (accounts_ != nullptr) accounts_->give_back(*account_);
    }

    [[nodiscard]] explicit operator bool() const noexcept { return accounts_ != nullptr; }
    [[nodiscard]] Account& operator*() const noexcept { return *account_; }
    [[nodiscard]] Account* operator->() const noexcept { return account_; }
    // The same account.
    friend bool operator==(const Ref&, const Ref&) = default;

   private:
    friend class Accounts;
    Ref(Accounts& accounts, Account& account) : accounts_(&accounts), account_(&account) {}

    Accounts* accounts_ = nullptr;
    Account* account_ = nullptr;
  };

  // `key`: of the process, so that nobody can choose names that collide.
  explicit Accounts(topics::HashKey key) : by_name_(0, topics::NameHasher{key}) {}
  Accounts(const Accounts&) = delete;
  Accounts& operator=(const Accounts&) = delete;

  // The account of that name.
  [[nodiscard]] Ref open(std::string_view name);

  [[nodiscard]] std::size_t size() const;

 private:
  void hold(Account& account);
  void give_back(Account& account);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Account, topics::NameHasher, std::equal_to<>> by_name_;
  std::list<Account*> idle_;  // that nobody holds; the one that was held last is the last
};

}  // namespace ringcast::broker
