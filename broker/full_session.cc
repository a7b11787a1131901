#include "broker/full_session.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "broker/framing.h"
#include "broker/producer_id.h"
#include "proto/close_code.h"
#include "topics/name.h"

namespace ringcast::broker {

namespace {

constexpr std::string_view kCredit = "credit";
constexpr std::string_view kCumulativeAcks = "cumulative_acks";
constexpr std::string_view kCheckpoints = "checkpoints";

}  // namespace

FullSession::FullSession(const Config& config, const Place& place, SessionTable& sessions, Publishing& publishing,
                         Subscribing& subscribing, Requester& requester, const Latest& latest,
                         const Positions& positions, Authenticator& authenticator, Limits& limits)
    : config_(config),
      place_(place),
      epoch_(hexadecimal(place.epoch)),
      sessions_(sessions),
      publishing_(publishing),
      subscribing_(subscribing),
      requester_(requester),
      authenticator_(authenticator),
      limits_(limits),
      latest_(latest),
      positions_(positions) {}

void FullSession::request(SlotId slot, Session& session, Bytes in, Instant now) {
  ++counters_.requests;
  const auto request = codec(session.encoding).read(in);
  if (!request) {
    const proto::Fault& fault = request.error();
    session.full->requested = true;
    return refuse(slot, session, fault.id, {fault.code, fault.text, fault.field});
  }
  if (session.full->must_identify && !std::holds_alternative<proto::Hello>(*request)) {
    return refuse_token(slot, session, {}, TokenError::missing, now);
  }
  std::visit([&](const auto& what) { handle(slot, session, what, now); }, *request);
  session.full->requested = true;
  limits_.throttle(slot, session, now);
  if (session.phase == Phase::websocket && !session.may_read()) sessions_.stop(session);
}

// ---- the opening ----

void FullSession::handle(SlotId slot, Session& session, const proto::Hello& hello, Instant now) {
  FullState& full = *session.full;
  if (full.requested) {
    return refuse(slot, session, hello.id,
                  {proto::ErrorCode::hello_too_late, "hello is the first request, or none", "hello"});
  }
  if (!take_token(slot, session, hello, now)) return;
  full.greeted = true;
  full.hello_id = hello.id;
  full.wants_credit = std::ranges::find(hello.features, kCredit) != hello.features.end();
  full.cumulative_acks = std::ranges::find(hello.features, kCumulativeAcks) != hello.features.end();
  full.checkpoints = std::ranges::find(hello.features, kCheckpoints) != hello.features.end();
  session.wants_checkpoint = full.checkpoints;
  if (full.checkpoints) begun_.push_back(slot);  // the URL's subscription may be complete
  take_producer(slot, session, hello.producer_id, now);
  if (full.claims_missing == 0) welcome(slot, session);
}

// A producer that comes back is claimed from every home before it is welcome: what its last connection sent is either
// sequenced by then or never will be.
void FullSession::take_producer(SlotId slot, const Session& session, std::string_view producer_id, Instant now) {
  FullState& full = *session.full;
  const auto known = read_producer(place_.key, session.identity->subject, producer_id);
  full.producer_id = known ? *known : new_producer(place_.key, place_.shard, ++producers_made_);
  full.incarnation = next_incarnation(now);
  if (!known) return;
  full.claim_ticket = sessions_.take_ticket();
  full.claims_missing = place_.shards;
  for (std::uint32_t home = 0; home < place_.shards; ++home) {
    requester_.send(home,
                    {.kind = Request::Kind::claim,
                     .ticket = full.claim_ticket,
                     .slot = slot,
                     .repeat = topics::ProducerSeq{.id = full.producer_id, .incarnation = full.incarnation, .seq = 0}});
  }
}

// Rising, whichever shard gives it: by the clock that all share, then by this shard's own count.
std::uint64_t FullSession::next_incarnation(Instant now) noexcept {
  constexpr unsigned kShardBits = 6;
  constexpr unsigned kCountBits = 10;
  static_assert(topics::kShardsMax <= 1U << kShardBits);
  const std::uint64_t by_clock = static_cast<std::uint64_t>(now.ms) << (kShardBits + kCountBits) | place_.shard;
  last_incarnation_ = std::max(last_incarnation_ + (1U << kShardBits), by_clock);
  return last_incarnation_;
}

void FullSession::claimed(SlotId slot, Session& session, const Delivery& answer, Instant now) {
  FullState& full = *session.full;
  if (answer.ticket != full.claim_ticket || full.claims_missing == 0) return;
  if (answer.outcome == Outcome::fenced) return fenced(slot, session, now);
  if (answer.outcome == Outcome::duplicate) full.claim_known = true;
  if (answer.outcome == Outcome::too_many_producers) full.claim_failed = true;
  if (--full.claims_missing > 0) return;
  if (full.claim_failed) full.producer_id = new_producer(place_.key, place_.shard, ++producers_made_);
  welcome(slot, session);
  if (session.may_read()) sessions_.resume(slot);
}

void FullSession::welcome(SlotId slot, Session& session) {
  FullState& full = *session.full;
  std::vector<std::string_view> features;
  if (full.wants_credit) features.push_back(kCredit);
  if (full.cumulative_acks) features.push_back(kCumulativeAcks);
  if (full.checkpoints) features.push_back(kCheckpoints);
  const std::string producer = producer_text(place_.key, session.identity->subject, full.producer_id);
  proto::Welcome welcome{
      .id = full.hello_id,
      .epoch = epoch_,
      .features = features,
      .limits = {.message_bytes = config_.max_message_bytes,
                 .subscriptions = config_.max_subscriptions,
                 .topic_bytes = topics::kNameSizeMax,
                 .producer_window = static_cast<std::uint32_t>(topics::Producers::kWindow)},
      .ping_interval_ms = static_cast<std::uint32_t>(config_.ping_interval_ms),
      .producer_id = producer,
      .producer_resumed = full.claim_known && !full.claim_failed,
      .subject = session.identity->subject,
      .server = "ringcast/" RINGCAST_VERSION,
      .token_expires_us = expires_us(*session.identity),
  };
  if (full.wants_credit) {
    welcome.credit = credit_of(full);
    full.credit_messages = welcome.credit.messages;
    full.credit_bytes = welcome.credit.bytes;
  }
  send(slot, session, welcome);
}

void FullSession::fenced(SlotId slot, Session& session, Instant now) {
  ++counters_.fenced;
  refuse(slot, session, 0,
         {proto::ErrorCode::fenced, "another connection is this producer now; nothing more of this one is published",
          "hello.producer_id"});
  sessions_.close_websocket(slot, std::to_underlying(proto::CloseCode::fenced),
                            "another connection is this producer now", now, SessionTable::Owed::send);
}

// ---- answers ----

void FullSession::go_away(SlotId slot, Session& session, std::int64_t after_ms) {
  if (std::exchange(session.full->told_to_go, true)) return;
  send(slot, session,
       proto::GoAway{.text = "the broker restarts",
                     .deadline_ms = static_cast<std::uint32_t>(config_.drain_deadline_ms),
                     .reconnect_after_ms = static_cast<std::uint32_t>(after_ms),
                     .reconnect_within_ms = static_cast<std::uint32_t>(farewell_.within_ms),
                     .resume = true});
}

void FullSession::refuse(SlotId slot, Session& session, std::uint64_t id, const Refusal& refusal) {
  ++counters_.errors;
  send(slot, session, proto::Error{.code = refusal.code, .text = refusal.text, .id = id, .field = refusal.field});
}

void FullSession::send(SlotId slot, Session& session, const proto::Event& event) {
  send(slot, codec(session.encoding).encode(event));
}

void FullSession::send(SlotId slot, const Encoded& encoded) {
  sessions_.send_own(slot, write_frames(encoded, {}, sessions_.own_writer()));
}

}  // namespace ringcast::broker
