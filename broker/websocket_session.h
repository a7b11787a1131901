// WebSocketSession: what an open WebSocket does with the bytes it gets (RFC 6455), and its pings.
//
// Thread: one shard's. State is in Session; this holds only what all sessions of the shard share.
#pragma once

#include <cstdint>
#include <string_view>

#include "broker/config.h"
#include "broker/full_session.h"
#include "broker/limits.h"
#include "broker/publishing.h"
#include "broker/session_table.h"
#include "frame/inflate.h"
#include "topics/subscriptions.h"

namespace ringcast::broker {

class WebSocketSession {
 public:
  // Pongs that may wait for a peer that pings but does not read; then only the newest is kept (RFC 6455 §5.5.3).
  static constexpr std::size_t kPongsBehindMax = 8;
  // All clients must drop their context: one inflater reads what any of them compressed.
  static constexpr frame::Inflater::Options kInflate{.window_bits = frame::kWindowBitsMax,
                                                     .context = frame::Context::dropped};

  struct Counters {
    std::uint64_t received = 0;  // messages
    std::uint64_t pings_sent = 0;
    std::uint64_t peers_lost = 0;  // a ping was not answered
  };

  WebSocketSession(const Config& config, SessionTable& sessions, Publishing& publishing, FullSession& full,
                   const topics::Subscriptions& subscriptions, Limits& limits);

  // The handshake is complete: from now on the session speaks WebSocket.
  void opened(SlotId slot, Instant now);

  // Takes bytes; how many. Fewer than given: the session stopped, the rest is to be offered again when it resumes.
  [[nodiscard]] std::size_t received(SlotId slot, MutableBytes in, Instant now);

  // What the session published before its close was delivered: the close frame goes.
  void caught_up(SlotId slot, Instant now);

  // True while a close frame waits for that: the peer has said all that it had to say.
  [[nodiscard]] static bool is_closing(const Session& session) noexcept { return session.close_code != 0; }

  // The session's deadline has come: a ping is due, or the peer is gone.
  void due(SlotId slot, Instant now);

  // What is not needed while sessions have agreed to no other compressions than these bits is given back.
  void keep_for(std::uint32_t compressions) noexcept;

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  void handle(SlotId slot, Session& session, const frame::Event& event, Instant now);
  void message(SlotId slot, Session& session, const frame::Event& event, Instant now);
  void publish_raw(SlotId slot, Session& session, const frame::Event& event, Instant now);
  void end(SlotId slot, Session& session, std::uint16_t code, frame::Error error, Instant now);
  void close(SlotId slot, const Session& session, Instant now);
  void pong(SlotId slot, Session& session, Bytes payload);
  [[nodiscard]] std::string_view topic_of(const Session& session) const;

  const Config& config_;
  SessionTable& sessions_;
  Publishing& publishing_;
  FullSession& full_;
  const topics::Subscriptions& subscriptions_;
  Limits& limits_;
  frame::Inflater inflater_{kInflate};  // lent to each session's parser in its turn
  Counters counters_;
};

}  // namespace ringcast::broker
