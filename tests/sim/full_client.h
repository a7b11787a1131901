// FullClient: a connection that speaks the full protocol in one of its two forms, asks for all that it offers, and
// judges each answer as it comes (SubscriberModel, PublisherModel).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/event.h"
#include "tests/sim/framed_client.h"
#include "tests/sim/publisher_model.h"
#include "tests/sim/subscriber_model.h"

namespace ringcast::sim {

// One who numbers what he publishes, and goes on with it by his next connection.
struct Producer {
  // Of keys: the connections' own are below.
  static constexpr std::uint32_t kFirstKey = 1'000'000;
  static constexpr std::uint32_t kIdsMax = 1'000;  // that one producer gets in his life

  std::uint32_t index = 0;
  std::string id;         // as the last welcome gave it; empty before the first
  std::uint32_t ids = 0;  // that he had
  std::uint32_t next_seq = 1;
  std::map<std::uint64_t, Outgoing> unanswered;  // by producer_seq
  std::uint32_t client = UINT32_MAX;             // the connection that he uses now
  std::uint32_t connections = 0;

  // He is given another id: nobody knows what became of what was not answered, and repeats would not be recognised.
  void begin_anew() {
    unanswered.clear();
    ++ids;
  }
  [[nodiscard]] std::uint32_t key() const noexcept { return kFirstKey + index * kIdsMax + ids; }
};

class FullClient final : public FramedClient {
 public:
  enum class Form : std::uint8_t { json, proto };
  struct Options {
    Form form = Form::json;
    std::optional<SubscriberModel::Ask> url;  // the subscription that the URL names, of id 0
    bool hello = false;
    bool cumulative_acks = false;
    bool credit = false;
    bool obeys_credit = false;
    bool pipelines = false;  // publishes again before it is welcome
    Producer* producer = nullptr;
    bool checkpoints = false;
    std::size_t subscriptions_max = 1;
  };
  // An error that depends on more than this connection: the simulation knows whether it may be.
  struct Refusal {
    proto::ErrorCode code = proto::ErrorCode::unspecified;
    std::optional<Key> key;  // what was not published
  };

  FullClient(const World& world, std::uint32_t id, int listener, const Options& options);

  void subscribe(SubscriberModel::Ask ask);
  void unsubscribe();
  void change(const SubscriberModel::Pace& pace);
  // Publishes some messages, by themselves or as a batch, of at most `size` bytes.
  void publish(const std::string& topic, std::size_t count, std::size_t size);
  // Asks for what is refused.
  void ask_badly();
  void send_wrong_kind();

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] const Options& options() const noexcept { return options_; }
  [[nodiscard]] bool talks() const noexcept { return open() && !gone() && !said_goodbye() && !fenced_; }
  [[nodiscard]] bool fenced() const noexcept { return fenced_; }
  [[nodiscard]] bool told_to_go() const noexcept { return told_to_go_; }
  // The producer that homes know it as; empty: none.
  [[nodiscard]] std::string_view producer_id() const noexcept { return taken_ ? producer_id_ : std::string_view{}; }
  // How far each home had come when it was told that it has taken its producer over; empty before.
  [[nodiscard]] const Positions& taken_over() const noexcept { return taken_over_; }
  [[nodiscard]] std::uint32_t producer_key() const noexcept { return producer_key_; }  // of what it numbers since
  [[nodiscard]] const std::vector<Refusal>& refusals() const noexcept { return refusals_; }
  [[nodiscard]] std::uint64_t heard() const noexcept { return heard_; }  // messages

  // Nothing more is under way, and it has read all: all it asked is answered, and nothing is missing.
  // `ticked`: all periods of LATEST are over too.
  void check_rest(bool ticked);
  [[nodiscard]] const SubscriberModel& subscriber() const noexcept { return subscriber_; }

 private:
  void message(const frame::Event& event) override;
  void on(const proto::Welcome& welcome);
  void on(const proto::Subscribed& subscribed);
  void on(const proto::Unsubscribed& unsubscribed);
  void on(const proto::Changed&);
  void on(const proto::Refreshed&) {}
  void on(const proto::Message& message);
  void on(const proto::Ack& ack);
  void on(const proto::Credit& credit);
  void on(const proto::SnapshotEnd& end);
  void on(const proto::Checkpoint& checkpoint);
  void on(const proto::Lag& lag);
  void on(const proto::GoAway& away);
  void on(const proto::Error& error);

  void say_hello();
  void publish_again();
  void answered(const Outgoing& message);
  [[nodiscard]] Outgoing make(const std::string& topic, std::size_t size);
  [[nodiscard]] std::string headers_of(const Outgoing& message);
  void send(const std::vector<Outgoing>& messages);
  void ask(const proto::Request& request);
  void expect_error(std::uint64_t id, proto::ErrorCode code, std::optional<std::size_t> publish_bytes = {});

  struct ExpectedError {
    std::uint64_t id = 0;
    proto::ErrorCode code = proto::ErrorCode::unspecified;
    std::optional<std::size_t> publish_bytes;  // of a publish
  };

  const Options options_;
  SubscriberModel subscriber_;
  PublisherModel publisher_;
  std::uint64_t next_id_ = 1;
  std::uint64_t hello_id_ = 0;
  std::uint64_t last_publish_id_ = 0;
  std::uint32_t next_number_ = 0;  // of own keys
  bool asked_ = false;
  bool welcome_ = false;
  bool fenced_ = false;
  bool told_to_go_ = false;
  bool taken_ = false;
  std::string given_id_;     // the producer's, in the hello
  std::string producer_id_;  // in the welcome
  Positions taken_over_;
  std::uint32_t producer_key_ = 0;
  std::vector<std::uint64_t> at_broker_;                 // subscriptions as the broker will know them
  std::map<std::uint64_t, std::uint64_t> unsubscribes_;  // request -> subscription
  std::map<std::uint64_t, std::uint64_t> changes_;       // the same
  std::vector<std::uint64_t> free_ids_;                  // of subscriptions that have ended
  std::vector<ExpectedError> expected_;
  std::vector<Refusal> refusals_;
  std::uint64_t heard_ = 0;
};

}  // namespace ringcast::sim
