// LagBench: a broker with small limits, a publisher, and a client of the full protocol that does not always read;
// Account: what a client heard, and what it was told that it did not hear.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proto/json_form.h"
#include "tests/broker/full_bench.h"

namespace ringcast::broker::test {

inline constexpr std::size_t kText = 1'000;  // bytes of the messages here

// What a subscriber heard, and was told that it did not hear.
struct Account {
  struct Lag {
    std::uint64_t merged = 0;
    std::uint64_t skipped = 0;
    bool caught_up = false;
    bool more_ranges = false;
    std::size_t after = 0;  // messages before it
  };
  std::map<std::string, std::vector<std::uint64_t>> seqs;
  std::map<std::string, std::set<std::uint64_t>> missing;  // that ranges name
  std::map<std::string, std::string> texts;                // the newest, by topic
  std::vector<Lag> lags;
  std::size_t messages = 0;
  std::size_t others = 0;
  bool in_order = true;

  void take(FullBench& bench, Client& client) {
    proto::JsonForm form;
    for (const std::string& text : bench.take(client)) {
      const auto event = form.read_event({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
      REQUIRE_MESSAGE(event.has_value(), text);
      if (const auto* message = std::get_if<proto::Message>(&*event)) {
        take(*message);
      } else if (const auto* lag = std::get_if<proto::Lag>(&*event)) {
        take(*lag);
      } else {
        ++others;
      }
    }
  }
  [[nodiscard]] std::uint64_t merged() const {
    std::uint64_t sum = 0;
    for (const Lag& lag : lags) sum += lag.merged;
    return sum;
  }
  [[nodiscard]] std::uint64_t skipped() const {
    std::uint64_t sum = 0;
    for (const Lag& lag : lags) sum += lag.skipped;
    return sum;
  }

 private:
  void take(const proto::Message& message) {
    std::vector<std::uint64_t>& of = seqs[std::string(message.topic)];
    in_order = in_order && (of.empty() || of.back() < message.seq);
    of.push_back(message.seq);
    texts[std::string(message.topic)] = std::string(message.payload.begin(), message.payload.end());
    ++messages;
  }
  void take(const proto::Lag& lag) {
    lags.push_back({.merged = lag.merged,
                    .skipped = lag.skipped,
                    .caught_up = lag.caught_up,
                    .more_ranges = lag.more_ranges,
                    .after = messages});
    for (const proto::LagRange& range : lag.ranges) {
      for (std::uint64_t seq = range.first_seq; seq <= range.last_seq; ++seq) {
        const bool added = missing[std::string(range.topic)].insert(seq).second;
        CHECK_MESSAGE(added, range.topic);
      }
    }
  }
};

// A broker with small limits, a publisher and somebody who does not read.
struct LagBench {
  FullBench bench;
  Client& publisher;
  Client& slow;

  explicit LagBench(std::string_view target = "/ws", std::string_view protocol = "ringcast.v1.json")
      : LagBench(options(), target, protocol) {}
  explicit LagBench(const FullBench::Options& options, std::string_view target = "/ws",
                    std::string_view protocol = "ringcast.v1.json")
      : bench(options), publisher(bench.connect(0)), slow(bench.connect(1, target, protocol)) {}

  static FullBench::Options options() {
    FullBench::Options options;
    options.config.outbox_max_bytes = 256 * kKiB;
    options.config.max_message_bytes = 128 * kKiB;
    options.config.lag_age_max_ms = 20'000;  // before a missing pong tells
    return options;
  }
  void subscribe(int id, std::string_view filter, std::string_view on_lag) {
    bench.say(slow, R"({"subscribe":{"id":)" + std::to_string(id) + R"(,"filter":")" + std::string(filter) +
                        R"(","on_lag":")" + std::string(on_lag) + R"("}})");
    (void)bench.take(slow);
  }
  void publish(std::string_view topic, int count, std::size_t size = kText, std::string_view op = "set") {
    for (int i = 0; i < count; ++i) {
      bench.whisper(publisher, R"({"publish":{"topic":")" + std::string(topic) + R"(","op":")" + std::string(op) +
                                   R"(","text":")" + std::string(size, 'x') + R"("}})");
      if (i % 16 == 15) bench.settle();
    }
    bench.settle();
  }
  void resume() {
    slow.reads = true;
    bench.settle();
  }
  [[nodiscard]] const broker::Lag::Counters& counters() { return bench.shard(1).lag().counters(); }
  [[nodiscard]] bool gone() { return bench.shard(1).sessions().find(slow.slot) == nullptr; }
};

}  // namespace ringcast::broker::test
