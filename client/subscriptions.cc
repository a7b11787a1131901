#include "client/subscriptions.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace ringcast::client {

Subscriptions::Entry& Subscriptions::add(NewSubscription what) {
  const std::uint64_t id = what.id;
  ResumeState resume(what.options);
  const auto [at, added] = entries_.emplace(id, Entry{.what = std::move(what), .resume = std::move(resume)});
  assert(added);
  at->second.exact = !has_wildcard(at->second.what.filter);
  return at->second;
}

bool Subscriptions::remove(std::uint64_t id) {
  const auto at = entries_.find(id);
  if (at == entries_.end()) return false;
  live_.remove(at->second.what.filter, id);
  entries_.erase(at);
  return true;
}

Subscriptions::Entry* Subscriptions::find(std::uint64_t id) {
  const auto at = entries_.find(id);
  return at == entries_.end() ? nullptr : &at->second;
}

void Subscriptions::confirm(Entry& entry) {
  assert(entry.state != Entry::State::live);
  entry.state = Entry::State::live;
  live_.add(entry.what.filter, entry.what.id);
  entry.resume.set_lagging(lagging_);
}

void Subscriptions::begin(std::string_view epoch) {
  for (auto& [id, entry] : entries_) entry.resume.begin(epoch);
}

void Subscriptions::lose() {
  live_.clear();
  lagging_ = false;
  for (auto& [id, entry] : entries_) {
    if (entry.state == Entry::State::live) entry.was_live = true;
    entry.state = Entry::State::wanted;
    entry.resuming = false;
    entry.resume.lose();
  }
}

void Subscriptions::lag(const SubscriptionEvent& event) {
  // Also where nothing is counted yet: what was dropped then comes in its newer form, in any order.
  lagging_ = !event.caught_up;
  for (auto& [id, entry] : entries_) {
    if (entry.state != Entry::State::live || entry.resume.delivery() != Delivery::every) continue;
    entry.resume.set_lagging(lagging_);
    tell(entry, event);
  }
}

void Subscriptions::checkpoint(const SubscriptionEvent& event, std::span<const std::uint64_t> ids) {
  // Owed values hold the token of the whole connection back: then it need not cover what the others were told.
  const bool clears = std::ranges::none_of(
      entries_, [](const auto& entry) { return entry.second.resume.delivery() == Delivery::latest; });
  for (auto& [id, entry] : entries_) {
    if (entry.state != Entry::State::live) continue;
    if (!ids.empty() && std::ranges::find(ids, id) == ids.end()) continue;
    entry.resume.checkpoint(event, clears);
    tell(entry, event);
  }
}

void Subscriptions::dispatch(const Message& message) {
  matches_.clear();
  live_.match(message.topic, matches_);
  for (const std::uint64_t id : matches_) dispatch(message, id);
}

void Subscriptions::dispatch(const Message& message, std::uint64_t id) {
  Entry* const entry = find(id);
  if (entry == nullptr || entry->state != Entry::State::live) return;
  Message told = message;
  if (entry->resume.take(told)) {
    call(*entry, told);
  } else {
    ++repeats_;
  }
}

void Subscriptions::dispatch_to_all(const Message& message) {
  for (auto& [id, entry] : entries_) {
    if (entry.state == Entry::State::live) call(entry, message);
  }
}

void Subscriptions::call(Entry& entry, const Message& message) {
  if (entry.exact) entry.last_seq = message.seq;
  entry.last_time_us = message.time_us;
  if (!entry.what.on_message || !gate_.enter(entry.what.id)) return;
  entry.what.on_message(message);
  gate_.leave();
}

void Subscriptions::tell(Entry& entry, const SubscriptionEvent& event) {
  if (!entry.what.on_event || !gate_.enter(entry.what.id)) return;
  entry.what.on_event(event);
  gate_.leave();
}

}  // namespace ringcast::client
