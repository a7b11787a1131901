#include "broker/io/attendant.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "broker/io/peer.h"
#include "topics/name.h"

namespace ringcast::io {

using broker::Inquiries;
using Part = broker::Inquiries::Part;

Attendant::Attendant(broker::Shard& shard, Connections& connections, broker::Mesh& mesh, broker::Inquiries& inquiries)
    : shard_(shard), connections_(connections), mesh_(mesh), inquiries_(inquiries) {}

bool Attendant::turn_slow(const Loop& loop, const Now& now) {
  bool answered = false;
  const auto give_back = [&](Part part) {
    inquiries_.answer(part);
    answered = true;
  };
  if (inquiries_.asked(Part::sample)) {
    sample(loop, now.monotonic);
    give_back(Part::sample);
  }
  if (inquiries_.asked(Part::own_value)) {
    broker::OwnValue& own = inquiries_.own_value;
    own.published = shard_.home().publish_own(own.topic, own.hash, own.payload, now);
    give_back(Part::own_value);
  }
  busy_ = false;
  if (inquiries_.asked(Part::query)) {
    const Done done = std::visit([&](auto& query) { return answer(query, now.monotonic); }, inquiries_.query);
    busy_ = done == Done::not_yet;
    if (!busy_) give_back(Part::query);
  }
  if (inquiries_.asked(Part::config)) {
    if (configure() == Done::yes) {
      give_back(Part::config);
    } else {
      busy_ = true;
    }
  }
  return answered;
}

Attendant::Done Attendant::configure() {
  if (!configuring_) {
    const broker::ConfigUpdate& update = inquiries_.config;
    shard_.configure(update.config, update.memory_budget);
    connections_.set_linger_bytes_max(update.config.linger_close_bytes);
    configuring_ = true;
  }
  if (!shard_.reconfigure()) return Done::not_yet;
  configuring_ = false;
  return Done::yes;
}

void Attendant::sample(const Loop& loop, Instant now) {
  broker::Sample& sample = inquiries_.sample;
  broker::fill_sample(shard_, mesh_, now, sample);
  const Connections::Counters& io = connections_.counters();
  sample.accepted_connections = io.accepted;
  sample.accept_errors = io.accept_errors;
  sample.handed_over_connections = io.handed_over;
  if (connections_.tls() != nullptr) {
    const TlsShard::Counters& tls = connections_.tls()->counters;
    sample.tls_handshakes = tls.handshakes;
    sample.tls_resumed_handshakes = tls.resumed;
    sample.tls_failures = tls.failed;
    sample.tls_refused_handshakes = tls.refused;
  }
  sample.received_bytes = io.received_bytes;
  sample.sent_bytes = io.sent_bytes;
  sample.sends = io.sends;
  sample.blocked_sends = io.blocked;
  sample.starved_receives = io.starved;
  sample.turns = loop.turns;
  sample.wakes = loop.wakes;
}

// ---- connections ----

bool Attendant::subscribes(const broker::Session& session, const broker::ConnectionsQuery& query,
                           std::uint32_t& visits) const {
  if (query.filter.empty() && query.topic.empty()) return true;
  for (const broker::Subscription& subscription : session.subscriptions) {
    if (!subscription.place.valid()) continue;
    ++visits;
    const std::string_view filter = shard_.subscriptions().filter(subscription.place);
    if (!query.filter.empty() && filter != query.filter) continue;
    if (query.topic.empty() || topics::matches(filter, query.topic)) return true;
  }
  return false;
}

void Attendant::add_row(broker::ConnectionsQuery& query, SlotId slot, const broker::Session& session, std::string peer,
                        Instant now) const {
  broker::ConnectionRow row{.shard = shard_.index(),
                            .slow = broker::describe_slow(slot, session, now),
                            .peer = std::move(peer),
                            .waits = session.send_blocked,
                            .closing = session.phase >= broker::Phase::closing};
  for (const broker::Subscription& subscription : session.subscriptions) {
    if (!subscription.place.valid()) continue;
    if (row.subscriptions++ == 0) row.filter = shard_.subscriptions().filter(subscription.place);
  }
  query.rows.push_back(std::move(row));
}

Attendant::Done Attendant::answer(broker::ConnectionsQuery& query, Instant now) {
  broker::SessionTable& sessions = shard_.sessions();
  std::uint32_t subscription_visits = 0;
  std::uint32_t lookups = 0;
  // The one with the least lag is in front.
  const auto lags_more = [](const broker::ConnectionRow& a, const broker::ConnectionRow& b) {
    return a.slow.owed_bytes > b.slow.owed_bytes;
  };
  for (std::uint32_t visits = 0; query.from < sessions.index_end(); ++query.from, ++visits) {
    if (!query.by_lag && query.rows.size() == query.limit) {
      query.more = true;
      return Done::yes;
    }
    if (visits == kConnectionVisits || lookups == kPeerLookups || subscription_visits >= kSubscriptionVisits) {
      return Done::not_yet;
    }
    const broker::Session& session = sessions.at(query.from);
    if (session.phase == broker::Phase::free || session.phase == broker::Phase::ended) continue;
    if ((query.kinds >> std::to_underlying(session.kind) & 1) == 0) continue;
    if (!subscribes(session, query, subscription_visits)) continue;
    const SlotId slot = sessions.id(session, query.from);
    const bool takes = !query.by_lag || query.rows.size() < query.limit ||
                       query.rows.front().slow.owed_bytes < broker::describe_slow(slot, session, now).owed_bytes;
    if (!takes && query.peer.empty()) {
      ++query.matched;
      continue;
    }
    ++lookups;
    std::string peer = peer_of(connections_.descriptor(slot)).text();
    if (!peer.starts_with(query.peer)) continue;
    ++query.matched;
    if (!takes) continue;
    add_row(query, slot, session, std::move(peer), now);
    if (!query.by_lag) continue;
    std::ranges::push_heap(query.rows, lags_more);
    if (query.rows.size() > query.limit) {
      std::ranges::pop_heap(query.rows, lags_more);
      query.rows.pop_back();
    }
  }
  return Done::yes;
}

Attendant::Done Attendant::answer(broker::KickQuery& query, Instant now) {
  using broker::Phase;
  broker::SessionTable& sessions = shard_.sessions();
  const broker::Session* const session = sessions.find(query.slot);
  query.found = session != nullptr && session->phase < Phase::closing;
  if (!query.found) return Done::yes;
  const bool has_code = session->phase == Phase::websocket;
  sessions.journal().note_end({.kind = broker::Journal::Kind::kicked,
                               .slot = query.slot,
                               .protocol = session->kind,
                               .code = has_code ? query.code : std::uint16_t{0},
                               .text = query.reason});
  // Who takes nothing at the moment is not made to take all of it first.
  const auto owed = session->send_blocked ? broker::SessionTable::Owed::drop : broker::SessionTable::Owed::send;
  if (session->phase == Phase::websocket) {
    sessions.close_websocket(query.slot, query.code, query.reason, now, owed);
  } else if (session->phase == Phase::event_stream) {
    shard_.end_stream(query.slot, query.reason, now, owed);
  } else {
    sessions.abort(query.slot);
  }
  return Done::yes;
}

bool Attendant::file(broker::JournalRing& ring) {
  std::vector<broker::Journal::Entry>& entries = shard_.sessions().journal().settle();
  for (broker::Journal::Entry& entry : entries) {
    const int fd = entry.slot.valid() ? connections_.descriptor(entry.slot) : -1;
    if (fd >= 0) entry.peer = peer_of(fd).text();
  }
  return ring.file(entries);
}

void Attendant::name_slow(std::int64_t now_us) {
  shard_.slow().name([&](broker::SlowConsumer& slow) {
    slow.closed_us = now_us;
    const int fd = connections_.descriptor(slow.slot);
    if (fd >= 0) slow.peer = peer_of(fd).text();
  });
}

Attendant::Done Attendant::answer(broker::SlowQuery& query, Instant) {
  shard_.slow().visit([&](const broker::SlowConsumer& slow) { query.rows.push_back(slow); });
  return Done::yes;
}

// ---- topics ----

Attendant::Done Attendant::answer(broker::TopicsQuery& query, Instant) {
  const topics::Home& home = shard_.home().home();
  const auto end = home.census(query.filter, query.after, kTopicVisits, [&](const topics::Home::TopicState& topic) {
    if (!topic.name.starts_with(query.prefix)) return topics::Visit::go_on;
    if (query.rows.size() == query.limit) {
      query.more = true;
      return topics::Visit::refuse;
    }
    broker::TopicRow row{.topic = std::string(topic.name), .seq = topic.seq, .shard = shard_.index()};
    if (!query.brief && topic.last != nullptr) {
      row.kept = true;
      row.op = topic.last->op;
      row.format = topic.last->format;
      row.content_type = topic.last->content_type();
      row.position = topic.last->position;
      row.time_us = topic.last->time_us;
      row.payload_bytes = topic.last->payload_size;
    }
    query.rows.push_back(std::move(row));
    return topics::Visit::go_on;
  });
  if (end.after.data() != query.after.data()) query.after = std::string(end.after);
  return end.done || query.more ? Done::yes : Done::not_yet;
}

Attendant::Done Attendant::answer(broker::MembersQuery& query, Instant) {
  for (std::uint32_t visits = 0; query.counts.size() < query.topics.size(); ++visits) {
    if (visits == kMemberVisits) return Done::not_yet;
    query.counts.push_back(shard_.members_of(query.topics[query.counts.size()]));
  }
  return Done::yes;
}

}  // namespace ringcast::io
