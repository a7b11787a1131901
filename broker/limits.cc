#include "broker/limits.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace ringcast::broker {

namespace {

std::unexpected<OverLimit> too_many() {
  return std::unexpected(OverLimit{.name = "too_many_connections",
                                   .text = "there are as many connections of yours as the broker allows",
                                   .wait_ms = Limits::kTooManyWaitMs});
}

std::unexpected<OverLimit> too_fast(std::string_view text, std::int64_t wait_ms) {
  return std::unexpected(OverLimit{.name = "too_fast", .text = text, .wait_ms = wait_ms});
}

}  // namespace

Limits::Limits(Accounts* accounts, const Config& config, SessionTable& sessions)
    : accounts_(accounts), config_(config), sessions_(sessions) {
  configured();
}

void Limits::configured() {
  if (accounts_ == nullptr) return;
  address_ = {.connections = config_.address_max_connections,
              .begun = config_.address_max_accepts,
              .messages = config_.address_max_messages,
              .bytes = config_.address_max_bytes};
  subject_ = {.connections = config_.subject_max_connections,
              .begun = config_.subject_max_accepts,
              .messages = config_.subject_max_messages,
              .bytes = config_.subject_max_bytes};
  limits_publishing_ = address_.publishing() || subject_.publishing();
  trusted_.clear();
  for (const std::string& text : config_.trusted_proxies) {
    if (const auto network = parse_range(text)) trusted_.push_back(*network);  // check_config() has seen them
  }
}

// ---- connections ----

Limits::Hold* Limits::find(SlotId slot) {
  if (slot.index >= holds_.size() || holds_[slot.index].generation != slot.generation) return nullptr;
  return &holds_[slot.index];
}

Limits::Hold& Limits::hold_of(SlotId slot) {
  if (slot.index >= holds_.size()) holds_.resize(slot.index + 1);
  Hold& hold = holds_[slot.index];
  if (hold.generation != slot.generation) {
    assert(!hold.address && !hold.subject);  // released() was called
    hold = Hold{.generation = slot.generation};
  }
  return hold;
}

Limits::Verdict Limits::begin(const Accounts::Ref& account, const Allowance& allowance, bool opens, Instant now) {
  if (opens && allowance.begun > 0) {
    if (const std::int64_t wait = account->begun.wait_ms(allowance.begun, now); wait > 0)
      return too_fast("connections of yours come faster than the broker allows", wait);
    account->begun.take(1, allowance.begun, now);
  }
  const std::uint32_t before = account->connections.fetch_add(1, std::memory_order_relaxed);
  if (allowance.connections == 0 || before < allowance.connections) return {};
  account->connections.fetch_sub(1, std::memory_order_relaxed);
  return too_many();
}

Limits::Verdict Limits::opened(SlotId slot, const NetAddress& address, Instant now) {
  if (!wants_addresses()) return {};
  Hold& hold = hold_of(slot);
  hold.by_proxy = is_in(trusted_, address);
  if (hold.by_proxy || !address_.any()) return {};
  Accounts::Ref account = accounts_->open(account_name(address));
  if (auto begun = begin(account, address_, true, now); !begun) {
    begun.error().untold = refusing_ >= kRefusedAtOnceMax;
    hold.refused = !begun.error().untold;
    refusing_ += hold.refused ? 1 : 0;
    ++counters_.refused_connections;
    return begun;
  }
  hold.address = std::move(account);
  return {};
}

Limits::Verdict Limits::forwarded(SlotId slot, const frame::Fields& fields, bool opens, Instant now) {
  if (trusted_.empty() || !address_.any()) return {};
  Hold* const hold = find(slot);
  if (hold == nullptr || !hold->by_proxy) return {};
  const auto client = client_of(fields.combined("X-Forwarded-For"), trusted_);
  if (!client) {  // the proxy speaks for itself, as in its health checks
    let_go(hold->address);
    return {};
  }
  Accounts::Ref account = accounts_->open(account_name(*client));
  if (account == hold->address && !opens) return {};
  let_go(hold->address);
  if (const auto begun = begin(account, address_, opens, now); !begun) {
    ++counters_.refused_connections;
    return begun;
  }
  hold->address = std::move(account);
  return {};
}

Limits::Verdict Limits::joined(SlotId slot, const Session& session, Instant now) {
  const Accounts::Ref& account = session.identity->account;
  if (!account || !subject_.any()) return {};
  Hold& hold = hold_of(slot);
  if (hold.subject == account) return {};
  let_go(hold.subject);
  if (const auto begun = begin(account, subject_, true, now); !begun) {
    ++counters_.refused_connections;
    return begun;
  }
  hold.subject = account;
  return {};
}

void Limits::let_go(Accounts::Ref& account) {
  if (!account) return;
  account->connections.fetch_sub(1, std::memory_order_relaxed);
  account = {};
}

void Limits::released(SlotId slot) {
  Hold* const hold = find(slot);
  if (hold == nullptr) return;
  let_go(hold->address);
  let_go(hold->subject);
  if (std::exchange(hold->refused, false)) --refusing_;
}

// ---- publishing ----

std::int64_t Limits::wait_ms(SlotId slot, const Session& session, Instant now) {
  std::int64_t wait = 0;
  const auto look = [&](const Accounts::Ref& account, const Allowance& allowance) {
    if (!account) return;
    if (allowance.messages > 0) wait = std::max(wait, account->messages.wait_ms(allowance.messages, now));
    if (allowance.bytes > 0) wait = std::max(wait, account->bytes.wait_ms(allowance.bytes, now));
  };
  if (const Hold* const hold = find(slot)) look(hold->address, address_);
  look(session.identity->account, subject_);
  return wait;
}

Limits::Verdict Limits::may_publish(SlotId slot, const Session& session, Instant now) {
  if (!limits_publishing_) return {};
  const std::int64_t wait = wait_ms(slot, session, now);
  if (wait == 0) return {};
  ++counters_.refused_publishes;
  return too_fast("not published: you publish more than the broker allows", wait);
}

void Limits::charge_slow(SlotId slot, const Session& session, std::uint64_t messages, std::uint64_t bytes,
                         Instant now) {
  const auto take = [&](const Accounts::Ref& account, const Allowance& allowance) {
    if (!account) return;
    if (allowance.messages > 0) account->messages.take(messages, allowance.messages, now);
    if (allowance.bytes > 0) account->bytes.take(bytes, allowance.bytes, now);
  };
  if (const Hold* const hold = find(slot)) take(hold->address, address_);
  take(session.identity->account, subject_);
}

void Limits::throttle_slow(SlotId slot, Session& session, Instant now) {
  if (session.throttled || session.phase != Phase::websocket) return;
  const std::int64_t wait = wait_ms(slot, session, now);
  if (wait == 0) return;
  ++counters_.throttled;
  session.throttled = true;
  sessions_.stop(session);
  throttled_.push({.at = now + wait, .slot = slot});
}

void Limits::turn(Instant now) {
  while (!throttled_.empty() && throttled_.top().at <= now) {
    const SlotId slot = throttled_.top().slot;
    throttled_.pop();
    Session* const session = sessions_.find(slot);
    if (session == nullptr || !session->throttled) continue;
    session->throttled = false;
    // Others of the same account may have used it up meanwhile.
    throttle(slot, *session, now);
    if (session->phase == Phase::websocket && session->may_read()) sessions_.resume(slot);
  }
}

}  // namespace ringcast::broker
