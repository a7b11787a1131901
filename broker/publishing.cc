#include "broker/publishing.h"

#include <cassert>

namespace ringcast::broker {

Publishing::Publishing(std::uint32_t self, std::uint32_t shards, topics::HashKey key, Requester& requester,
                       topics::MessagePool& pool, SessionTable& sessions)
    : self_(self),
      shards_(shards),
      key_(key),
      requester_(requester),
      pool_(pool),
      sessions_(sessions),
      waiting_(shards) {}

Publishing::Result Publishing::publish(SlotId slot, const Publish& publish, const Options& options) {
  const std::uint64_t hash = topics::hash_name(key_, publish.topic);
  HeldPublish held{
      .message = pool_.make({.topic = publish.topic,
                             .topic_hash = hash,
                             .content_type = options.content_type,
                             .headers = options.headers,
                             .payload = publish.payload,
                             .op = options.op,
                             .format = publish.format,
                             .publisher = {.shard = self_, .slot = slot.index, .generation = slot.generation}}),
      .home = topics::owner(hash, shards_),
      .repeat = options.repeat,
      .wants_ack = options.wants_ack,
      .ticket = options.ticket,
      .deadline = options.deadline,
  };
  Session* session = sessions_.find(slot);
  assert(session != nullptr);
  // Nobody overtakes those who wait already.
  if (session->held == nullptr && waiting_[held.home].empty() &&
      requester_.publish(held.home, request_for(slot, held))) {
    return Result::sent;
  }
  if (session->held == nullptr) {
    session->held = std::make_unique<std::deque<HeldPublish>>();
    waiting_[held.home].push_back(slot);
  }
  session->held->push_back(held);
  return Result::held;
}

void Publishing::catch_up(SlotId slot, std::string_view topic) {
  const std::uint32_t home = topics::owner(topics::hash_name(key_, topic), shards_);
  requester_.send(home, {.kind = Request::Kind::catch_up, .slot = slot});
}

Request Publishing::request_for(SlotId slot, const HeldPublish& held) const {
  return {.kind = Request::Kind::publish,
          .wants_ack = held.wants_ack,
          .ticket = held.ticket,
          .slot = slot,
          .repeat = held.repeat,
          .deadline = held.deadline,
          .message = held.message};
}

void Publishing::advance() {
  for (std::uint32_t home = 0; home < shards_; ++home) {
    auto& waiting = waiting_[home];
    while (!waiting.empty()) {
      const SlotId slot = waiting.front();
      Session* session = sessions_.find(slot);
      if (session != nullptr && session->held != nullptr && session->held->front().home == home) {
        if (!requester_.publish(home, request_for(slot, session->held->front()))) break;
        waiting.pop_front();
        session->held->pop_front();
        send_held(slot, *session);
      } else {
        waiting.pop_front();
      }
    }
  }
}

// The first of those that the session held is on its way: sends the others, until one must wait for its home.
void Publishing::send_held(SlotId slot, Session& session) {
  while (!session.held->empty()) {
    const HeldPublish& held = session.held->front();
    if (!waiting_[held.home].empty() || !requester_.publish(held.home, request_for(slot, held))) {
      waiting_[held.home].push_back(slot);
      return;
    }
    session.held->pop_front();
  }
  session.held.reset();
  if (session.phase == Phase::websocket && session.may_read()) sessions_.resume(slot);
}

bool Publishing::take_back(Session& session) {
  if (session.held == nullptr) return false;
  for (const HeldPublish& held : *session.held) pool_.release(held.message);
  session.held.reset();
  return true;
}

}  // namespace ringcast::broker
