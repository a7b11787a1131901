// SubscriberModel: what a client of the full protocol may be told, message by message, and what it must have been told
// at rest. It follows proto/PROTOCOL.md, "Subscriptions", and reads nothing but the ledger.
//
// For each home a subscription begins at one position that nobody knows: each message that comes, or does not come,
// says something about it, and what all of them say must agree.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "proto/event.h"
#include "tests/sim/client.h"
#include "tests/sim/ledger.h"
#include "tests/sim/truth.h"

namespace ringcast::sim {

class SubscriberModel {
 public:
  struct Ask {
    std::uint64_t id = 0;
    std::string filter;
    proto::Start start = proto::Start::now;
    std::uint32_t last_count = 0;
    bool echo = true;
  };

  // `client` is whose own messages are; `history` is how many messages a topic keeps.
  SubscriberModel(const Ledger& ledger, const Positions& positions, std::uint32_t client, std::size_t history)
      : ledger_(ledger),
        positions_(positions),
        client_(client),
        history_(history),
        last_live_(ledger.topics().size()) {}

  // What the client wrote.
  void asked(const Ask& ask);

  // What it read. Each throws Failure if that may not come.
  void refused(std::uint64_t id);
  void subscribed(const proto::Subscribed& subscribed);
  void unsubscribed(std::uint64_t id);
  void message(const proto::Message& message);
  void snapshot_end(std::uint64_t id);

  // Nothing more is under way, and the client has read all.
  void check_rest();

  [[nodiscard]] bool has(std::uint64_t id) const { return subscriptions_.contains(id); }
  [[nodiscard]] bool is_live(std::uint64_t id) const { return has(id) && subscriptions_.at(id).live; }
  [[nodiscard]] std::vector<std::uint64_t> ids() const;

 private:
  using Change = Ledger::Change;
  using Topic = Ledger::Topic;

  struct OfTopic {
    std::uint64_t live = 0;    // seq of the last live message; 0: none yet
    std::uint64_t opened = 0;  // seq of the last message that the subscription begins with
    std::uint64_t opened_first = 0;
    std::uint32_t openings = 0;
    bool kept_live = false;  // a live message that is kept has come
  };
  struct Subscription {
    Ask ask;
    bool live = false;
    bool complete = false;
    std::vector<StartRange> starts;  // by home
    std::vector<OfTopic> of_topics;
  };

  void live_message(const proto::Message& message, const Topic& topic, const Change& change);
  void follow(Subscription& subscription, const Topic& topic, const Change& change);
  void opening_message(const proto::Message& message, const Topic& topic, const Change& change);
  void snapshot(Subscription& subscription, const Topic& topic, const Change& change);
  void replay(Subscription& subscription, const Topic& topic, const Change& change);
  void end_last_values(const Subscription& subscription, const Topic& topic, const OfTopic& seen) const;
  void end_last_n(Subscription& subscription, const Topic& topic, const OfTopic& seen) const;
  void rest(Subscription& subscription, const Topic& topic);

  [[nodiscard]] bool visible(const Subscription& subscription, const Change& change) const {
    return subscription.ask.echo || change.by != client_;
  }
  [[nodiscard]] bool gone(const Topic& topic, const Change& change) const;
  [[nodiscard]] const Change* next_kept(const Topic& topic, const OfTopic& seen) const;
  [[nodiscard]] bool waits_for_others(const Subscription& subscription) const;
  [[nodiscard]] const Change* visible_before(const Subscription& subscription, const Topic& topic,
                                             std::uint64_t seq) const;
  [[nodiscard]] Subscription& live_subscription(std::uint64_t id);
  void narrow(Subscription& subscription, const Topic& topic, const StartRange& range) const;
  [[nodiscard]] std::string where(const Subscription& subscription, const Topic& topic) const;

  const Ledger& ledger_;
  const Positions& positions_;
  const std::uint32_t client_;
  const std::size_t history_;
  std::map<std::uint64_t, Subscription> subscriptions_;  // asked for, and not unsubscribed
  std::vector<std::uint64_t> last_live_;                 // by topic: seq of the connection's last live message
};

}  // namespace ringcast::sim
