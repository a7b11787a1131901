#include "broker/home_shard.h"

#include <algorithm>
#include <cassert>
#include <string_view>
#include <utility>

namespace ringcast::broker {

namespace {

topics::Home::Options home_options(std::uint32_t self, std::uint32_t shards, topics::HashKey key,
                                   const Config& config) {
  topics::Home::Options options{.origin = static_cast<std::uint16_t>(self), .key = key};
  options.topics_max = std::max(1U, config.topics_max / shards);
  const auto rule = [&](const HistoryRule& given) {
    return topics::HistoryRule{
        .filter = given.filter,
        .messages_max = given.last.value_or(config.history),
        .bytes_max = static_cast<std::uint32_t>(given.bytes.value_or(config.history_bytes)),
        .age_ms = given.age_ms.value_or(config.history_age_ms),
        .ttl_ms = given.ttl_ms.value_or(config.history_ttl_ms),
    };
  };
  options.history = rule({});
  // What the broker says of itself is a last value, whatever is configured.
  options.history_rules.push_back(
      rule({.filter = "$broker/#", .last = 1, .bytes = kHistoryBytesMax, .age_ms = 0, .ttl_ms = 0}));
  for (const HistoryRule& given : config.history_rules) options.history_rules.push_back(rule(given));
  options.forget_after_ms = config.forget_after_ms;
  return options;
}

Delivery ack(const Request& request, Outcome outcome, const Repeats::First& first = {}) {
  return {.kind = Delivery::Kind::ack,
          .outcome = outcome,
          .ticket = request.ticket,
          .slot = request.slot,
          .seq = first.seq,
          .position = first.position,
          .time_us = first.time_us};
}

Repeats::First first_of(const topics::Message& message) {
  return {.seq = message.seq, .position = message.position, .time_us = message.time_us};
}

topics::Publisher publisher(std::uint32_t from, const Request& request) {
  return {.shard = from, .slot = request.slot.index, .generation = request.slot.generation};
}

// Where a chunk of what a pull wants has ended.
struct Walked {
  bool done = false;
  std::string_view after;
  std::uint64_t after_seq = 0;
  topics::TopicHandle after_topic;
  topics::Resumed resumed = topics::Resumed::recovered;
};

template <typename Visitor>
Walked walk(topics::Home& home, const Request& pull, std::uint32_t count_max, Visitor& visit) {
  const topics::Bytes payload = pull.message->payload();
  std::string_view after{reinterpret_cast<const char*>(payload.data()), payload.size()};
  const std::string_view filter = pull.message->topic();
  if (pull.pull != Pull::kept) {
    // After no topic at all: a message has a topic, so the filter stands for none. It is a wildcard, which no topic is.
    if (pull.after_topic.valid() && after == filter) after = {};
    const bool every = pull.pull == Pull::every_since;
    const auto end = home.resume(filter,
                                 {.say = every ? topics::Home::Since::every : topics::Home::Since::newest,
                                  .since = pull.since,
                                  .since_us = pull.since_us,
                                  .position_max = pull.position,
                                  .after = after,
                                  .within = pull.after_seq,
                                  .topic = pull.after_topic,
                                  .count_max = count_max},
                                 visit);
    return {.done = end.done,
            .after = end.after.empty() ? filter : end.after,
            .after_seq = end.within,
            .after_topic = end.topic,
            .resumed = end.resumed};
  }
  if (pull.replay_max > 0) {
    const auto end = home.replay(filter,
                                 {.after = after,
                                  .after_seq = pull.after_seq,
                                  .position_max = pull.position,
                                  .per_topic_max = pull.replay_max,
                                  .count_max = count_max},
                                 visit);
    return {.done = end.done, .after = end.after, .after_seq = end.after_seq, .resumed = end.resumed};
  }
  const auto end =
      home.snapshot(filter, {.after = after, .position_max = pull.position, .count_max = count_max}, visit);
  return {.done = end.done, .after = end.after};
}

}  // namespace

HomeShard::HomeShard(Mesh& mesh, std::uint32_t self, topics::HashKey key, const Config& config,
                     topics::MessagePool& pool)
    : mesh_(mesh),
      self_(self),
      memory_max_bytes_(config.topic_memory_max_bytes / mesh.shards()),
      pool_(pool),
      home_(home_options(self, mesh.shards(), key, config), pool),
      repeats_({.producers_max = config.producers_max}, {}),
      readers_(mesh.shards()) {}

HomeShard::~HomeShard() {
  // The threads have ended: what lies in a ring is read by nobody any more.
  for (std::uint32_t from = 0; from < mesh_.shards(); ++from) {
    Queue<Request>& ring = mesh_.requests(from, self_);
    for (Request* request = ring.front(); request != nullptr; request = ring.front()) {
      discard(*request);
      ring.pop();
    }
    (void)ring.release();
  }
  for (std::uint32_t reader = 0; reader < mesh_.shards(); ++reader) {
    mesh_.deliveries(self_, reader).abandon([&](Delivery& delivery) { free(reader, delivery); });
  }
}

void HomeShard::configure(const Config& config) {
  memory_max_bytes_ = config.topic_memory_max_bytes / mesh_.shards();
  repeats_.set_producers_max(config.producers_max);
  home_.configure(home_options(self_, mesh_.shards(), {}, config));
}

bool HomeShard::take(const Now& now, std::uint32_t budget) {
  stalled_ = 0;
  stalled_on_ = 0;
  home_.turn({.utc_us = now.utc_us, .monotonic_ms = now.monotonic.ms});
  bool more = expire(now);
  for (std::uint32_t i = 0; i < mesh_.shards(); ++i) {
    const std::uint32_t from = (first_ + i) % mesh_.shards();
    Queue<Request>& ring = mesh_.requests(from, self_);
    std::uint32_t taken = 0;
    for (Request* request = ring.front(); request != nullptr; request = ring.front()) {
      if (taken++ == budget) {
        more = true;
        break;
      }
      if (take_one(from, *request, now) == Taken::no_room) {
        ++counters_.stalls;
        stalled_ |= topics::only(from);
        break;
      }
      ring.pop();
    }
    if (ring.release()) room_made_ |= topics::only(from);
  }
  if (++first_ >= mesh_.shards()) first_ = 0;
  return more;
}

HomeShard::Taken HomeShard::take_one(std::uint32_t from, Request& request, const Now& now) {
  switch (request.kind) {
    case Request::Kind::publish:
      return publish(from, request, now);
    case Request::Kind::subscribe:
      return subscribe(from, request);
    case Request::Kind::withdraw:
      home_.withdraw(from, request.message->topic());
      return Taken::yes;
    case Request::Kind::pull:
      return pull(from, request);
    case Request::Kind::claim:
      return claim(from, request, now.monotonic);
    case Request::Kind::catch_up:
      if (!has_room(from, 1, 0)) return Taken::no_room;
      push(from, {.kind = Delivery::Kind::caught_up, .slot = request.slot});
      return Taken::yes;
    case Request::Kind::hand_over:
      handed_over_.push_back({request.fd, request.tls});
      return Taken::yes;
  }
  assert(false);
  return Taken::yes;
}

// The publish is not taken: what became of its message's memory follows Requester::push().
void HomeShard::discard(Request& request) {
  if (request.kind != Request::Kind::publish || request.sender_releases) return;
  pool_.release(request.same_pool ? request.message : pool_.adopt(request.message).message);
  request.message = nullptr;
}

HomeShard::Taken HomeShard::publish(std::uint32_t from, Request& request, const Now& now) {
  if (!has_room(from, 1, 0)) return Taken::no_room;
  const auto refuse = [&](Outcome outcome) {
    ++(outcome == Outcome::expired ? counters_.expired : counters_.refused);
    ++counters_.outcomes[static_cast<std::size_t>(outcome)];
    push(from, ack(request, outcome));
    discard(request);
    return Taken::yes;
  };
  // First: of what was published before nobody may be told that it certainly was not.
  Repeats::Checked checked = repeats_.check(request.repeat, now.monotonic);
  if (checked.outcome == Outcome::duplicate) return repeated(from, request, checked, now.monotonic);
  if (checked.outcome != Outcome::sequenced) return refuse(checked.outcome);
  if (request.deadline < now.monotonic) return refuse(Outcome::expired);
  if (is_over_memory(request)) return refuse(Outcome::memory_full);
  const auto topic = home_.find_or_make(request.message->topic(), request.message->topic_hash);
  if (!topic) return refuse(Outcome::too_many_topics);

  const topics::ShardSet interested = home_.interested(*topic);
  for (topics::ShardSet set = interested; set != 0;) {
    const std::uint32_t reader = topics::take_shard(set);
    if (!has_room(reader, reader == from ? 2 : 1, request.bytes)) return Taken::no_room;
  }
  topics::Message* const message = request.same_pool ? request.message : pool_.adopt(request.message).message;
  sequence(*topic, message, now);
  ++counters_.published;
  counters_.published_bytes += message->payload_size;
  checked.first = first_of(*message);
  repeats_.record(request.repeat, checked, publisher(from, request), now.monotonic);
  if (request.wants_ack) push(from, ack(request, Outcome::sequenced, checked.first));
  pool_.release(message);
  request.message = request.sender_releases ? request.message : nullptr;
  return Taken::yes;
}

// Removals of values are always taken: they are the way out.
bool HomeShard::is_over_memory(const Request& publish) const {
  if (pool_.counters().live_bytes + publish.bytes <= memory_max_bytes_) return false;
  return publish.message->op != topics::Op::remove || home_.last(publish.message->topic()) == nullptr;
}

// Gives the message its place and hands it to every shard that is interested: there is room in their rings.
void HomeShard::sequence(topics::TopicHandle topic, topics::Message* message, const Now& now) {
  const topics::Home::Sequenced sequenced = home_.sequence(topic, message, now.utc_us);
  for (topics::ShardSet set = sequenced.interested; set != 0;) {
    const std::uint32_t reader = topics::take_shard(set);
    pool_.retain(message);
    ++counters_.deliveries;
    push(reader, {.kind = Delivery::Kind::message, .topic = sequenced.topic, .message = message});
  }
}

bool HomeShard::publish_own(std::string_view name, std::uint64_t hash, std::string_view payload, const Now& now) {
  topics::TopicHandle topic = home_.find(name, hash);
  if (!topic.valid()) {
    home_.allow_own_topic();
    topic = *home_.find_or_make(name, hash);
  }
  for (topics::ShardSet set = home_.interested(topic); set != 0;) {
    if (!has_room(topics::take_shard(set), 1, payload.size())) return false;
  }
  topics::Message* const message =
      pool_.make({.topic = name,
                  .topic_hash = hash,
                  .content_type = "application/json",
                  .payload = {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()},
                  .format = topics::Format::json});
  sequence(topic, message, now);
  pool_.release(message);
  return true;
}

// Publishes a REMOVE for each value that is past its time. Where there is no room for it, it waits.
bool HomeShard::expire(const Now& now) {
  std::uint32_t visits = kDueVisits;
  for (topics::TopicHandle topic = home_.due(visits); topic.valid(); topic = home_.due(visits)) {
    bool room = true;
    for (topics::ShardSet set = home_.interested(topic); set != 0 && room;)
      room = has_room(topics::take_shard(set), 1, 0);
    if (!room) {
      home_.postpone(topic);
      continue;
    }
    const topics::Message& value = *home_.last(topic);
    topics::Message* const message =
        pool_.make({.topic = value.topic(), .topic_hash = value.topic_hash, .op = topics::Op::remove});
    sequence(topic, message, now);
    pool_.release(message);
    ++counters_.expired_values;
  }
  return visits == 0;
}

// A publish that came before, and there is room for its ack.
HomeShard::Taken HomeShard::repeated(std::uint32_t from, Request& request, const Repeats::Checked& checked,
                                     Instant now) {
  ++counters_.duplicates;
  repeats_.record(request.repeat, checked, publisher(from, request), now);
  if (request.wants_ack) push(from, ack(request, Outcome::duplicate, checked.first));
  discard(request);
  return Taken::yes;
}

HomeShard::Taken HomeShard::claim(std::uint32_t from, const Request& request, Instant now) {
  const topics::Publisher holder = publisher(from, request);
  const Repeats::Claimed claimed = repeats_.check_claim(request.repeat, holder, now);
  const topics::Publisher& previous = claimed.previous;
  const bool tells = previous.slot != SlotId::kNone;
  if (!has_room(from, tells && previous.shard == from ? 2 : 1, 0)) return Taken::no_room;
  if (tells && !has_room(previous.shard, 1, 0)) return Taken::no_room;
  repeats_.claim(request.repeat, holder, now);
  if (tells) {
    push(previous.shard, {.kind = Delivery::Kind::fenced,
                          .outcome = Outcome::fenced,
                          .slot = {.index = previous.slot, .generation = previous.generation}});
  }
  const bool known = tells && claimed.outcome == Outcome::sequenced;
  push(from, {.kind = Delivery::Kind::claimed,
              .outcome = known ? Outcome::duplicate : claimed.outcome,
              .ticket = request.ticket,
              .slot = request.slot});
  return Taken::yes;
}

HomeShard::Taken HomeShard::subscribe(std::uint32_t from, const Request& request) {
  if (!has_room(from, 1, 0)) return Taken::no_room;
  if (request.first) home_.announce(from, request.message->topic());
  push(from, {.kind = Delivery::Kind::marker,
              .unchanged = home_.unchanged_since(request.message->topic(), request.position, kUnchangedVisitsMax),
              .subscription = request.subscription,
              .ticket = request.ticket,
              .slot = request.slot,
              .position = home_.position()});
  return Taken::yes;
}

HomeShard::Taken HomeShard::pull(std::uint32_t from, const Request& request) {
  if (!has_room(from, 2, 0)) return Taken::no_room;
  const std::size_t room = mesh_.deliveries(self_, from).room();
  const auto count_max = static_cast<std::uint32_t>(std::min<std::size_t>(kSnapshotMessages, room - 1));
  const Delivery answer{.subscription = request.subscription, .ticket = request.ticket, .slot = request.slot};
  std::size_t bytes = 0;
  const auto visit = [&](topics::Message* message) {
    if (bytes > 0 && bytes + message->payload_size > kSnapshotBytes) return topics::Visit::refuse;
    if (bytes > 0 && !has_room(from, 2, message->payload_size)) return topics::Visit::refuse;
    bytes += message->payload_size + 1;  // + 1: an empty message counts too
    pool_.retain(message);
    Delivery value = answer;
    value.kind = Delivery::Kind::snapshot;
    value.message = message;
    push(from, value);
    return topics::Visit::go_on;
  };
  const Walked walked = walk(home_, request, count_max, visit);
  Delivery last = answer;
  last.kind = Delivery::Kind::snapshot_end;
  last.resumed = walked.resumed;
  if (!walked.done) {
    last.message = pool_.make({.topic = walked.after});
    last.seq = walked.after_seq;
    last.topic = walked.after_topic;
  }
  push(from, last);
  return Taken::yes;
}

}  // namespace ringcast::broker
