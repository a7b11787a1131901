// Never silence: a subscriber that is cut off at random places, again and again, and goes on with what it has. All that
// it was told is held against what was published.
#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/broker/full_bench.h"

namespace ringcast::broker {

namespace {

using test::Client;
using test::FullBench;

std::string text_of(const std::string& json, std::string_view name) {
  const std::string key = "\"" + std::string(name) + "\":";
  std::size_t at = json.find(key);
  if (at == std::string::npos) return "";
  at += key.size();
  const bool quoted = json[at] == '"';
  if (quoted) ++at;
  return json.substr(at, json.find_first_of(quoted ? "\"" : ",}]", at) - at);
}

std::uint64_t number_of(const std::string& json, std::string_view name) {
  const std::string text = text_of(json, name);
  return text.empty() ? 0 : std::stoull(text);
}

bool is_kind(const std::string& json, std::string_view kind) {
  return json.starts_with("{\"" + std::string(kind) + "\":");
}

// One program that wants to hear a filter for ever, by the rules of proto/PROTOCOL.md.
class Wanderer {
 public:
  Wanderer(FullBench& bench, std::string filter, bool latest)
      : bench_(bench), filter_(std::move(filter)), latest_(latest) {}

  void connect(std::uint32_t shard) {
    client_ = &bench_.connect(shard);
    bench_.whisper(*client_, R"({"hello":{"id":1,"features":["checkpoints"]}})");
    std::string more = latest_ ? R"(,"delivery":"latest")" : "";
    if (!token_.empty()) {
      more += R"(,"start":"resume","resume_token":")" + token_ + "\"";
      if (!latest_ && !received_.empty()) more += R"(,"received":[)" + received_text() + "]";
    }
    if (token_.empty()) whole_.clear();  // nothing to go on with: what comes next may begin anywhere
    resuming_ = !token_.empty();
    hole_ = false;
    bench_.whisper(*client_, R"({"subscribe":{"id":2,"filter":")" + filter_ + "\"" + more + "}}");
  }

  // Some of what was sent has arrived; the rest is lost with the connection.
  void cut(std::mt19937_64& random) {
    std::vector<std::string> heard = bench_.take(*client_);
    heard.resize(random() % (heard.size() + 1));
    for (const std::string& json : heard) hear(json);
    bench_.lose(*client_);
    client_ = nullptr;
  }

  // All that was sent has arrived.
  void read() {
    for (const std::string& json : bench_.take(*client_)) hear(json);
  }

  [[nodiscard]] bool connected() const noexcept { return client_ != nullptr; }
  [[nodiscard]] const std::map<std::string, std::uint64_t>& told() const noexcept { return told_; }

  int recovered = 0;
  int conflated = 0;
  int gaps = 0;

 private:
  void hear(const std::string& json) {
    if (is_kind(json, "checkpoint")) {
      token_ = text_of(json, "token");
      replayed_ = false;
    } else if (is_kind(json, "snapshot_end")) {
      end_resume(text_of(json, "resumed"));
    } else if (is_kind(json, "message")) {
      hear_message(json);
    } else {
      REQUIRE_MESSAGE(!is_kind(json, "error"), json);
    }
  }

  void hear_message(const std::string& json) {
    const std::string topic = text_of(json, "topic");
    const std::uint64_t seq = number_of(json, "seq");
    const bool live = text_of(json, "mark").empty();
    REQUIRE_MESSAGE((!live || latest_ || !resuming_), "before what is older: " << json);
    std::uint64_t& last = told_[topic];
    if (!live && seq <= last) {  // the token is older than what it was sent in a replay
      REQUIRE_MESSAGE((replayed_ || latest_), "again: " << json);
      return;
    }
    REQUIRE_MESSAGE(seq > last, "after " << last << ": " << json);
    if (seq > last + 1 && whole_.contains(topic)) {
      REQUIRE_MESSAGE((resuming_ || latest_), "after " << last << ": " << json);
      if (!live) hole_ = true;
    }
    last = seq;
    whole_.insert(topic);
    replayed_ = replayed_ || !live;
    if (live && !latest_) received_[number_of(json, "origin")] = number_of(json, "position");
  }

