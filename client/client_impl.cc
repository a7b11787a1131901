#include "client/client_impl.h"

#include <pthread.h>

#include <algorithm>
#include <cassert>
#include <csignal>
#include <utility>

#include "frame/utf8.h"
#include "proto/error_code.h"
#include "proto/headers.h"

namespace ringcast {
namespace {

// The numbers are the .proto's in both places.
static_assert(std::to_underlying(ErrorCode::too_many_producers) ==
              std::to_underlying(proto::ErrorCode::too_many_producers));
static_assert(std::to_underlying(ErrorCode::token_refused) == std::to_underlying(proto::ErrorCode::token_refused));
static_assert(std::to_underlying(ErrorCode::too_large) == std::to_underlying(proto::ErrorCode::too_large));
static_assert(std::to_underlying(Op::event) == std::to_underlying(proto::Op::event));
static_assert(std::to_underlying(Format::json) == std::to_underlying(proto::Format::json));
static_assert(std::to_underlying(Start::last_n) == std::to_underlying(proto::Start::last_n));
static_assert(std::to_underlying(Start::resume) == std::to_underlying(proto::Start::resume));
static_assert(std::to_underlying(Delivery::latest) == std::to_underlying(proto::Delivery::latest));
static_assert(std::to_underlying(OnLag::close) == std::to_underlying(proto::OnLag::close));
static_assert(std::to_underlying(Mark::replay) == std::to_underlying(proto::Mark::replay));

bool is_text(std::string_view text) {
  return frame::is_utf8(frame::as_bytes(text));
}

PublishResult refusal(ErrorCode code, std::string text, std::string field) {
  return {.status = PublishStatus::refused, .code = code, .text = std::move(text), .field = std::move(field)};
}

std::thread start(client::Driver& driver, client::Mailbox& mailbox) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);  // the user's handlers run on the user's threads
  std::thread thread([&driver, &mailbox] {
    ::pthread_setname_np(::pthread_self(), "ringcast");
    mailbox.set_own_thread();
    driver.run();
  });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return thread;
}

}  // namespace

Client::Impl::Impl(ClientOptions options, client::Place place, std::string target)
    : raw_(options.raw),
      tls_(std::move(place.tls)),
      mailbox_({.messages = options.unacked_messages_max, .bytes = options.unacked_bytes_max}),
      driver_(engine_options(std::move(options), place.url, std::move(target)), place.url, mailbox_),
      thread_(start(driver_, mailbox_)) {}

Client::Impl::~Impl() {
  assert(!mailbox_.on_own_thread());
  close(std::chrono::steady_clock::now());
  const std::lock_guard lock(handles_mutex_);
  for (auto& [id, handle] : handles_) handle->client_ = nullptr;
}

client::Engine::Options Client::Impl::engine_options(ClientOptions options, const client::Url& url,
                                                     std::string target) {
  client::Engine::Hooks hooks;
  hooks.answered = [this](client::Outgoing message, const PublishResult& result) {
    mailbox_.release(message.bytes());  // first: its callback may want to publish the next one
    if (result.status == PublishStatus::not_sent || result.status == PublishStatus::unknown) ++abandoned_;
    message.done(result);
  };
  hooks.status = [this, tell = std::move(options.on_state)](const Status& status) {
    mailbox_.set_status(status);
    if (tell) tell(status);
  };
  hooks.error = [tell = std::move(options.on_error)](const ClientError& error) {
    if (tell) tell(error);
  };
  hooks.gate = {.enter = [this](std::uint64_t id) { return mailbox_.enter(id); },
                .leave = [this] { mailbox_.leave(); }};
  return {.client = std::move(options),
          .host = url.authority,
          .target = std::move(target),
          .hooks = std::move(hooks),
          .uniform = {}};
}

std::optional<PublishResult> Client::Impl::prepare(std::string_view topic, std::string_view payload,
                                                   const PublishOptions& options, client::Outgoing& message) const {
  if (raw_) {
    if (topic != raw_->filter) {
      return refusal(ErrorCode::bad_topic, "a raw client publishes to the one topic of its options", "publish.topic");
    }
    if (options.op != Op::set || !options.content_type.empty() || !options.headers.empty()) {
      return refusal(ErrorCode::unsupported, "raw messages have only a payload", "publish");
    }
  }
  if (!is_text(topic)) return refusal(ErrorCode::bad_topic, "the topic is not UTF-8", "publish.topic");
  if (!is_text(options.content_type)) {
    return refusal(ErrorCode::bad_value, "the content type is not UTF-8", "publish.content_type");
  }
  if (options.format != Format::binary && !is_text(payload)) {
    return refusal(ErrorCode::bad_value, "the payload is not UTF-8; publish it as binary", "publish.payload");
  }
  for (const Header& header : options.headers) {
    if (!is_text(header.name) || !is_text(header.value)) {
      return refusal(ErrorCode::bad_value, "a header is not UTF-8", "publish.headers");
    }
    proto::append_header({.name = header.name, .value = header.value}, message.headers);
  }
  message.topic = topic;
  message.payload = payload;
  message.content_type = options.content_type;
  message.op = options.op;
  message.format = options.format;
  return std::nullopt;
}

std::optional<ClientError> Client::Impl::check_filter(std::string_view filter, const SubscribeOptions& options) const {
  if (filter.empty()) return ClientError{.text = "a filter cannot be empty", .remedy = "name one, such as chat/room1"};
  if (!is_text(filter)) return ClientError{.text = "a filter must be UTF-8", .remedy = {}};
  if ((options.start == Start::last_n) != (options.last_count > 0)) {
    return ClientError{.text = "last_count goes with Start::last_n, and is 1 or more", .remedy = {}};
  }
  if ((options.start == Start::since_time) != (options.since_us > 0)) {
    return ClientError{.text = "since_us goes with Start::since_time, and is above 0", .remedy = {}};
  }
  if ((options.start == Start::resume) == options.resume_from.token.empty()) {
    return ClientError{.text = "resume_from goes with Start::resume, and has a token", .remedy = {}};
  }
  if (!(options.max_rate_hz >= 0) || (options.max_rate_hz > 0 && options.delivery != Delivery::latest)) {
    return ClientError{.text = "max_rate_hz goes with Delivery::latest, and is 0 or more", .remedy = {}};
  }
  if (!raw_) return std::nullopt;
  if (filter != raw_->filter || !raw_->subscribes) {
    return ClientError{.text = "a raw client subscribes to the one filter of its options", .remedy = {}};
  }
  if (options.start != Start::now || !options.echo || options.delivery != Delivery::every) {
    return ClientError{.text = "with raw, ClientOptions::raw says how to begin", .remedy = {}};
  }
  return std::nullopt;
}

bool Client::Impl::close(std::chrono::steady_clock::time_point deadline) {
  mailbox_.post_close(deadline);
  if (mailbox_.on_own_thread()) return false;
  if (thread_.joinable()) thread_.join();
  return abandoned_ == 0;
}

void Client::Impl::hold(std::uint64_t id, Subscription* handle) {
  const std::lock_guard lock(handles_mutex_);
  handles_[id] = handle;
}

void Client::Impl::release(std::uint64_t id) {
  const std::lock_guard lock(handles_mutex_);
  handles_.erase(id);
}

}  // namespace ringcast
