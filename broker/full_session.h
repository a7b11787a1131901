// FullSession: what a connection that speaks the full protocol asks for, and what it is told (proto/PROTOCOL.md).
//
// Every request is answered, by what it asked for or by an Error that names the field; the connection stays. What slows
// a client down is that it is not read: FullState::may_read().
//
// Thread: one shard's. State is in Session and its FullState; this holds what all sessions of the shard share.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "broker/authenticator.h"
#include "broker/checkpoint.h"
#include "broker/config.h"
#include "broker/farewell.h"
#include "broker/form_codec.h"
#include "broker/latest.h"
#include "broker/limits.h"
#include "broker/positions.h"
#include "broker/publishing.h"
#include "broker/requester.h"
#include "broker/resume_counts.h"
#include "broker/session_table.h"
#include "broker/subscribing.h"

namespace ringcast::broker {

class FullSession {
 public:
  // How often a connection that gets messages is told where it can resume, at most, milliseconds: what it may be sent
  // twice after a loss, if it does not say itself what it has. Told at once when a subscription has begun.
  static constexpr std::int64_t kCheckpointIntervalMs = 250;
  // How often a connection may bring a new token, at most, milliseconds: each costs a signature's check.
  static constexpr std::int64_t kRefreshIntervalMs = 1'000;

  struct Counters {
    std::uint64_t requests = 0;
    std::uint64_t errors = 0;  // refused requests
    std::uint64_t fenced = 0;  // connections
    std::uint64_t checkpoints = 0;
    ResumeCounts resumes;
  };

  struct Place {  // where this is
    std::uint32_t shard = 0;
    std::uint32_t shards = 1;
    topics::HashKey key;
    std::uint64_t epoch = 0;
  };

  FullSession(const Config& config, const Place& place, SessionTable& sessions, Publishing& publishing,
              Subscribing& subscribing, Requester& requester, const Latest& latest, const Positions& positions,
              Authenticator& authenticator, Limits& limits);

  [[nodiscard]] FormCodec& codec(Encoding encoding) noexcept {
    return protocol_of(encoding) == Protocol::json ? json_ : proto_;
  }

  // A message has come: one request.
  void request(SlotId slot, Session& session, Bytes in, Instant now);

  // A subscription has started.
  void started(const Subscribing::Started& started);
  // The home `origin` has answered a publish, or a home a claim; or another connection has taken the producer over.
  void acknowledged(SlotId slot, Session& session, std::uint32_t origin, const Delivery& ack, Instant now);
  void claimed(SlotId slot, Session& session, const Delivery& answer, Instant now);
  void fenced(SlotId slot, Session& session, Instant now);

  // Tells what is told once a turn: cumulative acks and credit, checkpoints.
  void end_turn(Instant now);
  // When end_turn() is to be called next though nothing happens.
  [[nodiscard]] Instant next_deadline() const noexcept { return checkpoints_at_; }
  // Connections that are owed a checkpoint, but must be told before what was merged; then send_behind_lag().
  [[nodiscard]] std::span<const SlotId> behind_lag() const noexcept { return behind_lag_; }
  void send_behind_lag();
  // Carries out the changes of subscriptions that were asked for. Requires: no run is pending.
  void carry_out_changes();
  // The broker restarts: the client is told so, once, and that it may come back after `after_ms`.
  void go_away(SlotId slot, Session& session, std::int64_t after_ms);
  // As planned for everybody; who publishes from now on is told at once.
  void set_farewell(const Farewell& farewell) noexcept { farewell_ = farewell; }

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  // A refusal: code, sentence, field. The text may be a temporary of the call.
  struct Refusal {
    proto::ErrorCode code;
    std::string_view text;
    std::string_view field;
  };

  void handle(SlotId slot, Session& session, const proto::Hello& hello, Instant now);
  void handle(SlotId slot, Session& session, const proto::Subscribe& subscribe, Instant now);
  void handle(SlotId slot, Session& session, const proto::Unsubscribe& unsubscribe, Instant now);
  void handle(SlotId slot, Session& session, const proto::Publish& publish, Instant now);
  void handle(SlotId slot, Session& session, const proto::PublishBatch& batch, Instant now);
  void handle(SlotId slot, Session& session, const proto::Change& change, Instant now);
  void handle(SlotId slot, Session& session, const proto::Refresh& refresh, Instant now);

