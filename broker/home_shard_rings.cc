// HomeShard and its rings: room for what a request causes, what is on its way, and who waits.
#include <cassert>
#include <utility>

#include "broker/home_shard.h"

namespace ringcast::broker {

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
