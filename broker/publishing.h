// Publishing: the way of a publish from its session to the topic's home, and of those that must wait for room.
//
// A publish that finds the way full is held by its session, which is not read any further: each session holds at most
// what one WebSocket message brought. Those that wait for a home go in the order in which they came, and those of one
// session in theirs, whichever homes they go to.
// Thread: one shard's.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "broker/requester.h"
#include "broker/session_table.h"

namespace ringcast::broker {

// What is published. Views are for the call.
struct Publish {
  std::string_view topic;
  topics::Format format = topics::Format::binary;
  Bytes payload;
};

class Publishing {
 public:
  struct Options {
    topics::Op op = topics::Op::set;
    std::string_view content_type;
    std::string_view headers;             // as proto::Publish has them
    Repeat repeat;                        // how the home recognises a repeat
    bool wants_ack = false;               // else only a refusal is answered
    std::uint32_t ticket = 0;             // in the answer
    Instant deadline = Instant::never();  // refused when it is not sequenced by then
  };
  enum class Result : std::uint8_t {
    sent,  // on its way to the home
    held,  // waits: the session reads nothing until Publishing has resumed it
  };

  Publishing(std::uint32_t self, std::uint32_t shards, topics::HashKey key, Requester& requester,
             topics::MessagePool& pool, SessionTable& sessions);

  // Publishes for the session in `slot`. The topic is valid and permitted.
  Result publish(SlotId slot, const Publish& publish, const Options& options);

  // The session's home of `topic` answers with caught_up when what the session published there before was delivered.
  void catch_up(SlotId slot, std::string_view topic);

  // Sends what waited and has room now, and resumes those sessions that need nothing else.
  void advance();

  // Takes back what the session holds. True when it held something: that is certainly not published.
  bool take_back(Session& session);

 private:
  [[nodiscard]] Request request_for(SlotId slot, const HeldPublish& held) const;
  void send_held(SlotId slot, Session& session);

  const std::uint32_t self_;
  const std::uint32_t shards_;
  const topics::HashKey key_;
  Requester& requester_;
  topics::MessagePool& pool_;
  SessionTable& sessions_;
  std::vector<std::deque<SlotId>> waiting_;  // by home; those whose session has let go are passed over
};

}  // namespace ringcast::broker
