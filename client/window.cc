#include "client/window.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace ringcast::client {

std::optional<std::uint64_t> Window::next_to_send(std::uint64_t span) {
  while (cursor_ < entries_.size() && entries_[cursor_].state != Entry::State::queued) ++cursor_;
  if (cursor_ == entries_.size() || cursor_ >= span) return std::nullopt;
  return first_seq_ + cursor_;
}

Window::Entry* Window::find(std::uint64_t seq) {
  if (seq < first_seq_ || seq >= end_seq()) return nullptr;
  Entry& entry = entries_[static_cast<std::size_t>(seq - first_seq_)];
  return entry.state == Entry::State::answered ? nullptr : &entry;
}

Window::Entry Window::take(std::uint64_t seq) {
  Entry* const entry = find(seq);
  assert(entry != nullptr);
  Entry taken = std::exchange(*entry, Entry{});
  entry->state = Entry::State::answered;
  while (!entries_.empty() && entries_.front().state == Entry::State::answered) {
    entries_.pop_front();
    ++first_seq_;
    if (cursor_ > 0) --cursor_;
  }
  return taken;
}

void Window::put_back(std::uint64_t seq) {
  Entry* const entry = find(seq);
  assert(entry != nullptr);
  entry->state = Entry::State::queued;
  cursor_ = std::min(cursor_, static_cast<std::size_t>(seq - first_seq_));
}

void Window::lose(Certainty certainty) {
  for (Entry& entry : entries_) {
    if (entry.state != Entry::State::sent) continue;
    entry.state = Entry::State::queued;
    if (certainty == Certainty::doubtful) entry.in_doubt = true;
  }
  cursor_ = 0;
}

void Window::forget(Epoch epoch) {
  for (Entry& entry : entries_) {
    if (!entry.in_doubt) continue;
    entry.maybe_twice = true;
    if (epoch == Epoch::changed) entry.epoch_changed = true;
  }
}

}  // namespace ringcast::client
