// load: drives a broker over WebSockets, raw or in the full protocol, and says what it delivered, how fast, and at what
// cost.
//
//   perf/load --port 8080 --pid $(pidof ringcast) --subscribers 1000 --rate 2000 --seconds 10 --cpu 1
//
// Exit code 0: every subscriber got everything once and in order; 1: not so, or the run failed; 2: usage.
#include "perf/load.h"

#include <arpa/inet.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "perf/load_options.h"
#include "perf/pacer.h"
#include "perf/plans.h"
#include "perf/report.h"
#include "perf/swarm.h"
#include "perf/tally.h"
#include "perf/usage.h"

namespace ringcast::perf {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;
constexpr std::uint64_t kSettleNs = kSecondNs / 3;  // subscriptions reach every shard before the first message
constexpr std::uint64_t kDrainNs = 10 * kSecondNs;  // without a delivery at the end, and what is missing is lost

// As many files as allowed, and the CPU that was asked for. An empty string, or what is in the way.
std::string prepare(const LoadOptions& options) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  const std::uint64_t wanted = options.connections() + 32;
  if (wanted > files.rlim_max) {
    return "needs " + std::to_string(wanted) + " open files, the hard limit is " + std::to_string(files.rlim_max);
  }
  if (!options.cpu) return {};
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(static_cast<unsigned>(*options.cpu), &cpus);
  return ::sched_setaffinity(0, sizeof(cpus), &cpus) == 0 ? "" : "cannot run on CPU " + std::to_string(*options.cpu);
}

std::optional<Usage> server_usage(const LoadOptions& options) {
  return options.pid ? read_usage(*options.pid) : std::nullopt;
}

void rest(Swarm& swarm, Tally& tally, std::uint64_t until_ns) {
  for (std::uint64_t now = now_ns(); now < until_ns; now = now_ns()) {
    swarm.turn(until_ns - now, tally);
    swarm.flush();
  }
}

// Publishes and reads until `until_ns`.
void drive(Swarm& swarm, Tally& tally, Pacer& pacer, std::uint64_t until_ns) {
  for (std::uint64_t now = now_ns(); now < until_ns; now = now_ns()) {
    const std::uint64_t wait_ns = std::min(pacer.publish(swarm, tally, now), until_ns - now);
    swarm.flush();
    swarm.turn(wait_ns, tally);
  }
}

// Reads on until everything has come, or nothing more does.
void drain(Swarm& swarm, Tally& tally, const Pacer& pacer, double seconds) {
  const std::uint64_t last_ns = now_ns() + static_cast<std::uint64_t>(seconds * 1e9);
  std::uint64_t deliveries = tally.deliveries();
  std::uint64_t until_ns = now_ns() + kDrainNs;
  const auto missing = [&] { return tally.lost(pacer.sent()) > 0 || swarm.unanswered() > 0; };
  while (now_ns() < std::min(until_ns, last_ns) && missing() && swarm.ended() < swarm.size()) {
    rest(swarm, tally, now_ns() + kSecondNs / 20);
    if (tally.deliveries() > deliveries) until_ns = now_ns() + kDrainNs;
    deliveries = tally.deliveries();
  }
}

Report measure(const LoadOptions& options, Swarm& swarm, Tally& tally) {
  Report report;
  report.connections = swarm.size();
  const std::uint64_t start_ns = now_ns();
  const std::uint64_t from_ns = start_ns + static_cast<std::uint64_t>(options.warmup * 1e9);
  const std::uint64_t to_ns = from_ns + static_cast<std::uint64_t>(options.seconds * 1e9);
  Pacer pacer(options, tally.layout(), start_ns, to_ns);
  tally.measure(from_ns, to_ns);
  drive(swarm, tally, pacer, from_ns);

  const std::uint64_t begun_ns = now_ns();
  const std::uint64_t begun_cpu_ns = own_cpu_ns();
  const std::uint64_t begun_deliveries = tally.deliveries();
  const std::uint64_t begun_receives = swarm.receives();
  const std::uint64_t begun_published = pacer.sent_total();
  const auto begun_segments = read_segments();
  const auto before = server_usage(options);
  drive(swarm, tally, pacer, to_ns);
  const auto after = server_usage(options);
  report.delivered = tally.deliveries() - begun_deliveries;
  report.receives = swarm.receives() - begun_receives;
  report.published_measured = pacer.sent_total() - begun_published;
  if (const auto segments = read_segments(); segments && begun_segments) report.segments = *segments - *begun_segments;
  const std::uint64_t passed_ns = now_ns() - begun_ns;
  report.seconds = static_cast<double>(passed_ns) / 1e9;
  report.load_cpu_share = static_cast<double>(own_cpu_ns() - begun_cpu_ns) / static_cast<double>(passed_ns);
  if (before && after) report.server_cpu_ns = after->cpu_ns - before->cpu_ns;
  if (after) report.server_rss_bytes = after->rss_bytes;

  drain(swarm, tally, pacer, options.drain);
  report.published = pacer.sent_total();
  report.lost = tally.lost(pacer.sent());
  report.doubled = tally.ledger().doubled();
  report.out_of_order = tally.ledger().out_of_order();
  report.misrouted = tally.misrouted();
  if (report.lost + report.doubled == 0) report.disagreements = tally.disagreements();
  report.unanswered = swarm.unanswered();
  report.compared = swarm.slow_check().compared();
  report.ended = swarm.ended();
  report.first_end = swarm.first_end();
  report.stalled_ended = swarm.stalled_ended();
  report.latency_p50_ns = tally.latency().quantile(0.5);
  report.latency_p99_ns = tally.latency().quantile(0.99);
  report.latency_p999_ns = tally.latency().quantile(0.999);
  report.latency_max_ns = tally.latency().max();
  report.late_p99_ns = pacer.lateness().quantile(0.99);
  return report;
}

int run(const LoadOptions& options) {
  if (const std::string wrong = prepare(options); !wrong.empty()) {
    std::fprintf(stderr, "load: %s\n", wrong.c_str());
    return 1;
  }
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_port = htons(options.port);
  if (::inet_pton(AF_INET, options.host.c_str(), &server.sin_addr) != 1) {
    std::fprintf(stderr, "load: --host %s is not an IPv4 address\n", options.host.c_str());
    return 2;
  }
  const auto before = server_usage(options);
  auto swarm = Swarm::connect(server, plans_of(options));
  if (!swarm) {
    std::fprintf(stderr, "load: %s\n", swarm.error().c_str());
    return 1;
  }
  Tally tally(layout_of(options));
  rest(**swarm, tally, now_ns() + kSettleNs);
  const auto open = server_usage(options);
  Report report = measure(options, **swarm, tally);
  report.opened_per_second = static_cast<double>((*swarm)->size()) * 1e9 / static_cast<double>((*swarm)->opening_ns());
  if (before && open) report.compare(*before, *open);
  std::fputs(to_json(report, options).c_str(), stdout);
  std::fputs(to_table(report).c_str(), stderr);
  return report.correct() ? 0 : 1;
}

}  // namespace

int run_load(int argc, const char* const* argv) {
  const auto options = parse_load_options(argc, argv);
  if (!options) {
    std::fputs(options.error().text.c_str(), options.error().exit_code == 0 ? stdout : stderr);
    return options.error().exit_code;
  }
  return run(*options);
}

}  // namespace ringcast::perf