  void end_resume(const std::string& resumed) {
    resuming_ = false;
    if (resumed == "recovered") {
      ++recovered;
      REQUIRE_MESSAGE(!hole_, "recovered, and yet there is a hole");
    } else if (resumed == "conflated") {
      ++conflated;
      REQUIRE(latest_);
    } else {
      REQUIRE(resumed == "gap");
      ++gaps;
      whole_.clear();  // something may be missing before the next message of each topic
    }
  }

  [[nodiscard]] std::string received_text() const {
    std::string text;
    for (const auto& [origin, position] : received_) {
      text += (text.empty() ? "" : ",") + (R"({"origin":)" + std::to_string(origin)) + R"(,"position":)" +
              std::to_string(position) + "}";
    }
    return text;
  }

  FullBench& bench_;
  const std::string filter_;
  const bool latest_;
  Client* client_ = nullptr;
  std::string token_;
  std::map<std::uint64_t, std::uint64_t> received_;
  std::map<std::string, std::uint64_t> told_;
  std::set<std::string> whole_;  // topics before whose next message none may be missing
  bool resuming_ = false;
  bool hole_ = false;      // in what was replayed on this connection
  bool replayed_ = false;  // something, since the token
};

struct World {
  std::uint64_t seed = 0;
  std::uint32_t history = 1;
  bool latest = false;
};

void run_world(const World& world) {
  CAPTURE(world.seed);
  CAPTURE(world.history);
  CAPTURE(world.latest);
  std::mt19937_64 random(world.seed);
  FullBench::Options options{.shards = 3};
  options.config.history = world.history;
  FullBench bench(options);
  Client& publisher = bench.connect(0);
  std::map<std::string, std::uint64_t> published;
  const auto publish = [&](const std::string& topic) {
    ++published[topic];
    bench.whisper(publisher, R"({"publish":{"topic":")" + topic + R"(","text":"x"}})");
  };
  const auto random_topic = [&] { return "a/" + std::to_string(random() % 9); };
  const char* const filters[] = {"a/#", "a/+", "a/3"};
  Wanderer wanderer(bench, filters[random() % 3], world.latest);
  for (int round = 0; round < 40; ++round) {
    for (std::size_t more = random() % 12; more > 0; --more) publish(random_topic());
    if (!wanderer.connected()) wanderer.connect(static_cast<std::uint32_t>(random() % 3));
    for (std::size_t turns = random() % 12; turns > 0; --turns) {
      (void)bench.turn();
      if (random() % 3 == 0) publish(random_topic());
    }
    bench.now.monotonic = bench.now.monotonic + static_cast<std::int64_t>(random() % 200);
    if (random() % 2 == 0) {
      wanderer.cut(random);
    } else if (random() % 2 == 0) {
      bench.settle();
      wanderer.read();
    }
  }
  if (!wanderer.connected()) wanderer.connect(0);
  bench.settle();
  for (int i = 0; i < 9; ++i) publish("a/" + std::to_string(i));
  for (int i = 0; i < 4; ++i) {
    bench.settle();
    bench.now.monotonic = bench.now.monotonic + 300;
  }
  wanderer.read();
  for (const auto& [topic, seq] : wanderer.told()) REQUIRE_MESSAGE(published.at(topic) == seq, topic);
  REQUIRE(!wanderer.told().empty());
  if (world.history >= 1'000 && !world.latest) REQUIRE(wanderer.gaps == 0);
}

}  // namespace

TEST_CASE("resume: over random cuts every message comes once and in order, or a gap is told") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    for (const std::uint32_t history : {1U, 4U, 1'000U}) run_world({.seed = seed, .history = history});
  }
}

}  // namespace ringcast::broker
