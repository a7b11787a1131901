// Shard's identities: connections whose tokens have expired, were revoked, or are signed by a key that is gone.
#include <utility>

#include "broker/shard.h"
#include "proto/close_code.h"

namespace ringcast::broker {

namespace {

constexpr std::uint32_t kLooksPerTurn = 256;  // some tens of microseconds

}  // namespace

void Shard::look_at_identities(const Now& now) {
  if (authenticator_.begin_turn(now)) looked_through_ = 0;
  http_.check_waiting(now.monotonic);
  while (const auto slot = authenticator_.take_due()) {
    if (Session* const session = sessions_.find(*slot)) look_at_identity(*slot, *session, now.monotonic);
  }
  authenticator_.forget_gone(sessions_.live(), [&](SlotId slot) { return sessions_.find(slot) != nullptr; });
  if (looked_through_ != UINT32_MAX && look_through(now.monotonic)) looked_through_ = UINT32_MAX;
}

// Its time may have come.
void Shard::look_at_identity(SlotId slot, Session& session, Instant now) {
  if (session.phase != Phase::upgrading && session.phase != Phase::websocket && session.phase != Phase::event_stream)
    return;
  if (session.full == nullptr) {
    authenticator_.count_expired();
    return close_by_token(slot, session, std::to_underlying(proto::CloseCode::token_expired), "the token has expired",
                          now);
  }
  FullState& full = *session.full;
  const bool is_over = authenticator_.now_s() >= ends_s(full, *session.identity, config_);
  full.watched_s = INT64_MAX;
  if (!is_over) return watch_full(slot, full, *session.identity, authenticator_, config_);
  if (full.must_identify) {
    authenticator_.count_refused(TokenError::missing);
    return close_by_token(slot, session, std::to_underlying(proto::CloseCode::token_refused), "no token came in time",
                          now);
  }
  authenticator_.count_expired();
  close_by_token(slot, session, std::to_underlying(proto::CloseCode::token_expired), "the token has expired", now);
}

// True when all have been looked at since the rules are new.
bool Shard::look_through(Instant now) {
  for (std::uint32_t looks = 0; looks < kLooksPerTurn; ++looks, ++looked_through_) {
    if (looked_through_ >= sessions_.index_end()) return true;
    Session& session = sessions_.at(looked_through_);
    if (session.phase != Phase::upgrading && session.phase != Phase::websocket && session.phase != Phase::event_stream)
      continue;
    const SlotId slot = sessions_.id(session, looked_through_);
    if (!authenticator_.still_holds(*session.identity)) {
      authenticator_.count_revoked();
      close_by_token(slot, session, std::to_underlying(proto::CloseCode::token_expired), "the token was revoked", now);
    } else if (session.identity->by != Identity::By::token &&
               !(*session.identity->permissions == *authenticator_.anonymous()->permissions)) {
      // What is allowed to everybody has changed: who loses something comes back and is told what.
      session.identity = session.identity->by == Identity::By::nobody
                             ? authenticator_.anonymous()
                             : authenticator_.of_certificate(session.identity->subject);
      for (const Subscription& subscription : session.subscriptions) {
        if (!subscription.place.valid() || session.identity->may_subscribe(subscribing_.filter(subscription))) continue;
        close_by_token(slot, session, std::to_underlying(proto::CloseCode::forbidden),
                       "this is not allowed without a token any more", now);
        break;
      }
    }
  }
  return false;
}

void Shard::close_by_token(SlotId slot, const Session& session, std::uint16_t code, std::string_view text,
                           Instant now) {
  // Who takes nothing at the moment is not made to take all of it first.
  const auto owed = session.send_blocked ? SessionTable::Owed::drop : SessionTable::Owed::send;
  switch (session.phase) {
    case Phase::websocket:
      return sessions_.close_websocket(slot, code, text, now, owed);
    case Phase::event_stream:
      return sse_.end(slot, {.event = "go_away", .reason = "token", .text = text}, now, owed);
    case Phase::upgrading:
      return sessions_.abort(slot);
    case Phase::free:
    case Phase::http:
    case Phase::closing:
    case Phase::ended:
      return;
  }
}

}  // namespace ringcast::broker
