// Ringcast's client for C++: publish with acknowledgements, subscribe, and come back by itself when the connection is
// lost. The one header to include; it needs nothing but the standard library (C++23).
//
//   auto client = ringcast::Client::open({.url = "http://127.0.0.1:8080"});
//   if (!client) return fail(client.error().text);
//   auto orders = client->subscribe("orders/#", {}, [](const ringcast::Message& message) { use(message); });
//   auto result = client->publish("orders/7", R"({"px":191.2})", {.format = ringcast::Format::json});
//   if (result.get().status == ringcast::PublishStatus::sequenced) ...
//
// Threads: every function may be called from any thread. A client has one thread of its own; all callbacks run there,
//   one at a time. They may call the client, must not throw, and must not wait for a future of it: nothing would be
//   received meanwhile. Only a publish that is refused before it is sent may tell its callback where it was called.
// Failures: nothing here throws but for want of memory or threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringcast/resume_point.h"

namespace ringcast {

// Why a request was refused, as proto/ringcast.proto documents them one by one.
enum class ErrorCode : std::uint8_t {
  unspecified = 0,
  malformed = 1,
  unknown_field = 2,
  bad_value = 3,
  missing_field = 4,
  unsupported = 5,
  bad_topic = 6,
  bad_filter = 7,
  forbidden = 8,
  id_in_use = 9,
  id_not_rising = 10,
  unknown_subscription = 11,
  hello_too_late = 12,
  too_many_subscriptions = 13,
  too_many_filters = 14,
  too_many_topics = 15,
  memory_full = 16,
  too_large = 17,
  draining = 18,
  too_old = 19,
  fenced = 20,
  too_many_producers = 21,
  token_refused = 22,
};

// What a message does to its topic.
enum class Op : std::uint8_t {
  set,     // it is the topic's value now
  remove,  // the topic has no value any more; no payload
  event,   // it passes by: neither last value nor history
};

enum class Format : std::uint8_t { binary, text, json };

// Views: those of a message are valid as long as it is, those of a publish are needed until the call returns.
struct Header {
  std::string_view name = {};
  std::string_view value = {};
};

// What went wrong, for a person.
struct ClientError {
  std::string text = {};
  std::string remedy = {};  // what to do about it; may be empty
};

// ---- the connection ----

// A plain WebSocket on one topic or filter instead of the full protocol: publish() and subscribe() take no other. A
// publish is `sent` when the system has taken it: there are no acks, so what is on the way when a connection breaks is
// lost, unknown. Messages carry neither topic (it is the filter), seq, time nor headers, only set and text or binary; a
// removal is not heard.
struct RawTopic {
  std::string filter = {};
  bool subscribes = true;    // else the broker sends nothing
  bool last_values = false;  // each connection begins with the last values
  bool echo = true;          // hears what it publishes itself
};

// When to try again after a lost connection: at random between the floor and a limit that doubles up to `most` ("full
// jitter"), so that thousands of clients do not come back at once.
struct Reconnect {
  std::chrono::milliseconds floor{50};
  std::chrono::milliseconds first{500};           // the first limit
  std::chrono::milliseconds most{10'000};         // the last limit
  std::chrono::milliseconds stable_after{5'000};  // a connection that held so long lets the limit begin anew
  std::uint32_t attempts_max = 0;                 // failed in a row before the client gives up; 0: never
};

// Who publishes. The broker gives a producer its id; with it and rising numbers it knows a repeat when it sees one, as
// long as it is not restarted (epoch) and the producer was not away for ten minutes.
struct Producer {
  std::string id = {};         // of an earlier client (Status::producer_id), to go on as the same; empty: a new one
  std::uint64_t next_seq = 1;  // of the next publish: above those that were used (PublishResult::producer_seq)
};

enum class State : std::uint8_t {
  connecting,  // the first time, or again
  connected,
  draining,  // still connected, but the broker is about to restart; publishes wait for the next connection
  waiting,   // for the next try
  closed,    // by close(), or given up: `error` says why
};

struct Status {
  State state = State::connecting;
  std::string epoch = {};                 // of the broker's process; a new one has no memory of the one before
  bool epoch_changed = false;             // since the connection before
  std::string producer_id = {};           // as the broker gave it
  bool producer_resumed = false;          // it knew the one that we came with: repeats are recognised
  std::chrono::milliseconds retry_in{0};  // waiting: how long
  std::optional<ClientError> error = {};  // waiting, closed: why
};

// PEM files for https:// and wss://. The broker's certificate is always checked.
struct TlsFiles {
  std::string ca = {};           // the authorities to trust; none: the system's
  std::string certificate = {};  // ours, with its chain, where the broker asks for one
  std::string key = {};
};

inline constexpr std::uint32_t kUnackedMessagesMax = 1024;  // how far back the broker recognises a repeat

struct ClientOptions {
  std::string url = "http://127.0.0.1:8080";  // http, https, ws or wss, with the broker's base path if it has one
  TlsFiles tls = {};
  std::optional<RawTopic> raw = {};  // none: the full protocol, all that is here
  // Who this is: a JSON Web Token, asked for at each connection; none or empty: anonymous.
  std::function<std::string()> token = {};
  std::string name = "c++/0.1";  // what the broker's operator sees; at most 128 bytes
  Producer producer = {};
  Reconnect reconnect = {};
  // The window: what was published and not answered yet, sent or not. publish() waits while it is full.
  std::uint32_t unacked_messages_max = 256;               // 1 to kUnackedMessagesMax
  std::size_t unacked_bytes_max = std::size_t{4} << 20;   // topics, payloads and headers; one message always fits
  std::chrono::milliseconds connect_timeout{10'000};      // from the first packet to the broker's welcome
  std::chrono::milliseconds ping_interval{20'000};        // silence after which we ask whether it is still there
  std::chrono::milliseconds pong_timeout{10'000};         // silence after that, until the connection counts as lost
  std::function<void(const Status&)> on_state = {};       // after each change
  std::function<void(const ClientError&)> on_error = {};  // what has no other place to be told
};

// ---- publishing ----

struct PublishOptions {
  Op op = Op::set;
  Format format = Format::text;   // text is checked to be UTF-8; json to be one value, by the broker
  std::string content_type = {};  // a media type
  std::vector<Header> headers = {};
  // How long publish() may wait for room in the window; none: as long as it takes. In a callback it never waits.
  std::optional<std::chrono::milliseconds> wait_max = {};
};

enum class PublishStatus : std::uint8_t {
  sequenced,  // the broker has it: seq, origin, position, time_us
  duplicate,  // the broker had it already, from before a reconnect: it was delivered then, and not again
  sent,       // raw only
  refused,    // not published: `code` and `text` say why
  full,       // not published: the window was full for as long as publish() might wait
  not_sent,   // not published: the client was closed or gave up before it was sent
  unknown,    // sent, but the client was closed or gave up before the answer, or the broker cannot tell (too_old)
};

struct PublishResult {
  PublishStatus status = PublishStatus::unknown;
  std::uint64_t seq = 0;       // of the topic; 0 for a duplicate
  std::uint32_t origin = 0;    // the shard that sequenced it
  std::uint64_t position = 0;  // among all messages of that origin
  std::uint64_t time_us = 0;   // UTC, microseconds since 1970, by the broker
  std::string epoch = {};      // in which seq and position count
  std::uint64_t producer_seq = 0;
  // It was sent before, on a connection that broke without an answer, and then again to a broker that could not know
  // the repeat: it may have been published twice. With `epoch_changed` the broker restarted in between: at most once in
  // each epoch. Without, it forgot this producer.
  bool maybe_twice = false;
  bool epoch_changed = false;
  ErrorCode code = ErrorCode::unspecified;
  std::string text = {};   // refused, unknown, not_sent: why
  std::string field = {};  // refused: the field to blame
};

using PublishCallback = std::move_only_function<void(const PublishResult&)>;

// ---- subscribing ----

enum class Start : std::uint8_t {
  now,          // with what is published from now on
  last_values,  // with the last value of each matching topic
  last_n,       // with up to last_count kept messages of each matching topic
  since_time,   // with what is kept of what was published at or after since_us
  resume,       // with what was published since resume_from: what an earlier run of the program has not heard
};

enum class Delivery : std::uint8_t {
  every = 1,   // each message
  latest = 2,  // the newest value of each topic, at the subscriber's pace
};

// What becomes of a subscription to every message when its connection falls behind. Each is told (Kind::lag).
enum class OnLag : std::uint8_t {
  degrade = 1,  // gets the newest values only until it has caught up
  skip = 2,     // the oldest messages are dropped
  close = 3,    // the connection is closed; the client comes back and goes on where it was
};

struct SubscribeOptions {
  Start start = Start::now;
  std::uint32_t last_count = 0;  // with last_n: 1 or more
  bool echo = true;              // hears what this client publishes
  Delivery delivery = Delivery::every;
  double max_rate_hz = 0;  // with latest: of each topic; 0: as fast as the connection takes it
  OnLag on_lag = OnLag::degrade;
  std::uint64_t since_us = 0;    // with since_time: UTC, microseconds since 1970
  ResumePoint resume_from = {};  // with resume
};

enum class Mark : std::uint8_t {
  live,
  snapshot,  // a last value that the subscription begins with, or goes on with after a reconnect
  replay,    // a kept message that it begins or goes on with; oldest first in each topic
};

// Valid during the callback only. Where several subscriptions match a live message, each one's callback is called. What
// a subscription's program was told before a reconnect is not told again.
struct Message {
  std::string_view topic = {};
  std::string_view payload = {};  // bytes
  Op op = Op::set;
  Format format = Format::binary;
  Mark mark = Mark::live;
  std::string_view content_type = {};
  std::span<const Header> headers = {};
  std::uint64_t seq = 0;  // of the topic: rises, by 1 where nothing was merged, skipped or forgotten
  std::uint32_t origin = 0;
  std::uint64_t position = 0;
  std::uint64_t time_us = 0;  // UTC, microseconds since 1970
  bool resumable = false;     // who was told this was told everything of its origin up to its position (ResumePoint)
};

// Messages of one topic that were not told, or only by a newer one.
struct LagRange {
  std::string topic = {};
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
};

struct SubscriptionEvent {
  enum class Kind : std::uint8_t {
    subscribed,    // from here on nothing is missed while the connection holds
    snapshot_end,  // everything that it begins, or goes on with, was told
    // The connection was lost and there is a new one, and something may be missing that nobody can tell. Where that is
    // known at once (the broker was restarted) it comes before the new `subscribed`, else before `snapshot_end`. A
    // subscription that had no resume point yet begins again as its start option says. Also, before `snapshot_end`: the
    // broker no longer had all of what last_n or since_time was to begin with.
    gap,
    refused,  // `code`, `text`: the subscription has ended
    // After a reconnect, before `snapshot_end`, instead of a gap:
    recovered,  // everything that was published in between was told
    conflated,  // the newest value of each topic that changed in between was told; some before it were not
    // The connection is too slow: `merged` or `skipped`, `ranges`; then `caught_up`. With neither it was too slow
    // already when the subscription began.
    lag,
    checkpoint,  // there is a new resume point: `token`
  };

  Kind kind = Kind::subscribed;
  std::string epoch = {};       // now
  std::string last_epoch = {};  // gap: of the connection before
  std::uint64_t last_seq = 0;   // gap: of the last message heard, where the filter is one topic; 0: none, or wildcards
  std::uint64_t last_time_us = 0;  // gap: time of the last message heard; 0: none
  ErrorCode code = ErrorCode::unspecified;
  std::string text = {};
  std::string field = {};
  std::string token = {};             // checkpoint: for ResumePoint
  std::uint64_t merged = 0;           // lag: messages that a newer one of their topic stands for
  std::uint64_t skipped = 0;          // lag: messages that nothing stands for
  bool caught_up = false;             // lag: it is over
  std::vector<LagRange> ranges = {};  // lag: which, as far as they were counted:
  bool more_ranges = false;           // there are others
};

using MessageCallback = std::move_only_function<void(const Message&)>;
using SubscriptionEventCallback = std::move_only_function<void(const SubscriptionEvent&)>;

class Client;

// A subscription ends with this object, or by unsubscribe(). Once that has returned, no callback of it runs or will run
// (on the client's own thread: none after the running one). So do not hold a lock then that the callback takes.
class Subscription {
 public:
  Subscription() noexcept = default;
  Subscription(Subscription&& other) noexcept;
  Subscription& operator=(Subscription&& other) noexcept;
  Subscription(const Subscription&) = delete;
  Subscription& operator=(const Subscription&) = delete;
  ~Subscription();

  void unsubscribe();

  // Forgets the handle: the subscription lives as long as the client.
  void detach() noexcept;

  // True until it is unsubscribed or detached, or its client is gone.
  [[nodiscard]] explicit operator bool() const noexcept { return client_ != nullptr; }

 private:
  friend class Client;

  void* client_ = nullptr;  // Client::Impl
  std::uint64_t id_ = 0;
};

// ---- the client ----

struct Counters {
  std::uint64_t published = 0;    // accepted into the window
  std::uint64_t answered = 0;     // results given, of whatever status
  std::uint64_t received = 0;     // messages from the broker
  std::uint64_t connections = 0;  // that reached the broker's welcome
  std::uint64_t resent = 0;       // publishes that were sent again after a reconnect
  std::uint64_t repeats = 0;      // messages that came again after a reconnect, and were not told again
};

class Client {
 public:
  // Checks the options and begins to connect, in the background. Fails for options that can never work.
  [[nodiscard]] static std::expected<Client, ClientError> open(ClientOptions options);

  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  // Closes without waiting for answers: close() first to flush. Not on the client's own thread.
  ~Client();

  // Publishes, waiting for room in the window. Results come in any order; publishes to a topic are sequenced in theirs.
  [[nodiscard]] std::future<PublishResult> publish(std::string_view topic, std::string_view payload,
                                                   const PublishOptions& options = {});
  void publish(std::string_view topic, std::string_view payload, const PublishOptions& options, PublishCallback done);

  // The same without ever waiting: nothing, or false, when the window is full; `done` is not called then.
  [[nodiscard]] std::optional<std::future<PublishResult>> try_publish(std::string_view topic, std::string_view payload,
                                                                      const PublishOptions& options = {});
  [[nodiscard]] bool try_publish(std::string_view topic, std::string_view payload, const PublishOptions& options,
                                 PublishCallback done);

  // Fails when the client is closed or the options can never work. The broker's answer comes as an event.
  [[nodiscard]] std::expected<Subscription, ClientError> subscribe(std::string filter, SubscribeOptions options,
                                                                   MessageCallback on_message,
                                                                   SubscriptionEventCallback on_event = {});

  // Waits until connected. False when that took too long or the client is closed.
  [[nodiscard]] bool wait_connected(std::chrono::milliseconds timeout);

  // Waits until everything published has its result. False when that took too long; from a callback: what is so now.
  [[nodiscard]] bool flush(std::chrono::milliseconds timeout);

  // Flushes, says goodbye to the broker and ends the thread. True when everything published had its result by then; the
  // rest gets `unknown` or `not_sent`. In a callback it only begins to close, and gives false.
  bool close(std::chrono::milliseconds timeout = std::chrono::milliseconds{5'000});

  [[nodiscard]] Status status() const;
  [[nodiscard]] Counters counters() const;

  class Impl;

 private:
  explicit Client(std::unique_ptr<Impl> impl) noexcept;

  std::unique_ptr<Impl> impl_;
};

}  // namespace ringcast
