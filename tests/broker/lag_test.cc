#include "broker/lag.h"

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/broker/lag_bench.h"

namespace ringcast::broker::test {

TEST_CASE("lag: who skips misses the oldest, is told which at the place of the gap, and that it has caught up") {
  LagBench lag;
  lag.subscribe(1, "a", "skip");
  lag.publish("a", 5);
  lag.slow.reads = false;
  lag.publish("a", 1'000);
  CHECK(lag.counters().skips > 1);
  lag.resume();
  Account account;
  account.take(lag.bench, lag.slow);
  const auto& seqs = account.seqs["a"];
  CHECK(account.in_order);
  CHECK(seqs.front() == 1);
  CHECK(seqs.back() == 1'005);
  REQUIRE(account.lags.size() == 2);  // one for all that was dropped while the socket was full
  CHECK(account.lags[0].skipped + seqs.size() == 1'005);
  CHECK(account.lags[0].after == 5);
  CHECK_FALSE(account.lags[0].caught_up);
  CHECK(account.lags[1].caught_up);
  CHECK(account.lags[1].skipped == 0);
  CHECK(account.missing["a"].size() == account.lags[0].skipped);
  for (const std::uint64_t seq : seqs) CHECK_FALSE(account.missing["a"].contains(seq));
  lag.publish("a", 3);
  account.take(lag.bench, lag.slow);
  CHECK(account.seqs["a"].back() == 1'008);
  CHECK(account.lags.size() == 2);
}

TEST_CASE("lag: what was dropped while it waited for kept messages is told before what is left of it") {
  FullBench::Options options = LagBench::options();
  options.config.history = 1'000;
  LagBench lag(options);
  lag.publish("a", 60);
  lag.subscribe(1, "a", "skip");
  lag.slow.reads = false;
  lag.bench.say(lag.slow, R"({"subscribe":{"id":2,"filter":"a","start":"last_n","last_count":60,"on_lag":"skip"}})");
  lag.publish("a", 400);
  CHECK(lag.counters().skips > 0);
  lag.bench.take_armed(lag.slow);  // the first chunk of two
  Account account;
  account.take(lag.bench, lag.slow);
  CHECK(account.in_order);
  CHECK(account.seqs["a"].back() == 460);
  REQUIRE(account.lags.size() == 2);
  CHECK(account.lags[0].after <= 60);
  CHECK(account.lags[0].skipped + account.messages == 460);
  CHECK(account.lags[1].caught_up);
}

TEST_CASE("lag: nothing comes behind a gap that was not told when the connection is closed") {
  LagBench lag;
  lag.subscribe(1, "a", "skip");
  lag.publish("a", 5);
  lag.slow.reads = false;
  lag.publish("a", 1'000);
  CHECK(lag.counters().skips > 1);
  lag.bench.shard(1).close_all(lag.bench.now.monotonic);
  lag.resume();
  Account account;
  account.take(lag.bench, lag.slow);
  CHECK(account.seqs["a"].back() == 5);
  CHECK(lag.slow.close_code == 1012);
}

TEST_CASE("lag: what skips holds no more than its limit, and never less than the newest message") {
  LagBench lag;
  lag.subscribe(1, "#", "skip");
  lag.slow.reads = false;
  Session& session = lag.bench.shard(1).sessions().at(lag.slow.slot.index);
  for (int i = 0; i < 200; ++i) {
    lag.publish(i % 2 == 0 ? "a" : "b", 1, i % 7 == 0 ? 100'000 : 5'000);
    CHECK(SessionTable::pinned_bytes(session) <= 256 * kKiB);
    CHECK(session.outbox.owed_bytes() >= 5'000);
  }
  lag.resume();
  Account account;
  account.take(lag.bench, lag.slow);
  CHECK(account.seqs["b"].back() == 100);
  CHECK(account.messages + account.skipped() == 200);
}

TEST_CASE("lag: what is missing is counted once for the connection, however many subscriptions it matches") {
  LagBench lag;
  lag.subscribe(1, "a/#", "skip");
  lag.subscribe(2, "a/b", "skip");
  lag.subscribe(3, "c", "skip");
  lag.slow.reads = false;
  for (int i = 0; i < 300; ++i) {
    lag.publish("a/b", 1);
    lag.publish("a/c", 1);
    if (i < 3) lag.publish("c", 1);
  }
  lag.resume();
  Account account;
  account.take(lag.bench, lag.slow);
  CHECK(account.in_order);
  CHECK(account.missing["c"].size() == 3);
  for (const char* topic : {"a/b", "a/c"}) {
    CHECK(account.seqs[topic].size() + account.missing[topic].size() == 300);
    CHECK(account.seqs[topic].back() == 300);
  }
  CHECK(account.messages + account.skipped() == 603);
}

TEST_CASE("lag: events are counted like values, and so are removals") {
  LagBench lag;
  lag.subscribe(1, "a", "skip");
  lag.slow.reads = false;
  for (int i = 0; i < 300; ++i) {
    lag.publish("a", 1, kText);
    lag.publish("a", 1, kText, "event");
    lag.bench.say(lag.publisher, R"({"publish":{"topic":"a","op":"remove"}})");
  }
  lag.resume();
  Account account;
  account.take(lag.bench, lag.slow);
  CHECK(account.messages + account.skipped() == 900);
  CHECK(account.missing["a"].size() == account.skipped());
}

TEST_CASE("lag: the 256 newest ranges are told, and that there are more") {
  LagBench lag;
  lag.subscribe(1, "#", "skip");
  lag.slow.reads = false;
  for (int i = 0; i < 600; ++i) lag.publish("t/" + std::to_string(i), 1);
  lag.resume();
  Account account;
  account.take(lag.bench, lag.slow);
  CHECK(account.lags.front().more_ranges);
  CHECK(account.missing.size() == 256);
  CHECK(account.messages + account.skipped() == 600);
}

TEST_CASE("lag: who wants to be closed is, with 4008, whatever its other subscriptions want") {
  LagBench lag;
  lag.subscribe(1, "a", "skip");
  lag.subscribe(2, "b", "close");
  lag.slow.reads = false;
  lag.publish("a", 400);
  lag.resume();
  CHECK(lag.slow.close_code == 4008);
  CHECK(lag.counters().closed == 1);
  CHECK(lag.counters().skips == 0);
}

TEST_CASE("lag: a raw connection cannot be told, and is closed") {
  LagBench lag("/topics/a", "ringcast.v1.raw");
  lag.slow.reads = false;
  lag.publish("a", 400);
  lag.resume();
  CHECK(lag.slow.close_code == 4008);
  CHECK(lag.gone());
}

TEST_CASE("lag: what waits for too long is dropped, though it is little") {
  LagBench lag;
  lag.subscribe(1, "a", "skip");
  lag.slow.reads = false;
  const std::int64_t age = LagBench::options().config.lag_age_max_ms;
  lag.publish("a", 1);
  lag.bench.now.monotonic = lag.bench.now.monotonic + age / 2 + 2'000;
  lag.publish("a", 1);
  lag.bench.now.monotonic = lag.bench.now.monotonic + (age / 2 - 2'000);
  lag.bench.settle();
  CHECK(lag.counters().skips == 0);
  lag.bench.now.monotonic = lag.bench.shard(1).next_deadline();
  lag.bench.settle();
  CHECK(lag.counters().skips == 1);
  lag.resume();
  Account account;
  account.take(lag.bench, lag.slow);
  CHECK(account.missing["a"] == std::set<std::uint64_t>{1});
  CHECK(account.seqs["a"] == std::vector<std::uint64_t>{2});
}

TEST_CASE("lag: raw connections are closed for what waits too long") {
  LagBench lag("/topics/a", "ringcast.v1.raw");
  lag.slow.reads = false;
  lag.publish("a", 1);
  for (int seconds = 0; seconds < 23; ++seconds) {
    lag.bench.now.monotonic = lag.bench.now.monotonic + 1'000;
    lag.bench.settle();
  }
  lag.resume();
  CHECK(lag.slow.close_code == 4008);
}

TEST_CASE("lag: nobody who reads is looked at, and nothing wakes a shard for it") {
  LagBench lag;
  lag.subscribe(1, "a", "skip");
  lag.publish("a", 20);
  CHECK(lag.bench.shard(1).lag().next_look() == Instant::never());
  lag.slow.reads = false;
  lag.publish("a", 1);
  CHECK(lag.bench.shard(1).lag().next_look() != Instant::never());
  lag.resume();
  lag.bench.now.monotonic = lag.bench.now.monotonic + 1'000;
  lag.bench.settle();
  CHECK(lag.bench.shard(1).lag().next_look() == Instant::never());
}

TEST_CASE("lag: answers are not dropped with messages; too many of them alone end the connection") {
  LagBench lag;
  lag.subscribe(1, "a", "skip");
  lag.slow.reads = false;
  int asked = 0;
  for (; asked < 300; ++asked) {
    lag.bench.say(lag.slow, R"({"unsubscribe":{"id":5,"subscription":77}})");  // refused, each time
    lag.publish("a", 1);
  }
  REQUIRE(lag.counters().skips > 0);
  lag.resume();
  Account account;
  account.take(lag.bench, lag.slow);
  CHECK(account.others == 300);
  lag.slow.reads = false;
  for (asked = 0; asked < 20'000 && lag.counters().closed == 0; ++asked) {
    lag.bench.say(lag.slow, R"({"unsubscribe":{"id":5,"subscription":77}})");
  }
  CHECK(asked < 20'000);
  lag.resume();
  CHECK(lag.slow.close_code == 4008);
}

}  // namespace ringcast::broker::test
