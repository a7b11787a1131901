// What must hold in a simulated world that has come to rest, and when everybody has left it.
#include <algorithm>
#include <utility>

#include "tests/sim/simulation.h"
#include "topics/name.h"

namespace ringcast::sim {

void Simulation::check_settled(bool ticked) {
  for (std::uint32_t i = 0; i < runners_.size(); ++i) check_shard(i);
  check_memory();
  expect(ledger_->fault().empty(), [&] { return ledger_->fault(); });
  check_histories();
  const Truth truth(*ledger_, kept_, paces_end_ms_);
  for (const auto& client : sockets_) check_socket(*client, truth, ticked);
  for (const auto& client : askers_) check_asker(*client, truth);
  for (const auto& client : streams_) check_stream(*client, ticked);
  for (const auto& client : fulls_) check_full(*client, ticked);
  check_producers();
}

// What waits for slow readers is bounded: by the budget, and by what a connection keeps all the same, which is what it
// begins with, a message that is partly sent, and what is too little to be worth dealing with.
void Simulation::check_memory() {
  const std::uint64_t budget = scenario_.config.memory_budget_bytes;
  if (budget == 0) return;
  const std::uint64_t kept_each = 128 * broker::kKiB + 2 * scenario_.payload_max;
  std::uint64_t spared = 0;
  for (const auto& runner : runners_) {
    broker::Shard& shard = runner->shard();
    std::vector<broker::Segment*> current = shard.fan_out().current_segments();
    shard.latest().renderings().current_segments(current);
    if (shard.sessions().own_writer().current() != nullptr) current.push_back(shard.sessions().own_writer().current());
    for (const broker::Segment* segment : current) spared += segment->capacity();
    spared += shard.sessions().live() * kept_each;
  }
  const std::uint64_t used = mesh_->memory().total();
  expect(used <= budget + spared, [&] {
    return std::to_string(used) + " bytes are pinned, with a budget of " + std::to_string(budget) + " and " +
           std::to_string(spared) + " spared";
  });
}

// A home keeps the last messages of each of its topics, as many as it was told to, and none for longer than that.
void Simulation::check_histories() const {
  for (const Ledger::Topic& topic : ledger_->topics()) {
    const topics::Home& home = runners_[topic.origin]->shard().home().home();
    const topics::History* history = home.history(home.find(topic.name, topics::hash_name(kSimulationKey, topic.name)));
    const std::size_t size = history == nullptr ? 0 : history->size();
    const std::size_t all = topic.kept.size();
    std::uint64_t bytes = 0;
    expect(size <= std::min(all, kept_.last(topic)), [&] { return topic.name + ": the history is too long"; });
    for (std::size_t i = 0; i < size; ++i) {
      const Ledger::Change& change = topic.kept_change(all - size + i);
      expect((*history)[i]->seq == change.seq, [&] { return topic.name + ": the history is not what was sequenced"; });
      bytes += change.bytes;
    }
    expect(size <= 1 || bytes <= kept_.bytes(topic), [&] { return topic.name + ": the history has too many bytes"; });
    const bool lacks = size < all && !kept_.gone(topic, topic.kept_change(all - size - 1));
    expect(!lacks, [&] {
      return topic.name + ": the history has " + std::to_string(size) + " of " + std::to_string(all) +
             " messages, last " + std::to_string(kept_.last(topic)) + ", bytes " + std::to_string(kept_.bytes(topic)) +
             ", age " + std::to_string(kept_.age_ms(topic)) + ", ttl " + std::to_string(kept_.ttl_ms(topic));
    });
    check_expiry(topic);
  }
}

// A value is removed when its time is over, not before.
void Simulation::check_expiry(const Ledger::Topic& topic) const {
  constexpr std::int64_t kLateMs = 250;  // two ticks of a home, and what they are rounded up by
  const std::int64_t ttl_ms = kept_.ttl_ms(topic);
  const std::int64_t age_ms = kept_.age_ms(topic);
  for (std::size_t i = 0; i < topic.changes.size(); ++i) {
    const Ledger::Change& change = topic.changes[i];
    if (!change.expiry) continue;
    const Ledger::Change& before = topic.changes[i - 1];
    const bool idle = ttl_ms > 0 && change.at_ms - before.at_ms >= ttl_ms;
    const Ledger::Change& value = topic.kept_change(change.kept - 2);
    const bool old = age_ms > 0 && change.time_us - value.time_us >= static_cast<std::uint64_t>(age_ms) * 1'000;
    expect(idle || old, [&] { return topic.name + ": a value was removed before its time was over"; });
  }
  if (topic.kept.empty() || kept_.last(topic) == 0) return;
  const Ledger::Change& value = topic.kept_change(topic.kept.size() - 1);
  if (value.op != proto::Op::set) return;
  // Where there was no room for its removal it comes up again.
  const std::int64_t due_ms = runners_[topic.origin]->shard().home().home().next_due_ms();
  if (due_ms > now_.monotonic.ms && due_ms <= now_.monotonic.ms + kLateMs) return;
  const bool idle = ttl_ms > 0 && now_.monotonic.ms - topic.changes.back().at_ms > ttl_ms + kLateMs;
  const bool old = age_ms > 0 && now_.utc_us - static_cast<std::int64_t>(value.time_us) > (age_ms + kLateMs) * 1'000;
  expect(!idle && !old, [&] { return topic.name + ": a value is past its time"; });
}

// Nothing is left undone that needs no event.
void Simulation::check_shard(std::uint32_t index) {
  runners_[index]->check_invariants();
  const auto shard_text = [&](const char* what) { return [=] { return what + std::to_string(index); }; };
  expect(runners_[index]->rests(), shard_text("a shard does not rest: "));
  for (std::uint32_t to = 0; to < mesh_->shards(); ++to) {
    const auto pair = [&](const char* what) {
      return [=] { return what + std::to_string(index) + " to " + std::to_string(to); };
    };
    expect(mesh_->requests(index, to).empty(), pair("requests lie unread at rest, from "));
    expect(mesh_->deliveries(index, to).empty(), pair("deliveries lie unread at rest, from "));
    expect(!mesh_->requests(index, to).unflushed(), pair("requests lie unshown at rest, from "));
    expect(!mesh_->deliveries(index, to).unflushed(), pair("deliveries lie unshown at rest, from "));
  }
  broker::Shard& shard = runners_[index]->shard();
  expect(shard.requester().waiting() == 0, shard_text("requests wait for room at rest, shard "));
  expect(!shard.sessions().has_work(), shard_text("a list of sessions is not carried out at rest, shard "));
  expect(shard.sessions().ids_due().empty(), shard_text("an id is owed at rest, shard "));
  for (std::uint32_t i = 0; i < shard.sessions().index_end(); ++i) {
    const broker::Session& session = shard.sessions().at(i);
    expect(session.held == nullptr, shard_text("a publish is held at rest, shard "));
    if (session.full != nullptr) {
      check_full_session(session);
    } else {
      expect(!session.stopped, shard_text("a session is stopped at rest, shard "));
    }
    expect(session.outbox.empty() || session.send_blocked,
           shard_text("bytes are owed at rest to a socket that is not full, shard "));
  }
}

void Simulation::check_socket(const WebSocketClient& client, const Truth& truth, bool ticked) const {
  using Extent = Truth::Extent;
  const auto says = [&](const char* what) { return [&client, what] { return client.name() + what; }; };
  check_end(client);
  const bool here = client.open() && !client.gone();
  expect(here || client.gone() || client.was_open() || client.refused() || client.stalled() || client.excused(),
         says(" waits for its 101"));
  // Who was seen off by a broker that drained has heard all that was published before.
  const bool seen_off = draining_ && client.was_open() && client.close_code() == 1'012 && !client.was_stalled() &&
                        !client.said_goodbye() && !client.excused();
  const bool reads = (here && !client.stalled()) || seen_off;
  if (client.options().latest) {
    truth.check_latest(client, reads && ticked ? Extent::whole : Extent::beginning);
  } else {
    truth.check_subscriber(client, reads ? Extent::whole : Extent::beginning);
  }
  if (topics::is_wildcard(client.options().filter)) return;
  // A close frame that is answered was read after all that came before it.
  // Some worlds cut off who reads nothing, and he does not know it yet.
  const bool harsh = scenario_.lags_by_age || (scenario_.kind != Kind::small && scenario_.kind != Kind::large);
  const bool heard = (here && !client.excused() && !(harsh && client.stalled())) ||
                     (client.said_goodbye() && client.close_code() == 1'000);
  // A publish that a limit refuses is lost, and those behind it may not be: the connection ends for it.
  if (scenario_.kind == Kind::limited && (!here || client.stalled())) return;
  truth.check_publisher(client, heard ? Extent::whole : Extent::beginning);
}

void Simulation::check_end(const WebSocketClient& client) const {
  std::vector<proto::CloseCode> may;
  if (draining_) may.push_back(proto::CloseCode::restart);
  if (scenario_.kind == Kind::limited) may.push_back(proto::CloseCode::try_later);
  check_close(client, may);
}

// Nobody is cut off without a word but by his own doing, and nobody who reads is too slow. `may`: how else the broker
// may close it.
void Simulation::check_close(const FramedClient& client, std::span<const proto::CloseCode> may) const {
  using proto::CloseCode;
  if (!client.gone() || client.excused() || scenario_.kind == Kind::impatient) return;
  const auto says = [&](const char* what) { return [&client, what] { return client.name() + what; }; };
  if (client.refused()) return expect(draining_ || scenario_.kind == Kind::limited, says(" was refused"));
  // One who did not read it in time is cut off behind it.
  if (!client.close_code() && client.was_stalled()) return;
  expect(client.close_code().has_value(), says(" was cut off without a close frame"));
  const auto code = static_cast<CloseCode>(*client.close_code());
  const bool expected = (client.said_goodbye() && std::to_underlying(code) == client.code_expected()) ||
                        (code == CloseCode::slow_consumer && may_be_too_slow(client)) ||
                        std::ranges::find(may, code) != may.end();
  expect(expected, [&] { return client.name() + " was closed with " + std::to_string(std::to_underlying(code)); });
}

bool Simulation::may_be_too_slow(const Client& client) const {
  if (scenario_.config.memory_budget_bytes > 0) return true;
  // How old a frame is, is known to the age of its segment: below that one who is merely not quick looks too slow. No
  // broker can be told so short an age (--max-lag-age), but the clock of these worlds is short too.
  constexpr std::int64_t kBlockedMsMax = 100;  // more than anybody who reads waits
  if (scenario_.lags_by_age && scenario_.config.lag_age_max_ms < broker::Segment::kAgeMaxMs + kBlockedMsMax)
    return true;
  return client.was_stalled() && (scenario_.kind == Kind::slow || scenario_.lags_by_age);
}

void Simulation::check_stream(SseClient& client, bool ticked) const {
  const auto says = [&](const char* what) { return [&client, what] { return client.name() + what; }; };
  const bool refused = client.status() != 0 && client.status() != 200;
  expect(!refused || draining_ || scenario_.kind == Kind::limited || scenario_.kind == Kind::impatient,
         says(" was refused"));
  if (client.open() && !client.stalled() && !client.excused()) return client.check_rest(ticked);
  if (!client.gone() || client.excused() || refused || scenario_.kind == Kind::impatient) return;
  const bool expected = (draining_ && (client.farewell().starts_with("go_away") || !client.was_open())) ||
                        (client.farewell().starts_with("lag") && may_be_too_slow(client)) ||
                        (scenario_.kind == Kind::limited && !client.was_open());
  expect(expected, [&] { return client.name() + " ended with: " + client.farewell(); });
}

void Simulation::check_asker(const HttpClient& client, const Truth& truth) const {
  for (const Exchange& exchange : client.answered()) {
    truth.check_exchange(exchange);
    const bool served = exchange.status < 400 || exchange.status == 404;
    expect(served || draining_ || scenario_.kind == Kind::limited || scenario_.kind == Kind::impatient,
           [&] { return client.name() + " was answered " + std::to_string(exchange.status); });
  }
  const bool harsh = scenario_.kind == Kind::limited || scenario_.kind == Kind::impatient;
  const bool cut_off = client.gone() && (harsh || may_be_too_slow(client));
  expect(client.unanswered() == 0 || client.excused() || cut_off,
         [&] { return client.name() + " waits for an answer"; });
  expect(!client.turned_away() || scenario_.kind == Kind::limited,
         [&] { return client.name() + " was answered without a question"; });
}

void Simulation::check_nothing_left() {
  for (int turns = 0; turns < 3; ++turns) {  // what readers have passed is given back in a turn
    for (const auto& runner : runners_) runner->rouse();
    (void)round();
  }
  expect(network_->open_descriptors() == 0, "descriptors are left open");
  std::uint64_t messages = 0;
  for (const auto& runner : runners_) {
    broker::Shard& shard = runner->shard();
    expect(shard.sessions().live() == 0, "sessions are left");
    expect(runner->connections().open() == 0, "connections are left");
    expect(runner->backend().open() == 0, "something is left armed");
    std::vector<broker::Segment*> current = shard.fan_out().current_segments();
    shard.latest().renderings().current_segments(current);
    const std::size_t written = current.size() + (shard.sessions().own_writer().current() != nullptr ? 1 : 0);
    expect(shard.sessions().segments().live() == written, "segments are left");
    expect(shard.latest().owed() == 0 && shard.latest().table().empty(), "topics are owed to nobody");
    const topics::Subscriptions::Counters& counters = shard.subscriptions().counters();
    expect(counters.filters == 0 && counters.groups == 0, "filters are left");
    expect(counters.live == 0 && counters.joining == 0, "members are left");
    const topics::Home::Counters& home = shard.home().home().counters();
    expect(home.wildcards == 0 && home.entries == home.topics, "interest is left");
    messages += shard.pool().live();
  }
  std::size_t kept = 0;
  for (const Ledger::Topic& topic : ledger_->topics()) {
    kept += std::min<std::size_t>(topic.kept.size(), kept_.last(topic));
  }
  expect(messages <= kept,
         [&] { return std::to_string(messages) + " messages live, " + std::to_string(kept) + " are kept"; });
}

}  // namespace ringcast::sim
