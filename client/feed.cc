#include "client/feed.h"

#include <utility>

namespace ringcast::client {

Feed::State Feed::state() const noexcept {
  if (!connection_) return State::waiting;
  return connection_->state() == Stream::State::opening ? State::opening : State::open;
}

void Feed::connect(const Endpoint& endpoint, const Url& url, Random& random, std::int64_t now_ms) {
  opened_by_ms_ = now_ms + kOpenTimeoutMs;
  auto connection = Connection::start(endpoint, url, target_, {}, random);
  if (!connection) return lose(connection.error(), random, now_ms);
  connection_.emplace(std::move(*connection));
}

bool Feed::publish(std::string_view payload) {
  if (state() != State::open || connection_->gathered() > kGatherMax) return false;
  connection_->send(MessageKind::text, frame::as_bytes(payload));
  return true;
}

void Feed::turn(Random& random, std::int64_t now_ms) {
  if (!connection_) return;
  if (auto written = connection_->write(); !written) return lose(written.error(), random, now_ms);
  for (;;) {
    const auto event = connection_->read();
    if (!event) return lose(event.error(), random, now_ms);
    if (event->kind == Event::Kind::closed) {
      return lose(closed_error(event->code, frame::as_text(event->payload)), random, now_ms);
    }
    if (event->kind == Event::Kind::opened) backoff_.reset();
    if (event->kind == Event::Kind::need_more) break;
  }
}

void Feed::check_time(Random& random, std::int64_t now_ms) {
  if (state() != State::opening || now_ms < opened_by_ms_) return;
  lose({.failure = Failure::timeout, .text = "the broker took too long to answer", .remedy = {}}, random, now_ms);
}

void Feed::close() {
  if (state() != State::open) return;
  connection_->start_close(1000, {});
  static_cast<void>(connection_->write());
}

void Feed::lose(Error error, Random& random, std::int64_t now_ms) {
  connection_.reset();
  error_ = std::move(error);
  next_try_ms_ = now_ms + backoff_.next_ms(random.uniform());
}

}  // namespace ringcast::client
