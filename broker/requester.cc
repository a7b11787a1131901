#include "broker/requester.h"

#include <cassert>

namespace ringcast::broker {

namespace {
std::size_t bytes_of(const topics::Message* message) {
  return message == nullptr ? 0 : message->payload_size;
}
}  // namespace

Requester::Requester(Mesh& mesh, std::uint32_t self, topics::MessagePool& pool)
    : mesh_(mesh), self_(self), pool_(pool), targets_(mesh.shards()) {}

Requester::~Requester() {
  for (std::uint32_t home = 0; home < mesh_.shards(); ++home) {
    reclaim(home);
    for (const Request& request : targets_[home].waiting) {
      if (request.message != nullptr) pool_.release(request.message);
    }
  }
}

topics::Message* Requester::note(std::string_view filter, std::string_view after) {
  const topics::Bytes bytes{reinterpret_cast<const std::uint8_t*>(after.data()), after.size()};
  return pool_.make({.topic = filter, .payload = bytes});
}

bool Requester::push(std::uint32_t home, const Request& request) {
  Target& target = targets_[home];
  Queue<Request>& ring = mesh_.requests(self_, home);
  const std::size_t bytes = bytes_of(request.message);
  if (ring.room() == 0) return false;
  if (target.bytes_in_flight > 0 && target.bytes_in_flight + bytes > kBytesInFlightMax) return false;
  Request entry = request;
  entry.bytes = static_cast<std::uint32_t>(bytes);
  if (entry.kind == Request::Kind::publish) {
    // On its own shard a message stays where it is; to another it goes by copy (small) or as it is (large).
    entry.same_pool = home == self_;
    entry.sender_releases = home != self_ && pool_.hand_over(entry.message) == topics::Passing::copied;
  }
  const bool pushed = ring.push(entry);
  assert(pushed);
  target.bytes_in_flight += bytes;
  return true;
}

bool Requester::publish(std::uint32_t home, const Request& request) {
  assert(request.kind == Request::Kind::publish);
  Target& target = targets_[home];
  if (target.waiting.empty() && push(home, request)) return true;
  target.full = true;
  return false;
}

void Requester::send(std::uint32_t home, const Request& request) {
  Target& target = targets_[home];
  if (!target.waiting.empty() || !push(home, request)) target.waiting.push_back(request);
}

void Requester::reclaim(std::uint32_t home) {
  Target& target = targets_[home];
  mesh_.requests(self_, home).reclaim([&](Request& request) {
    target.bytes_in_flight -= request.bytes;
    if (request.message != nullptr && request.sender_releases) pool_.release(request.message);
  });
}

bool Requester::advance() {
  bool room = false;
  for (std::uint32_t home = 0; home < mesh_.shards(); ++home) {
    Target& target = targets_[home];
    reclaim(home);
    while (!target.waiting.empty() && push(home, target.waiting.front())) target.waiting.pop_front();
    if (target.full && target.waiting.empty() && mesh_.requests(self_, home).room() > 0) {
      target.full = false;
      room = true;
    }
  }
  return room;
}

topics::ShardSet Requester::flush() {
  topics::ShardSet flushed = 0;
  for (std::uint32_t home = 0; home < mesh_.shards(); ++home) {
    if (mesh_.requests(self_, home).flush()) flushed |= topics::ShardSet{1} << home;
  }
  return flushed;
}

bool Requester::unflushed() const noexcept {
  for (std::uint32_t home = 0; home < mesh_.shards(); ++home) {
    if (mesh_.requests(self_, home).unflushed()) return true;
  }
  return false;
}

bool Requester::ask_for_room() {
  bool room = false;
  for (std::uint32_t home = 0; home < mesh_.shards(); ++home) {
    const Target& target = targets_[home];
    if ((target.full || !target.waiting.empty()) && !mesh_.requests(self_, home).ask_for_room()) room = true;
  }
  return room;
}

std::size_t Requester::waiting() const noexcept {
  std::size_t count = 0;
  for (const Target& target : targets_) count += target.waiting.size();
  return count;
}

}  // namespace ringcast::broker
