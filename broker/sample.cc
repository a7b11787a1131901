#include "broker/sample.h"

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>
#include <vector>

#include "broker/shard.h"
#include "proto/close_code.h"

namespace ringcast::broker {

namespace {

constexpr auto kGauge = Figure::Kind::gauge;
constexpr auto kCounter = Figure::Kind::counter;

// Names are a promise (broker/ADMIN.md): a new number is a new row, and none is ever given another meaning.
constexpr Figure kFigures[] = {
    {"connections", &Sample::connections, kGauge, "", "", "open connections"},
    {"waiting_connections", &Sample::waiting_connections, kGauge, "", "ringcast_waiting_connections",
     "Connections whose sockets take nothing at the moment."},
    {"subscriptions", &Sample::subscriptions, kGauge, "", "ringcast_subscriptions",
     "Subscriptions of all connections."},
    {"filters", &Sample::filters, kGauge, "", "ringcast_filters", "Distinct filters that are subscribed on the shard."},
    {"topics", &Sample::topics, kGauge, "", "ringcast_topics",
     "Topics that the shard is home of, with the broker's own."},
    {"history_bytes", &Sample::history_bytes, kGauge, "", "ringcast_history_bytes",
     "Memory of last values, history and messages under way; bounded by --max-topic-memory."},
    {"owed_bytes", &Sample::owed_bytes, kGauge, "", "ringcast_owed_bytes",
     "Memory that subscribers' unsent messages keep from being freed; bounded by --memory-budget."},
    {"request_ring_entries", &Sample::request_ring_entries, kGauge, "", "ringcast_request_ring_entries",
     "Requests of all shards that the shard has not taken yet."},
    {"delivery_ring_entries", &Sample::delivery_ring_entries, kGauge, "", "ringcast_delivery_ring_entries",
     "Deliveries of all shards that the shard has not drained yet."},
    {"accepted_connections", &Sample::accepted_connections, kCounter, "accepted_per_s",
     "ringcast_accepted_connections_total", "Connections that were accepted."},
    {"accept_errors", &Sample::accept_errors, kCounter, "", "ringcast_accept_errors_total",
     "Accepts that failed, as for want of descriptors."},
    {"handed_over_connections", &Sample::handed_over_connections, kCounter, "",
     "ringcast_handed_over_connections_total", "Connections that the shard accepted and gave to one with fewer."},
    {"tls_handshakes", &Sample::tls_handshakes, kCounter, "", "ringcast_tls_handshakes_total",
     "TLS handshakes that were completed."},
    {"tls_resumed_handshakes", &Sample::tls_resumed_handshakes, kCounter, "", "ringcast_tls_resumed_handshakes_total",
     "TLS handshakes that were completed with a ticket of an earlier connection."},
    {"tls_failures", &Sample::tls_failures, kCounter, "", "ringcast_tls_failures_total",
     "TLS handshakes that were refused, and connections that broke TLS's rules."},
    {"tls_refused_handshakes", &Sample::tls_refused_handshakes, kCounter, "", "ringcast_tls_refused_handshakes_total",
     "Connections closed at once: --tls-handshakes were under way."},
    {"refused_connections", &Sample::refused_connections, kCounter, "", "ringcast_refused_connections_total",
     "Connections over --max-connections."},
    {"http_requests", &Sample::http_requests, kCounter, "", "ringcast_http_requests_total",
     "HTTP requests on the clients' port, upgrades included."},
    {"refused_requests", &Sample::refused_requests, kCounter, "", "ringcast_refused_requests_total",
     "HTTP requests that were answered with a status of 400 or more."},
    {"received_bytes", &Sample::received_bytes, kCounter, "received_bytes_per_s", "ringcast_received_bytes_total",
     "Bytes that came from clients."},
    {"sent_bytes", &Sample::sent_bytes, kCounter, "sent_bytes_per_s", "ringcast_sent_bytes_total",
     "Bytes that the sockets of clients took."},
    {"sends", &Sample::sends, kCounter, "sends_per_s", "ringcast_sends_total", "Sends to sockets of clients."},
    {"blocked_sends", &Sample::blocked_sends, kCounter, "", "ringcast_blocked_sends_total",
     "Sends of which the socket did not take all."},
    {"starved_receives", &Sample::starved_receives, kCounter, "", "ringcast_starved_receives_total",
     "Receives that found no buffer and had to wait a turn."},
    {"received_messages", &Sample::received_messages, kCounter, "", "ringcast_received_messages_total",
     "WebSocket messages that came from clients: publishes and requests."},
    {"published_messages", &Sample::published_messages, kCounter, "published_per_s",
     "ringcast_published_messages_total", "Messages that were given a sequence number, by the shard as their home."},
    {"published_bytes", &Sample::published_bytes, kCounter, "published_bytes_per_s", "ringcast_published_bytes_total",
     "Payloads of these."},
    {"duplicate_messages", &Sample::duplicate_messages, kCounter, "", "ringcast_duplicate_messages_total",
     "Publishes that had been published before: acknowledged, nothing else."},
    {"refused_messages", &Sample::refused_messages, kCounter, "refused_per_s", "", "publishes that were refused"},
    {"expired_values", &Sample::expired_values, kCounter, "", "ringcast_expired_values_total",
     "Values that were removed because of their age or their topic's."},
    {"stalls", &Sample::stalls, kCounter, "stalls_per_s", "ringcast_stalls_total",
     "Turns in which a request found no room for what it causes: publishers were made to wait."},
    {"accepted_tokens", &Sample::accepted_tokens, kCounter, "", "ringcast_accepted_tokens_total",
     "Requests and connections whose token was taken."},
    {"delayed_tokens", &Sample::delayed_tokens, kCounter, "", "ringcast_delayed_tokens_total",
     "Requests that waited a turn or more because too many signatures were to be checked."},
    {"closed_expired", &Sample::closed_expired, kCounter, "", "ringcast_closed_expired_total",
     "Connections that were closed because their token had expired."},
    {"closed_revoked", &Sample::closed_revoked, kCounter, "", "ringcast_closed_revoked_total",
     "Connections that were closed because their token was revoked, or its key was gone."},
    {"forbidden_requests", &Sample::forbidden_requests, kCounter, "", "ringcast_forbidden_requests_total",
     "Publishes, subscriptions and reads that no permission allowed."},
    {"limited_connections", &Sample::limited_connections, kCounter, "", "ringcast_limited_connections_total",
     "Connections that were refused because their address or subject has as many, or as fast, as it may."},
    {"limited_publishes", &Sample::limited_publishes, kCounter, "", "ringcast_limited_publishes_total",
     "POSTs and DELETEs that were refused because their address or subject publishes too much."},
    {"throttled", &Sample::throttled, kCounter, "", "ringcast_throttled_total",
     "Times that a WebSocket was not read for a while because its address or subject publishes too much."},
    {"delivered_messages", &Sample::delivered_messages, kCounter, "delivered_per_s",
     "ringcast_delivered_messages_total", "Messages times the connections that were given them."},
    {"encoded_bytes", &Sample::encoded_bytes, kCounter, "", "ringcast_encoded_bytes_total",
     "Bytes of frames that were written, once for each encoding, for every-message subscribers."},
    {"compressed_messages", &Sample::compressed_messages, kCounter, "", "ringcast_compressed_messages_total",
     "Messages that were compressed, once for each window size."},
    {"merged_messages", &Sample::merged_messages, kCounter, "merged_per_s", "ringcast_merged_messages_total",
     "Messages that gave way to newer ones of their topic before they were sent, as LATEST or for who lagged."},
    {"skipped_messages", &Sample::skipped_messages, kCounter, "skipped_per_s", "ringcast_skipped_messages_total",
     "Messages that were left out for subscribers who asked for that (SKIP)."},
    {"lag_events", &Sample::lag_events, kCounter, "lag_events_per_s", "ringcast_lag_events_total",
     "Times that a connection fell behind and was degraded, skipped messages or was closed."},
    {"caught_up", &Sample::caught_up, kCounter, "", "ringcast_caught_up_total",
     "Times that a degraded connection had caught up and got every message again."},
    {"closed_slow", &Sample::closed_slow, kCounter, "", "ringcast_closed_slow_total",
     "Connections that were closed because they were too slow (4008, or the end of an event stream)."},
    {"over_budget", &Sample::over_budget, kCounter, "", "ringcast_over_budget_total",
     "Times that a connection was degraded or closed for --memory-budget."},
    {"lost_peers", &Sample::lost_peers, kCounter, "", "ringcast_lost_peers_total",
     "Connections that were cut because their peer did not answer a ping."},
    {"turns", &Sample::turns, kCounter, "turns_per_s", "ringcast_turns_total", "Turns of the shard's loop."},
    {"wakes", &Sample::wakes, kCounter, "wakes_per_s", "ringcast_wakes_total", "Sleeping shards that the shard woke."},
};

// Those that wait with the most, worst first.
void fill_slowest(Shard& shard, Instant now, Sample& sample, std::uint32_t waiting_max) {
  SessionTable& sessions = shard.sessions();
  const auto waiting = sessions.blocked_slots();
  sample.waiting_connections = waiting.size();
  sample.slowest_count = 0;
  for (const SlotId slot : waiting.first(std::min<std::size_t>(waiting.size(), waiting_max))) {
    const Session* const session = sessions.find(slot);
    if (session == nullptr || session->phase >= Phase::closing) continue;
    const Slowest slow = describe_slow(slot, *session, now);
    const auto begin = sample.slowest.begin();
    const auto end = begin + sample.slowest_count;
    const auto at = std::find_if(begin, end, [&](const Slowest& other) { return other.owed_bytes < slow.owed_bytes; });
    if (at == sample.slowest.end()) continue;
    sample.slowest_count = std::min<std::uint32_t>(sample.slowest_count + 1, Sample::kSlowestMax);
    std::move_backward(at, begin + sample.slowest_count - 1, begin + sample.slowest_count);
    *at = slow;
  }
}

void fill_delivering(const Shard& shard, Sample& sample) {
  const Lag::Counters& lag = shard.lag().counters();
  sample.delivered_messages = shard.fan_out().counters().deliveries + shard.latest().counters().sent;
  sample.encoded_bytes = shard.fan_out().counters().encoded_bytes;
  sample.compressed_messages = shard.compressor().counters().messages;
  sample.merged_messages = shard.latest().counters().merged + lag.merged_messages;
  sample.skipped_messages = lag.skipped_messages;
  sample.lag_events = lag.degrades + lag.skips + lag.closed;
  sample.caught_up = lag.caught_up;
  sample.closed_slow = lag.closed;
  sample.over_budget = lag.over_budget;
  sample.lost_peers = shard.websocket().counters().peers_lost + shard.sse().counters().peers_lost;
  const ResumeCounts& full = shard.full().counters().resumes;
  const ResumeCounts& sse = shard.sse().counters().resumes;
  sample.resumes = {full.recovered + sse.recovered, full.conflated + sse.conflated, full.gaps + sse.gaps};
}

void fill_publishing(Shard& shard, Sample& sample) {
  const HomeShard::Counters& home = shard.home().counters();
  sample.published_messages = home.published;
  sample.published_bytes = home.published_bytes;
  sample.duplicate_messages = home.duplicates;
  sample.refused_messages = home.refused + home.expired;
  sample.publishes_by_outcome = home.outcomes;
  sample.expired_values = home.expired_values;
  sample.stalls = home.stalls;
  sample.received_messages = shard.websocket().counters().received;
  sample.http_requests = shard.http().counters().requests;
  sample.refused_requests = shard.http().counters().refused;
}

void fill_access(const Shard& shard, Sample& sample) {
  const Authenticator::Counters& tokens = shard.authenticator().counters();
  sample.accepted_tokens = tokens.accepted;
  sample.delayed_tokens = tokens.delayed;
  sample.closed_expired = tokens.expired;
  sample.closed_revoked = tokens.revoked;
  sample.forbidden_requests = tokens.forbidden;
  sample.refused_tokens = tokens.refused;
  const Limits::Counters& limits = shard.limits().counters();
  sample.limited_connections = limits.refused_connections;
  sample.limited_publishes = limits.refused_publishes;
  sample.throttled = limits.throttled;
}

}  // namespace

std::span<const Figure> figures() noexcept {
  return kFigures;
}

std::string_view close_cell_name(std::size_t cell) noexcept {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const auto& entry : proto::close_codes()) all.push_back(std::to_string(std::to_underlying(entry.code)));
    all.insert(all.end(), {"other", "none"});
    assert(all.size() == kCloseCells);
    return all;
  }();
  return names[cell];
}

