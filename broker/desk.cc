#include "broker/desk.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "broker/reload.h"

namespace ringcast::broker {

namespace {

using Part = Inquiries::Part;

constexpr std::string_view kPlain = "text/plain; charset=utf-8";

constexpr std::string_view kIndex =
    R"({"livez":"/livez","readyz":"/readyz","healthz":"/healthz","metrics":"/metrics",)"
    R"("api":["/api/v1/stats","/api/v1/shards","/api/v1/connections","/api/v1/topics",)"
    R"("/api/v1/slow","/api/v1/config","/api/v1/log-level","/api/v1/drain","/api/v1/reload",)"
    R"("/api/v1/revocations"]})"
    "\n";

// "shard 2", "shards 0, 3"
std::string list_of(topics::ShardSet shards) {
  std::string text;
  std::size_t count = 0;
  for (; shards != 0; ++count) text += (count > 0 ? ", " : " ") + std::to_string(topics::take_shard(shards));
  return (count == 1 ? "shard" : "shards") + text;
}

std::string_view name(LogLevel level) {
  constexpr std::array<std::string_view, 4> kNames{"debug", "info", "warning", "error"};
  return kNames[static_cast<std::size_t>(level)];
}

bool wants_samples(const AdminRequest& request) {
  return std::holds_alternative<GetLivez>(request) || std::holds_alternative<GetHealthz>(request) ||
         std::holds_alternative<GetMetrics>(request) || std::holds_alternative<GetShards>(request);
}

AdminAnswer not_ready(State state) {
  return admin_error(503, name(state), state == State::starting ? "the broker starts" : "the broker restarts");
}

}  // namespace

Desk::Desk(const About& about, const Services& services, std::span<Inquiries> inquiries, topics::HashKey key)
    : about_(about),
      services_(services),
      inquiries_(inquiries),
      stats_hash_(topics::hash_name(key, kStatsTopic)),
      stats_home_(topics::owner(stats_hash_, static_cast<std::uint32_t>(inquiries.size()))),
      stats_(about_),
      queries_(inquiries),
      sampled_(inquiries.size()),
      asked_(inquiries.size()) {
  assert(about.shards == inquiries.size());
}

// ---- requests ----

void Desk::begin(CallId call, AdminRequest request, State state, const Now& now) {
  assert(call != 0);
  if (Queries::is_query(request)) return queries_.begin(call, std::move(request));
  if (std::holds_alternative<PostReload>(request)) {
    if (state != State::ready) return answer(call, not_ready(state));
    reloading_.push_back({.call = call, .wish = services_.ask_reload(), .until = now.monotonic + kReloadPatienceMs});
    return;
  }
  if (!wants_samples(request)) return answer(call, answer_at_once(request, state));
  const bool probe = std::holds_alternative<GetLivez>(request) || std::holds_alternative<GetHealthz>(request);
  waiting_.push_back({.call = call,
                      .request = std::move(request),
                      .round = want_samples(),
                      .until = now.monotonic + (probe ? kLivePatienceMs : kSamplePatienceMs)});
}

void Desk::forget(CallId call) {
  queries_.forget(call);
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.call == call; });
  std::erase_if(reloading_, [&](const Reloading& reloading) { return reloading.call == call; });
}

