// The connection's life: dialing, opening, losing, coming back, closing. What is said on it is in
// engine_protocol.cc and engine_subscribing.cc.
#include "client/engine.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <string_view>
#include <utility>

#include "client/connection.h"
#include "frame/close.h"
#include "proto/close_code.h"

namespace ringcast::client {
namespace {

constexpr std::string_view kFullProtocol = "ringcast.v1.proto";
constexpr std::string_view kRawProtocol = "ringcast.v1.raw";

Backoff::Limits limits_of(const Reconnect& reconnect) {
  return {.floor_ms = reconnect.floor.count(), .first_ms = reconnect.first.count(), .most_ms = reconnect.most.count()};
}

ClientError to_public(const Error& error) {
  return {.text = error.text, .remedy = error.remedy};
}

}  // namespace

Engine::Engine(Options options, Random& random, std::int64_t now_ms)
    : options_(std::move(options)),
      random_(random),
      window_(options_.client.producer.next_seq),
      subscriptions_(std::move(options_.hooks.gate)),
      backoff_(limits_of(options_.client.reconnect)),
      next_try_ms_(now_ms) {
  status_.producer_id = options_.client.producer.id;
}

bool Engine::wants_dial(std::int64_t now_ms) const noexcept {
  return phase_ == Phase::waiting && now_ms >= next_try_ms_;
}

void Engine::dialing(std::int64_t now_ms) {
  assert(phase_ == Phase::waiting);
  phase_ = Phase::dialing;
  give_up_ms_ = now_ms + options_.client.connect_timeout.count();
  heard_ms_ = now_ms;
  stream_.reset();
  status_.error.reset();
  status_.retry_in = {};
  set_state(State::connecting);
}

void Engine::connected() {
  assert(phase_ == Phase::dialing);
  phase_ = Phase::opening;
  written_ = 0;
  stream_.emplace(Stream::Options{.host = options_.host,
                                  .target = options_.target,
                                  .protocols = {std::string(raw() ? kRawProtocol : kFullProtocol)},
                                  .token = options_.client.token ? options_.client.token() : std::string()},
                  random_);
}

void Engine::received(frame::MutableBytes in, std::int64_t now_ms) {
  heard_ms_ = now_ms;
  pinged_ms_.reset();
  while (attached()) {
    const auto step = stream_->next(in);
    if (!step) return lose(step.error(), now_ms);
    in = in.subspan(step->consumed);
    const Event& event = step->event;
    switch (event.kind) {
      case Event::Kind::need_more:
        return;
      case Event::Kind::opened:
        opened(event.payload, now_ms);
        break;
      case Event::Kind::text:
      case Event::Kind::binary:
        if (raw()) take_raw(event.kind == Event::Kind::text ? Format::text : Format::binary, event.payload);
        if (!raw() && event.kind == Event::Kind::binary) take(event.payload, now_ms);
        break;
      case Event::Kind::closed:
        return closed(event.code, frame::as_text(event.payload), now_ms);
    }
  }
}

void Engine::opened(frame::Bytes protocol, std::int64_t now_ms) {
  if (raw()) return ready(now_ms);
  if (frame::as_text(protocol) != kFullProtocol) {
    return lose({.failure = Failure::usage,
                 .text = "the server does not speak " + std::string(kFullProtocol),
                 .remedy = "is it a Ringcast broker, and its base path right?"},
                now_ms);
  }
  phase_ = Phase::greeting;
  greet();
}

void Engine::ended(const std::optional<Error>& error, std::int64_t now_ms) {
  if (!attached()) return;
  if (phase_ == Phase::leaving) return finish_closing(now_ms);
  lose(error || !stream_
           ? error.value_or(Error{.failure = Failure::closed, .text = "the connection ended", .remedy = {}})
           : stream_->ended(),
       now_ms);
}

// The peer's close frame: its code says what to do next (proto/close_code.h).
void Engine::closed(std::uint16_t code, std::string_view reason, std::int64_t now_ms) {
  if (phase_ == Phase::leaving) return finish_closing(now_ms);
  Next next = Next::back_off;  // a code that we do not know
  if (code == frame::kNoStatus) next = Next::reconnect;
  if (const proto::CloseCodeEntry* entry = proto::find_close_code(code)) {
    switch (entry->remedy) {
      case proto::Remedy::reconnect:
        next = Next::reconnect;
        break;
      case proto::Remedy::back_off:
        next = Next::back_off;
        break;
      case proto::Remedy::nothing:
      case proto::Remedy::new_token:  // there is nowhere to get one from
      case proto::Remedy::give_up:
        next = Next::stop;
        break;
    }
  }
  lose(closed_error(code, reason), next, now_ms);
}

// What the broker refuses at the first try it will refuse always: the URL is wrong. Later it is a proxy's bad moment.
Engine::Next Engine::after(const Error& error) const noexcept {
  if (error.failure == Failure::usage) return was_ready_ ? Next::back_off : Next::stop;
  return error.failure == Failure::refused ? Next::back_off : Next::reconnect;
}

void Engine::lose(const Error& error, Next next, std::int64_t now_ms) {
  assert(attached());
  const bool held = phase_ == Phase::ready && now_ms - ready_ms_ >= options_.client.reconnect.stable_after.count();
  if (held) backoff_.reset();
  if (phase_ != Phase::ready) ++failures_;
  phase_ = Phase::waiting;
  draining_ = false;
  gone_ms_ = kNever;
  window_.lose(raw() ? Window::Certainty::certain : Window::Certainty::doubtful);
  subscriptions_.lose();
  const std::uint32_t attempts_max = options_.client.reconnect.attempts_max;
  if (next == Next::stop || (attempts_max > 0 && failures_ >= attempts_max)) return stop(to_public(error));
  if (closing_ && window_.empty()) return stop({});
  if (next == Next::back_off) backoff_.grow();
  const std::int64_t delay_ms = std::max(backoff_.next_ms(options_.uniform()), back_ms_ - now_ms);
  next_try_ms_ = now_ms + delay_ms;
  status_.retry_in = std::chrono::milliseconds(delay_ms);
  status_.error = to_public(error);
  set_state(State::waiting);
}

void Engine::stop(std::optional<ClientError> error) {
  phase_ = Phase::stopped;
  status_.error = std::move(error);
  status_.retry_in = {};
  const std::string why = status_.error ? status_.error->text : "the client was closed";
  window_.lose(raw() ? Window::Certainty::certain : Window::Certainty::doubtful);
  while (!window_.empty()) {
    const std::uint64_t seq = window_.first_seq();
    const bool in_doubt = window_.find(seq)->in_doubt;
    answer(seq, {.status = in_doubt ? PublishStatus::unknown : PublishStatus::not_sent, .text = why});
  }
  set_state(State::closed);
}

void Engine::close(std::int64_t deadline_ms, std::int64_t now_ms) {
  if (stopped()) return;
  closing_ = true;
  close_by_ms_ = std::min(close_by_ms_, deadline_ms);
  tick(now_ms);
}

// Everything has its result, or the time is over: the broker is told that we go, and shortly waited for.
void Engine::finish_closing(std::int64_t now_ms) {
  const bool can_say = phase_ == Phase::ready && stream_->state() == Stream::State::open;
  if (!can_say) return stop({});
  stream_->close(1000, {});
  phase_ = Phase::leaving;
  give_up_ms_ = std::clamp(close_by_ms_, now_ms + kGoodbyeMinMs, now_ms + kGoodbyeMaxMs);
}

void Engine::written(std::size_t size) {
  assert(stream_);
  stream_->written(size);
  written_ += size;
  if (!raw()) return;
  while (!window_.empty()) {
    const Window::Entry* const entry = window_.find(window_.first_seq());
    if (entry->state != Window::Entry::State::sent || entry->sent_end > written_) return;
    answer(window_.first_seq(), {.status = PublishStatus::sent});
  }
}

std::int64_t Engine::next_tick_ms() const noexcept {
  std::int64_t at = close_by_ms_;
  switch (phase_) {
    case Phase::waiting:
      at = std::min(at, next_try_ms_);
      break;
    case Phase::dialing:
    case Phase::opening:
    case Phase::greeting:
      at = std::min(at, give_up_ms_);
      break;
    case Phase::leaving:
      return give_up_ms_;
    case Phase::ready:
      at = std::min(at, pinged_ms_ ? *pinged_ms_ + options_.client.pong_timeout.count()
                                   : heard_ms_ + options_.client.ping_interval.count());
      if (draining_) at = std::min(at, gone_ms_);
      break;
    case Phase::stopped:
      return kNever;
  }
  return at;
}

void Engine::tick(std::int64_t now_ms) {
  if (phase_ == Phase::leaving && now_ms >= give_up_ms_) return stop({});
  if (phase_ == Phase::leaving || stopped()) return;
  if (closing_ && (window_.empty() || now_ms >= close_by_ms_)) return finish_closing(now_ms);
  const bool opening = phase_ == Phase::dialing || phase_ == Phase::opening || phase_ == Phase::greeting;
  if (opening && now_ms >= give_up_ms_) {
    return lose({.failure = Failure::timeout,
                 .text = "the broker took too long to answer",
                 .remedy = "is it overloaded, or the network slow?"},
                now_ms);
  }
  if (phase_ != Phase::ready) return;
  if (draining_ && now_ms >= gone_ms_) {
    return lose({.failure = Failure::timeout, .text = "the broker restarts, and has not closed", .remedy = {}}, now_ms);
  }
  if (!pinged_ms_ && now_ms - heard_ms_ >= options_.client.ping_interval.count()) {
    stream_->ping();
    pinged_ms_ = now_ms;
  } else if (pinged_ms_ && now_ms - *pinged_ms_ >= options_.client.pong_timeout.count()) {
    lose({.failure = Failure::timeout, .text = "the broker has fallen silent", .remedy = {}}, now_ms);
  }
}

void Engine::set_state(State state) {
  status_.state = state;
  options_.hooks.status(status_);
}

}  // namespace ringcast::client
