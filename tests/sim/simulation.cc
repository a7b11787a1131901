#include "tests/sim/simulation.h"

#include <algorithm>
#include <utility>

#include "topics/name.h"

namespace ringcast::sim {

namespace {

constexpr std::uint64_t kFirstEpoch = 0xe0;
constexpr std::uint64_t kPartOfEnd = 1'000'000;  // above every action
constexpr std::size_t kRoundsToRest = 14;        // without a change: more than anything is late
constexpr std::int64_t kPeriodMsMax = 1'000;     // of a rate that is asked for
constexpr int kJumpsMax = 40;                    // enough for the rates that are asked for
constexpr std::size_t kRoundsMax = 100'000;      // then it never comes to rest
constexpr std::int64_t kPastEveryDeadlineMs = 1'000'000;

}  // namespace

Simulation::Tally& Simulation::Tally::operator+=(const Tally& other) {
  steps += other.steps;
  messages += other.messages;
  deliveries += other.deliveries;
  full += other.full;
  streamed += other.streamed;
  lags += other.lags;
  answers += other.answers;
  stalls += other.stalls;
  starved += other.starved;
  blocked += other.blocked;
  too_slow += other.too_slow;
  handed_over += other.handed_over;
  return *this;
}

Simulation::Simulation(Plan plan)
    : plan_(std::move(plan)), scenario_(Scenario::of(plan_)), random_(plan_.seed), kept_(scenario_.config) {}

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
  jumped_ms_ = 0;
  mesh_ = std::make_unique<broker::Mesh>(scenario_.mesh);
  network_ = std::make_unique<Network>(scenario_.network, random_);
  const Runner::World world{
      .process = {.config = scenario_.config,
                  .mesh = *mesh_,
                  .hash_key = kSimulationKey,
                  .epoch = epoch_,
                  .budget = scenario_.budget},
      .network = *network_,
      .faults = scenario_.faults,
      .random = random_,
      .now = now_,
      .all = runners_,
  };
  positions_.assign(mesh_->shards(), 0);
  ledger_ = std::make_unique<Ledger>(scenario_.topics, kSimulationKey, mesh_->shards(), now_);
  for (std::uint32_t i = 0; i < mesh_->shards(); ++i) runners_.push_back(std::make_unique<Runner>(world, i));
}

