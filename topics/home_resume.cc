// Home: what a subscriber that comes back has missed of a topic, and whether it can be told all.
#include <algorithm>
#include <cassert>

#include "topics/home.h"
#include "topics/name.h"

namespace ringcast::topics {

namespace {

// The messages [begin, end) of a history lie in a window of positions, behind which the newest is that is not kept.
// True if one in the window may be missing too: but not where they follow each other without a hole from before it to
// behind it. `within`, if not 0: up to there the window was looked at before.
bool may_lack(const History& history, std::size_t begin, std::size_t end, std::uint64_t within) noexcept {
  if (within > 0) return history.size() == 0 || history[0]->position > within;
  if (begin == 0 || end == history.size()) return true;
  return history[end]->seq - history[begin - 1]->seq > end - begin + 1;
}

}  // namespace

// What the whole of a resumption cannot be better than, whatever its topics say.
Resumed Home::outlook(std::string_view filter, const ResumeChunk& chunk) const noexcept {
  if (chunk.since > position_) return Resumed::gap;
  if (chunk.since_us != INT64_MIN && chunk.since_us < began_us_) return Resumed::gap;
  const std::uint64_t since = std::max(chunk.since, samples_.position_before(chunk.since_us));
  if (forgotten_position_ <= since) return Resumed::recovered;
  if (is_wildcard(filter)) return Resumed::gap;
  const std::uint32_t index = index_of(filter, hash_name(options_.key, filter));
  if (index == kNone) return Resumed::gap;
  // A topic that had a message by then was not forgotten since.
  const Topic& topic = topics_[index];
  const bool had_one = (topic.lost_position > 0 && topic.lost_position <= since) ||
                       (topic.history.size() > 0 && topic.history[0]->position <= since);
  return had_one ? Resumed::recovered : Resumed::gap;
}

std::uint32_t Home::count_changed(ResumeChunk& chunk, std::uint32_t looks_max) const noexcept {
  std::uint32_t looks = looks_max;
  while (looks > 0) {
    const ChangeMap::Found found = changes_.next(chunk.topic.index, chunk.since, looks);
    chunk.topic.index = found.index + (found.found ? 1 : 0);
    if (found.found || found.index < changes_.end()) continue;
    if (chunk.within == 0) chunk.topic = {.index = 0};  // else when that topic is done
    break;
  }
  return looks_max - looks;
}

Home::Owed Home::kept(std::uint32_t index, std::uint64_t after_seq, const ReplayChunk& chunk) noexcept {
  drop_aged(topics_[index]);
  const History& history = topics_[index].history;
  const std::size_t end = history.first_after_position(chunk.position_max);
  const std::size_t begin = end - std::min<std::size_t>(end, chunk.per_topic_max);
  return {.begin = std::max(history.first_after(after_seq), begin), .end = end};
}

// Whether history may have let go something behind the cursor that the replay has yet to say. The cursor's own message
// is older than that; and what came live since the replay began is not the replay's.
bool Home::overtaken(std::uint32_t index, const ReplayChunk& chunk) const noexcept {
  const History& history = topics_[index].history;
  if (history.size() == 0) return topics_[index].lost_position > 0;
  return history[0]->seq > chunk.after_seq + 1;
}

// What is to be said of a topic that had a message after chunk.since. The window is (since, position_max].
Home::Owed Home::missed(std::uint32_t index, const ResumeChunk& chunk) noexcept {
  drop_aged(topics_[index]);
  const Topic& topic = topics_[index];
  const History& history = topic.history;
  const std::uint64_t since = std::max(chunk.since, chunk.within);
  Owed owed{.begin = std::max(history.first_after_position(since), history.first_since(chunk.since_us)),
            .end = history.first_after_position(chunk.position_max)};
  owed.begin = std::min(owed.begin, owed.end);
  bool lost = topic.lost_position > since;
  if (lost && topic.lost_position > chunk.position_max) {
    lost = may_lack(history, owed.begin, owed.end, chunk.within);
  }
  if (const std::size_t after = history.first_after_position(topic.lost_position); after < history.size()) {
    if (history[after]->time_us < chunk.since_us) lost = false;  // what is older than that is older, too
  }
  if (chunk.say == Since::every) {
    if (lost) owed.resumed = Resumed::gap;
    return owed;
  }
  const Message* const newest = history.newest();
  const std::uint64_t position = changes_.position(index);
  const bool comes_live = newest != nullptr && newest->position > chunk.position_max;
  const std::size_t in_window = owed.end - owed.begin;
  owed.begin = comes_live || in_window == 0 ? owed.end : owed.end - 1;
  if (lost || owed.end - owed.begin < in_window) owed.resumed = Resumed::conflated;
  const bool newest_is_kept = newest != nullptr && newest->position == position;
  if (lost && !newest_is_kept && position <= chunk.position_max) owed.resumed = Resumed::gap;
  return owed;
}

}  // namespace ringcast::topics
