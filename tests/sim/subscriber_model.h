// SubscriberModel: what a client of the full protocol may be told, message by message, and what it must have been told
// at rest. It follows proto/PROTOCOL.md, "Subscriptions", and reads nothing but the ledger.
//
// For each home a subscription begins at one position that nobody knows: each message that comes, or does not come,
// says something about it, and what all of them say must agree.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/instant.h"
#include "proto/event.h"
#include "tests/sim/client.h"
#include "tests/sim/kept.h"
#include "tests/sim/lag_model.h"
#include "tests/sim/ledger.h"
#include "tests/sim/truth.h"

namespace ringcast::sim {

class SubscriberModel {
 public:
  // What may be changed of a live subscription.
  struct Pace {
    proto::Delivery delivery = proto::Delivery::unspecified;
    double rate_hz = 0;
    proto::OnLag on_lag = proto::OnLag::unspecified;

    [[nodiscard]] bool is_latest() const noexcept { return delivery == proto::Delivery::latest; }
    // 0: as fast as the socket.
    [[nodiscard]] std::int64_t period_ms() const noexcept;
  };
  // From where a subscription resumes: what its token says.
  struct Since {
    std::string token;
    std::uint64_t epoch = 0;
    Positions positions;  // by origin
    std::string filter;
    std::optional<Positions> received;  // what is told in `received`, by origin; 0: nothing
  };
  struct Ask {
    std::uint64_t id = 0;
    std::string filter;
    proto::Start start = proto::Start::now;
    std::uint32_t last_count = 0;
    bool echo = true;
    Pace pace;
    std::uint64_t since_us = 0;
    std::optional<Since> since;

    // Kept messages come one by one, and live ones wait behind them.
    [[nodiscard]] bool replays() const noexcept {
      return start == proto::Start::last_n || (is_since() && !pace.is_latest());
    }
    [[nodiscard]] bool is_since() const noexcept {
      return start == proto::Start::since_time || start == proto::Start::resume;
    }
  };
  struct World {
    const Ledger& ledger;
    const Positions& positions;
    const Now& now;
    const Kept& kept;
    const std::int64_t& paces_end_ms;  // from then on LATEST does not wait for its pace
    std::uint64_t epoch = 0;
    std::uint64_t began_us = 0;  // when the broker started
    bool may_lag = false;        // it may be degraded before it is told so
  };

  [[nodiscard]] static World world_of(const Client::World& world) noexcept;

  // `client` is whose own messages are.
  SubscriberModel(const World& world, std::uint32_t client)
      : world_(world),
        ledger_(world.ledger),
        client_(client),
        lag_(world.ledger, client),
        of_topics_(ledger_.topics().size()) {}

  // What the client wrote.
  void asked(const Ask& ask);
  void change_asked(std::uint64_t id, const Pace& pace);

  // What it read. Each throws Failure if that may not come.
  void refused(std::uint64_t id);
  void subscribed(const proto::Subscribed& subscribed);
  void unsubscribed(std::uint64_t id);
  void changed(std::uint64_t id);
  void change_refused(std::uint64_t id);
  void message(const proto::Message& message);
  void snapshot_end(const proto::SnapshotEnd& end);
  void lag(const proto::Lag& lag) { lag_.lag(lag); }
  void checkpoint(const proto::Checkpoint& checkpoint);
  // From where its subscriptions could be resumed now, with what came since the last checkpoint.
  [[nodiscard]] std::vector<Since> resumable() const;
  // Subscriptions that were told this outcome.
  [[nodiscard]] std::uint64_t resumed(proto::Resumed outcome) const { return resumed_[std::to_underlying(outcome)]; }

  // Nothing more is under way, and the client has read all. `ticked`: all periods are over too.
  void check_rest(bool ticked);

  [[nodiscard]] bool has(std::uint64_t id) const { return subscriptions_.contains(id); }
  [[nodiscard]] bool is_live(std::uint64_t id) const { return has(id) && subscriptions_.at(id).live; }
  [[nodiscard]] std::vector<std::uint64_t> ids() const;
  [[nodiscard]] bool waits_for_ticks() const;
  [[nodiscard]] const LagModel& lags() const noexcept { return lag_; }
  // That somebody on this connection ever wanted to be closed when he falls behind.
  [[nodiscard]] bool may_close() const noexcept { return ever_close_; }

 private:
  using Change = Ledger::Change;
  using Topic = Ledger::Topic;

  struct OfTopic {
    std::uint64_t live = 0;        // seq of the last live message; 0: none yet
    std::uint64_t live_value = 0;  // the same, of those that are kept
    std::uint64_t opened = 0;      // seq of the last message that the subscription begins with
    std::uint64_t opened_first = 0;
    std::uint32_t openings = 0;
    bool kept_live = false;  // a live message that is kept has come
    bool overtaken = false;  // what it begins with lacks something in its middle
  };
  struct Subscription {
    Ask ask;
    bool replays = false;  // by what was asked for at first, whatever has been changed since
    bool live = false;
    bool complete = false;
    proto::Resumed resumed = proto::Resumed::unspecified;  // what it was told
    std::optional<Since> since;                            // what it could resume from, by the last checkpoint
    std::vector<Pace> asked_paces;                         // not answered yet, in their order
    std::vector<StartRange> starts;                        // by home
    Positions merged_until;  // by home: up to there messages may be merged, as it was LATEST
    std::vector<OfTopic> of_topics;