void Simulation::end_life() {
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
    if (scenario_.lags_by_age && random_.percent(5)) {
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

// ---- what clients do ----

void Simulation::act() {
  if (scenario_.full && random_.percent(70)) return act_full();
  const std::size_t dice = random_.below(100);
  if (dice < 20) return add_client();
  if (dice < 70) return publish();
  if (dice < 85) return ask();
  if (dice < 88) return disturb_asker();
  if (dice < 91) return disturb_stream();
  disturb_socket();
}

void Simulation::add_client() {
  const auto here = std::ranges::count_if(clients_, [](const Client* client) { return !client->gone(); });
  if (static_cast<std::size_t>(here) >= scenario_.clients_max) return;
  const Client::World world{.network = *network_,
                            .random = random_,
                            .positions = positions_,
                            .ledger = *ledger_,
                            .now = now_,
                            .epoch = epoch_,
                            .compression = scenario_.compression};
  if (scenario_.full && random_.percent(70)) return add_full_client(world);
  if (random_.percent(15)) return add_stream(world);
  const auto id = static_cast<std::uint32_t>(clients_.size());
  const int listener = random_.of(runners_)->listener();
  if (random_.percent(20)) {
    askers_.push_back(std::make_unique<HttpClient>(world, id, listener));
    clients_.push_back(askers_.back().get());
    return;
  }
  WebSocketClient::Options options{.filter = random_.of(random_.percent(60) ? scenario_.topics : scenario_.filters)};
  options.echo = random_.percent(70);
  options.last = random_.percent(40);
  options.publish_only = !topics::is_wildcard(options.filter) && random_.percent(20);
  sockets_.push_back(std::make_unique<WebSocketClient>(world, id, listener, options));
  clients_.push_back(sockets_.back().get());
}

std::size_t Simulation::payload_size() {
  return random_.below((random_.percent(80) ? scenario_.payload_usual : scenario_.payload_max) + 1);
}

void Simulation::publish() {
  if (sockets_.empty()) return;
  WebSocketClient& client = *random_.of(sockets_);
  if (!client.open() || client.gone() || client.said_goodbye() || topics::is_wildcard(client.options().filter)) return;
  const bool few = scenario_.kind == Kind::large || scenario_.kind == Kind::slow || random_.percent(70);
  for (std::size_t burst = few ? random_.between(1, 3) : random_.between(5, 30); burst > 0; --burst) {
    client.publish(payload_size());
  }
}

void Simulation::ask() {
  if (askers_.empty()) return;
  HttpClient& client = *random_.of(askers_);
  if (!client.open()) return;
  for (std::size_t pipelined = random_.between(1, 3); pipelined > 0; --pipelined) {
    const std::string& topic = random_.of(scenario_.topics);
    const std::size_t dice = random_.below(100);
    if (dice < 45) {
      client.post(topic, payload_size());
    } else if (dice < 85) {
      client.get(topic);
    } else {
      client.remove(topic);
    }
  }
}

void Simulation::disturb_asker() {
  if (askers_.empty()) return;
  HttpClient& client = *random_.of(askers_);
  if (!client.open()) return;
  switch (random_.below(3)) {
    case 0:
      return client.say_goodbye(random_.of(scenario_.topics));
    case 1:
      return client.finish_asking();
    default:
      client.excuse();
      return client.reset();
  }
}

void Simulation::disturb_socket() {
  if (sockets_.empty()) return;
  WebSocketClient& client = *random_.of(sockets_);
  if (client.gone()) return;
  const bool talks = client.open() && !client.said_goodbye();
  switch (random_.below(8)) {
    case 0:
      return client.stall();
    case 1:
      return scenario_.kind == Kind::slow ? client.stall() : client.go_on();
    case 2:
      if (talks) client.say_goodbye();
      return;
    case 3:
      if (!talks) return;
      client.say_goodbye();
      return client.half_close();
    case 4:
      client.excuse();
      return client.half_close();
    case 5:
      client.excuse();
      return client.reset();
    case 6:
      if (talks) client.misbehave();
      return;
    default:
      if (talks) client.ping();
      return;
  }
}

void Simulation::add_stream(const Client::World& world) {
  SseClient::Options options{.ask = {.filter = random_.of(random_.percent(60) ? scenario_.topics : scenario_.filters)},
                             .kept = &kept_,
                             .tokens = &tokens_};
  options.ask.start = random_.percent(50) ? proto::Start::last_values : proto::Start::now;
  if (kBuilt.latest && random_.percent(30)) {
    options.ask.pace = {.delivery = proto::Delivery::latest, .rate_hz = random_.percent(50) ? 0.0 : 20.0};
  }
  if (kBuilt.resume && !tokens_.empty() && random_.percent(50)) {
    options.ask.start = proto::Start::resume;
    options.ask.since = random_.of(tokens_);
    options.ask.filter = options.ask.since->filter;
  }
  streams_.push_back(std::make_unique<SseClient>(world, static_cast<std::uint32_t>(clients_.size()),
                                                 random_.of(runners_)->listener(), options));
  clients_.push_back(streams_.back().get());
}

void Simulation::disturb_stream() {
  if (streams_.empty()) return;
  SseClient& client = *random_.of(streams_);
  if (client.gone()) return;
  switch (random_.below(3)) {
    case 0:
      return client.stall();
    case 1:
      return scenario_.kind == Kind::slow ? client.stall() : client.go_on();
    default:
      return client.reset();
  }
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
      std::ranges::any_of(streams_, [](const auto& client) { return client->subscriber().waits_for_ticks(); }) ||
      std::ranges::any_of(fulls_, [](const auto& client) { return client->subscriber().waits_for_ticks(); });
  check_settled(!waits);
  if (!waits) return;
  tick();
  check_settled(true);
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
  constexpr std::int64_t kJumpedMsMax = 12'000;
  if (scenario_.kind == Kind::impatient || jumped_ms_ > kJumpedMsMax) return;
  const auto ms = static_cast<std::int64_t>(random_.between(1, kJumpMsMax));
  jumped_ms_ += ms;
  now_.monotonic = now_.monotonic + ms;
  now_.utc_us += ms * 1'000;
}

// Jumps from deadline to deadline until the longest period has passed twice.
void Simulation::tick() {
  const Instant until = now_.monotonic + 2 * kPeriodMsMax;
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
  settle();
  draining_ = random_.percent(40);
  if (draining_) {
    for (const auto& runner : runners_) runner->stop_accepting();
    for (std::size_t steps = random_.below(100); steps > 0; --steps) step();
    for (const auto& runner : runners_) runner->close_all();
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
    for (const auto& runner : runners_) runner->stop_accepting();
  }
  settle();
  now_.monotonic = now_.monotonic + kPastEveryDeadlineMs;
  for (const auto& runner : runners_) runner->rouse();
  settle();
  check_nothing_left();
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
  for (const auto& client : askers_) tally.answers += client->answered().size();
}

}  // namespace ringcast::sim
