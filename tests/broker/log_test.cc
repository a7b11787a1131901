#include "broker/log.h"

#include <doctest/doctest.h>

#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace ringcast::broker {
namespace {

// Collects lines; a Log's destructor has written all of them.
struct Lines {
  std::vector<std::string> lines;

  Log::Sink sink() {
    return [this](std::string_view line) { lines.emplace_back(line); };
  }
};

TEST_CASE("a line has its time in UTC, its level, its text and facts, and ends with a line break") {
  Lines text;
  {
    Log(LogLevel::info, LogFormat::text, text.sink()).warning("slow", {{"peer", "127.0.0.1:7"}});
  }
  REQUIRE(text.lines.size() == 1);
  CHECK(text.lines[0].size() == std::string("2024-01-02T03:04:05.678Z warning slow peer=127.0.0.1:7\n").size());
  CHECK(text.lines[0][10] == 'T');
  CHECK(text.lines[0].ends_with("Z warning slow peer=127.0.0.1:7\n"));

  Lines json;
  {
    Log(LogLevel::info, LogFormat::json, json.sink()).error("x", {{"n", 1}});
  }
  REQUIRE(json.lines.size() == 1);
  CHECK(json.lines[0].starts_with("{\"time\":\"2"));
  CHECK(json.lines[0].ends_with("Z\",\"level\":\"error\",\"message\":\"x\",\"n\":1}\n"));
}

TEST_CASE("braces and percent signs in a text are text") {
  Lines out;
  {
    Log(LogLevel::info, LogFormat::text, out.sink()).info("{} %v {0}", {{"f", "%n{}"}});
  }
  REQUIRE(out.lines.size() == 1);
  CHECK(out.lines[0].ends_with("{} %v {0} f=%n{}\n"));
}

TEST_CASE("lines below the level are not written") {
  Lines out;
  {
    Log log(LogLevel::warning, LogFormat::text, out.sink());
    log.debug("a");
    log.info("b");
    log.warning("c");
    log.error("d");
  }
  REQUIRE(out.lines.size() == 2);
  CHECK(out.lines[0].ends_with("warning c\n"));
  CHECK(out.lines[1].ends_with("error   d\n"));
}

TEST_CASE("a reader of stderr that does not read delays nobody: the oldest lines are lost, and counted") {
  constexpr std::size_t kMore = 500;
  Lines out;
  std::promise<void> reached;
  std::promise<void> released;
  std::shared_future<void> release = released.get_future().share();
  bool first = true;
  {
    Log log(LogLevel::info, LogFormat::text, [&](std::string_view line) {
      if (std::exchange(first, false)) {
        reached.set_value();
        release.wait();
      }
      out.lines.emplace_back(line);
    });
    log.info("stuck");
    reached.get_future().wait();  // the log's thread is in the write from here on
    for (std::size_t i = 0; i < kLogLinesMax + kMore; ++i) log.info("line", {{"i", i}});
    released.set_value();
  }
  // The destructor asks the log's thread to end through the same queue, so it may push one more line out.
  REQUIRE(out.lines.size() >= kLogLinesMax + 1);
  CHECK(out.lines[0].ends_with("stuck\n"));
  CHECK(out.lines[1].contains("log lines lost count=50"));
  CHECK(out.lines.back().ends_with("line i=" + std::to_string(kLogLinesMax + kMore - 1) + "\n"));
}

TEST_CASE("lines of several threads come whole, each thread's in its order") {
  constexpr int kThreads = 4;
  constexpr int kLines = 200;  // all together fit into the queue
  Lines out;
  {
    Log log(LogLevel::info, LogFormat::text, out.sink());
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&log, t] {
        for (int i = 0; i < kLines; ++i) log.info("line", {{"thread", t}, {"i", i}});
      });
    }
  }
  REQUIRE(out.lines.size() == kThreads * kLines);
  std::vector<int> next(kThreads, 0);
  for (const std::string& line : out.lines) {
    const std::size_t at = line.find("line thread=");
    REQUIRE(at != std::string::npos);
    const auto thread = static_cast<std::size_t>(line[at + 12] - '0');
    REQUIRE(thread < kThreads);
    CHECK(line.ends_with(" i=" + std::to_string(next[thread]++) + "\n"));
  }
}

TEST_CASE("LogLimit lets one line pass per interval and counts the others") {
  LogLimit limit(1'000);
  CHECK(limit.pass(Instant{0}) == 0U);
  CHECK_FALSE(limit.pass(Instant{1}).has_value());
  CHECK_FALSE(limit.pass(Instant{999}).has_value());
  CHECK(limit.pass(Instant{1'000}) == 2U);
  CHECK_FALSE(limit.pass(Instant{1'999}).has_value());
  CHECK(limit.pass(Instant{5'000}) == 1U);
  CHECK(limit.pass(Instant{6'000}) == 0U);
}

}  // namespace
}  // namespace ringcast::broker
