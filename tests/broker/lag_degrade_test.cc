#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/broker/lag_bench.h"

namespace ringcast::broker::test {

TEST_CASE("degrade: the newest value of each topic comes, what was merged is told, then each message comes again") {
  LagBench lag;
  lag.subscribe(1, "#", "degrade");
  for (const char* topic : {"a", "b", "c"}) lag.publish(topic, 2);
  lag.slow.reads = false;
  for (int i = 0; i < 400; ++i) {
    for (const char* topic : {"a", "b", "c"}) lag.publish(topic, 1);
  }
  CHECK(lag.counters().degrades == 1);
  lag.resume();
  Account account;
  account.take(lag.bench, lag.slow);
  CHECK(account.in_order);
  REQUIRE(account.lags.size() == 2);
  CHECK(account.lags[0].merged > 0);
  CHECK(account.lags[0].after == 6);
  CHECK_FALSE(account.lags[0].caught_up);
  CHECK(account.lags[1].caught_up);
  CHECK(account.lags[1].after == 9);  // one value of each
  for (const char* topic : {"a", "b", "c"}) {
    CHECK(account.seqs[topic] == std::vector<std::uint64_t>{1, 2, 402});
    CHECK(account.missing[topic].size() == 399);
  }
  CHECK(account.messages + account.merged() == 3 * 402);
  CHECK(account.skipped() == 0);
  lag.publish("b", 3);
  account.take(lag.bench, lag.slow);
  CHECK(account.seqs["b"] == std::vector<std::uint64_t>{1, 2, 402, 403, 404, 405});
  CHECK(account.lags.size() == 2);
  lag.slow.reads = false;  // and again
  lag.publish("b", 400);
  lag.resume();
  account.take(lag.bench, lag.slow);
  CHECK(account.seqs["b"].back() == 805);
  CHECK(account.seqs["b"].size() + account.missing["b"].size() == 805);
  CHECK(account.lags.back().caught_up);
}

TEST_CASE("degrade is what is done unless something else is asked for") {
  LagBench lag;
  lag.bench.say(lag.slow, R"({"subscribe":{"id":1,"filter":"a"}})");
  lag.slow.reads = false;
  lag.publish("a", 400);
  CHECK(lag.counters().degrades == 1);
  LagBench url("/topics/a");
  url.slow.reads = false;
  url.publish("a", 400);
  CHECK(url.counters().degrades == 1);
}

TEST_CASE("degrade: a connection one of whose subscriptions skips, skips") {
  LagBench lag;
  lag.subscribe(1, "a", "degrade");
  lag.subscribe(2, "b", "skip");
  lag.slow.reads = false;
  lag.publish("a", 400);
  CHECK(lag.counters().degrades == 0);
  CHECK(lag.counters().skips > 0);
}

TEST_CASE("degrade: events and removals are counted like values, and the newest event comes after the newest value") {
  LagBench lag;
  lag.subscribe(1, "#", "degrade");
  lag.slow.reads = false;
  for (int i = 0; i < 200; ++i) {
    lag.publish("events", 1, kText, "event");
    lag.publish("both", 1, kText);
    lag.publish("both", 3, kText, "event");
    lag.publish("gone", 1, kText);
  }
  lag.bench.say(lag.publisher, R"({"publish":{"topic":"gone","op":"remove"}})");
  lag.resume();
  Account account;
  account.take(lag.bench, lag.slow);
  CHECK(account.in_order);
  CHECK(account.seqs["events"] == std::vector<std::uint64_t>{200});
  CHECK(account.seqs["both"] == std::vector<std::uint64_t>{797, 800});
  CHECK(account.seqs["gone"] == std::vector<std::uint64_t>{201});
  CHECK(account.missing["events"].size() == 199);
  CHECK(account.missing["both"].size() == 798);
  CHECK(account.messages + account.merged() == 200 + 800 + 201);
}

TEST_CASE("degrade: a value that was dropped is owed though others are owed only an event that came after it") {
  LagBench lag;
  Client& other = lag.bench.connect(1);
  lag.bench.say(other, R"({"subscribe":{"id":1,"filter":"a"}})");
  lag.subscribe(1, "a", "degrade");
  lag.slow.reads = false;
  lag.publish("a", 1);  // the other has it
  other.reads = false;
  lag.publish("a", 400, kText, "event");  // both fall behind
  CHECK(lag.counters().degrades == 2);
  other.reads = true;
  lag.resume();
  Account account;
  account.take(lag.bench, lag.slow);
  CHECK(account.seqs["a"] == std::vector<std::uint64_t>{1, 401});
  Account of_other;
  of_other.take(lag.bench, other);
  CHECK(of_other.seqs["a"] == std::vector<std::uint64_t>{1, 401});
}

TEST_CASE("degrade: what is compressed, and what is long, is read back whole") {
  LagBench lag;
  Client& compressed = lag.bench.connect_offering("permessage-deflate", 1, "/topics/%23?last=0", "ringcast.v1.json");
  compressed.reads = false;
  lag.publish("short", 1, 10);
  for (int i = 0; i < 8; ++i) lag.publish("long", 1, 100'000);
  const std::string words = [] {
    std::string text;
    for (int i = 0; i < 1'000; ++i) text += std::to_string(i * 7919) + " ";
    return text;
  }();
  for (int i = 0; i < 150; ++i) {
    lag.bench.say(lag.publisher, R"({"publish":{"topic":"words","text":")" + words + R"("}})");
  }
  CHECK(lag.counters().degrades >= 1);
  compressed.reads = true;
  lag.bench.settle();
  Account account;
  account.take(lag.bench, compressed);
  CHECK(account.seqs["short"] == std::vector<std::uint64_t>{1});
  CHECK(account.seqs["long"].back() == 8);
  CHECK(account.seqs["words"].back() == 150);
  CHECK(account.texts["words"] == words);
  CHECK(account.texts["long"] == std::string(100'000, 'x'));
  CHECK(account.messages + account.merged() == 159);
}

TEST_CASE("degrade: more topics than fit are all owed, and come in the order of their oldest change") {
  LagBench lag;
  lag.subscribe(1, "#", "degrade");
  lag.slow.reads = false;
  for (int i = 0; i < 1'000; ++i) lag.publish("t/" + std::to_string(i), 1);
  lag.resume();
  Account account;
  account.take(lag.bench, lag.slow);
  CHECK(account.seqs.size() == 1'000);
  CHECK(account.merged() == 0);
  REQUIRE(account.lags.size() == 2);
  CHECK(account.lags.back().caught_up);
}

TEST_CASE("degrade: answers stay in their order, and what a subscription begins with is not dropped") {
  LagBench lag;
  for (int i = 0; i < 20; ++i) lag.publish("kept/" + std::to_string(i), 1);
  lag.subscribe(1, "a", "degrade");
  lag.slow.reads = false;
  lag.publish("a", 1);
  lag.bench.say(lag.slow, R"({"subscribe":{"id":2,"filter":"kept/#","start":"last_values"}})");
  lag.publish("a", 400);
  lag.bench.say(lag.slow, R"({"publish":{"id":7,"topic":"mine","text":"x"}})");
  CHECK(lag.counters().degrades == 1);
  lag.resume();
  std::vector<std::string> heard = lag.bench.take(lag.slow);
  const auto at = [&](std::string_view begins) {
    return std::ranges::find_if(heard, [&](const std::string& text) { return text.starts_with(begins); }) -
           heard.begin();
  };
  const auto values = std::ranges::count_if(heard, [](const std::string& text) { return text.contains("snapshot"); });
  CHECK(values == 21);  // and snapshot_end
  CHECK(at(R"({"subscribed")") < at(R"({"snapshot_end")"));
  CHECK(at(R"({"ack")") < std::ssize(heard));
}

TEST_CASE("degrade: who never reads holds a bounded amount, and nothing grows while it stalls") {
  LagBench lag;
  lag.subscribe(1, "#", "degrade");
  lag.slow.reads = false;
  std::uint64_t most = 0;
  for (int i = 0; i < 2'000; ++i) {
    lag.publish(i % 2 == 0 ? "a" : "b", 1);
    const Session& session = lag.bench.shard(1).sessions().at(lag.slow.slot.index);
    most = std::max<std::uint64_t>(most, SessionTable::pinned_bytes(session));
  }
  CHECK(most <= 256 * kKiB + Segment::kSizeUsual);
  CHECK(lag.counters().degrades == 1);
  const Session& session = lag.bench.shard(1).sessions().at(lag.slow.slot.index);
  CHECK(SessionTable::pinned_bytes(session) < 10'000);
  CHECK(lag.bench.shard(1).latest().owed() == 2);
}

TEST_CASE("degrade: one that unsubscribes, or goes, while it lags leaves nothing behind") {
  LagBench lag;
  lag.subscribe(1, "a", "degrade");
  lag.slow.reads = false;
  lag.publish("a", 400);
  lag.bench.say(lag.slow, R"({"unsubscribe":{"id":5,"subscription":1}})");
  lag.resume();
  Account account;
  account.take(lag.bench, lag.slow);
  CHECK(account.lags.back().caught_up);
  CHECK(lag.bench.shard(1).latest().owed() == 0);
  lag.subscribe(2, "a", "degrade");
  lag.slow.reads = false;
  lag.publish("a", 400);
  CHECK(lag.bench.shard(1).latest().owed() == 1);
  lag.bench.lose(lag.slow);
  lag.bench.settle();
  CHECK(lag.bench.shard(1).latest().owed() == 0);
  CHECK(lag.bench.shard(1).latest().idle());
}

TEST_CASE("degrade: nothing comes behind unsubscribed, though it was dropped before it") {
  LagBench lag;
  lag.subscribe(1, "a", "degrade");
  lag.subscribe(2, "b", "degrade");
  lag.slow.reads = false;
  lag.publish("a", 10);
  lag.bench.say(lag.slow, R"({"unsubscribe":{"id":5,"subscription":1}})");
  lag.publish("b", 400);
  CHECK(lag.counters().degrades == 1);
  lag.resume();
  const std::vector<std::string> heard = lag.bench.take(lag.slow);
  const auto end = std::ranges::find_if(heard, [](const auto& text) { return text.contains("unsubscribed"); });
  REQUIRE(end != heard.end());
  const auto of_a = [](const std::string& text) { return text.contains(R"("message")") && text.contains(R"("a")"); };
  CHECK(std::none_of(end, heard.end(), of_a));
  CHECK(heard.back().contains("caught_up"));
}

TEST_CASE("degrade: a change of on_lag holds from then on") {
  LagBench lag;
  lag.subscribe(1, "a", "skip");
  lag.bench.say(lag.slow, R"({"change":{"id":2,"subscription":1,"on_lag":"close"}})");
  lag.slow.reads = false;
  lag.publish("a", 400);
  lag.resume();
  CHECK(lag.slow.close_code == 4008);
}

// ---- the budget of the process ----

TEST_CASE("budget: the worst laggards give way, nobody else notices, and it is kept") {
  FullBench::Options options = LagBench::options();
  options.config.outbox_max_bytes = 4 * kMiB;
  options.memory_budget = 1 * kMiB;
  LagBench lag(options);
  lag.subscribe(1, "#", "degrade");
  std::vector<Client*> stalled;
  for (int i = 0; i < 6; ++i) {
    stalled.push_back(&lag.bench.connect(static_cast<std::uint32_t>(i % 2), "/topics/%23"));
    stalled.back()->reads = false;
  }
  lag.slow.reads = false;
  Client& healthy = lag.bench.connect(1, "/topics/%23");
  std::uint64_t most = 0;
  for (int i = 0; i < 300; ++i) {
    lag.publish("t/" + std::to_string(i % 10), 1, 10'000);
    most = std::max(most, lag.bench.memory().total());
  }
  CHECK(most <= 1 * kMiB + 4 * Segment::kSizeUsual);
  Account of_healthy;
  of_healthy.take(lag.bench, healthy);
  CHECK(of_healthy.messages == 300);
  CHECK(of_healthy.lags.empty());
  CHECK(lag.counters().over_budget > 0);
  for (Client* client : stalled) client->reads = true;
  lag.resume();
  for (Client* client : stalled) {
    Account account;
    account.take(lag.bench, *client);
    CHECK(client->close_code == 0);
    CHECK(account.messages + account.merged() == 300);
    REQUIRE(account.seqs.size() == 10);
    CHECK(account.seqs["t/9"].back() == 30);
  }
}

TEST_CASE("budget: who has just not been sent to is no laggard beside those of other shards") {
  FullBench::Options options = LagBench::options();
  options.config.outbox_max_bytes = 4 * kMiB;
  options.memory_budget = 1 * kMiB;
  LagBench lag(options);
  Client& healthy = lag.bench.connect(0, "/topics/%23");  // whose shard looks first
  Client& stalled = lag.bench.connect(1, "/topics/%23");
  stalled.reads = false;
  std::size_t heard = 0;
  for (int i = 0; i < 600; ++i) {  // never more than 20 behind
    lag.bench.now.monotonic = lag.bench.now.monotonic + 1;
    healthy.reads = i % 20 == 19;
    lag.publish("t", 1, 10'000);
    if (!healthy.reads) continue;
    Account account;
    account.take(lag.bench, healthy);
    heard += account.messages;
    CHECK(account.lags.empty());
  }
  CHECK(heard == 600);
  CHECK(lag.bench.shard(0).lag().counters().over_budget == 0);
  CHECK(lag.bench.shard(1).lag().counters().over_budget > 0);
}

TEST_CASE("budget: when it does not help that laggards degrade, they are closed, the worst first") {
  FullBench::Options options = LagBench::options();
  options.config.outbox_max_bytes = 4 * kMiB;
  options.memory_budget = 256 * kKiB;
  LagBench lag(options);
  lag.subscribe(1, "#", "degrade");
  lag.slow.reads = false;
  for (int i = 0; i < 600; ++i) lag.publish("t/" + std::to_string(i), 1, 2'000);  // newest values alone are too much
  CHECK(lag.counters().closed == 0);
  lag.bench.now.monotonic = lag.bench.now.monotonic + 99;
  lag.publish("t/0", 1, 2'000);
  CHECK(lag.counters().closed == 0);
  lag.bench.now.monotonic = lag.bench.now.monotonic + 1;
  lag.publish("t/0", 1, 2'000);
  CHECK(lag.counters().closed == 1);
  lag.resume();
  CHECK(lag.slow.close_code == 4008);
  CHECK(lag.bench.memory().total() <= 256 * kKiB);
}

}  // namespace ringcast::broker::test