std::string_view name(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::sequenced:
      return "sequenced";
    case Outcome::expired:
      return "busy";  // as clients are told
    case Outcome::too_many_topics:
      return "too_many_topics";
    case Outcome::memory_full:
      return "memory_full";
    case Outcome::duplicate:
      return "duplicate";
    case Outcome::too_old:
      return "too_old";
    case Outcome::fenced:
      return "fenced";
    case Outcome::too_many_producers:
      return "too_many_producers";
    case Outcome::key_reused:
      return "key_reused";
  }
  std::unreachable();
}

std::string_view resume_name(std::size_t cell) noexcept {
  constexpr std::array<std::string_view, 3> kResumeNames{"recovered", "conflated", "gap"};
  return kResumeNames[cell];
}

void Sample::add(const Sample& other) noexcept {
  const auto add_all = [](auto& to, const auto& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  };
  for (const Figure& figure : figures()) this->*figure.field += other.*figure.field;
  add_all(connections_by_kind, other.connections_by_kind);
  add_all(closes_by_code, other.closes_by_code);
  add_all(publishes_by_outcome, other.publishes_by_outcome);
  add_all(resumes, other.resumes);
  add_all(refused_tokens, other.refused_tokens);
  latency.add(other.latency);
}

Slowest describe_slow(SlotId slot, const Session& session, Instant now) {
  Instant oldest = session.outbox.oldest_message();
  std::uint64_t owed_bytes = session.outbox.owed_bytes();
  if (session.waiting != nullptr) {
    oldest = std::min(oldest, session.waiting->outbox.oldest_message());
    owed_bytes += session.waiting->outbox.owed_bytes();
  }
  return {.slot = slot,
          .kind = session.kind,
          .lagging = session.lagging,
          .owed_bytes = owed_bytes,
          .pinned_bytes = SessionTable::pinned_bytes(session),
          .oldest_ms = oldest == Instant::never() ? 0 : std::max<std::int64_t>(0, now - oldest)};
}

