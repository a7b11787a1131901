// Home: the passing of time. Values that expire, messages that grow too old, topics that are forgotten.
#include <algorithm>
#include <cassert>

#include "topics/home.h"
#include "topics/name.h"

namespace ringcast::topics {

namespace {

constexpr std::uint32_t kDropMax = 4'096;  // messages let go for one visit: some 50 us

// Milliseconds until the message is older than that, rounded up.
std::int64_t left_ms(const Message& message, std::int64_t age_us, std::int64_t now_us) {
  return (message.time_us + age_us - now_us + 999) / 1'000;
}

}  // namespace

// Rounded up: nothing is ever early.
Deadlines::Tick Home::ticks(std::int64_t ms) noexcept {
  constexpr std::int64_t kMax = Deadlines::kNever / 2;  // 6 years
  return static_cast<Deadlines::Tick>(std::clamp<std::int64_t>((ms + kTickMs - 1) / kTickMs, 0, kMax));
}

Home::Rule Home::rule(const HistoryRule& rule) const noexcept {
  Rule used{.limits = {.messages_max = rule.messages_max, .bytes_max = rule.bytes_max}};
  used.age_us = rule.age_ms * 1'000;
  if (rule.ttl_ms > 0) used.ttl = ticks(rule.ttl_ms) + 1;  // a tick may have been almost over when it was noted
  if (rule.age_ms > 0) used.age = ticks(rule.age_ms);
  return used;
}

void Home::turn(const Time& now) noexcept {
  if (first_ms_ == INT64_MIN) first_ms_ = now.monotonic_ms;
  const std::int64_t tick = (now.monotonic_ms - first_ms_) / kTickMs + 1;
  now_ = static_cast<Deadlines::Tick>(std::clamp<std::int64_t>(tick, now_, Deadlines::kNever / 2));
  time_us_ = std::max(time_us_, now.utc_us);
  began_us_ = std::min(began_us_, time_us_);
}

void Home::look_at(std::uint32_t index, Deadlines::Tick at) {
  topics_[index].due = deadlines_.add(index, at);
}

TopicHandle Home::due(std::uint32_t& visits) {
  for (; visits > 0; --visits) {
    const auto entry = deadlines_.take(now_);
    if (!entry) break;
    Topic& topic = topics_[entry->index];
    if (!topic.used || topic.due != entry->tick) continue;  // it was added anew, for earlier
    topic.due = Deadlines::kNever;
    if (!topic.published) continue;
    if (!has_value(topic)) {
      forget_idle(entry->index);
    } else if (expires(entry->index)) {
      ++counters_.expired;
      --visits;
      return {.index = entry->index, .generation = topic.generation};
    }
  }
  return {};
}

void Home::postpone(TopicHandle topic) {
  assert(alive(topic));
  --counters_.expired;
  look_at(topic.index, now_ + 1);
}

std::int64_t Home::next_due_ms() const noexcept {
  const Deadlines::Tick next = deadlines_.next();
  if (next == Deadlines::kNever) return INT64_MAX;
  return first_ms_ + (std::int64_t{next} - 1) * kTickMs;
}

// Lets messages go that are older than the topic's rule allows, but for the newest; how many.
std::uint32_t Home::drop_aged(Topic& topic) noexcept {
  const std::int64_t age_us = rule_at(topic.rule).age_us;
  if (age_us == 0) return 0;
  std::uint32_t dropped = 0;
  while (dropped < kDropMax && topic.history.size() > 1 && topic.history[0]->time_us < time_us_ - age_us) {
    topic.lost_position = std::max(topic.lost_position, topic.history[0]->position);
    topic.history.drop_oldest(pool_);
    ++dropped;
  }
  return dropped;
}

// Whether the topic's value is to be removed now; if not, the topic comes up again when it may be.
bool Home::expires(std::uint32_t index) {
  Topic& topic = topics_[index];
  const Rule& rule = rule_at(topic.rule);
  Deadlines::Tick wait = Deadlines::kNever;
  if (rule.ttl != Deadlines::kNever) {
    const Deadlines::Tick idle = now_ - topic.touched;
    if (idle >= rule.ttl) return true;
    wait = rule.ttl - idle;
  }
  if (rule.age_us > 0) {
    if (left_ms(*topic.history.newest(), rule.age_us, time_us_) <= 0) return true;
    wait = std::min(wait, ages(topic));
  }
  if (wait != Deadlines::kNever) look_at(index, now_ + wait);
  return false;
}

// Lets go what is too old; after how many ticks there may be more.
Deadlines::Tick Home::ages(Topic& topic) {
  if (drop_aged(topic) == kDropMax) return 1;
  const std::int64_t age_us = rule_at(topic.rule).age_us;
  // They go a few at a time, not each at its own moment; the newest, which may be the value, at its own.
  const std::int64_t oldest_ms = std::max(left_ms(*topic.history[0], age_us, time_us_), age_us / 8'000);
  const std::int64_t newest_ms = left_ms(*topic.history.newest(), age_us, time_us_);
  return std::max<Deadlines::Tick>(ticks(std::min(oldest_ms, newest_ms)), 1);
}

// A topic without a value is forgotten when nothing came for long enough.
void Home::forget_idle(std::uint32_t index) {
  Topic& topic = topics_[index];
  const Deadlines::Tick idle = now_ - topic.touched;
  if (idle < forget_after_) {
    const bool may_age = rule_at(topic.rule).age_us > 0 && topic.history.size() > 1;
    return look_at(index, now_ + std::min(forget_after_ - idle, may_age ? ages(topic) : Deadlines::kNever));
  }
  for (std::uint32_t dropped = 0; dropped < kDropMax && topic.history.size() > 1; ++dropped) {
    topic.lost_position = std::max(topic.lost_position, topic.history[0]->position);
    topic.history.drop_oldest(pool_);
  }
  if (topic.history.size() > 1) return look_at(index, now_ + 1);
  unpublish(index);
}

Home::Forget Home::forget(std::string_view name) {
  const std::uint32_t index = index_of(name, hash_name(options_.key, name));
  if (index == kNone || !topics_[index].published) return Forget::unknown;
  if (has_value(topics_[index])) return Forget::has_value;
  unpublish(index);
  return Forget::forgotten;
}

void Home::unpublish(std::uint32_t index) {
  Topic& topic = topics_[index];
  assert(!has_value(topic));
  topic.history.clear(pool_);
  forgotten_position_ = std::max(forgotten_position_, changes_.position(index));
  changes_.clear(index);
  order_.erase(topic.name);
  --counters_.topics;
  ++counters_.forgotten;
  if (topic.exact == 0) return free_entry(index);
  topic.published = false;  // it begins anew with its next message
  topic.seq = 0;
  topic.lost_position = 0;
  topic.due = Deadlines::kNever;
}

}  // namespace ringcast::topics
