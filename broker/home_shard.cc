#include "broker/home_shard.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace ringcast::broker {

namespace {

topics::Home::Options home_options(std::uint32_t self, std::uint32_t shards, topics::HashKey key,
                                   const Config& config) {
  topics::Home::Options options{.origin = static_cast<std::uint16_t>(self), .key = key};
  options.topics_max = std::max(1U, config.topics_max / shards);
  options.history_messages_max = config.history;
  for (const HistoryRule& rule : config.history_rules) {
    options.history_rules.push_back({.filter = rule.filter, .messages_max = rule.last});
  }
  return options;
}

}  // namespace

HomeShard::HomeShard(Mesh& mesh, std::uint32_t self, topics::HashKey key, const Config& config,
                     topics::MessagePool& pool)
    : mesh_(mesh),
      self_(self),
      memory_max_bytes_(config.topic_memory_max_bytes / mesh.shards()),
      pool_(pool),
      home_(home_options(self, mesh.shards(), key, config), pool),
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

bool HomeShard::take(const Now& now, std::uint32_t budget) {
  stalled_ = 0;
  stalled_on_ = 0;
  bool more = false;
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
      return Taken::yes;
    case Request::Kind::hand_over:
      handed_over_.push_back(request.fd);
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
    acknowledge(from, request, outcome, nullptr);
    discard(request);
    return Taken::yes;
  };
  if (request.deadline < now.monotonic) return refuse(Outcome::expired);
  if (pool_.counters().live_bytes + request.bytes > memory_max_bytes_) return refuse(Outcome::memory_full);
  const auto topic = home_.find_or_make(request.message->topic(), request.message->topic_hash);
  if (!topic) return refuse(Outcome::too_many_topics);

  const topics::ShardSet interested = home_.interested(*topic);
  for (topics::ShardSet set = interested; set != 0;) {
    const std::uint32_t reader = topics::take_shard(set);
    if (!has_room(reader, reader == from ? 2 : 1, request.bytes)) return Taken::no_room;
  }
  topics::Message* const message = request.same_pool ? request.message : pool_.adopt(request.message).message;
  const topics::Home::Sequenced sequenced = home_.sequence(*topic, message, now.utc_us);
  ++counters_.published;
  for (topics::ShardSet set = sequenced.interested; set != 0;) {
    const std::uint32_t reader = topics::take_shard(set);
    pool_.retain(message);
    ++counters_.deliveries;
    push(reader, {.kind = Delivery::Kind::message, .topic = sequenced.topic, .message = message});
  }
  if (request.wants_ack) acknowledge(from, request, Outcome::sequenced, message);
  pool_.release(message);
  request.message = request.sender_releases ? request.message : nullptr;
  return Taken::yes;
}

HomeShard::Taken HomeShard::subscribe(std::uint32_t from, const Request& request) {
  if (!has_room(from, 1, 0)) return Taken::no_room;
  if (request.first) home_.announce(from, request.message->topic());
  push(from, {.kind = Delivery::Kind::marker,
              .subscription = request.subscription,
              .ticket = request.ticket,
              .slot = request.slot,
              .position = home_.position()});
  return Taken::yes;
}

HomeShard::Taken HomeShard::pull(std::uint32_t from, const Request& request) {
  if (!has_room(from, 2, 0)) return Taken::no_room;
  const std::size_t room = mesh_.deliveries(self_, from).room();
  const auto after = request.message->payload();
  const topics::Home::Chunk chunk{
      .after = {reinterpret_cast<const char*>(after.data()), after.size()},
      .position_max = request.position,
      .count_max = static_cast<std::uint32_t>(std::min<std::size_t>(kSnapshotMessages, room - 1)),
  };
  std::size_t bytes = 0;
  const Delivery answer{.subscription = request.subscription, .ticket = request.ticket, .slot = request.slot};
  const topics::WalkEnd end = home_.snapshot(request.message->topic(), chunk, [&](topics::Message* message) {
    if (bytes > 0 && bytes + message->payload_size > kSnapshotBytes) return topics::Visit::refuse;
    if (bytes > 0 && !has_room(from, 2, message->payload_size)) return topics::Visit::refuse;
    bytes += message->payload_size + 1;  // + 1: an empty message counts too
    pool_.retain(message);
    Delivery value = answer;
    value.kind = Delivery::Kind::snapshot;
    value.message = message;
    push(from, value);
    return topics::Visit::go_on;
  });
  Delivery last = answer;
  last.kind = Delivery::Kind::snapshot_end;
  if (!end.done) last.message = pool_.make({.topic = end.after});
  push(from, last);
  return Taken::yes;
}

void HomeShard::acknowledge(std::uint32_t from, const Request& request, Outcome outcome,
                            const topics::Message* message) {
  Delivery ack{.kind = Delivery::Kind::ack, .outcome = outcome, .ticket = request.ticket, .slot = request.slot};
  if (message != nullptr) {
    ack.seq = message->seq;
    ack.position = message->position;
    ack.time_us = message->time_us;
  }
  push(from, ack);
}

bool HomeShard::has_room(std::uint32_t reader, std::size_t entries, std::size_t bytes) {
  const std::size_t in_flight = readers_[reader].bytes_in_flight;
  if (mesh_.deliveries(self_, reader).room() >= entries && (in_flight == 0 || in_flight + bytes <= kBytesInFlightMax)) {
    return true;
  }
  stalled_on_ |= topics::only(reader);
  return false;
}

void HomeShard::push(std::uint32_t reader, Delivery delivery) {
  if (delivery.message != nullptr) readers_[reader].bytes_in_flight += delivery.message->payload_size;
  const bool pushed = mesh_.deliveries(self_, reader).push(delivery);
  assert(pushed);
}

void HomeShard::reclaim() {
  for (std::uint32_t reader = 0; reader < mesh_.shards(); ++reader) {
    mesh_.deliveries(self_, reader).reclaim([&](Delivery& delivery) { free(reader, delivery); });
  }
}

void HomeShard::free(std::uint32_t reader, Delivery& delivery) {
  if (delivery.message == nullptr) return;
  readers_[reader].bytes_in_flight -= delivery.message->payload_size;
  pool_.release(delivery.message);
}

topics::ShardSet HomeShard::flush() {
  topics::ShardSet flushed = 0;
  for (std::uint32_t reader = 0; reader < mesh_.shards(); ++reader) {
    if (mesh_.deliveries(self_, reader).flush()) flushed |= topics::only(reader);
  }
  return flushed;
}

topics::ShardSet HomeShard::take_room_made() noexcept {
  return std::exchange(room_made_, 0);
}

bool HomeShard::has_requests() {
  for (std::uint32_t from = 0; from < mesh_.shards(); ++from) {
    if (!topics::contains(stalled_, from) && !mesh_.requests(from, self_).empty()) return true;
  }
  return false;
}

bool HomeShard::ask_for_room() {
  bool room = false;
  for (topics::ShardSet set = stalled_on_; set != 0;) {
    if (!mesh_.deliveries(self_, topics::take_shard(set)).ask_for_room()) room = true;
  }
  return room;
}

}  // namespace ringcast::broker