  [[nodiscard]] bool check(SlotId slot, Session& session, const proto::Subscribe& subscribe);
  [[nodiscard]] bool check(SlotId slot, Session& session, const proto::Publish& publish);
  [[nodiscard]] static Pace pace_of(proto::Delivery delivery, double max_rate_hz) noexcept;
  [[nodiscard]] bool take_token(SlotId slot, Session& session, const proto::Hello& hello, Instant now);
  [[nodiscard]] bool join(SlotId slot, Session& session, Instant now);
  void refuse_token(SlotId slot, Session& session, const proto::Hello& hello, TokenError error, Instant now);
  void end_forbidden(SlotId slot, Session& session);
  void take_producer(SlotId slot, const Session& session, std::string_view producer_id, Instant now);
  [[nodiscard]] std::uint64_t next_incarnation(Instant now) noexcept;
  void welcome(SlotId slot, Session& session);
  [[nodiscard]] proto::Credit credit_of(const FullState& full) const noexcept;
  void refuse(SlotId slot, Session& session, std::uint64_t id, const Refusal& refusal);
  void send(SlotId slot, Session& session, const proto::Event& event);
  void send(SlotId slot, const Encoded& encoded);
  void owes_at_turn_end(SlotId slot, FullState& full);

  [[nodiscard]] std::optional<Since> since_of(SlotId slot, Session& session, const proto::Subscribe& subscribe);
  [[nodiscard]] proto::Resumed resumed_of(const Subscribing::Started& started);
  void send_checkpoints(Instant now);
  void send_now(std::vector<SlotId>& slots);
  [[nodiscard]] bool send_checkpoint(SlotId slot, Session& session);
  void release_checkpoints();
  [[nodiscard]] Span write_checkpoint(Encoding encoding, std::span<const std::uint64_t> positions);

  const Config& config_;
  const Place place_;
  const std::string epoch_;
  SessionTable& sessions_;
  Publishing& publishing_;
  Subscribing& subscribing_;
  Requester& requester_;
  FormCodec proto_{FormCodec::Form::proto};
  FormCodec json_{FormCodec::Form::json};
  std::vector<SlotId> turn_list_;
  struct WaitingChange {
    SlotId slot;
    std::uint64_t id = 0;
    std::uint64_t subscription = 0;
    Pace pace = kEveryMessage;
    proto::OnLag on_lag = proto::OnLag::unspecified;
  };
  std::vector<WaitingChange> changes_;
  Authenticator& authenticator_;
  Limits& limits_;
  const Latest& latest_;
  const Positions& positions_;
  std::vector<SlotId> begun_;                   // subscriptions of them are complete: they are owed a checkpoint now
  std::vector<SlotId> behind_lag_;              // so are these, when Lag has told them of what was merged
  Instant checkpoints_at_ = Instant::never();   // for those that are owed one
  std::array<Span, kEncodings> checkpoints_{};  // of this turn, by encoding; those that are written hold a reference
  Checkpoint checkpoint_;                       // these for their memory
  std::vector<std::uint64_t> lowered_;
  std::string token_;
  Farewell farewell_;
  std::uint64_t producers_made_ = 0;
  std::uint64_t last_incarnation_ = 0;
  Counters counters_;
};

// The connection is to be looked at when its token is over, or when it should have brought one.
void watch_full(SlotId slot, FullState& full, const Identity& identity, Authenticator& authenticator,
                const Config& config);
// Until when its token holds, microseconds since 1970; 0: it has none.
[[nodiscard]] std::uint64_t expires_us(const Identity& identity) noexcept;
// When the connection ends if nothing comes, UTC; INT64_MAX: never.
[[nodiscard]] std::int64_t ends_s(const FullState& full, const Identity& identity, const Config& config) noexcept;

}  // namespace ringcast::broker
