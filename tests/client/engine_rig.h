// EngineRig: an Engine, a FakeBroker at the other end of each connection, and a clock that the test turns.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/engine.h"
#include "tests/client/fake_broker.h"

namespace ringcast::test {

using Strings = std::vector<std::string>;

class EngineRig {
 public:
  static constexpr std::size_t kWhole = ~std::size_t{0};

  explicit EngineRig(ClientOptions options = {}) : options_(std::move(options)) {}

  // Made at first use, so that a test can change what is below before.
  client::Engine& engine() {
    if (!engine_) {
      engine_ = std::make_unique<client::Engine>(
          client::Engine::Options{.client = options_,
                                  .host = "localhost:8080",
                                  .target = "/ws",
                                  .hooks = {.answered =
                                                [this](client::Outgoing message, const PublishResult& result) {
                                                  results.push_back({message.payload, result});
                                                  message.done(result);
                                                },
                                            .status = [this](const Status& status) { statuses.push_back(status); },
                                            .error = [this](const ClientError& error) { errors.push_back(error.text); },
                                            .gate = {.enter = [](std::uint64_t) { return true; }, .leave = [] {}}},
                                  .uniform = [this] { return uniform; }},
          random_, now_ms);
    }
    return *engine_;
  }

  // Connects to a broker and exchanges what both have to say.
  FakeBroker& connect(FakeBroker::Options options = {}) {
    begin(std::move(options));
    exchange();
    return *broker;
  }
  // The same, and nothing is exchanged yet.
  void begin(FakeBroker::Options options = {}) {
    if (!engine().wants_dial(now_ms)) now_ms = engine().next_tick_ms();
    engine().tick(now_ms);
    engine().dialing(now_ms);
    broker = std::make_unique<FakeBroker>(std::move(options));
    engine().connected();
  }

  // Moves bytes both ways in pieces of at most `piece`, until neither has anything to say.
  void exchange(std::size_t piece = kWhole) {
    for (;;) {
      const bool to = to_broker(piece);
      const bool from = from_broker(piece);
      if (!to && !from) return;
    }
  }
  bool to_broker(std::size_t piece = kWhole) {
    bool any = false;
    for (engine().gather(); !engine().output().empty(); engine().gather()) {
      const std::size_t size = std::min(piece, engine().output().size());
      broker->take(engine().output().first(size));
      engine().written(size);
      any = true;
    }
    return any;
  }
  bool from_broker(std::size_t piece = kWhole) {
    std::vector<std::uint8_t> bytes = broker->release();
    for (std::size_t at = 0; at < bytes.size();) {
      const std::size_t size = std::min(piece, bytes.size() - at);
      engine().received(std::span(bytes).subspan(at, size), now_ms);
      at += size;
    }
    return !bytes.empty();
  }

  // The connection breaks without a word.
  void cut() { engine().ended({}, now_ms); }
  void pass(std::int64_t milliseconds) {
    now_ms += milliseconds;
    engine().tick(now_ms);
  }

  void publish(std::string payload, std::string topic = "t") {
    client::Outgoing message;
    message.topic = std::move(topic);
    message.payload = std::move(payload);
    engine().publish(std::move(message));
  }

  // Subscribes; what is heard goes to `heard` as "id:topic=payload", events as "id:kind".
  void subscribe(std::uint64_t id, const std::string& filter, SubscribeOptions options = {}) {
    engine().subscribe(
        {.id = id,
         .filter = filter,
         .options = std::move(options),
         .on_message =
             [this, id](const Message& message) {
               const std::string mark = message.mark == Mark::live ? "" : message.mark == Mark::snapshot ? "s " : "r ";
               heard.push_back(std::to_string(id) + ':' + mark + std::string(message.topic) + '=' +
                               std::string(message.payload));
             },
         .on_event =
             [this, id](const SubscriptionEvent& event) {
               constexpr const char* kNames[] = {"subscribed", "snapshot_end", "gap", "refused",
                                                 "recovered",  "conflated",    "lag", "checkpoint"};
               if (event.kind == SubscriptionEvent::Kind::checkpoint && !hears_checkpoints) return;
               heard.push_back(std::to_string(id) + ':' + kNames[static_cast<int>(event.kind)]);
               events.push_back(event);
             }});
  }

  // The results so far as "payload:status", the status by its number's letter: s d t r f n u.
  [[nodiscard]] std::string summary() const {
    std::string text;
    for (const auto& [payload, result] : results) {
      text += payload + ':' + "sdtrfnu"[static_cast<int>(result.status)];
      if (result.maybe_twice) text += '2';
      if (result.epoch_changed) text += 'e';
      text += ' ';
    }
    return text;
  }

  // What the latest status says is wrong; "" when nothing is.
  [[nodiscard]] std::string error() const {
    const std::optional<ClientError>& error = statuses.back().error;
    return error ? error->text : "";
  }

  struct Answered {
    std::string payload;
    PublishResult result;
  };

  std::int64_t now_ms = 1'000'000;
  double uniform = 0;
  bool hears_checkpoints = false;
  std::unique_ptr<FakeBroker> broker;  // at the other end of the latest connection
  std::vector<Answered> results;
  std::vector<Status> statuses;
  std::vector<std::string> errors;
  std::vector<std::string> heard;
  std::vector<SubscriptionEvent> events;

 private:
  ClientOptions options_;
  client::Random random_;
  std::unique_ptr<client::Engine> engine_;
};

}  // namespace ringcast::test
