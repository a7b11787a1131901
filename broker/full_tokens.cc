// FullSession's tokens: brought by hello, refreshed, and what becomes of subscriptions that a new one does not allow.
#include <algorithm>
#include <utility>
#include <vector>

#include "broker/full_session.h"
#include "proto/close_code.h"

namespace ringcast::broker {

namespace {

constexpr std::int64_t kSecond = 1'000;         // in milliseconds
constexpr std::uint64_t kSecondUs = 1'000'000;  // in microseconds

proto::CloseCode close_code_of(TokenError error) {
  return error == TokenError::expired || error == TokenError::revoked ? proto::CloseCode::token_expired
                                                                      : proto::CloseCode::token_refused;
}

}  // namespace

std::uint64_t expires_us(const Identity& identity) noexcept {
  if (identity.expires_s == INT64_MAX) return 0;
  constexpr std::uint64_t kLastUs = (std::uint64_t{1} << 53U) - 1;  // that JSON can say
  const auto seconds = static_cast<std::uint64_t>(identity.expires_s);
  return seconds > kLastUs / kSecondUs ? kLastUs : seconds * kSecondUs;
}

std::int64_t ends_s(const FullState& full, const Identity& identity, const Config& config) noexcept {
  if (full.must_identify) return full.watched_s;
  if (identity.expires_s == INT64_MAX) return INT64_MAX;
  return identity.expires_s + config.token_grace_ms / kSecond;
}

void watch_full(SlotId slot, FullState& full, const Identity& identity, Authenticator& authenticator,
                const Config& config) {
  const std::int64_t at_s = full.must_identify
                                ? authenticator.now_s() + (config.handshake_timeout_ms + kSecond - 1) / kSecond
                                : ends_s(full, identity, config);
  if (at_s >= full.watched_s) return;  // its entry comes up earlier, and goes in again
  full.watched_s = at_s;
  authenticator.watch(slot, at_s);
}

// False: it was refused.
bool FullSession::take_token(SlotId slot, Session& session, const proto::Hello& hello, Instant now) {
  if (!authenticator_.on()) return true;
  if (hello.token.empty()) {
    if (session.full->must_identify) refuse_token(slot, session, hello, TokenError::missing, now);
    return !session.full->must_identify;
  }
  auto identity = authenticator_.check(hello.token);
  if (!identity) {
    refuse_token(slot, session, hello, identity.error(), now);
    return false;
  }
  const bool is_other =
      session.identity->by != Identity::By::nobody && session.identity->subject != (*identity)->subject;
  if (is_other) {
    refuse(slot, session, hello.id,
           {proto::ErrorCode::token_refused, "this connection is somebody else's already", "hello.token"});
    return false;
  }
  session.identity = *std::move(identity);
  session.full->must_identify = false;
  session.full->refresh_from = now + kRefreshIntervalMs;
  watch_full(slot, *session.full, *session.identity, authenticator_, config_);
  end_forbidden(slot, session);
  return join(slot, session, now);
}

// It is the subject's connection from now on, unless there are too many of those.
bool FullSession::join(SlotId slot, Session& session, Instant now) {
  const auto joined = limits_.joined(slot, session, now);
  if (joined) return true;
  sessions_.close_websocket(slot, std::to_underlying(proto::CloseCode::try_later), joined.error().text, now);
  return false;
}

void FullSession::refuse_token(SlotId slot, Session& session, const proto::Hello& hello, TokenError error,
                               Instant now) {
  if (error == TokenError::missing) authenticator_.count_refused(error);
  refuse(slot, session, hello.id, {proto::ErrorCode::token_refused, text(error), "hello.token"});
  sessions_.close_websocket(slot, std::to_underlying(close_code_of(error)), text(error), now, SessionTable::Owed::send);
}

void FullSession::handle(SlotId slot, Session& session, const proto::Refresh& refresh, Instant now) {
  const auto bad = [&](std::string_view text) {
    refuse(slot, session, refresh.id, {proto::ErrorCode::token_refused, text, "refresh.token"});
  };
  if (!authenticator_.on()) return send(slot, session, proto::Refreshed{.id = refresh.id});
  FullState& full = *session.full;
  if (now < full.refresh_from) return bad("not more than one token a second");
  full.refresh_from = now + kRefreshIntervalMs;
  auto identity = authenticator_.check(refresh.token);
  if (!identity) return bad(text(identity.error()));
  if (session.identity->by != Identity::By::nobody && session.identity->subject != (*identity)->subject)
    return bad("the token is somebody else's");
  session.identity = *std::move(identity);
  if (!join(slot, session, now)) return;
  watch_full(slot, full, *session.identity, authenticator_, config_);
  send(slot, session, proto::Refreshed{.id = refresh.id, .token_expires_us = expires_us(*session.identity)});
  end_forbidden(slot, session);
}

// Ends the subscriptions that the connection's identity of now may not have.
void FullSession::end_forbidden(SlotId slot, Session& session) {
  FullState& full = *session.full;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> lost;
  for (const auto& [id, index] : full.by_id) {
    if (!session.identity->may_subscribe(subscribing_.filter(session.subscriptions[index])))
      lost.emplace_back(id, index);
  }
  if (lost.empty()) return;
  std::ranges::sort(lost);
  for (const auto& [id, index] : lost) {
    full.by_id.erase(id);
    subscribing_.leave(slot, session, index);
    send(slot, session,
         proto::Unsubscribed{.subscription = id, .reason = "the token does not allow this filter any more"});
    authenticator_.count_forbidden();
  }
  subscribing_.sent(slot);  // another's turn to fetch what it begins with
}

}  // namespace ringcast::broker
