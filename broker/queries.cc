#include "broker/queries.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "topics/topic_order.h"

namespace ringcast::broker {

namespace {

using Part = Inquiries::Part;

void append_connection(JsonOut& out, const ConnectionRow& row) {
  out.begin_object();
  append_slow(out, row.shard, row.slow);
  out.member("address", row.peer).member("waits", row.waits).member("closing", row.closing);
  out.member("subscriptions", row.subscriptions);
  if (!row.filter.empty()) out.member("filter", row.filter);
  out.end_object();
}

std::string_view op_name(topics::Op op) {
  return op == topics::Op::remove ? "remove" : "set";  // events are not kept
}

std::string_view format_name(topics::Format format) {
  switch (format) {
    case topics::Format::binary:
      return "binary";
    case topics::Format::text:
      return "text";
    case topics::Format::json:
      return "json";
  }
  std::unreachable();
}

void append_topic(JsonOut& out, const TopicRow& row) {
  out.begin_object();
  out.member("topic", row.topic).member("seq", row.seq).member("shard", row.shard);
  out.key("rate_per_s");
  if (row.rate_per_s < 0) {
    out.null();
  } else {
    out.value(row.rate_per_s);
  }
  out.member("subscribers", row.subscribers);
  out.key("last");
  if (row.kept) {
    out.begin_object().member("op", op_name(row.op)).member("format", format_name(row.format));
    if (!row.content_type.empty()) out.member("content_type", row.content_type);
    out.member("payload_bytes", row.payload_bytes).member("time_us", row.time_us).member("position", row.position);
    out.end_object();
  } else {
    out.null();
  }
  out.end_object();
}

AdminAnswer no_such_connection() {
  return admin_error(404, "no_connection", "there is no such connection (any more)");
}

}  // namespace

bool Queries::is_query(const AdminRequest& request) noexcept {
  return std::holds_alternative<GetConnections>(request) || std::holds_alternative<GetConnection>(request) ||
         std::holds_alternative<CloseConnection>(request) || std::holds_alternative<GetTopics>(request) ||
         std::holds_alternative<GetSlow>(request);
}

void Queries::begin(CallId call, AdminRequest request) {
  assert(is_query(request));
  calls_.push_back({.id = call, .request = std::move(request)});
}

void Queries::forget(CallId call) {
  for (Call& one : calls_) {
    if (one.id == call) one.id = 0;
  }
}

topics::ShardSet Queries::turn(Instant now, std::vector<Answered>& answered) {
  topics::ShardSet ring = 0;
  while (!calls_.empty()) {
    if (!active_) start(now);
    ring |= send();
    collect();
    const bool waits = asked_ != 0 || std::ranges::any_of(to_ask_, [](const auto& query) { return query.has_value(); });
    if (!waits) {
      if (auto answer = next(now)) end(*std::move(answer), answered);
      continue;
    }
    if (now < calls_.front().until) break;
    std::uint32_t shard = 0;
    while (!topics::contains(asked_, shard) && !to_ask_[shard]) ++shard;
    end(admin_error(503, "shard_silent", "shard " + std::to_string(shard) + " did not answer in time"), answered);
  }
  return ring;
}

void Queries::start(Instant now) {
  active_ = true;
  Call& call = calls_.front();
  call.until = now + kPatienceMs;
  if (call.id == 0) return;  // nobody waits
  std::visit(
      [&](const auto& request) {
        if constexpr (requires { ask_for(request); }) ask_for(request);
      },
      call.request);
}

void Queries::ask(std::uint32_t shard, Query query) {
  to_ask_[shard] = std::move(query);
}

void Queries::ask_all(const Query& query) {
  for (std::uint32_t shard = 0; shard < to_ask_.size(); ++shard) ask(shard, query);
}

// A shard may still have the query of a call that did not wait any longer: then it gets this one afterwards.
topics::ShardSet Queries::send() {
  topics::ShardSet ring = 0;
  for (std::uint32_t shard = 0; shard < to_ask_.size(); ++shard) {
    if (!to_ask_[shard] || !inquiries_[shard].is_mine(Part::query)) continue;
    inquiries_[shard].query = *std::exchange(to_ask_[shard], std::nullopt);
    inquiries_[shard].ask(Part::query);
    asked_ |= topics::only(shard);
    ring |= topics::only(shard);
  }
  return ring;
}

void Queries::collect() {
  for (topics::ShardSet set = asked_; set != 0;) {
    const std::uint32_t shard = topics::take_shard(set);
    if (!inquiries_[shard].is_mine(Part::query)) continue;
    asked_ &= ~topics::only(shard);
    collected_.emplace_back(shard, std::exchange(inquiries_[shard].query, SlowQuery{}));
  }
}

void Queries::end(AdminAnswer answer, std::vector<Answered>& answered) {
  if (calls_.front().id != 0) answered.push_back({calls_.front().id, std::move(answer)});
  calls_.pop_front();
  active_ = false;
  asked_ = 0;  // what such a shard answers later is nobody's
  for (auto& query : to_ask_) query.reset();
  collected_.clear();
  rows_.clear();
  counts_subscribers_ = false;
  more_rows_ = false;
}

// All that was asked is answered: what comes of it, or nothing if that was asked on.
std::optional<AdminAnswer> Queries::next(Instant now) {
  const Call& call = calls_.front();
  if (call.id == 0) return AdminAnswer{};
  std::ranges::sort(collected_, {}, &std::pair<std::uint32_t, Query>::first);
  if (const auto* get = std::get_if<GetConnections>(&call.request)) return answer_connections(*get);
  if (const auto* get = std::get_if<GetConnection>(&call.request)) return answer_connection(*get);
  if (const auto* close = std::get_if<CloseConnection>(&call.request)) return answer_close(*close);
  if (const auto* get = std::get_if<GetSlow>(&call.request)) return answer_slow(*get);
  const auto& get = std::get<GetTopics>(call.request);
  if (counts_subscribers_) return answer_topics();
  merge_topics(get, now);
  collected_.clear();
  counts_subscribers_ = true;
  MembersQuery members;
  for (const TopicRow& row : rows_) members.topics.push_back(row.topic);
  ask_all(members);
  return std::nullopt;
}

// ---- connections ----

void Queries::ask_for(const GetConnections& get) {
  for (std::uint32_t shard = get.first_shard; shard < to_ask_.size(); ++shard) {
    ConnectionsQuery query = get.query;
    if (shard != get.first_shard) query.from = 0;
    ask(shard, std::move(query));
  }
}

AdminAnswer Queries::answer_connections(const GetConnections& get) {
  std::vector<ConnectionRow> rows;
  bool more = false;
  for (auto& [shard, query] : collected_) {
    auto& answer = std::get<ConnectionsQuery>(query);
    more = more || answer.more;
    std::ranges::move(answer.rows, std::back_inserter(rows));
  }
  if (get.query.by_lag) {
    std::ranges::sort(rows, std::ranges::greater{}, [](const auto& row) { return row.slow.owed_bytes; });
  }
  // By id a shard's rows are followed by those of the next only when it has said all.
  std::size_t count = std::min<std::size_t>(rows.size(), get.query.limit);
  more = more || rows.size() > count;
  JsonOut out;
  out.begin_object().key("connections").begin_array();
  for (std::size_t i = 0; i < count; ++i) append_connection(out, rows[i]);
  out.end_array();
  if (!get.query.by_lag && more && count > 0) {
    out.member("next", connection_id(rows[count - 1].shard, rows[count - 1].slow.slot));
  }
  out.end_object();
  return {.body = out.take() + "\n"};
}

void Queries::ask_for(const GetConnection& get) {
  if (get.connection.shard >= to_ask_.size()) return;
  ask(get.connection.shard, ConnectionsQuery{.from = get.connection.slot.index, .limit = 1});
}

AdminAnswer Queries::answer_connection(const GetConnection& get) {
  if (collected_.empty()) return no_such_connection();
  const auto& rows = std::get<ConnectionsQuery>(collected_.front().second).rows;
  if (rows.empty() || rows.front().slow.slot != get.connection.slot) return no_such_connection();
  JsonOut out;
  append_connection(out, rows.front());
  return {.body = out.take() + "\n"};
}

void Queries::ask_for(const CloseConnection& close) {
  if (close.connection.shard >= to_ask_.size()) return;
  ask(close.connection.shard, KickQuery{.slot = close.connection.slot, .code = close.code, .reason = close.reason});
}

AdminAnswer Queries::answer_close(const CloseConnection& close) {
  if (collected_.empty() || !std::get<KickQuery>(collected_.front().second).found) return no_such_connection();
  JsonOut out;
  out.begin_object().member("closed", connection_id(close.connection.shard, close.connection.slot));
  out.member("code", close.code).member("reason", close.reason).end_object();
  return {.body = out.take() + "\n"};
}

// ---- slow consumers ----

void Queries::ask_for(const GetSlow&) {
  ask_all(SlowQuery{});
}

AdminAnswer Queries::answer_slow(const GetSlow& get) {
  std::vector<std::pair<std::uint32_t, SlowConsumer>> rows;
  for (auto& [shard, query] : collected_) {
    for (SlowConsumer& slow : std::get<SlowQuery>(query).rows) rows.emplace_back(shard, std::move(slow));
  }
  std::ranges::sort(rows, std::ranges::greater{}, [](const auto& row) { return row.second.closed_us; });
  rows.resize(std::min<std::size_t>(rows.size(), get.limit));
  JsonOut out;
  out.begin_object().key("slow").begin_array();
  for (const auto& [shard, slow] : rows) {
    out.begin_object().member("id", connection_id(shard, slow.slot)).member("kind", name(slow.kind));
    out.member("address", slow.peer).member("closed_us", slow.closed_us).member("why", slow.why);
    out.member("owed_bytes", slow.owed_bytes).member("pinned_bytes", slow.pinned_bytes);
    out.member("oldest_ms", slow.oldest_ms).member("subscriptions", slow.subscriptions);
    if (!slow.filter.empty()) out.member("filter", slow.filter);
    out.end_object();
  }
  out.end_array().end_object();
  return {.body = out.take() + "\n"};
}

// ---- topics ----

void Queries::ask_for(const GetTopics& get) {
  TopicsQuery query = get.query;
  if (get.by_rate) query.limit = kRankedMax;
  ask_all(query);
}

void Queries::fill_rate(TopicRow& row, Instant now) {
  const auto found = seen_.find(row.topic);
  if (found == seen_.end()) {
    if (seen_.size() >= kSeenMax) seen_.clear();
    seen_.emplace(row.topic, Seen{.seq = row.seq, .at = now});
    return;
  }
  Seen& seen = found->second;
  const std::int64_t ms = now - seen.at;
  // A topic that was forgotten and made anew begins with a higher number: not a rate, but it is over soon.
  if (ms >= kRateMinMs && ms <= kRateMaxMs && row.seq >= seen.seq)
    row.rate_per_s = static_cast<double>(row.seq - seen.seq) * 1000 / static_cast<double>(ms);
  if (ms >= kSeenIntervalMs) seen = {.seq = row.seq, .at = now};
}

void Queries::merge_topics(const GetTopics& get, Instant now) {
  for (auto& [shard, query] : collected_) {
    auto& answer = std::get<TopicsQuery>(query);
    more_rows_ = more_rows_ || answer.more;
    std::ranges::move(answer.rows, std::back_inserter(rows_));
  }
  for (TopicRow& row : rows_) fill_rate(row, now);
  std::ranges::sort(rows_, topics::TopicOrder::less, &TopicRow::topic);
  if (get.by_rate) std::ranges::sort(rows_, std::ranges::greater{}, &TopicRow::rate_per_s);
  if (rows_.size() > get.query.limit) {
    rows_.resize(get.query.limit);
    more_rows_ = true;
  }
}

AdminAnswer Queries::answer_topics() {
  for (const auto& [shard, query] : collected_) {
    const auto& counts = std::get<MembersQuery>(query).counts;
    for (std::size_t i = 0; i < rows_.size(); ++i) rows_[i].subscribers += counts[i];
  }
  const bool by_rate = std::get<GetTopics>(calls_.front().request).by_rate;
  JsonOut out;
  out.begin_object().key("topics").begin_array();
  for (const TopicRow& row : rows_) append_topic(out, row);
  out.end_array();
  if (more_rows_ && !by_rate && !rows_.empty()) out.member("next", rows_.back().topic);
  out.member("more", more_rows_).end_object();
  return {.body = out.take() + "\n"};
}

}  // namespace ringcast::broker
