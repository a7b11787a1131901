#include "broker/journal.h"

#include <cassert>

#include "proto/close_code.h"

namespace ringcast::broker {

namespace {

// Codes that say nothing of a fault: the peer's own end, a page that goes, and our restart.
bool is_fault(std::uint16_t code) noexcept {
  constexpr std::uint16_t kNormal = 1000;
  constexpr std::uint16_t kGoingAway = 1001;
  return code != kNormal && code != kGoingAway && code != std::to_underlying(proto::CloseCode::restart);
}

}  // namespace

bool Throttle::pass(std::size_t kind, Instant now) noexcept {
  Kind& one = kinds_[kind];
  if (one.held == 0 && now - one.since >= kWindowMs) {
    one.since = now;
    one.passed = 0;
  }
  if (one.passed < per_second_) {
    ++one.passed;
    return true;
  }
  if (one.held++ == 0) ++held_kinds_;
  return false;
}

void Throttle::hold(std::size_t kind, std::uint64_t count, Instant now) noexcept {
  Kind& one = kinds_[kind];
  if (one.held == 0) {
    ++held_kinds_;
    if (now - one.since >= kWindowMs) one.since = now;
  }
  one.held += count;
}

void Journal::note(Entry entry) {
  const auto kind = static_cast<std::size_t>(entry.kind);
  if (entries_.size() >= kUnfiledMax) return throttle_.hold(kind, 1, now_);
  if (!throttle_.pass(kind, now_)) return;
  if (entry.text.size() > kTextBytesMax) entry.text.resize(kTextBytesMax);
  if (entry.filter.size() > kTextBytesMax) entry.filter.resize(kTextBytesMax);
  entries_.push_back(std::move(entry));
}

void Journal::note_end(Entry entry) {
  ended_ = entry.slot;
  note(std::move(entry));
}

void Journal::close(SlotId slot, ConnectionKind protocol, std::uint16_t code, std::string_view reason) {
  if (slot == ended_ || reason.empty() || !is_fault(code)) return;
  note({.kind = Kind::fault, .slot = slot, .protocol = protocol, .code = code, .text = std::string(reason)});
}

std::vector<Journal::Entry>& Journal::settle() {
  throttle_.release(now_, [&](std::size_t kind, std::uint64_t count) {
    entries_.push_back({.kind = static_cast<Kind>(kind), .more = count});
  });
  ended_ = {};
  return entries_;
}

}  // namespace ringcast::broker
