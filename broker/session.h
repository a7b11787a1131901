// Session: everything a shard remembers of one connection. Plain state; what happens to it is in broker/shard.cc,
// broker/http_session.cc, broker/websocket_session.cc and broker/sse_session.cc.
//
// One Session per slot, made once and used again. Idle subscribers are almost all there is, so its bytes are counted:
// what only an HTTP exchange, a join or a publisher needs is on the heap while it is needed.
// Thread: one shard's.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "broker/connection_kind.h"
#include "broker/encoding.h"
#include "broker/full_state.h"
#include "broker/http_exchange.h"
#include "broker/identity.h"
#include "broker/instant.h"
#include "broker/mesh.h"
#include "broker/outbox.h"
#include "broker/slot.h"
#include "broker/solo.h"
#include "broker/waiting_messages.h"
#include "frame/error.h"
#include "frame/parser.h"
#include "proto/request.h"
#include "topics/subscriptions.h"

namespace ringcast::broker {

enum class Phase : std::uint8_t {
  free,          // no connection has this slot
  http,          // reading a request, or answering one
  upgrading,     // the 101, or the head of an event stream, waits for the subscription to be live
  websocket,     // open
  event_stream,  // open: server-sent events; what comes in is thrown away
  closing,       // the last bytes go out; what comes in is thrown away
  ended,         // nothing more is sent or read; waits for the connection layer to let go
};

// One origin's part of starting a subscription.
struct JoinOrigin {
  std::uint32_t home = 0;
  std::uint64_t position = 0;       // of its marker
  std::uint64_t since = 0;          // resumes: what comes after this position is missing
  std::string after;                // what the subscription begins with was taken up to this topic,
  std::uint64_t after_seq = 0;      // of this one only up to here; 0: all of it
  topics::TopicHandle after_topic;  // goes with these, as the home said them
  enum class State : std::uint8_t { waits_for_marker, to_pull, pulling, done } state = State::waits_for_marker;
};

// A subscription that is not complete yet: markers to come, kept messages to fetch.
struct Join {
  std::uint32_t ticket = 0;  // in every answer that belongs to this join
  std::uint32_t markers_missing = 0;
  std::uint32_t replay_max = 0;                          // of each topic; 0: its last value
  bool pulls = false;                                    // begins with kept messages
  bool upgrades = false;                                 // the 101 is held until the markers have come
  Pull pull = Pull::kept;                                // how it does
  bool in_order = false;                                 // these come before the live messages of their origins
  bool resumes = false;                                  // its client was here before: it is told what came of that,
  topics::Resumed resumed = topics::Resumed::recovered;  // so far
  bool foreign = false;                                  // Since::foreign
  std::int64_t since_us = INT64_MIN;
  std::vector<JoinOrigin> origins;  // the homes that can have topics of the filter
};

struct Subscription {
  topics::Place place;                              // not valid(): this entry is free
  std::uint64_t id = 0;                             // the client's name for it
  std::unique_ptr<Join> join;                       // until it is complete
  bool echo = true;                                 // hears what its connection publishes itself
  proto::OnLag on_lag = proto::OnLag::unspecified;  // when the connection falls behind
  bool holds = false;                               // makes live messages of the connection wait
  bool latest = false;                              // delivery is LATEST
  std::uint32_t tag = 0;  // of an exact filter: equal ones have equal tags; 0: it has wildcards
};

// A publish that waits for room on its way to `home`.
struct HeldPublish {
  topics::Message* message = nullptr;
  std::uint32_t home = 0;
  Repeat repeat;
  bool wants_ack = false;
  std::uint32_t ticket = 0;
  Instant deadline = Instant::never();
};

struct Session {
  std::uint32_t generation = 0;
  Phase phase = Phase::free;
  Encoding encoding = encoding_of(Protocol::raw);
  bool dirty : 1 = false;                // in the shard's dirty list
  bool overflowed : 1 = false;           // in the list of those that pin too much
  bool stopped : 1 = false;              // bytes were left unread: in the connection layer's keeping until resumed
  bool echo : 1 = true;                  // all its subscriptions hear what it publishes itself
  bool messages_wait : 1 = false;        // live ones, in `waiting`, for what a subscription begins with
  bool pulling : 1 = false;              // a chunk of kept messages is on its way from a home
  bool may_send : 1 = true;              // its URL names a topic, not a filter with wildcards
  bool ping_sent : 1 = false;            // and not a byte has come since; event stream: was blocked at its last look
  bool wants_checkpoint : 1 = false;     // has the feature, and is not in the table's list of those that are owed one
  bool id_due : 1 = false;               // event stream: it got messages since its last id
  std::uint8_t reads_ignored : 3 = 0;    // event stream: how often something came
  bool send_blocked : 1 = false;         // the connection layer waits for the socket: it is not put into the dirty list
  bool in_blocked : 1 = false;           // in the table's list of those
  bool reached_by_loopback : 1 = false;  // the address it connected to
  bool has_published : 1 = false;        // as raw
  bool publish_refused : 1 = false;      // as raw, because the broker restarts
  bool lagging : 1 = false;              // what its EVERY subscriptions bring it is owed as LATEST (Latest::begin_lag)
  bool throttled : 1 = false;            // not read for a while: it, or its kind, publishes too much (Limits)
  bool apart : 1 = false;                // has `solo`, or lags: FanOut asks Latest
  ConnectionKind kind : 3 = ConnectionKind::http;      // as SessionTable counts it
  frame::Error close_error = frame::Error::truncated;  // why, unless the peer closed
  std::uint16_t close_code = 0;  // of a close frame that waits until what came before was delivered; 0: none
  std::uint32_t joins = 0;       // subscriptions that are not complete
  std::uint32_t run = 0;         // FanOut's last one that this connection got: it gets none twice
  Instant deadline = Instant::never();
  Instant comes_up = Instant::never();  // when its entry in the timer wheel does; an entry at another time is stale
  frame::Parser parser{frame::Parser::Options{}};
  Outbox outbox;
  IdentityRef identity;
  std::unique_ptr<HttpExchange> http;               // phase http and upgrading
  std::unique_ptr<FullState> full;                  // the full protocol's
  std::unique_ptr<WaitingMessages> waiting;         // while a subscription's beginning goes before live messages
  std::unique_ptr<std::deque<HeldPublish>> held;    // those of one WebSocket message, oldest first; not empty
  std::unique_ptr<std::vector<std::uint8_t>> pong;  // that waits for the socket: the newest only (RFC 6455 §5.5.3)
  std::unique_ptr<std::string> topic;               // what is published to, if this session subscribes to nothing
  std::unique_ptr<Solo> solo;                       // what Latest owes to it alone
  std::vector<Subscription> subscriptions;

  // Whether it must be known when the socket took something: a chunk is to be pulled, or an end of lagging to be told.
  [[nodiscard]] bool wants_sent() const noexcept { return joins > 0 || (full != nullptr && full->lag != nullptr); }
  // False while what was read already must be dealt with first.
  [[nodiscard]] bool may_read() const noexcept {
    // A subscription that holds starts by itself: what is before another's marker could not stand before its Subscribed
    // as well.
    return held == nullptr && !throttled && (full == nullptr || (waiting == nullptr && full->may_read(joins)));
  }
};

}  // namespace ringcast::broker
