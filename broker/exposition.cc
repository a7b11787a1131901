#include "broker/exposition.h"

#include <prometheus/text_serializer.h>

#include <initializer_list>
#include <limits>
#include <utility>
#include <vector>

namespace ringcast::broker {

namespace {

using Families = std::vector<prometheus::MetricFamily>;
using prometheus::MetricType;
using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

constexpr double kSecondUs = 1e6;

prometheus::MetricFamily& add_family(Families& families, std::string_view name, std::string_view help,
                                     MetricType type) {
  return families.emplace_back(
      prometheus::MetricFamily{.name = std::string(name), .help = std::string(help), .type = type, .metric = {}});
}

prometheus::ClientMetric& add_series(prometheus::MetricFamily& family, Labels labels) {
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  for (const auto& [name, value] : labels) metric.label.push_back({std::string(name), std::string(value)});
  return metric;
}

void add_value(prometheus::MetricFamily& family, Labels labels, double value) {
  prometheus::ClientMetric& metric = add_series(family, labels);
  (family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
}

// A family of one series without labels.
void add_single(Families& families, std::string_view name, std::string_view help, MetricType type, double value) {
  add_value(add_family(families, name, help, type), {}, value);
}

// Integers up to 2^53 are told exactly; no counter of ours comes there.
double number(std::uint64_t value) {
  return static_cast<double>(value);
}

void add_figures(Families& families, std::span<const Sampled> shards) {
  for (const Figure& figure : figures()) {
    if (figure.metric.empty()) continue;
    const MetricType type = figure.kind == Figure::Kind::counter ? MetricType::Counter : MetricType::Gauge;
    prometheus::MetricFamily& family = add_family(families, figure.metric, figure.help, type);
    for (std::size_t shard = 0; shard < shards.size(); ++shard)
      add_value(family, {{"shard", std::to_string(shard)}}, number(shards[shard].sample.*figure.field));
  }
}

// One series for each shard and cell of an array of Sample. `name_of`: an empty name leaves the cell out.
template <typename Cells, typename Name>
void add_cells(prometheus::MetricFamily& family, std::span<const Sampled> shards, std::string_view label,
               Cells Sample::* cells, Name&& name_of) {
  for (std::size_t shard = 0; shard < shards.size(); ++shard) {
    const Cells& values = shards[shard].sample.*cells;
    for (std::size_t cell = 0; cell < values.size(); ++cell) {
      const std::string_view name = name_of(cell);
      if (!name.empty()) add_value(family, {{"shard", std::to_string(shard)}, {label, name}}, number(values[cell]));
    }
  }
}

std::string_view refusal_name(std::size_t cell) {
  const auto outcome = static_cast<Outcome>(cell);
  return outcome == Outcome::sequenced || outcome == Outcome::duplicate ? "" : name(outcome);
}

void add_labelled(Families& families, std::span<const Sampled> shards) {
  add_cells(add_family(families, "ringcast_connections",
                       "Open connections, those that are closing included, by what they speak; http: whatever has not "
                       "become a WebSocket or an event stream.",
                       MetricType::Gauge),
            shards, "protocol", &Sample::connections_by_kind,
            [](std::size_t cell) { return name(static_cast<ConnectionKind>(cell)); });
  add_cells(add_family(families, "ringcast_closed_websockets_total",
                       "WebSockets that ended, by the close code that the broker sent; none: without one, because the "
                       "peer had gone.",
                       MetricType::Counter),
            shards, "code", &Sample::closes_by_code, close_cell_name);
  add_cells(add_family(families, "ringcast_refused_messages_total",
                       "Publishes that were refused, by the reason that the publisher was told.", MetricType::Counter),
            shards, "reason", &Sample::publishes_by_outcome, refusal_name);
  add_cells(add_family(families, "ringcast_refused_tokens_total",
                       "Tokens that were not taken, by what is wrong with them; missing: there was none where one is "
                       "needed.",
                       MetricType::Counter),
            shards, "reason", &Sample::refused_tokens,
            [](std::size_t cell) { return name(static_cast<TokenError>(cell)); });
  add_cells(add_family(families, "ringcast_resumes_total",
                       "Subscriptions that came back, by what they were told: nothing is missing, newest values only, "
                       "or a gap.",
                       MetricType::Counter),
            shards, "outcome", &Sample::resumes, resume_name);
}

// Of the log-linear scale each second power of two is a bucket: 16 us to 16.8 s.
void add_latency(Families& families, std::span<const Sampled> shards) {
  prometheus::MetricFamily& family = add_family(
      families, "ringcast_latency_seconds",
      "Time from a message's sequence number to the send that hands it to the sockets of those subscribers on the "
      "shard "
      "that get every message. Measured once for all messages that are sent together, as that of the oldest of them. "
      "Not in it: the way from the publisher to the sequence number, and sockets that were full.",
      MetricType::Histogram);
  for (std::size_t shard = 0; shard < shards.size(); ++shard) {
    const Durations& latency = shards[shard].sample.latency;
    prometheus::ClientMetric::Histogram& histogram = add_series(family, {{"shard", std::to_string(shard)}}).histogram;
    histogram.sample_count = latency.count;
    histogram.sample_sum = number(latency.sum_us) / kSecondUs;
    std::uint64_t below = 0;
    std::size_t cell = 0;
    for (std::uint64_t bound_us = 16; bound_us <= std::uint64_t{1} << 24; bound_us *= 2) {
      for (; cell < Durations::kCells - 1 && Durations::end_of(cell) <= bound_us; ++cell) below += latency.cells[cell];
      histogram.bucket.push_back({.cumulative_count = below, .upper_bound = number(bound_us) / kSecondUs});
    }
    histogram.bucket.push_back(
        {.cumulative_count = latency.count, .upper_bound = std::numeric_limits<double>::infinity()});
  }
}

void add_broker(Families& families, const About& about, State state, std::span<const Sampled> shards,
                topics::ShardSet silent) {
  add_value(add_family(families, "ringcast_build_info", "1; what runs.", MetricType::Gauge),
            {{"version", RINGCAST_VERSION}}, 1);
  add_value(add_family(families, "ringcast_io_info", "1; how the shards talk to the kernel.", MetricType::Gauge),
            {{"backend", about.io}}, 1);
  add_single(families, "ringcast_ready", "1 while the broker is ready, 0 while it starts or drains.", MetricType::Gauge,
             state == State::ready ? 1 : 0);
  prometheus::MetricFamily& stages =
      add_family(families, "ringcast_drain_stage",
                 "1 for the stage of its end that the broker is in: none, lame_duck (not ready, serving on), draining "
                 "(publishes are refused), closing (connections are told to go).",
                 MetricType::Gauge);
  for (const State stage : {State::ready, State::lame_duck, State::draining, State::closing})
    add_value(stages, {{"stage", std::string(drain_stage(stage))}}, drain_stage(state) == drain_stage(stage) ? 1 : 0);
  add_single(families, "ringcast_shards", "Shards: threads that serve.", MetricType::Gauge, about.shards);
  add_single(families, "ringcast_memory_budget_bytes",
             "What ringcast_owed_bytes of all shards together may come to (--memory-budget).", MetricType::Gauge,
             number(about.memory_budget_bytes));
  prometheus::MetricFamily& up =
      add_family(families, "ringcast_shard_up",
                 "1 if the shard answered this scrape; 0 if not, and its other numbers are those of its last answer.",
                 MetricType::Gauge);
  for (std::uint32_t shard = 0; shard < shards.size(); ++shard)
    add_value(up, {{"shard", std::to_string(shard)}}, topics::contains(silent, shard) ? 0 : 1);
}

// The names that every Prometheus client gives them.
void add_process(Families& families, const ProcessFigures& process) {
  const auto gauge = [&](std::string_view name, std::string_view help, double value) {
    add_single(families, name, help, MetricType::Gauge, value);
  };
  add_single(families, "process_cpu_seconds_total", "User and system CPU time of the process.", MetricType::Counter,
             process.cpu_seconds);
  gauge("process_resident_memory_bytes", "Resident memory of the process.", number(process.resident_bytes));
  gauge("process_virtual_memory_bytes", "Virtual memory of the process.", number(process.virtual_bytes));
  gauge("process_open_fds", "Open file descriptors of the process.", number(process.open_fds));
  gauge("process_max_fds", "File descriptors that the process may open.", number(process.max_fds));
  gauge("process_threads", "Threads of the process.", number(process.threads));
  gauge("process_start_time_seconds", "When the process started, in seconds since 1970.", process.started_s);
}

}  // namespace

std::string exposition(const About& about, State state, std::span<const Sampled> shards, topics::ShardSet silent,
                       const ProcessFigures& process) {
  Families families;
  add_broker(families, about, state, shards, silent);
  add_figures(families, shards);
  add_labelled(families, shards);
  add_latency(families, shards);
  add_process(families, process);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace ringcast::broker
