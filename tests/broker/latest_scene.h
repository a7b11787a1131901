// Scene: a broker of two shards, somebody who publishes, subscribers of newest values, and the time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/broker/full_bench.h"
#include "tests/broker/full_json.h"

namespace ringcast::broker::test {

// A request for newest values; `more` is further members, each with a comma before it.
inline std::string latest(int id, std::string_view filter, int rate_hz, std::string_view more = "") {
  return subscribe(id, filter, R"(,"delivery":"latest","max_rate_hz":)" + std::to_string(rate_hz) + std::string(more));
}

struct Scene : FullBench {
  Scene() : Scene(Options{}) {}
  explicit Scene(const Options& options) : FullBench(options) { now.monotonic = {100'000}; }

  void publish(std::string_view topic, std::string_view text, std::string_view op = "set") {
    whisper_publish(topic, text, op);
    settle();
  }
  void whisper_publish(std::string_view topic, std::string_view text, std::string_view op = "set") {
    const bool removes = op == "remove";
    whisper(publisher, R"({"publish":{"topic":")" + std::string(topic) + R"(","op":")" + std::string(op) +
                           (removes ? "\"" : R"(","text":")" + std::string(text) + "\"") + "}}");
  }
  void turns(int count) {
    for (; count > 0; --count) (void)turn();
  }
  void pass(std::int64_t ms) {
    now.monotonic = now.monotonic + ms;
    settle();
  }
  // The socket takes nothing; it does again.
  void block(Client& client) {
    client.reads = false;
    shard(client.shard).blocked(client.slot);
  }
  void unblock(Client& client) {
    client.reads = true;
    shard(client.shard).unblocked(client.slot);
    settle();
  }
  // topic=text of the messages that came since, in order.
  Texts values(Client& client) {
    Texts texts;
    for (const std::string& json : take(client)) {
      if (is_kind(json, "message")) texts.push_back(value_of(json, "topic") + "=" + value_of(json, "text"));
    }
    return texts;
  }
  [[nodiscard]] const Latest& served(std::uint32_t index = 0) { return shard(index).latest(); }
  [[nodiscard]] bool shares(const Client& client) {
    const Session& session = *shard(client.shard).sessions().find(client.slot);
    return shard(client.shard).subscriptions().shares(session.subscriptions.front().place);
  }

  Client& publisher = connect(0);
};

}  // namespace ringcast::broker::test
