#include "broker/unanswered.h"

#include <algorithm>
#include <cassert>

namespace ringcast::broker {

std::uint32_t Unanswered::add(std::uint64_t id, std::uint32_t bytes) {
  if (next_ - first_ == entries_.size()) grow();
  const std::uint32_t ticket = next_++;
  at(ticket) = {.id = id, .bytes = bytes};
  ++waiting_;
  waiting_bytes_ += bytes;
  return ticket;
}

std::uint64_t Unanswered::answer(std::uint32_t ticket) {
  assert(ticket - first_ < next_ - first_);
  Entry& entry = at(ticket);
  assert(!entry.answered);
  entry.answered = true;
  --waiting_;
  waiting_bytes_ -= entry.bytes;
  ++answered_;
  answered_bytes_ += entry.bytes;
  const std::uint64_t id = entry.id;
  for (; first_ != next_ && at(first_).answered; ++first_) {
    answered_up_to_ = std::max(answered_up_to_, at(first_).id);
  }
  return id;
}

void Unanswered::grow() {
  constexpr std::size_t kSizeMin = 16;  // entries: a connection that publishes now and then
  std::vector<Entry> larger(std::max(kSizeMin, entries_.size() * 2));
  for (std::uint32_t ticket = first_; ticket != next_; ++ticket) larger[ticket & (larger.size() - 1)] = at(ticket);
  entries_ = std::move(larger);
}

}  // namespace ringcast::broker
