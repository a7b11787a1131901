#include "tests/sim/simulation.h"

#include <algorithm>
#include <utility>

namespace ringcast::sim {

namespace {

constexpr std::uint64_t kFirstEpoch = 0xe0;
constexpr std::uint64_t kPartOfEnd = 1'000'000;  // above every action
constexpr std::size_t kRoundsToRest = 14;        // without a change: more than anything is late
constexpr std::int64_t kPeriodMsMax = 500;       // of a rate that is asked for
constexpr std::int64_t kTickedMsMax = 7'000;     // in all: below any deadline of those who are silent
constexpr int kTicksMax = 4;                     // values expire in a few of them at most
constexpr int kJumpsMax = 40;                    // enough for the rates that are asked for
constexpr int kQuietRounds = 4;                  // as io::Ending's
constexpr std::size_t kStepsToQuietMax = 2'000'000;
constexpr std::size_t kRoundsMax = 100'000;  // then it never comes to rest
constexpr std::int64_t kPastEveryDeadlineMs = 1'000'000;

}  // namespace

Simulation::Tally& Simulation::Tally::operator+=(const Tally& other) {
  steps += other.steps;
  messages += other.messages;
  deliveries += other.deliveries;
  full += other.full;
  streamed += other.streamed;
  lags += other.lags;
  recovered += other.recovered;
  conflated += other.conflated;
  gaps += other.gaps;
  answers += other.answers;
  stalls += other.stalls;
  starved += other.starved;
  blocked += other.blocked;
  too_slow += other.too_slow;
  handed_over += other.handed_over;
  return *this;
}

Simulation::Simulation(Plan plan)
    : plan_(std::move(plan)), scenario_(Scenario::of(plan_)), random_(plan_.seed), kept_(scenario_.config, now_) {}

Simulation::~Simulation() {
  end_life();
}

Simulation::Tally Simulation::run() {
  for (std::uint64_t life = 0; life < scenario_.lives; ++life) {
    begin_life(life);
    live();
    const bool crashes = life + 1 < scenario_.lives && random_.percent(50);
    if (!crashes) finish();
    add_up();
    end_life();
  }
  return tally_;
}

// A broker is started. Nobody is connected, and nothing is known but the tokens that clients have kept.
void Simulation::begin_life(std::uint64_t life) {
  epoch_ = kFirstEpoch + life;
  draining_ = false;
  paces_end_ms_ = INT64_MAX;
  jumped_ms_ = 0;
  ending_ = false;
  mesh_ = std::make_unique<broker::Mesh>(scenario_.mesh);
  network_ = std::make_unique<Network>(scenario_.network, random_);
  const Runner::World world{
      .process = {.config = scenario_.config,
                  .mesh = *mesh_,
                  .hash_key = kSimulationKey,
                  .epoch = epoch_,
                  .memory_budget = scenario_.config.memory_budget_bytes,
                  .budget = scenario_.budget},
      .network = *network_,
      .faults = scenario_.faults,
      .random = random_,
      .now = now_,
      .all = runners_,
  };
  positions_.assign(mesh_->shards(), 0);
  began_us_ = static_cast<std::uint64_t>(now_.utc_us);
  const Ledger::Options ledger{.key = kSimulationKey,
                               .shards = mesh_->shards(),
                               .forget_after_ms = scenario_.config.forget_after_ms,
                               .may_refuse = scenario_.kind == Kind::limited};
  ledger_ = std::make_unique<Ledger>(scenario_.topics, ledger, now_);
  for (std::uint32_t i = 0; i < mesh_->shards(); ++i) runners_.push_back(std::make_unique<Runner>(world, i));
}

void Simulation::end_life() {
  for (const auto& client : fulls_) remember(client->subscriber());
  for (const auto& client : streams_) remember(client->subscriber());
  clients_.clear();
  sockets_.clear();
  askers_.clear();
  fulls_.clear();
  streams_.clear();
  producers_.clear();
  runners_.clear();
  ledger_.reset();
  network_.reset();
  mesh_.reset();
}

void Simulation::live() {
  const std::size_t first = epoch_ == kFirstEpoch ? 0 : scenario_.actions;
  for (std::size_t i = first; i < first + scenario_.actions; ++i) {
    if (plan_.actions && !std::ranges::binary_search(*plan_.actions, i)) continue;
    begin_part(i);
    act();
    for (std::size_t steps = random_.below(scenario_.steps_between + 1); steps > 0; --steps) step();
    if (scenario_.kind == Kind::slow) keep_up();
    if ((scenario_.lags_by_age || scenario_.forgets) && random_.percent(5)) {
      come_to_rest();
      jump();
    }
    if (random_.percent(3)) {
      settle();
      if (random_.percent(30)) jump();
    }
  }
  begin_part(kPartOfEnd + first);
  settle();
}

// ---- how the world moves ----

// Each action has random numbers of its own, so that the others stay much as they were when it is left out.
void Simulation::begin_part(std::uint64_t number) {
  Random seeds(plan_.seed ^ ((number + 1) << 32U));
  random_ = Random(seeds.word());
}

// One random part of the world moves on.
void Simulation::step() {
  ++tally_.steps;
  if (random_.permille(scenario_.ticks_permille)) now_.monotonic = now_.monotonic + 1;
  now_.utc_us += 1;
  const std::size_t dice = random_.below(100);
  if (dice < 50 || clients_.empty()) {
    const std::size_t i = random_.below(runners_.size());
    (void)runners_[i]->step();
    positions_[i] = runners_[i]->shard().home().home().position();
    if (random_.permille(10)) runners_[i]->check_invariants();
    return;
  }
  Client& client = *random_.of(clients_);
  if (dice < 75) {
    (void)network_->transfer(client.stream());
  } else {
    (void)client.step();
  }
}

// Everything moves a little. False when nothing could.
bool Simulation::round() {
  bool moved = false;
  for (std::size_t i = 0; i < runners_.size(); ++i) {
    for (int steps = 0; steps < 4 && runners_[i]->step(); ++steps) moved = true;
    positions_[i] = runners_[i]->shard().home().home().position();
  }
  for (Client* client : clients_) {
    if (network_->transfer(client->stream())) moved = true;
    if (client->step()) moved = true;
  }
  return moved;
}

// Whoever reads at all gets the time to read what there is.
void Simulation::keep_up() {
  constexpr int kRounds = 40;
  for (int i = 0; i < kRounds; ++i) (void)round();
}

// Comes to rest and looks at what everybody has; then lets the ticks pass that somebody may wait for, and looks again.
void Simulation::settle() {
  come_to_rest();
  const bool waits =
      std::ranges::any_of(sockets_,
                          [](const auto& client) { return client->open() && client->options().rate_hz > 0; }) ||
      std::ranges::any_of(streams_, [](const auto& client) { return client->subscriber().waits_for_ticks(); }) ||
      std::ranges::any_of(fulls_, [](const auto& client) { return client->subscriber().waits_for_ticks(); });
  check_settled(!waits);
  if (!waits || (jumped_ms_ > kTickedMsMax && !ending_)) return;
  bool expired = true;
  for (int ticks = 0; ticks < kTicksMax && expired; ++ticks) {
    const Positions before = positions_;
    tick();
    expired = positions_ != before;  // what was removed in the end waits for a tick itself
  }
  check_settled(!expired);
}

// Until nothing moves any more, without letting time pass: only a failed accept is waited for.
void Simulation::come_to_rest() {
  // These would never end.
  const std::size_t false_writable = std::exchange(scenario_.faults.false_writable, 0);
  const std::size_t early_return = std::exchange(scenario_.faults.early_return, 0);
  std::size_t still = 0;
  for (std::size_t rounds = 0; still < kRoundsToRest; ++rounds) {
    expect(rounds < kRoundsMax, "the world never comes to rest");
    still = round() ? 0 : still + 1;
    if (still < kRoundsToRest) continue;
    // What is late may be cancelled, and that be late too.
    const auto rests = [](const auto& runner) { return runner->rests(); };
    for (std::size_t more = kRoundsToRest; more > 0 && !std::ranges::all_of(runners_, rests); --more) (void)round();
    Instant retry = Instant::never();
    for (const auto& runner : runners_) retry = std::min(retry, runner->accept_retry());
    if (retry == Instant::never()) break;
    now_.monotonic = std::max(now_.monotonic, retry);
    still = 0;
  }
  scenario_.faults.false_writable = false_writable;
  scenario_.faults.early_return = early_return;
}

// Time passes while nothing happens, but not so much that the pings of those who do not read are missed.
void Simulation::jump() {
  constexpr std::int64_t kJumpMsMax = 2'500;
  constexpr std::int64_t kJumpedMsMax = 6'000;
  if (scenario_.kind == Kind::impatient || jumped_ms_ > kJumpedMsMax) return;
  const auto ms = static_cast<std::int64_t>(random_.between(1, kJumpMsMax));
  jumped_ms_ += ms;
  now_.monotonic = now_.monotonic + ms;
  now_.utc_us += ms * 1'000;
}

// Jumps from deadline to deadline until the longest period has passed twice.
void Simulation::tick() {
  const Instant until = now_.monotonic + 2 * kPeriodMsMax;
  jumped_ms_ += 2 * kPeriodMsMax;
  for (int jumps = 0; now_.monotonic < until && jumps < kJumpsMax; ++jumps) {
    Instant next = until;
    for (const auto& runner : runners_) next = std::min(next, runner->next_deadline());
    const Instant then = std::max(next, now_.monotonic + 1);
    now_.utc_us += (then - now_.monotonic) * 1'000;
    now_.monotonic = then;
    come_to_rest();
  }
}

void Simulation::finish() {
  for (Client* client : clients_) client->go_on();
  ending_ = true;
  settle();
  draining_ = random_.percent(40);
  if (draining_) {
    drain();
  } else {
    for (const auto& client : sockets_) {
      if (client->open() && !client->gone()) client->say_goodbye();
    }
    for (const auto& client : fulls_) {
      if (client->talks()) client->say_goodbye();
    }
    for (const auto& client : streams_) {
      if (!client->gone()) client->reset();
    }
    for (const auto& client : askers_) {
      if (client->open()) client->say_goodbye(scenario_.topics.front());
    }
  }
  settle();
  for (Client* client : clients_) {
    expect(client->gone() || client->excused(), [&] { return client->name() + " is still connected at the end"; });
    if (!client->gone()) client->reset();
  }
  if (!draining_) {
    for (const auto& runner : runners_) runner->drain({});
  }
  settle();
  now_.monotonic = now_.monotonic + kPastEveryDeadlineMs;
  for (const auto& runner : runners_) runner->rouse();
  settle();
  check_nothing_left();
}

// As io::Ending does: what is in flight is delivered, then one after the other is seen off. Some publish up to the end,
// and beyond it.
void Simulation::drain() {
  const auto publish_some = [this] {
    for (std::size_t publishes = random_.below(8); publishes > 0; --publishes) {
      publish();
      for (std::size_t steps = random_.below(20); steps > 0; --steps) step();
    }
  };
  publish_some();
  paces_end_ms_ = now_.monotonic.ms;
  const broker::Farewell farewell{.spread_ms = static_cast<std::int64_t>(random_.below(300)), .within_ms = 500};
  for (const auto& runner : runners_) runner->drain(farewell);
  publish_some();
  for (int rounds = 0; rounds < kQuietRounds; ++rounds) await_idle_turns();
  for (const auto& runner : runners_) runner->see_off(farewell);
  const Instant until = now_.monotonic + farewell.spread_ms;
  while (now_.monotonic < until) {
    now_.monotonic = std::min(until, now_.monotonic + static_cast<std::int64_t>(random_.between(1, 50)));
    for (std::size_t steps = random_.below(100); steps > 0; --steps) step();
  }
}

// Until each shard has come round its loop with nothing to do, in a turn that began after this call.
void Simulation::await_idle_turns() {
  std::vector<std::uint64_t> from;
  for (const auto& runner : runners_) from.push_back(runner->idle_turns());
  const auto over = [&] {
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (runners_[i]->idle_turns() < from[i] + 2) return false;
    }
    return true;
  };
  for (std::size_t steps = 0; !over(); ++steps) {
    expect(steps < kStepsToQuietMax, "the shards never come to rest while the broker drains");
    for (const auto& runner : runners_) runner->rouse_asleep();
    step();
  }
}