void fill_sample(Shard& shard, Mesh& mesh, Instant now, Sample& sample, std::uint32_t waiting_max) {
  const SessionTable& sessions = shard.sessions();
  fill_access(shard, sample);
  sample.connections = sessions.live();
  sample.refused_connections = shard.counters().refused;
  const topics::Subscriptions::Counters& subscriptions = shard.subscriptions().counters();
  sample.subscriptions = subscriptions.live + subscriptions.joining;
  sample.filters = subscriptions.filters;
  sample.topics = shard.home().home().counters().topics;
  sample.history_bytes = shard.pool().counters().live_bytes;
  sample.owed_bytes = shard.sessions().segments().live_bytes() + shard.latest().pinned_bytes();
  sample.request_ring_entries = 0;
  sample.delivery_ring_entries = 0;
  for (std::uint32_t other = 0; other < mesh.shards(); ++other) {
    sample.request_ring_entries += mesh.requests(other, shard.index()).depth();
    sample.delivery_ring_entries += mesh.deliveries(other, shard.index()).depth();
  }
  for (std::size_t kind = 0; kind < kConnectionKinds; ++kind) {
    sample.connections_by_kind[kind] = sessions.count(static_cast<ConnectionKind>(kind));
  }
  std::ranges::copy(sessions.closes(), sample.closes_by_code.begin());
  fill_publishing(shard, sample);
  fill_delivering(shard, sample);
  sample.latency = shard.latency().durations();
  fill_slowest(shard, now, sample, waiting_max);
}

}  // namespace ringcast::broker
