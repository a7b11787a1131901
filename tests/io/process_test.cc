#include "broker/io/process.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <vector>

#include "tests/io/in_child.h"

namespace ringcast::io {
TEST_CASE("raise_open_files raises the soft limit to the hard one and returns it") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  const rlimit lower{.rlim_cur = 64, .rlim_max = before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &lower) == 0);
  const auto raised = raise_open_files();
  rlimit after{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &after) == 0);
  REQUIRE(raised.has_value());
  CHECK(*raised == before.rlim_max);
  CHECK(after.rlim_cur == before.rlim_max);
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}

TEST_CASE("a blocked signal waits until it is asked for") {
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) {
    CHECK(in_child([signal] {
            block_signals();
            ::raise(SIGPIPE);  // must end nothing and answer nothing
            ::raise(signal);
            const auto got = wait_signal(-1);
            return got == signal && !wait_signal(0) ? 0 : 1;
          }) == 0);
  }
}

TEST_CASE("wait_signal without a signal ends after its time") {
  CHECK(in_child([] {
          block_signals();
          const Instant start = now().monotonic;
          const auto got = wait_signal(20);
          return !got && now().monotonic - start >= 19 ? 0 : 1;
        }) == 0);
}

TEST_CASE("now agrees with the clocks, in milliseconds and microseconds") {
  const std::time_t before = std::time(nullptr);
  const Now first = now();
  const Now second = now();
  const std::time_t after = std::time(nullptr);
  CHECK(second.monotonic >= first.monotonic);
  CHECK(first.monotonic.ms > 0);
  CHECK(first.utc_us / 1'000'000 >= before - 1);
  CHECK(first.utc_us / 1'000'000 <= after + 1);
}

TEST_CASE("random_bytes fills all of any size, and differently each time") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{8}, std::size_t{16}, std::size_t{100'000}}) {
    std::vector<std::uint8_t> first(size);
    std::vector<std::uint8_t> second(size);
    random_bytes(first);
    random_bytes(second);
    if (size >= 8) CHECK(first != second);
    if (size >= 8) CHECK(std::any_of(first.end() - 8, first.end(), [](std::uint8_t byte) { return byte != 0; }));
  }
}

}  // namespace ringcast::io
