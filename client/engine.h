// Engine: the client as a state machine over all its connections: bytes, commands and time in; bytes and callbacks out.
//
// Called by: Driver, which has the socket, and by tests, which have none. Thread: one. Callbacks are called from inside
// of received(), tick() and the commands; they must not call the engine.
//
//   waiting ──wants_dial()── dialing ──connected()── opening ──101── greeting ──Welcome── ready ──goodbye── leaving
//      └───────────── lost: the connection broke, was refused, or took too long ────────────┘                  │
//   stopped: closed by the user, or given up. Nothing leads out of it.  <──────────────────────────────────────┘
//
// While attached() there is a connection, or a try. When it is not any more, the driver writes what is left of output()
// if it can, and closes the socket.
// Ids on the wire: 1 is the hello's, even ones are publishes (twice the producer_seq), odd ones subscriptions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "client/backoff.h"
#include "client/error.h"
#include "client/random.h"
#include "client/ringcast.h"
#include "client/stream.h"
#include "client/subscriptions.h"
#include "client/window.h"
#include "frame/bytes.h"
#include "proto/event.h"
#include "proto/proto_form.h"

namespace ringcast::client {

class Engine {
 public:
  static constexpr std::size_t kGatherMax = std::size_t{256} * 1024;  // bytes of publishes that wait for the socket
  static constexpr std::int64_t kGoodbyeMinMs = 250;                  // for the peer's close frame to come back
  static constexpr std::int64_t kGoodbyeMaxMs = 2'000;                // the same, if the user is that patient
  static constexpr std::int64_t kGoneMs = 2'000;  // beyond the time by which a draining broker said it would close
  static constexpr std::int64_t kNever = INT64_MAX;

  struct Hooks {
    // A publish has its result; it has left the window before.
    std::move_only_function<void(Outgoing, const PublishResult&)> answered;
    std::move_only_function<void(const Status&)> status;
    std::move_only_function<void(const ClientError&)> error;
    Gate gate;
  };

  struct Options {
    ClientOptions client;
    std::string host;    // host [":" port], for the Host field
    std::string target;  // path and query
    Hooks hooks;
    std::move_only_function<double()> uniform;  // from 0 to below 1, for the jitter
  };

  // `random` is for masks and nonces, and must outlive this.
  Engine(Options options, Random& random, std::int64_t now_ms);

  // ---- commands ----
  void publish(Outgoing message);
  void subscribe(NewSubscription what);
  void unsubscribe(std::uint64_t id);
  // Stops when everything published has its result, and at `deadline_ms` at the latest.
  void close(std::int64_t deadline_ms, std::int64_t now_ms);

  // ---- the connection ----
  [[nodiscard]] bool wants_dial(std::int64_t now_ms) const noexcept;
  void dialing(std::int64_t now_ms);
  void dial_failed(const Error& error, std::int64_t now_ms) { lose(error, now_ms); }
  void connected();
  [[nodiscard]] bool attached() const noexcept { return phase_ != Phase::waiting && phase_ != Phase::stopped; }
  void received(frame::MutableBytes in, std::int64_t now_ms);
  // The byte stream has ended; `error` is what the socket said, if it failed.
  void ended(const std::optional<Error>& error, std::int64_t now_ms);
  // Encodes publishes as far as window, credit and kGatherMax let it. To be called before output().
  void gather();
  // Raw: nothing any more once the connection counts as lost, for what it holds is sent again on the next one.
  [[nodiscard]] frame::Bytes output() const noexcept {
    return !stream_ || (raw() && !attached()) ? frame::Bytes{} : stream_->output();
  }
  void written(std::size_t size);

  // ---- time ----
  // When tick() is to be called next, in milliseconds; kNever: no need.
  [[nodiscard]] std::int64_t next_tick_ms() const noexcept;
  void tick(std::int64_t now_ms);

  [[nodiscard]] bool stopped() const noexcept { return phase_ == Phase::stopped; }
  [[nodiscard]] const Status& status() const noexcept { return status_; }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  enum class Phase : std::uint8_t { waiting, dialing, opening, greeting, ready, leaving, stopped };
  enum class Next : std::uint8_t { reconnect, back_off, stop };