    // Messages may be left out for newer ones.
    [[nodiscard]] bool may_merge() const;
  };
  // One of LATEST that has ended: what it was owed then may still come, if another subscription matches.
  struct Ended {
    std::string filter;
    Positions until;  // by home
  };
  // Of the connection.
  struct Sent {
    std::int64_t sequenced_ms = 0;
    std::int64_t came_ms = 0;
  };
  struct OfConnection {
    std::uint64_t last_live = 0;  // seq
    std::int64_t period_ms = -1;  // at which the topic comes; 0: no limit, -1: nothing known
    std::vector<Sent> sent;       // since that is so
  };

  void check_checkpoint(const Subscription& subscription, const Topic& topic, const Positions& positions) const;
  void live_message(const proto::Message& message, const Topic& topic, const Change& change);
  // `owed_before`: to a subscription that has ended.
  void follow(Subscription& subscription, const Topic& topic, const Change& change, bool owed_before);
  void check_fair(const Topic& topic, const Change& change) const;
  void check_rate(const Topic& topic, const Change& change);
  [[nodiscard]] std::int64_t period_of(const Topic& topic) const;
  [[nodiscard]] const Change* first_owed(const Subscription& subscription, const Topic& topic, bool& hidden) const;
  void opening_message(const proto::Message& message, const Topic& topic, const Change& change);
  void snapshot(Subscription& subscription, const Topic& topic, const Change& change);
  void replay(Subscription& subscription, const Topic& topic, const Change& change);
  void end_last_values(const Subscription& subscription, const Topic& topic, const OfTopic& seen) const;
  void end_last_n(Subscription& subscription, const Topic& topic, const OfTopic& seen) const;
  [[nodiscard]] bool may_be_overtaken(const Subscription& subscription, const Topic& topic) const;
  void end_since(Subscription& subscription, proto::Resumed resumed);
  [[nodiscard]] bool may_be_gap(const Subscription& subscription) const;
  [[nodiscard]] bool may_be_gap(const Subscription& subscription, const Topic& topic) const;
  [[nodiscard]] std::uint64_t position_of(const Subscription& subscription, std::uint32_t origin) const;
  void end_replay_since(Subscription& subscription, const Topic& topic, proto::Resumed resumed) const;
  void end_values_since(Subscription& subscription, const Topic& topic, proto::Resumed resumed) const;
  void rest_values_since(Subscription& subscription, const Topic& topic) const;
  void check_too_careful(const Subscription& subscription) const;
  void rest(Subscription& subscription, const Topic& topic, bool ticked);
  void rest_latest(Subscription& subscription, const Topic& topic) const;

  [[nodiscard]] bool visible(const Subscription& subscription, const Change& change) const {
    return !change.hole && (subscription.ask.echo || change.by != client_);
  }
  // That it must come when the subscription resumes, if it is kept.
  [[nodiscard]] bool is_since(const Subscription& subscription, const Topic& topic, const Change& change) const;
  [[nodiscard]] const Change* next_kept(const Subscription& subscription, const Topic& topic,
                                        const OfTopic& seen) const;
  [[nodiscard]] bool waits_for_tick(const Subscription& subscription, const Topic& topic) const;
  [[nodiscard]] bool waits_for_others(const Subscription& subscription) const;
  [[nodiscard]] bool others_may_merge(const Subscription& subscription, const Topic& topic) const;
  [[nodiscard]] bool was_owed(const Topic& topic, std::uint64_t last_live) const;
  [[nodiscard]] bool may_lack(const Subscription& subscription, const Topic& topic, const Change& change) const;
  [[nodiscard]] const Change* visible_before(const Subscription& subscription, const Topic& topic,
                                             std::uint64_t seq) const;
  [[nodiscard]] Subscription& live_subscription(std::uint64_t id);
  void lacks(Subscription& subscription, const Topic& topic, std::uint64_t end_seq, const OfTopic& seen,
             const std::string& what);
  void narrow(Subscription& subscription, const Topic& topic, const StartRange& range) const;
  void note_pace(const Pace& pace);
  [[nodiscard]] std::string where(const Subscription& subscription, const Topic& topic) const;

  const World world_;
  const Ledger& ledger_;
  const std::uint32_t client_;
  std::map<std::uint64_t, Subscription> subscriptions_;  // asked for, and not unsubscribed
  std::vector<Ended> ended_;
  LagModel lag_;
  std::vector<OfConnection> of_topics_;
  std::array<std::uint64_t, 4> resumed_{};
  bool ever_close_ = false;    // somebody wanted to be closed when he falls behind
  bool simple_ = true;         // only EVERY, nothing unsubscribed or changed: what is missing can be counted
  bool simple_latest_ = true;  // nothing was unsubscribed or changed
};

}  // namespace ringcast::sim