AdminAnswer Desk::answer_at_once(const AdminRequest& request, State state) const {
  if (std::holds_alternative<GetReadyz>(request)) {
    if (state != State::ready) return not_ready(state);
    return {.content_type = std::string(kPlain), .body = "ok\n"};
  }
  if (std::holds_alternative<GetIndex>(request)) return {.body = std::string(kIndex)};
  if (std::holds_alternative<GetConfig>(request)) return {.body = services_.config()};
  if (std::holds_alternative<GetStats>(request)) {
    if (stats_document_.empty()) return not_ready(State::starting);
    return {.body = stats_document_ + "\n"};
  }
  if (const auto* put = std::get_if<PutLogLevel>(&request)) {
    services_.set_log_level(put->level);
    return log_level();
  }
  if (std::holds_alternative<GetLogLevel>(request)) return log_level();
  if (std::holds_alternative<GetDrain>(request)) return drain_state(state);
  if (std::holds_alternative<GetRevocations>(request)) return revocations();
  if (const auto* revoke = std::get_if<Revoke>(&request)) {
    const auto revoked = services_.revoke(revoke->entry);
    return revoked ? revocations() : admin_error(409, "not_revoked", revoked.error());
  }
  if (const auto* take_back = std::get_if<TakeBackRevocation>(&request)) {
    if (services_.take_back(take_back->entry)) return revocations();
    return admin_error(404, "not_revoked", "no operator revoked that; what a file revokes is taken out of the file");
  }
  assert(std::holds_alternative<PostDrain>(request));
  services_.drain();
  const bool begins = state == State::ready || state == State::starting;
  AdminAnswer answer = drain_state(begins ? State::lame_duck : state);
  answer.status = 202;
  return answer;
}

AdminAnswer Desk::drain_state(State state) const {
  const std::string_view stage = drain_stage(state);
  JsonOut out;
  out.begin_object().member("stage", stage);
  out.member("left_ms", stage == "none" ? 0 : services_.stage_left_ms()).end_object();
  return {.body = out.take() + "\n"};
}

AdminAnswer Desk::log_level() const {
  JsonOut out;
  out.begin_object().member("level", name(services_.log_level())).end_object();
  return {.body = out.take() + "\n"};
}

AdminAnswer Desk::revocations() const {
  JsonOut out;
  out.begin_object().key("revocations").begin_array();
  for (const std::string& entry : services_.revoked()) out.value(entry);
  out.end_array().end_object();
  return {.body = out.take() + "\n"};
}

AdminAnswer Desk::answer_sampled(const Waiting& waiting, State state, const Now& now) {
  const topics::ShardSet mute = silent(waiting.round);
  if (std::holds_alternative<GetLivez>(waiting.request)) {
    // While it starts or ends there may be no loop to come round.
    if (state == State::ready && mute != 0) {
      return admin_error(
          503, "shard_silent",
          list_of(mute) + " did not come round the loop within " + std::to_string(kLivePatienceMs) + " ms");
    }
    return {.content_type = std::string(kPlain), .body = "ok\n"};
  }
  if (std::holds_alternative<GetHealthz>(waiting.request)) return health(mute, state);
  if (std::holds_alternative<GetShards>(waiting.request)) return shards(mute, state, now);
  return {.content_type = std::string(kExpositionType),
          .body = services_.exposition(about_, state, sampled_, mute, services_.process())};
}

AdminAnswer Desk::health(topics::ShardSet silent, State state) const {
  JsonOut out;
  const bool well = state == State::ready && silent == 0;
  out.begin_object().member("healthy", well).member("state", name(state)).member("io", about_.io);
  out.key("silent_shards").begin_array();
  while (silent != 0) out.value(topics::take_shard(silent));
  out.end_array().end_object();
  return {.status = static_cast<std::uint16_t>(well ? 200 : 503), .body = out.take() + "\n"};
}

AdminAnswer Desk::shards(topics::ShardSet silent, State state, const Now& now) {
  JsonOut out;
  out.begin_object().member("state", name(state)).member("io", about_.io).key("shards").begin_array();
  for (std::uint32_t shard = 0; shard < sampled_.size(); ++shard) {
    out.begin_object().member("shard", shard).member("answers", !topics::contains(silent, shard));
    const bool known = sampled_[shard].at != Instant::never();
    out.member("age_ms", known ? now.monotonic - sampled_[shard].at : -1);
    for (const Figure& figure : figures()) out.member(figure.name, sampled_[shard].sample.*figure.field);
    out.end_object();
  }
  out.end_array().end_object();
  return {.body = out.take() + "\n"};
}

// ---- the turn ----

