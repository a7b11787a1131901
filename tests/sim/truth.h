// Truth: what really happened to each topic, read from its home's history, and what follows from it for each client.
//
// Simulations keep every message in the history. The checks use nothing else of the broker: they hold for any broker
// that keeps the delivery contract.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/sim/http_client.h"
#include "tests/sim/runner.h"
#include "tests/sim/websocket_client.h"

namespace ringcast::sim {

class Truth {
 public:
  Truth(const std::vector<std::string>& topics, topics::HashKey key, std::vector<std::unique_ptr<Runner>>& runners);

  // Every topic's seqs are 1, 2, 3 …, and no message was published twice.
  void check_topics() const;

  // What a subscriber got of each topic has no gap, no double, one starting point per home, and the topic's order.
  // Whole: nothing is missing at the end either.
  enum class Extent : std::uint8_t { whole, beginning };
  void check_subscriber(const WebSocketClient& client, Extent extent) const;
  // What a client published is there in its order. Whole: all of it; else it may break off.
  void check_publisher(const WebSocketClient& client, Extent extent) const;
  void check_exchange(const Exchange& exchange) const;

  [[nodiscard]] std::uint64_t messages() const;  // kept by all homes

 private:
  struct Change {
    std::uint64_t seq = 0;
    std::uint64_t position = 0;
    bool removes = false;
    Key key;              // of a message that has a value
    std::string payload;  // the same
  };
  struct Topic {
    std::uint32_t origin = 0;
    std::vector<Change> changes;
  };
  // Positions at which a subscription can have started: first <= P < end.
  struct Range {
    std::uint64_t first = 0;
    std::uint64_t end = UINT64_MAX;
  };

  [[nodiscard]] Range start_of(const WebSocketClient& client, const std::string& name, const Topic& topic,
                               const std::vector<Key>& got, Extent extent) const;
  [[nodiscard]] const Change* value_after(const Topic& topic, std::size_t changes) const;

  std::map<std::string, Topic> topics_;
  std::map<Key, std::string> topic_of_;  // published messages
  bool twice_ = false;
};

}  // namespace ringcast::sim
