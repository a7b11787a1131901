// WaitingMessages: live messages of a connection that must not come before what a subscription of it begins with. On
// the heap while there are such.
//
// Thread: one shard's.
#pragma once

#include <cstdint>

#include "broker/outbox.h"
#include "topics/shard_set.h"

namespace ringcast::broker {

struct WaitingMessages {
  Outbox outbox;                 // live messages of `origins`
  topics::ShardSet origins = 0;  // those whose marker a subscription with `holds` has: what came before is not its
  std::uint32_t holds = 0;       // subscriptions that are not told of yet, or whose older messages come first
};

}  // namespace ringcast::broker
