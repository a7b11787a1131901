#include "broker/io/server.h"

#include <csignal>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "broker/exposition.h"
#include "broker/io/auth_keeper.h"
#include "broker/io/backends.h"
#include "broker/io/confinement.h"
#include "broker/io/cpus.h"
#include "broker/io/ending.h"
#include "broker/io/listener.h"
#include "broker/io/memory.h"
#include "broker/io/operators.h"
#include "broker/io/peer.h"
#include "broker/io/process.h"
#include "broker/io/reloading.h"
#include "broker/io/tls_service.h"
#include "broker/io/worker.h"
#include "broker/producer_id.h"

namespace ringcast::io {

namespace {

std::string address_text(const broker::Address& address) {
  const bool v6 = address.host.contains(':');
  return (v6 ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

bool is_loopback(const broker::Address& address) {
  return address.host.starts_with("127.") || address.host == "::1";
}

std::uint64_t random_word() {
  std::uint64_t word = 0;
  random_bytes({reinterpret_cast<std::uint8_t*>(&word), sizeof word});
  return word;
}

std::uint32_t shard_count(const broker::Config& config) {
  return config.shards.value_or(shards_for(affinity_cpus(), cgroup_cpus()));
}

// Until it is asked of an operator or told by a signal, which is the result.
std::optional<int> wait_for_end(Fleet& fleet, const broker::Config& config, Reloading& reloading,
                                const ServerEvents& events) {
  std::optional<int> signal;
  while (!ends(signal) && !fleet.drain_asked.load(std::memory_order_acquire)) {
    fleet.lame_duck_ms.store(config.lame_duck_ms, std::memory_order_relaxed);
    signal = wait_signal(-1);
    if (signal == SIGHUP) reloading.run(events);
  }
  return ends(signal) ? signal : std::nullopt;
}

std::expected<Listeners, Error> listen_unless_off(const broker::Address& address, const ListenOptions& options) {
  return address.off() ? Listeners{.sockets = {}, .address = address} : listen_on(address, options);
}

// A shard's; -1: there is none.
int tuned_listener(const Listeners& listeners, std::uint32_t shard) {
  if (listeners.sockets.empty()) return -1;
  const int fd = listeners.sockets[shard].get();
  tune(fd);  // accepted sockets inherit the options: no system call for each connection
  return fd;
}

Descriptor only_listener(Listeners& listeners) {
  return listeners.sockets.empty() ? Descriptor() : std::move(listeners.sockets.front());
}

// The port that was asked for; where that is the default one and somebody has it already, any free one: two brokers on
// one machine shall not need a configuration.
std::expected<Listeners, Error> listen_for_operators(const broker::Address& address, const ServerEvents& events) {
  auto listeners = listen_unless_off(address, {.count = 1});
  if (listeners || address != broker::Config{}.admin) return listeners;
  events.warn("operators' port: " + listeners.error().text + "; taking any free port instead");
  return listen_on({.host = address.host, .port = 0}, {.count = 1});
}

void announce_operators(const broker::Address& address, bool asks, const ServerEvents& events) {
  events.info("operators' port on " + address_text(address));
  if (is_loopback(address)) return;
  events.warn("operators' port on " + address_text(address) +
              (asks ? " without TLS: whoever listens on the way learns its token"
                    : " without TLS and without tokens: anyone who reaches it may read all figures and close "
                      "connections"));
}

bool has_secrets(const broker::Config& config) {
  return !config.tls_keys.empty() || !config.token_keys.empty() || !config.admin_token_file.empty();
}

// What a broker says that is open to more than its machine.
void announce_openness(const std::string& at, const broker::Auth* auth, const ServerEvents& events) {
  events.warn("listening on " + at +
              (auth == nullptr ? " without TLS and without tokens: anyone who reaches it may publish and subscribe"
                               : " without TLS: whoever listens on the way learns all messages and tokens"));
}

// The sockets that are listened on; a port that is off has none.
struct Ports {
  Listeners& admin;
  Listeners& admin_tls;
  Listeners& clients;
  Listeners& clients_tls;
};

std::vector<std::unique_ptr<Worker>> make_workers(const broker::Process& process, Fleet& fleet, Backends& backends,
                                                  const Ports& ports, const TlsService& tls) {
  const broker::Config& config = process.config;
  const auto shards = static_cast<std::uint32_t>(backends.shards.size());
  std::vector<std::unique_ptr<Worker>> workers;
  workers.reserve(shards);
  for (std::uint32_t i = 0; i < shards; ++i) {
    workers.push_back(
        std::make_unique<Worker>(process, fleet, i, std::move(backends.shards[i]),
                                 Connections::Options{.listener = tuned_listener(ports.clients, i),
                                                      .tls_listener = tuned_listener(ports.clients_tls, i),
                                                      .reached_by_loopback = is_loopback(config.listen),
                                                      .tls_reached_by_loopback = is_loopback(config.tls_listen),
                                                      .linger_bytes_max = config.linger_close_bytes},
                                 tls.make_shard(shards)));
  }
  return workers;
}

// What operators may have done, for as long as these live.
broker::Desk::Services desk_services(const ServerEvents& events, Fleet& fleet, Reloading& reloading, AuthKeeper& auth,
                                     std::int64_t started_us) {
  return {.exposition = broker::exposition,
          .process = [started_us] { return process_figures(started_us); },
          .log_level = events.log_level,
          .set_log_level = events.set_log_level,
          .drain =
              [&] {
                fleet.drain_asked.store(true, std::memory_order_release);
                send_signal(SIGUSR1);
              },
          .stage_left_ms = [&] { return fleet.stage_left_ms(now().monotonic); },
          .config = events.config_json,
          .ask_reload = [&] { return reloading.ask(); },
          .reloaded = [&](std::uint64_t wish) { return reloading.result(wish); },
          .memory_budget = [&] { return reloading.memory_budget(); },
          .revoked = [&] { return auth.revoked(); },
          .revoke =
              [&](std::string_view entry) {
                const auto revoked = auth.revoke(entry);
                fleet.wake_all();
                return revoked;
              },
          .take_back =
              [&](std::string_view entry) {
                const bool known = auth.take_back(entry);
                fleet.wake_all();
                return known;
              }};
}

void announce(const broker::Config& config, const broker::About& about, const Ports& ports, AuthKeeper& auth,
              const ServerEvents& events) {
  if (!ports.admin.address.off()) {
    announce_operators(ports.admin.address, !auth.admin_secret().bytes().empty(), events);
  }
  if (!ports.admin_tls.address.off()) {
    events.info("operators' port over TLS on " + address_text(ports.admin_tls.address));
  }
  if (auth.auth() != nullptr) events.info(auth.line());
  if (!config.tls_listen.off()) {
    events.info("TLS on https://" + address_text(ports.clients_tls.address) + config.base_path + "/");
  }
  events.info((config.listen.off() ? "ready on https://" : "ready on http://") + about.listen + config.base_path +
              "/ with " + std::to_string(about.shards) + (about.shards == 1 ? " shard (" : " shards (") + about.io +
              ")");
  if (!config.listen.off() && !is_loopback(config.listen)) announce_openness(about.listen, auth.auth(), events);
  events.manager("READY=1\nSTATUS=serving on " + about.listen);
}

// Until the workers, which are `threads`, have come to their end.
void end_all(Ending& ending, const Ports& ports, std::vector<std::jthread>& threads) {
  ending.lame_duck();
  // Nobody accepts any more: who comes now is refused, and another broker may have the port.
  if (ending.drain()) {
    ports.clients.sockets.clear();
    ports.clients_tls.sockets.clear();
  }
  ending.see_off();
  std::jthread last_call([&](const std::stop_token& stop) { ending.see_off_until(stop); });
  threads.clear();  // joins
  last_call.request_stop();
  last_call.join();
}

// What a broker is made of that could be opened.
struct Opened {
  std::uint32_t shards;
  AuthKeeper& auth;
  TlsService& tls;
  Ports ports;
  Backends& backends;
};

std::expected<void, std::string> run(const broker::Config& config, broker::FindFile find_file,
                                     const ServerEvents& events, const Opened& opened) {
  const auto& [shards, auth, tls, ports, backends] = opened;
  broker::Mesh mesh({.shards = shards,
                     .requests_capacity = config.request_ring_slots,
                     .deliveries_capacity = config.delivery_ring_slots});
  broker::Accounts accounts({random_word(), random_word()});
  const broker::Process process{.config = config,
                                .mesh = mesh,
                                .hash_key = {random_word(), random_word()},
                                .epoch = random_word(),
                                .find_file = find_file,
                                .memory_budget = memory_budget(config),
                                .auth = auth.auth(),
                                .accounts = &accounts};
  const std::string io = backends.shards.front()->name();
  Fleet fleet(shards);
  const auto workers = make_workers(process, fleet, backends, ports, tls);
  const broker::About about{.shards = shards,
                            .epoch = broker::hexadecimal(process.epoch),
                            .io = io,
                            .listen = address_text((config.listen.off() ? ports.clients_tls : ports.clients).address),
                            .started_us = now().utc_us,
                            .memory_budget_bytes = process.memory_budget};
  if (const auto rung = fleet.operators.open(); !rung) return std::unexpected(rung.error().text);
  Reloading reloading(fleet, mesh, process.memory_budget);
  reloading.add(tls.part(fleet));
  reloading.add(auth.part([&fleet] { fleet.wake_all(); }));
  const broker::Desk::Services services = desk_services(events, fleet, reloading, auth, about.started_us);
  Operators operators(
      {.config = config,
       .about = about,
       .services = services,
       .mesh = mesh,
       .fleet = fleet,
       .key = process.hash_key,
       .find_file = find_file,
       .log = events.log,
       .secret = auth.admin_secret().bytes().empty() ? nullptr : &auth.admin_secret()},
      {.plain = only_listener(ports.admin), .tls = only_listener(ports.admin_tls), .context = tls.make_operators()});
  if (config.sandbox == broker::Toggle::on) {
    if (const auto confined = confine(); !confined) return std::unexpected(confined.error().text);
  }
  if (const auto started = operators.start(); !started) return std::unexpected(started.error().text);
  std::vector<std::jthread> threads;
  threads.reserve(shards);
  for (const auto& worker : workers) threads.emplace_back([&worker] { worker->run(); });

  operators.set_ready();
  announce(config, about, ports, auth, events);
  Ending ending(fleet, config, events, wait_for_end(fleet, config, reloading, events));
  end_all(ending, ports, threads);
  operators.stop();
  events.info("stopped");
  return {};
}

}  // namespace

std::expected<void, std::string> serve(const broker::Config& config, broker::FindFile find_file,
                                       const ServerEvents& events) {
  const auto open_files = raise_open_files();
  if (!open_files) events.warn(open_files.error().text);
  const std::uint32_t shards = shard_count(config);
  const auto keeper = AuthKeeper::open(config, shards);
  if (!keeper) return std::unexpected(keeper.error());
  AuthKeeper& auth = **keeper;
  auto admin = listen_for_operators(config.admin, events);
  if (!admin) return std::unexpected(admin.error().text);
  auto admin_tls = listen_unless_off(config.admin_tls_listen, {.count = 1});
  if (!admin_tls) return std::unexpected(admin_tls.error().text);
  TlsService tls(config);
  const auto opened_tls = tls.open();
  if (!opened_tls) return std::unexpected(opened_tls.error());
  for (const std::string& line : *opened_tls) events.warn(line);
  auto listeners = listen_unless_off(config.listen, {.count = shards});
  if (!listeners) return std::unexpected(listeners.error().text);
  auto tls_listeners = listen_unless_off(config.tls_listen, {.count = shards});
  if (!tls_listeners) return std::unexpected(tls_listeners.error().text);
  // Its rings are that user's, too.
  if (!config.user.empty()) {
    if (const auto became = become_user(config.user); !became) return std::unexpected(became.error().text);
  }
  if (has_secrets(config)) forbid_dumps();
  auto backends = open_backends({.io = config.io,
                                 .count = shards,
                                 .receive_buffers = {.count = config.receive_buffers,
                                                     .size = static_cast<std::uint32_t>(config.receive_buffer_bytes)}});
  if (!backends) return std::unexpected(backends.error().text);
  (backends->as_hoped ? events.info : events.warn)(backends->line);
  return run(config, find_file, events,
             {.shards = shards,
              .auth = auth,
              .tls = tls,
              .ports = {.admin = *admin, .admin_tls = *admin_tls, .clients = *listeners, .clients_tls = *tls_listeners},
              .backends = *backends});
}

}  // namespace ringcast::io