  [[nodiscard]] bool raw() const noexcept { return options_.client.raw.has_value(); }
  [[nodiscard]] Next after(const Error& error) const noexcept;
  void opened(frame::Bytes protocol, std::int64_t now_ms);
  void closed(std::uint16_t code, std::string_view reason, std::int64_t now_ms);
  void lose(const Error& error, std::int64_t now_ms) { lose(error, after(error), now_ms); }
  void lose(const Error& error, Next next, std::int64_t now_ms);
  void stop(std::optional<ClientError> error);
  void ready(std::int64_t now_ms);
  void finish_closing(std::int64_t now_ms);
  void set_state(State state);

  void take(frame::Bytes bytes, std::int64_t now_ms);
  void on(const proto::Welcome& welcome, std::int64_t now_ms);
  void on(const proto::Subscribed& subscribed, std::int64_t now_ms);
  void on(const proto::Unsubscribed& unsubscribed, std::int64_t now_ms);
  void on(const proto::Changed& changed, std::int64_t now_ms);
  void on(const proto::Refreshed& refreshed, std::int64_t now_ms);
  void on(const proto::Message& message, std::int64_t now_ms);
  void on(const proto::Ack& ack, std::int64_t now_ms);
  void on(const proto::Credit& credit, std::int64_t now_ms);
  void on(const proto::SnapshotEnd& end, std::int64_t now_ms);
  void on(const proto::Checkpoint& checkpoint, std::int64_t now_ms);
  void on(const proto::Lag& lag, std::int64_t now_ms);
  void on(const proto::GoAway& away, std::int64_t now_ms);
  void on(const proto::Error& error, std::int64_t now_ms);
  void take_raw(Format format, frame::Bytes payload);
  void refuse_publish(const proto::Error& error);

  void greet();
  void request(const proto::Request& request);
  void request(Subscriptions::Entry& entry);
  void begin(Subscriptions::Entry& entry);
  void tell(Subscriptions::Entry& entry, SubscriptionEvent::Kind kind);
  void tell_gap(Subscriptions::Entry& entry);
  void tell_resumed(Subscriptions::Entry& entry, proto::Resumed resumed);
  void refuse_subscription(Subscriptions::Entry& entry, const proto::Error& error);
  void confirm(Subscriptions::Entry& entry);
  [[nodiscard]] bool may_send(const Outgoing& message) const noexcept;
  void send(std::uint64_t seq, Window::Entry& entry);
  void send_raw(Window::Entry& entry);
  void answer(std::uint64_t seq, PublishResult result);

  Options options_;
  Random& random_;
  Phase phase_ = Phase::waiting;
  bool closing_ = false;   // the user wants the end
  bool draining_ = false;  // the broker does: no more publishes on this connection
  bool was_ready_ = false;
  Status status_;
  std::string last_epoch_;  // of the connection before this one
  std::optional<Stream> stream_;
  proto::ProtoForm form_;
  std::vector<std::uint8_t> scratch_;            // an encoded request
  std::vector<Header> headers_;                  // scratch: of the message that is dispatched
  std::vector<proto::OriginPosition> received_;  // scratch: of the subscription that is asked for
  Window window_;
  Subscriptions subscriptions_;
  Backoff backoff_;
  std::uint32_t failures_ = 0;  // in a row

  // Of this connection:
  proto::Limits limits_;
  proto::Credit credit_;
  bool credited_ = false;
  std::uint64_t sent_messages_ = 0;
  std::uint64_t sent_bytes_ = 0;  // of payloads, as credit counts them
  std::uint64_t awaited_ = 0;     // publishes sent and not answered
  std::uint64_t written_ = 0;     // bytes
  std::int64_t ready_ms_ = 0;
  std::int64_t heard_ms_ = 0;
  std::optional<std::int64_t> pinged_ms_;

  std::int64_t back_ms_ = 0;       // not before this, as a broker that went away has asked
  std::int64_t gone_ms_ = kNever;  // a broker that drains is given up then
  std::int64_t next_try_ms_;
  std::int64_t give_up_ms_ = kNever;  // when this try to connect, or the goodbye, has taken too long
  std::int64_t close_by_ms_ = kNever;

  Counters counters_;
};

}  // namespace ringcast::client
