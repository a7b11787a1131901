#include "tests/sim/scenario.h"

#include <algorithm>
#include <bit>

namespace ringcast::sim {

namespace {

const std::vector<std::string> kTopics{"a", "b", "a/b", "a/c", "a/b/c", "b/b", "c/d/e", "x y/\xc3\xa9"};
const std::vector<std::string> kFilters{"#", "+", "a/#", "a/+", "+/b", "+/#", "a/+/c", "c/+/+"};

Scenario::Kind draw_kind(Random& random) {
  const std::size_t dice = random.below(100);
  if (dice < 55) return Scenario::Kind::small;
  if (dice < 75) return Scenario::Kind::large;
  if (dice < 80) return Scenario::Kind::slow;
  return dice < 90 ? Scenario::Kind::impatient : Scenario::Kind::limited;
}

}  // namespace

Scenario Scenario::of(const Plan& plan) {
  Random random(plan.seed);
  Scenario scenario = draw(random, is_full(plan.seed));
  scenario.compression = compresses(plan.seed);
  if (scenario.compression && plan.seed % 2 == 0) scenario.config.compress_min_bytes = 0;
  // A message that is compressed step by step takes a turn for each three bytes and append.
  const bool too_few = scenario.compression && scenario.kind == Kind::large && scenario.budget.appends < 100;
  if (too_few) scenario.budget.appends *= 100;
  scenario.each_value([&](const char* name, auto& value, auto) {
    const auto found = plan.values.find(name);
    if (found != plan.values.end()) value = static_cast<std::remove_reference_t<decltype(value)>>(found->second);
  });
  scenario.mesh.requests_capacity = std::bit_ceil(scenario.mesh.requests_capacity);
  scenario.mesh.deliveries_capacity = std::bit_ceil(scenario.mesh.deliveries_capacity);
  return scenario;
}

Scenario Scenario::draw(Random& random, bool full) {
  Scenario drawn;
  drawn.full = full;
  drawn.kind = draw_kind(random);
  drawn.mesh.shards = static_cast<std::uint32_t>(random.between(1, 4));
  drawn.mesh.requests_capacity = 1U << random.between(1, 5);
  drawn.mesh.deliveries_capacity = 1U << random.between(1, 6);
  if (random.percent(60)) {
    drawn.budget.requests = static_cast<std::uint32_t>(random.between(1, 6));
    drawn.budget.appends = static_cast<std::uint32_t>(random.between(1, 12));
  }
  drawn.network = {.send_buffer_bytes = random.between(50, 2'000), .receive_buffer_bytes = random.between(50, 2'000)};
  drawn.faults = Faults::draw(random);
  drawn.config.history = 1'000'000;
  while (drawn.topics.size() < random.between(1, kTopics.size())) {
    const std::string& name = random.of(kTopics);
    if (std::ranges::find(drawn.topics, name) == drawn.topics.end()) drawn.topics.push_back(name);
  }
  drawn.filters = kFilters;
  switch (drawn.kind) {
    case Kind::small:
      break;
    case Kind::large:
      drawn.draw_large(random);
      break;
    case Kind::slow:
      drawn.draw_slow();
      break;
    case Kind::impatient:
      drawn.draw_impatient(random);
      break;
    case Kind::limited:
      drawn.draw_limited(random);
      break;
  }
  if (full) drawn.draw_full(random);
  if (full && random.percent(40)) {
    drawn.lags_by_age = true;
    drawn.config.lag_age_max_ms = static_cast<std::int64_t>(random.between(100, 2'000));
  }
  if (random.percent(15)) {
    drawn.lives = 2;
    drawn.actions = drawn.actions * 2 / 3;
  }
  if (full && random.percent(30)) drawn.draw_history(random);
  if (drawn.kind == Kind::slow && random.percent(40)) drawn.draw_budget(random);
  return drawn;
}

void Scenario::draw_large(Random& random) {
  network = {.send_buffer_bytes = random.between(10'000, 60'000), .receive_buffer_bytes = 40'000};
  faults.receive_buffer_bytes = random.between(1'000, 8'000);
  actions = 40;
  clients_max = 8;
  payload_usual = random.percent(50) ? 4'000 : 20'000;
  payload_max = random.percent(50) ? 30'000 : 140'000;
}

void Scenario::draw_slow() {
  network = {.send_buffer_bytes = 20'000, .receive_buffer_bytes = 20'000};
  faults.receive_buffer_bytes = 8'000;
  config.max_message_bytes = 64 * broker::kKiB;
  config.outbox_max_bytes = 320 * broker::kKiB;
  filters = {"#"};
  actions = 70;
  clients_max = 5;
  payload_usual = 40'000;
  payload_max = 60'000;
}

void Scenario::draw_impatient(Random& random) {
  ticks_permille = 300;
  const auto soon = [&] { return static_cast<std::int64_t>(random.between(10, 200)); };
  config.handshake_timeout_ms = soon();
  config.http_idle_timeout_ms = soon();
  config.ping_interval_ms = soon();
  config.pong_timeout_ms = soon();
  config.post_hold_ms = soon() / 4;
  config.linger_close_ms = soon();
  config.drain_deadline_ms = soon();
}

void Scenario::draw_limited(Random& random) {
  if (random.percent(60)) config.max_connections = static_cast<std::uint32_t>(random.between(1, 6));
  if (random.percent(60)) config.topics_max = static_cast<std::uint32_t>(random.between(1, 8));
  if (random.percent(40)) config.topic_memory_max_bytes = random.between(1'000, 20'000);
}

void Scenario::draw_full(Random& random) {
  if (random.percent(60)) config.history = static_cast<std::uint32_t>(random.between(1, 12));
  static const std::vector<std::size_t> kLatestPercents{0, 30, 100};
  latest_percent = random.of(kLatestPercents);
  on_lag = static_cast<proto::OnLag>(random.below(4));
  if (random.percent(25)) {
    config.history_rules.push_back({.filter = random.of(topics), .last = static_cast<std::uint32_t>(random.below(4))});
    config.history_rules.push_back({.filter = "a/#", .last = static_cast<std::uint32_t>(random.between(1, 5))});
  }
  if (kind == Kind::small && random.percent(10)) {
    floods = true;
    network = {.send_buffer_bytes = 20'000, .receive_buffer_bytes = 20'000};
    faults.receive_buffer_bytes = 8'000;
    clients_max = 5;
    actions = 50;
  }
  if (kind != Kind::limited) return;
  if (random.percent(60)) config.max_subscriptions = static_cast<std::uint32_t>(random.between(1, 6));
  if (random.percent(60)) config.producers_max = static_cast<std::uint32_t>(random.between(1, 3));
}

// One for all, and each may have more than that.
void Scenario::draw_budget(Random& random) {
  config.memory_budget_bytes = random.between(100, 1'000) * broker::kKiB;
  config.outbox_max_bytes = 8 * 1'024 * broker::kKiB;
}

// All that time and size do to what is kept.
void Scenario::draw_history(Random& random) {
  forgets = true;
  const auto soon = [&] { return static_cast<std::int64_t>(random.between(100, 3'000)); };
  config.forget_after_ms = soon();
  if (random.percent(40)) config.history_ttl_ms = soon();
  if (random.percent(30)) config.history_age_ms = soon();
  if (random.percent(30)) config.history_bytes = random.between(50, 3'000);
  for (std::size_t rules = random.below(3); rules > 0; --rules) {
    broker::HistoryRule rule{.filter = random.of(random.percent(50) ? topics : filters)};
    if (random.percent(40)) rule.last = static_cast<std::uint32_t>(random.below(4));
    if (random.percent(30)) rule.bytes = random.between(50, 2'000);
    if (random.percent(30)) rule.age_ms = soon();
    if (random.percent(40)) rule.ttl_ms = random.percent(70) ? soon() : 0;
    config.history_rules.insert(config.history_rules.begin(), rule);
  }
}

}  // namespace ringcast::sim
