#include "client/proc_telemetry.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

using namespace ringcast::client;

namespace {

constexpr std::string_view kStat =
    "cpu  7569 0 3852 198789 705 0 75 67 0 0\n"
    "cpu0 1817 0 1277 102382 48 0 11 28 9 0\n"
    "cpu1 5752 0 2574 96407 657 0 64 39 0 0\n"
    "intr 209347 0 0\n"
    "ctxt 413324\n";

constexpr std::string_view kNetDev =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier "
    "compressed\n"
    "    lo:    3245      30    0    0    0     0          0         0     3245      30    0    0    0     0       0 "
    "0\n"
    "eth0:1:237268791    4458    0    0    0     0          0         0   184206    2437    0    0    0     0       0  "
    " "
    "0\n";

}  // namespace

TEST_CASE("parse_stat reads each CPU's line and counts all but idle and iowait as busy") {
  const auto cpus = parse_stat(kStat);
  REQUIRE(cpus.size() == 2);
  CHECK(cpus[0] == CpuTimes{.cpu = 0, .busy = 1817 + 1277 + 11 + 28, .total = 1817 + 1277 + 102382 + 48 + 11 + 28});
  CHECK(cpus[1].cpu == 1);
}

TEST_CASE("parse_stat takes an old kernel's four columns and leaves out a line with fewer") {
  const auto cpus = parse_stat("cpu3 10 20 30 40\ncpu4 10 20 30\ncpux 1 2 3 4\n");
  REQUIRE(cpus.size() == 1);
  CHECK(cpus[0] == CpuTimes{.cpu = 3, .busy = 60, .total = 100});
}

TEST_CASE("load_between is the busy share of the time between two readings") {
  CHECK(load_between({.cpu = 0, .busy = 100, .total = 1000}, {.cpu = 0, .busy = 125, .total = 1100}) == 0.25);
}

TEST_CASE("load_between stays within 0 and 1 whatever the counters do") {
  const CpuTimes before{.cpu = 0, .busy = 100, .total = 1000};
  CHECK(load_between(before, before) == 0);
  CHECK(load_between(before, {.cpu = 0, .busy = 90, .total = 1100}) == 0);   // idle time was corrected
  CHECK(load_between(before, {.cpu = 0, .busy = 300, .total = 1100}) == 1);  // the same, the other way
  CHECK(load_between(before, {.cpu = 0, .busy = 200, .total = 900}) == 0);   // a CPU went away and came back
}

TEST_CASE("parse_meminfo gives bytes, and nothing without the two lines that matter") {
  const auto memory = parse_meminfo(
      "MemTotal:       24684092 kB\nMemFree:        24014152 kB\nMemAvailable:   24321704 kB\nCached:           492136 "
      "kB\nSwapTotal:       2048 kB\nSwapFree:          1024 kB\nHugePages_Total:       0\n");
  REQUIRE(memory.has_value());
  CHECK(memory->total == 24684092ULL * 1024);
  CHECK(memory->available == 24321704ULL * 1024);
  CHECK(memory->cached == 492136ULL * 1024);
  CHECK(memory->swap_total == 2048ULL * 1024);
  CHECK(memory->swap_free == 1024ULL * 1024);
  CHECK_FALSE(parse_meminfo("MemTotal: 1 kB\n").has_value());
  CHECK_FALSE(parse_meminfo("MemAvailable: 1 kB\n").has_value());
  CHECK_FALSE(parse_meminfo("MemTotal: many kB\nMemAvailable: 1 kB\n").has_value());
}

TEST_CASE("parse_net_dev passes over the headings and splits the name at its last colon") {
  const auto interfaces = parse_net_dev(kNetDev);
  REQUIRE(interfaces.size() == 2);
  CHECK(interfaces[0] == Interface{"lo", 3245, 30, 3245, 30});
  CHECK(interfaces[1] == Interface{"eth0:1", 237268791, 4458, 184206, 2437});
}

TEST_CASE("parse_pressure reads both lines, and the one that old kernels have for the CPU") {
  const auto both = parse_pressure(
      "some avg10=0.06 avg60=0.12 avg300=0.22 total=8676054\nfull avg10=1.00 avg60=2.50 avg300=0.00 total=0\n");
  REQUIRE(both.has_value());
  CHECK(*both == Pressure{.some_avg10 = 0.06, .some_avg60 = 0.12, .full_avg10 = 1.0, .full_avg60 = 2.5});
  const auto some = parse_pressure("some avg10=7.00 avg60=8.00 avg300=9.00 total=1\n");
  REQUIRE(some.has_value());
  CHECK(*some == Pressure{.some_avg10 = 7, .some_avg60 = 8, .full_avg10 = 0, .full_avg60 = 0});
  CHECK_FALSE(parse_pressure("full avg10=1.00 avg60=2.50\n").has_value());
  CHECK_FALSE(parse_pressure("some avg10=x avg60=2.50\n").has_value());
  CHECK_FALSE(parse_pressure("some avg60=1 avg10=2.50\n").has_value());
}

TEST_CASE("parse_loadavg reads the averages and the tasks") {
  const auto load = parse_loadavg("0.25 0.11 0.08 1/89 6393\n");
  REQUIRE(load.has_value());
  CHECK(*load == LoadAverage{.one = 0.25, .five = 0.11, .fifteen = 0.08, .running = 1, .threads = 89});
  CHECK_FALSE(parse_loadavg("0.25 0.11 0.08 1-89 6393\n").has_value());
  CHECK_FALSE(parse_loadavg("0.25 0.11\n").has_value());
}

TEST_CASE("no parser of /proc fails on a text that ends anywhere") {
  const std::string pressure = "some avg10=0.06 avg60=0.12 avg300=0.22 total=1\n";
  for (std::size_t cut = 0; cut <= kStat.size(); ++cut) CHECK(parse_stat(kStat.substr(0, cut)).size() <= 2);
  for (std::size_t cut = 0; cut <= kNetDev.size(); ++cut) CHECK(parse_net_dev(kNetDev.substr(0, cut)).size() <= 2);
  for (std::size_t cut = 0; cut <= pressure.size(); ++cut) {
    // Whole once the second average has a digit and a point behind it.
    CHECK(parse_pressure(pressure.substr(0, cut)).has_value() ==
          (cut >= std::string_view("some avg10=0.06 avg60=0").size()));
  }
}