topics::ShardSet Desk::turn(State state, const Now& now) {
  ring_ = 0;
  if (services_.memory_budget) about_.memory_budget_bytes = services_.memory_budget();
  collect_samples();
  turn_stats(state, now);
  turn_waiting(state, now);
  turn_reloads(state, now.monotonic);
  ring_ |= queries_.turn(now.monotonic, answered_);
  return ring_ | ask_samples(now.monotonic);
}

Instant Desk::next_deadline() const noexcept {
  Instant next = std::min(stats_at_, queries_.next_deadline());
  if (stats_round_ != 0) next = std::min(next, stats_until_);
  for (const Waiting& waiting : waiting_) next = std::min(next, waiting.until);
  for (const Reloading& reloading : reloading_) next = std::min(next, reloading.until);
  return next;
}

topics::ShardSet Desk::silent(std::uint64_t round) const noexcept {
  topics::ShardSet set = 0;
  for (std::uint32_t shard = 0; shard < asked_.size(); ++shard) {
    if (asked_[shard].answered < round) set |= topics::only(shard);
  }
  return set;
}

void Desk::collect_samples() {
  for (std::size_t shard = 0; shard < asked_.size(); ++shard) {
    Asked& asked = asked_[shard];
    if (!asked.out || !inquiries_[shard].is_mine(Part::sample)) continue;
    sampled_[shard] = {.sample = inquiries_[shard].sample, .at = asked.at};
    asked.out = false;
    asked.answered = asked.round;
  }
}

topics::ShardSet Desk::ask_samples(Instant now) {
  topics::ShardSet ring = 0;
  for (std::uint32_t shard = 0; shard < asked_.size(); ++shard) {
    Asked& asked = asked_[shard];
    if (asked.out || asked.answered >= round_) continue;
    asked.out = true;
    asked.round = round_;
    asked.at = now;
    inquiries_[shard].ask(Part::sample);
    ring |= topics::only(shard);
  }
  return ring;
}

void Desk::turn_stats(State state, const Now& now) {
  if (now.monotonic >= stats_at_) {
    stats_round_ = want_samples();
    stats_until_ = now.monotonic + kSamplePatienceMs;
    stats_at_ = stats_at_ + kStatsIntervalMs;
    if (stats_at_ <= now.monotonic) stats_at_ = now.monotonic + kStatsIntervalMs;  // no burst after a pause
  }
  if (stats_round_ == 0 || (silent(stats_round_) != 0 && now.monotonic < stats_until_)) return;
  stats_round_ = 0;
  // Built whether anybody subscribes or not: what GET finds must be true, and it costs some tens of microseconds.
  stats_document_ = stats_.document(sampled_, state, now);
  Inquiries& home = inquiries_[stats_home_];
  if (!home.is_mine(Part::own_value)) return;  // its home has not published the last ones
  home.own_value.topic = kStatsTopic;
  home.own_value.hash = stats_hash_;
  home.own_value.payload = stats_document_;
  home.ask(Part::own_value);
  ring_ |= topics::only(stats_home_);
}

void Desk::turn_waiting(State state, const Now& now) {
  std::erase_if(waiting_, [&](const Waiting& waiting) {
    if (silent(waiting.round) != 0 && now.monotonic < waiting.until) return false;
    answer(waiting.call, answer_sampled(waiting, state, now));
    return true;
  });
}

void Desk::turn_reloads(State state, Instant now) {
  std::erase_if(reloading_, [&](const Reloading& reloading) {
    if (auto result = services_.reloaded(reloading.wish)) {
      const std::uint16_t status = result->applied ? 200 : kBadConfiguration;
      answer(reloading.call, {.status = status, .body = std::move(result->json)});
    } else if (state == State::draining) {
      answer(reloading.call, not_ready(state));
    } else if (now >= reloading.until) {
      answer(reloading.call, admin_error(503, "still_reloading", "the reload has not ended yet: the log will tell"));
    } else {
      return false;
    }
    return true;
  });
}

}  // namespace ringcast::broker
