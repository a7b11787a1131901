// SseSession: what an open event stream is sent besides messages: how it begins and ends, ids, heartbeats.
//
// An id is a token (broker/checkpoint.h) that says up to where this shard has given its subscribers everything. So it
// is the same for all streams of a kind, written once a turn, and comes as a block of its own without data, behind the
// messages of that turn: at most once per flush. A stream that still begins, waits for its socket, or is owed topics
// (LATEST) has it later.
//
// Thread: one shard's. State is in Session; this holds what all sessions of the shard share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/checkpoint.h"
#include "broker/config.h"
#include "broker/farewell.h"
#include "broker/latest.h"
#include "broker/positions.h"
#include "broker/resume_counts.h"
#include "broker/session_table.h"
#include "broker/sse_codec.h"
#include "broker/sse_notice.h"
#include "broker/subscribing.h"
#include "topics/hash.h"

namespace ringcast::broker {

class SseSession {
 public:
  // How often something may come on a stream, which nobody reads: a second request, or noise.
  static constexpr std::uint8_t kReadsIgnoredMax = 7;

  struct Counters {
    std::uint64_t opened = 0;
    ResumeCounts resumes;  // of those that came back
    std::uint64_t peers_lost = 0;
  };

  struct Place {  // where this is
    std::uint32_t shards = 1;
    topics::HashKey key;
    std::uint64_t epoch = 0;
  };

  SseSession(const Config& config, const Place& place, SessionTable& sessions, const Subscribing& subscribing,
             const Latest& latest, const Positions& positions);
  SseSession(const SseSession&) = delete;
  SseSession& operator=(const SseSession&) = delete;

  [[nodiscard]] SseCodec& codec(Protocol protocol) noexcept {
    return protocol == Protocol::sse || protocol == Protocol::sse_unchunked ? payload_ : json_;
  }

  // The session's subscription has come so far.
  void started(const Subscribing::Started& started, Session& session);
  // It is live: the head goes out, and what the stream begins with.
  void opened(SlotId slot, Instant now);
  // Takes bytes that nobody asked for.
  void received(SlotId slot, Session& session, Instant now);
  // The session's deadline has come: a heartbeat is due, or the peer is gone.
  void due(SlotId slot, Session& session, Instant now);
  // Its socket takes bytes again.
  void unblocked(SlotId slot, Session& session);
  // Gives every stream that got messages its id. Not before they were fanned out.
  void end_turn(Instant now);
  // Says why, ends the body and the connection.
  void end(SlotId slot, const SseNotice& notice, Instant now, SessionTable::Owed owed = SessionTable::Owed::drop);
  // The same when the broker restarts, after all that is owed, and when to come back: after `after_ms`, at random
  // within so long as is planned for everybody.
  void go_away(SlotId slot, const Farewell& farewell, std::int64_t after_ms, Instant now);

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  [[nodiscard]] Span write(Protocol protocol, std::string_view event);
  [[nodiscard]] const Span& id_of(const Session& session);
  void fill_checkpoint(std::uint32_t first, std::uint32_t end);

  const Config& config_;
  const Place place_;
  SessionTable& sessions_;
  const Subscribing& subscribing_;
  const Latest& latest_;
  SseCodec payload_{SseCodec::Form::payload};
  SseCodec json_{SseCodec::Form::json};
  const Positions& positions_;
  // The turn's ids: for one origin, or behind them for all; each bare and in a chunk. Those in use hold a reference.
  std::vector<Span> ids_;
  Checkpoint checkpoint_;  // these two for their memory
  std::string id_;
  Counters counters_;
};

}  // namespace ringcast::broker
