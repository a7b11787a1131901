// What clients do in a simulated world, at random; those of the full protocol: simulation_full.cc.
#include <algorithm>

#include "tests/sim/simulation.h"
#include "topics/name.h"

namespace ringcast::sim {

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
                            .kept = kept_,
                            .paces_end_ms = paces_end_ms_,
                            .epoch = epoch_,
                            .began_us = began_us_,
                            .may_lag = scenario_.kind == Kind::slow || scenario_.lags_by_age,
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
  if (!options.publish_only && random_.percent(20)) {
    static const std::vector<std::uint32_t> kRates{0, 2, 10, 30, 1'000};
    options.latest = true;
    options.rate_hz = random_.of(kRates);
  }
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
  SseClient::Options options{.ask = {.filter = random_.of(random_.percent(60) ? scenario_.topics : scenario_.filters)}};
  options.ask.start = random_.percent(50) ? proto::Start::last_values : proto::Start::now;
  if (random_.percent(30)) {
    static const std::vector<double> kRates{0, 0, 2, 20, 1'000};
    options.ask.pace = {.delivery = proto::Delivery::latest, .rate_hz = random_.of(kRates)};
  }
  if (!tokens_.empty() && random_.percent(50)) {
    come_back(options.ask);
    options.ask.since->received.reset();  // for which a Last-Event-ID has no place
    if (random_.percent(10)) {
      options.ask.since->token = "of another broker";
      options.ask.since->epoch = 0;
    }
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
      remember(client.subscriber());
      return client.reset();
  }
}

}  // namespace ringcast::sim
