// Truth: what follows from the ledger for each raw subscriber, each publisher, and each question over HTTP.
//
// The checks use nothing of the broker: they hold for any broker that keeps the delivery contract.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/http_client.h"
#include "tests/sim/kept.h"
#include "tests/sim/ledger.h"
#include "tests/sim/websocket_client.h"

namespace ringcast::sim {

// Positions of one home at which a subscription can have started: first <= P < end.
struct StartRange {
  std::uint64_t first = 0;
  std::uint64_t end = UINT64_MAX;

  // Keeps what is also in `other`; false when that is nothing.
  [[nodiscard]] bool narrow(const StartRange& other) noexcept;
};

class Truth {
 public:
  // `paces_end_ms`: from then on newest values do not wait for their pace.
  Truth(const Ledger& ledger, const Kept& kept, std::int64_t paces_end_ms)
      : ledger_(ledger), kept_(kept), paces_end_ms_(paces_end_ms) {}

  // What a subscriber got of each topic has no gap, no double, one starting point per home, and the topic's order.
  // Whole: nothing is missing at the end either.
  enum class Extent : std::uint8_t { whole, beginning };
  void check_subscriber(const WebSocketClient& client, Extent extent) const;
  // The same of one who wants newest values: none older after a newer, none faster than it wanted; whole: the last
  // ones.
  void check_latest(const WebSocketClient& client, Extent extent) const;
  // What a client published is there in its order. Whole: all of it; else it may break off.
  void check_publisher(const WebSocketClient& client, Extent extent) const;
  void check_exchange(const Exchange& exchange) const;

 private:
  using Change = Ledger::Change;
  using Topic = Ledger::Topic;
  // Messages of one topic as a client got them: indexes of changes.
  using Got = std::vector<std::size_t>;
  struct View {  // of one client at one topic
    const WebSocketClient& client;
    const Topic& topic;
    std::vector<std::size_t> visible;  // changes that it is told of
    Extent extent = Extent::whole;
  };

  struct Came {  // a message of one topic
    std::size_t change = 0;
    std::int64_t at_ms = 0;
  };
  void check_newest(const WebSocketClient& client, const Topic& topic, const std::vector<Came>& came) const;
  void check_pace(const WebSocketClient& client, const Topic& topic, const std::vector<Came>& came) const;
  [[nodiscard]] StartRange start_of(const View& view, const Got& got) const;
  [[nodiscard]] static StartRange start_with_value(const View& view, const Got& got);
  [[nodiscard]] static StartRange start_live(const View& view, const Got& got);
  [[nodiscard]] const Change* value_after(const Topic& topic, std::uint64_t position) const;

  const Ledger& ledger_;
  const Kept& kept_;
  const std::int64_t paces_end_ms_;
};

}  // namespace ringcast::sim
