// Clients of the full protocol in a simulation: what they do, and what must hold for them at rest.
#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "tests/sim/simulation.h"
#include "topics/name.h"

namespace ringcast::sim {

// ---- what they do ----

void Simulation::act_full() {
  const std::size_t dice = random_.below(100);
  if (dice < 15 || fulls_.empty()) return add_client();
  FullClient& client = *random_.of(fulls_);
  if (client.gone()) return;
  if (dice >= 88) return disturb_full(client);
  if (!client.talks()) return;
  if (dice < 50) return publish_full(client);
  if (dice < 70) return subscribe_full(client);
  if (dice < 76) return client.unsubscribe();
  if (dice < 79) return client.change(draw_pace());
  if (dice < 83) return client.ask_badly();
  client.ping();
}

SubscriberModel::Ask Simulation::draw_subscription() {
  SubscriberModel::Ask ask{.filter = random_.of(random_.percent(50) ? scenario_.topics : scenario_.filters)};
  ask.echo = random_.percent(75);
  ask.pace = draw_pace();
  draw_start(ask);
  return ask;
}

// Subscriptions of one connection are alike more often than not, and so are whole worlds.
SubscriberModel::Pace Simulation::draw_pace() {
  using enum proto::OnLag;
  static const std::vector<double> kRates{0, 0, 2.5, 10, 30, 200, 1'000};
  SubscriberModel::Pace pace;
  const std::size_t dice = random_.below(100);
  if (dice < scenario_.latest_percent) {
    pace.delivery = proto::Delivery::latest;
    pace.rate_hz = random_.of(kRates);
    return pace;
  }
  if (random_.percent(30)) pace.delivery = proto::Delivery::every;
  pace.on_lag = scenario_.on_lag;
  if (random_.percent(10)) pace.on_lag = random_.percent(50) ? degrade : skip;
  return pace;
}

void Simulation::draw_start(SubscriberModel::Ask& ask) {
  ask.start = static_cast<proto::Start>(random_.below(3));
  if (ask.start == proto::Start::last_n) ask.last_count = static_cast<std::uint32_t>(random_.between(1, 12));
  if (random_.percent(60)) return;
  ask.last_count = 0;
  if (random_.percent(25)) {
    ask.start = proto::Start::since_time;
    ask.since_us = static_cast<std::uint64_t>(now_.utc_us) - random_.below(3'000);
  } else if (!tokens_.empty()) {
    come_back(ask);
  } else {
    ask.start = proto::Start::now;
  }
}

// As somebody did who was cut off. Not all say what they have received since their checkpoint.
void Simulation::come_back(SubscriberModel::Ask& ask) {
  ask.start = proto::Start::resume;
  ask.since = random_.of(tokens_);
  ask.filter = ask.since->filter;
  if (ask.pace.is_latest() || random_.percent(40)) ask.since->received.reset();
}

// From where somebody could resume who is cut off now.
void Simulation::remember(const SubscriberModel& subscriber) {
  constexpr std::size_t kTokensMax = 12;
  for (SubscriberModel::Since& since : subscriber.resumable()) {
    if (tokens_.size() >= kTokensMax) tokens_.erase(tokens_.begin());
    tokens_.push_back(std::move(since));
  }
}

void Simulation::add_full_client(const Client::World& world) {
  FullClient::Options options;
  options.form = random_.percent(50) ? FullClient::Form::json : FullClient::Form::proto;
  // A URL cannot ask to be closed: where clients are too slow, it would degrade.
  if (random_.percent(40) && scenario_.kind != Kind::slow) {
    options.url = draw_subscription();
    if (options.url->start != proto::Start::now) options.url->start = proto::Start::last_values;
    options.url->last_count = 0;
    options.url->since.reset();
    options.url->since_us = 0;
    options.url->pace.on_lag = proto::OnLag::unspecified;
    options.url->pace.rate_hz = std::floor(options.url->pace.rate_hz);
  }
  options.hello = random_.percent(70);
  options.cumulative_acks = options.hello && random_.percent(40);
  options.credit = options.hello && random_.percent(50);
  options.obeys_credit = options.credit && random_.percent(50);
  options.checkpoints = options.hello && random_.percent(60);
  options.subscriptions_max = scenario_.config.max_subscriptions;
  if (options.hello && random_.percent(70)) {
    if (producers_.empty() || random_.percent(40)) {
      producers_.push_back(std::make_unique<Producer>());
      producers_.back()->index = static_cast<std::uint32_t>(producers_.size());
    }
    options.producer = random_.of(producers_).get();
    // He believes that his last connection is lost. Often it is, sometimes nobody has noticed yet.
    for (const auto& client : fulls_) {
      if (client->options().producer == options.producer && !client->gone() && random_.percent(60)) client->reset();
    }
    options.pipelines = scenario_.kind != Kind::limited && random_.percent(30);
  }
  const auto id = static_cast<std::uint32_t>(clients_.size());
  if (options.producer != nullptr) {
    options.producer->client = id;
    ++options.producer->connections;
  }
  fulls_.push_back(std::make_unique<FullClient>(world, id, random_.of(runners_)->listener(), options));
  clients_.push_back(fulls_.back().get());
}

void Simulation::subscribe_full(FullClient& client) {
  constexpr std::size_t kMany = 100;  // more than may be joining at a time
  const std::size_t most = scenario_.floods && random_.percent(20) ? kMany : 4;
  for (std::size_t count = random_.between(1, most); count > 0; --count) client.subscribe(draw_subscription());
}

void Simulation::publish_full(FullClient& client) {
  // JSON makes four bytes of three, and the whole must stay below the limit on a message.
  const std::size_t size = std::min<std::size_t>(payload_size(), scenario_.config.max_message_bytes / 2);
  const bool few = scenario_.kind == Kind::large || scenario_.kind == Kind::slow || random_.percent(80);
  std::size_t count = few ? random_.between(1, 3) : random_.between(4, 12);
  if (scenario_.floods && random_.percent(10)) {
    client.publish(random_.of(scenario_.topics), random_.between(500, 1'500), 20);
    return;
  }
  if (size > 1'000) count = 1;
  client.publish(random_.of(scenario_.topics), count, size);
}

void Simulation::disturb_full(FullClient& client) {
  switch (random_.below(9)) {
    case 0:
      return client.stall();
    case 1:
    case 2:
      return scenario_.kind == Kind::slow ? client.stall() : client.go_on();
    case 3:
      if (client.talks()) client.say_goodbye();
      return;
    case 4:
      client.excuse();
      return client.half_close();
    case 5:
    case 6:
      remember(client.subscriber());
      return client.reset();
    case 7:
      if (client.talks()) client.misbehave();
      return;
    default:
      if (client.talks()) client.send_wrong_kind();
      return;
  }
}

// ---- what must hold at rest ----

// Nothing waits but for a socket that is full.
void Simulation::check_full_session(const broker::Session& session) const {
  const broker::FullState& full = *session.full;
  if (session.phase != broker::Phase::websocket) return;
  expect(full.claims_missing == 0, "a claim is not answered at rest");
  expect(full.unanswered.size() == 0 && full.unanswered.bytes() == 0, "a publish is not answered at rest");
  expect(!session.pulling, "a chunk of kept messages is under way at rest");
  std::uint32_t joins = 0;
  for (const broker::Subscription& subscription : session.subscriptions) {
    if (subscription.join == nullptr) continue;
    ++joins;
    expect(subscription.join->markers_missing == 0, "a marker is missing at rest");
  }
  expect(joins == session.joins, "joins are counted wrongly");
  // One from whom messages were dropped pulls more when its socket has taken the news of it.
  const bool dropped = full.lag != nullptr;
  const bool paced =
      session.send_blocked && (dropped || session.outbox.owed_bytes() > broker::Subscribing::kPullWhileOwedMax);
  expect(joins == 0 || paced, "a subscription is not complete at rest");
  expect(full.to_pull.size() == joins, "subscriptions to fetch are counted wrongly");
  const broker::WaitingMessages* const waiting = session.waiting.get();
  expect(waiting == nullptr || (waiting->holds > 0 && waiting->holds <= joins), "live messages are held for nobody");
  expect(session.messages_wait == (waiting != nullptr), "live messages wait for nobody");
  expect(!session.stopped || !session.may_read(), "a session is stopped at rest");
  expect(!full.in_turn_list, "a cumulative ack or credit is owed at rest");
}

void Simulation::check_full(FullClient& client, bool ticked) const {
  check_full_end(client);
  const bool limited = scenario_.kind == Kind::limited;
  for (const FullClient::Refusal& refusal : client.refusals()) {
    using enum proto::ErrorCode;
    const bool rivals = client.options().producer != nullptr && client.options().producer->connections > 1;
    const bool may = (draining_ && (refusal.code == draining || refusal.code == unknown_subscription)) ||
                     (limited && (refusal.code == too_many_topics || refusal.code == memory_full ||
                                  refusal.code == too_many_producers)) ||
                     (rivals && refusal.code == fenced);
    expect(may, [&] { return client.name() + " was refused with " + std::string(proto::name(refusal.code)); });
    expect(!refusal.key || !ledger_->find(*refusal.key),
           [&] { return text(*refusal.key) + " was refused, but published"; });
  }
  // Some worlds cut off who reads nothing, and he does not know it yet.
  if (client.talks() && !client.stalled() && !client.excused()) client.check_rest(ticked);
  const bool waits =
      !client.was_open() && !client.gone() && !client.refused() && !client.stalled() && !client.excused();
  expect(!waits, [&] { return client.name() + " waits for its 101"; });
}

void Simulation::check_full_end(const FullClient& client) const {
  std::vector<proto::CloseCode> may;
  if (draining_ && client.told_to_go()) may.push_back(proto::CloseCode::restart);
  if (client.fenced()) may.push_back(proto::CloseCode::fenced);
  check_close(client, may);
}

// From the welcome on, nothing that its producer numbered was sequenced for another connection.
void Simulation::check_taken_over(const FullClient& client) const {
  for (const Ledger::Topic& topic : ledger_->topics()) {
    for (const Ledger::Change& change : topic.changes) {
      if (!change.key || change.key->client != client.producer_key() || change.by == client.id()) continue;
      expect(change.position <= client.taken_over()[topic.origin], [&] {
        return client.name() + " had taken its producer over, but " + text(*change.key) + " was sequenced for client " +
               std::to_string(change.by);
      });
    }
  }
}

// A producer has one connection: the others that homes knew were told, and closed.
void Simulation::check_producers() const {
  std::set<std::string_view> seen;
  for (const auto& client : fulls_) {
    const bool here = client->open() && !client->gone() && !client->stalled() && !client->excused();
    if (!here || client->producer_id().empty()) continue;
    expect(seen.insert(client->producer_id()).second,
           [&] { return client->name() + " is a producer that has another connection"; });
    if (!client->taken_over().empty()) check_taken_over(*client);
  }
}

}  // namespace ringcast::sim
