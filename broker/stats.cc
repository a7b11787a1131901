#include "broker/stats.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace ringcast::broker {

namespace {

template <typename Name, typename Cells>
void append_cells(JsonOut& out, std::string_view key, const Cells& cells, Name&& name_of) {
  out.key(key).begin_object();
  for (std::size_t i = 0; i < cells.size(); ++i) out.member(name_of(i), cells[i]);
  out.end_object();
}

void append_latency(JsonOut& out, const Durations& latency) {
  out.key("latency").begin_object();
  out.member("messages", latency.count);
  out.member("p50_us", latency.quantile(0.5)).member("p99_us", latency.quantile(0.99));
  out.member("max_us", latency.quantile(1));
  out.end_object();
}

}  // namespace

std::string_view name(State state) noexcept {
  switch (state) {
    case State::starting:
      return "starting";
    case State::ready:
      return "ready";
    case State::lame_duck:
    case State::draining:
    case State::closing:
      return "draining";
  }
  std::unreachable();
}

std::string_view drain_stage(State state) noexcept {
  switch (state) {
    case State::starting:
    case State::ready:
      return "none";
    case State::lame_duck:
      return "lame_duck";
    case State::draining:
      return "draining";
    case State::closing:
      return "closing";
  }
  std::unreachable();
}

// A shard that has said nothing since has no rates.
Stats::Rates Stats::rates_of(const Sampled& now, const Sampled& before) const {
  Rates rates{.per_s = std::vector<double>(figures().size(), 0.0), .latency = {}};
  if (now.at == Instant::never() || before.at == Instant::never() || now.at <= before.at) return rates;
  const double seconds = static_cast<double>(now.at - before.at) / 1000;
  for (std::size_t i = 0; i < figures().size(); ++i) {
    const Figure& figure = figures()[i];
    if (figure.rate.empty()) continue;
    rates.per_s[i] = static_cast<double>(now.sample.*figure.field - before.sample.*figure.field) / seconds;
  }
  rates.latency = now.sample.latency.since(before.sample.latency);
  return rates;
}

void Stats::append_figures(JsonOut& out, const Sample& sample, const Rates& rates, bool counters) {
  for (const Figure& figure : figures()) {
    if (counters || figure.kind == Figure::Kind::gauge) out.member(figure.name, sample.*figure.field);
  }
  out.key("rates").begin_object();
  for (std::size_t i = 0; i < figures().size(); ++i) {
    if (!figures()[i].rate.empty()) out.member(figures()[i].rate, rates.per_s[i]);
  }
  out.end_object();
  append_latency(out, rates.latency);
}

void Stats::append_total(JsonOut& out, const Sample& total, const Rates& rates) {
  out.key("total").begin_object();
  append_figures(out, total, rates, true);
  append_cells(out, "connections_by_kind", total.connections_by_kind,
               [](std::size_t i) { return name(static_cast<ConnectionKind>(i)); });
  append_cells(out, "closes_by_code", total.closes_by_code, close_cell_name);
  append_cells(out, "resumes", total.resumes, resume_name);
  out.key("refused_by_reason").begin_object();
  for (std::size_t i = 0; i < kOutcomes; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    if (outcome != Outcome::sequenced && outcome != Outcome::duplicate) {
      out.member(name(outcome), total.publishes_by_outcome[i]);
    }
  }
  out.end_object().end_object();
}

void Stats::append_slowest(JsonOut& out, std::span<const Sampled> shards) {
  struct Entry {
    std::uint32_t shard;
    const Slowest* slow;
  };
  std::vector<Entry> entries;
  for (std::uint32_t shard = 0; shard < shards.size(); ++shard) {
    const Sample& sample = shards[shard].sample;
    for (std::uint32_t i = 0; i < sample.slowest_count; ++i) entries.push_back({shard, &sample.slowest[i]});
  }
  std::ranges::sort(entries, std::ranges::greater{}, [](const Entry& entry) { return entry.slow->owed_bytes; });
  entries.resize(std::min(entries.size(), kSlowestMax));
  out.key("slowest").begin_array();
  for (const Entry& entry : entries) {
    out.begin_object();
    append_slow(out, entry.shard, *entry.slow);
    out.end_object();
  }
  out.end_array();
}

std::string Stats::document(std::span<const Sampled> shards, State state, const Now& now) {
  Sample total;
  Rates rates{.per_s = std::vector<double>(figures().size(), 0.0), .latency = {}};
  std::vector<Rates> each;
  for (std::size_t shard = 0; shard < shards.size(); ++shard) {
    total.add(shards[shard].sample);
    each.push_back(rates_of(shards[shard], before_[shard]));
    for (std::size_t i = 0; i < rates.per_s.size(); ++i) rates.per_s[i] += each.back().per_s[i];
    rates.latency.add(each.back().latency);
  }
  JsonOut out;
  out.begin_object();
  out.member("version", 1).member("broker_version", RINGCAST_VERSION).member("epoch", about_.epoch);
  out.member("time_us", now.utc_us).member("uptime_ms", (now.utc_us - about_.started_us) / 1000);
  out.member("state", name(state)).member("io", about_.io).member("memory_budget_bytes", about_.memory_budget_bytes);
  append_total(out, total, rates);
  out.key("shards").begin_array();
  for (std::uint32_t shard = 0; shard < shards.size(); ++shard) {
    out.begin_object().member("shard", shard);
    out.key("age_ms");
    if (shards[shard].at == Instant::never()) {
      out.null();
    } else {
      out.value(now.monotonic - shards[shard].at);
    }
    append_figures(out, shards[shard].sample, each[shard], false);
    out.end_object();
  }
  out.end_array();
  append_slowest(out, shards);
  out.end_object();
  before_.assign(shards.begin(), shards.end());
  return out.take();
}

// ---- names of connections ----

std::string connection_id(std::uint32_t shard, SlotId slot) {
  return std::to_string(shard) + "-" + std::to_string(slot.index) + "-" + std::to_string(slot.generation);
}

std::optional<ConnectionName> parse_connection_id(std::string_view text) noexcept {
  std::array<std::uint32_t, 3> numbers{};
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0 && (at == end || *at++ != '-')) return std::nullopt;
    const auto [next, error] = std::from_chars(at, end, numbers[i]);
    if (error != std::errc{}) return std::nullopt;
    at = next;
  }
  if (at != end || numbers[1] == SlotId::kNone) return std::nullopt;
  return ConnectionName{.shard = numbers[0], .slot = {.index = numbers[1], .generation = numbers[2]}};
}

void append_slow(JsonOut& out, std::uint32_t shard, const Slowest& slow) {
  out.member("id", connection_id(shard, slow.slot)).member("kind", name(slow.kind)).member("lagging", slow.lagging);
  out.member("owed_bytes", slow.owed_bytes).member("pinned_bytes", slow.pinned_bytes);
  out.member("oldest_ms", slow.oldest_ms);
}

}  // namespace ringcast::broker