void Simulation::add_up() {
  Tally& tally = tally_;
  for (const auto& runner : runners_) {
    tally.messages += runner->shard().home().counters().published;
    tally.stalls += runner->shard().home().counters().stalls;
    tally.too_slow += runner->shard().lag().counters().closed;
    tally.starved += runner->connections().counters().starved;
    tally.blocked += runner->connections().counters().blocked;
    tally.handed_over += runner->connections().counters().handed_over;
  }
  for (const auto& client : sockets_) tally.deliveries += client->received_keys().size();
  for (const auto& client : fulls_) {
    tally.full += client->heard();
    tally.lags += client->subscriber().lags().merged() + client->subscriber().lags().skipped();
  }
  for (const auto& client : streams_) tally.streamed += client->heard();
  const auto add_outcomes = [&](const SubscriberModel& subscriber) {
    tally.recovered += subscriber.resumed(proto::Resumed::recovered);
    tally.conflated += subscriber.resumed(proto::Resumed::conflated);
    tally.gaps += subscriber.resumed(proto::Resumed::gap);
  };
  for (const auto& client : fulls_) add_outcomes(client->subscriber());
  for (const auto& client : streams_) add_outcomes(client->subscriber());
  for (const auto& client : askers_) tally.answers += client->answered().size();
}

}  // namespace ringcast::sim
