// The walks of a Home: snapshot, replay, resumption. They are templates over who takes the messages.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "topics/home.h"

namespace ringcast::topics {

template <typename Visitor>
WalkEnd Home::snapshot(std::string_view filter, const Chunk& chunk, Visitor&& visit) {
  std::uint32_t count = 0;
  return order_.walk(filter, chunk.after, chunk.visits_max, [&](std::uint32_t index) {
    Message* const value = topics_[index].history.newest();
    if (value == nullptr || value->op != Op::set || value->position > chunk.position_max) return Visit::go_on;
    if (count == chunk.count_max) return Visit::refuse;
    ++count;
    return visit(value);
  });
}

template <typename Visitor>
WalkEnd Home::census(std::string_view filter, std::string_view after, std::uint32_t visits_max, Visitor&& visit) const {
  return order_.walk(filter, after, visits_max, [&](std::uint32_t index) {
    const Topic& topic = topics_[index];
    return visit(
        TopicState{.name = topic.name, .seq = topic.seq, .last = topic.history.newest(), .interested = topic.exact});
  });
}

template <typename Visitor>
Home::ReplayEnd Home::replay(std::string_view filter, const ReplayChunk& chunk, Visitor&& visit) {
  std::uint32_t count = 0;
  Resumed resumed = Resumed::recovered;
  if (chunk.after_seq > 0) {
    const TopicHandle begun = find(chunk.after, hash_name(options_.key, chunk.after));
    if (!begun.valid()) resumed = Resumed::gap;  // forgotten
    if (begun.valid()) {
      const Owed owed = kept(begun.index, chunk.after_seq, chunk);
      if (overtaken(begun.index, chunk)) resumed = Resumed::gap;
      const Said said = say(topics_[begun.index].history, owed, chunk.count_max, count, visit);
      if (said.wish == Visit::refuse) return {.after = chunk.after, .after_seq = chunk.after_seq, .resumed = resumed};
      if (said.wish == Visit::stop) return {.after = chunk.after, .after_seq = said.last->seq, .resumed = resumed};
    }
  }
  std::uint64_t after_seq = 0;
  const WalkEnd end = order_.walk(filter, chunk.after, chunk.visits_max, [&](std::uint32_t index) {
    const Owed owed = kept(index, 0, chunk);
    const Said said = say(topics_[index].history, owed, chunk.count_max, count, visit);
    after_seq = said.last != nullptr ? said.last->seq : 0;
    return said.wish;
  });
  return {.done = end.done, .after = end.after, .after_seq = after_seq, .resumed = resumed};
}

template <typename Visitor>
Home::Said Home::say(const History& history, const Owed& owed, std::uint32_t count_max, std::uint32_t& count,
                     Visitor&& visit) {
  const Message* last = nullptr;
  for (std::size_t i = owed.begin; i < owed.end; ++i) {
    Message* const message = history[i];
    const Visit wish = count == count_max ? Visit::refuse : visit(message);
    if (wish == Visit::refuse && last == nullptr) return {.wish = Visit::refuse};
    if (wish != Visit::refuse) {
      ++count;
      last = message;
    }
    if (wish != Visit::go_on) return {.wish = Visit::stop, .last = last};
  }
  return {};
}

// By name, and beside it a search counts what has changed. If that ends first, what is left is walked by change: what
// is not behind the cursor by name. So it costs at most four times the cheaper of both, without knowing which that is.
template <typename Visitor>
Home::ResumeEnd Home::resume(std::string_view filter, const ResumeChunk& asked, Visitor&& visit) {
  ResumeChunk chunk = asked;
  chunk.since = std::max(chunk.since <= position_ ? chunk.since : 0, samples_.position_before(chunk.since_us));
  const Resumed outlook = this->outlook(filter, asked);
  const bool begins = chunk.after.empty() && !chunk.topic.valid();
  if (begins && is_wildcard(filter)) chunk.topic = {.index = 0, .generation = kCounting};
  const bool counts = chunk.topic.valid() && chunk.topic.generation == kCounting;
  std::uint32_t visits = begins && counts ? count_changed(chunk, std::min(kCountedFirst, chunk.visits_max / 2)) : 0;
  chunk.visits_max -= std::min(chunk.visits_max, visits);
  ResumeEnd end;
  if (chunk.topic.valid() && chunk.topic.generation != kCounting) {
    end = resume_by_change(filter, chunk, visit);
  } else {
    if (counts) chunk.visits_max = std::max(chunk.visits_max / 2, 1U);
    end = resume_by_name(filter, chunk, visit);
    chunk.after = end.after;
    chunk.within = end.within;
    if (counts && !end.done) visits += count_changed(chunk, std::max(end.visits, 1U));
    end.topic = chunk.topic;
  }
  end.resumed = std::max(end.resumed, outlook);
  end.visits += visits;
  return end;
}

template <typename Visitor>
Home::ResumeEnd Home::resume_by_name(std::string_view filter, const ResumeChunk& chunk, Visitor&& visit) {
  ResumeEnd end{.after = chunk.after, .within = chunk.within};
  std::uint32_t count = 0;
  const auto say_missed = [&](std::uint32_t index, const ResumeChunk& from) {
    const Owed owed = missed(index, from);
    const Said said = say(topics_[index].history, owed, chunk.count_max, count, visit);
    end.resumed = std::max(end.resumed, owed.resumed);
    if (said.wish != Visit::refuse) end.within = said.last != nullptr ? said.last->position : 0;
    return said.wish;
  };
  if (chunk.within > 0) {
    ++end.visits;
    const TopicHandle begun = find(chunk.after, hash_name(options_.key, chunk.after));
    if (begun.valid() && say_missed(begun.index, chunk) != Visit::go_on) return end;
  }
  end.within = 0;
  ResumeChunk whole = chunk;
  whole.within = 0;
  const WalkEnd walked = order_.walk(filter, chunk.after, chunk.visits_max, [&](std::uint32_t index) {
    if (changes_.position(index) <= chunk.since) return Visit::go_on;
    return say_missed(index, whole);
  });
  end.done = walked.done;
  end.after = walked.after;
  end.visits += walked.visits;
  return end;
}

template <typename Visitor>
Home::ResumeEnd Home::resume_by_change(std::string_view filter, const ResumeChunk& chunk, Visitor&& visit) {
  ResumeEnd end{.after = chunk.after, .topic = {.index = chunk.topic.index}};
  std::uint32_t count = 0;
  ResumeChunk from = chunk;
  from.within = alive(chunk.topic) ? chunk.within : 0;  // of another topic at this index all is to be said
  std::uint32_t looks = std::max(chunk.visits_max, 1U);
  while (looks > 0) {
    const ChangeMap::Found found = changes_.next(end.topic.index, chunk.since, looks);
    if (found.index != end.topic.index) from.within = 0;
    end.topic.index = found.index;
    if (!found.found) {
      end.done = found.index >= changes_.end();
      break;
    }
    const Topic& topic = topics_[found.index];
    if (matches(filter, topic.name) && TopicOrder::less(chunk.after, topic.name)) {
      const Owed owed = missed(found.index, from);
      const Said said = say(topic.history, owed, chunk.count_max, count, visit);
      end.resumed = std::max(end.resumed, owed.resumed);
      if (said.wish != Visit::go_on) {
        end.topic.generation = topic.generation;
        end.within = said.wish == Visit::stop ? said.last->position : from.within;
        break;
      }
    }
    from.within = 0;
    ++end.topic.index;
    looks -= std::min(looks, 1U);
  }
  end.visits = std::max(chunk.visits_max, 1U) - looks;
  return end;
}

}  // namespace ringcast::topics
