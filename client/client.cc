// The functions of ringcast.h.
#include <algorithm>
#include <utility>

#include "client/client_impl.h"
#include "client/url.h"

namespace ringcast {
namespace {

using client::Completion;
using client::Mailbox;
using client::Outgoing;
using Clock = std::chrono::steady_clock;

ClientError to_public(const client::Error& error) {
  return {.text = error.text, .remedy = error.remedy};
}

// What can never work, in the order in which one reads the options.
std::optional<ClientError> check(const ClientOptions& options) {
  const auto wrong = [](std::string text) { return ClientError{.text = std::move(text), .remedy = {}}; };
  if (options.name.size() > 128) return wrong("name is longer than 128 bytes");
  if (options.producer.next_seq == 0) return wrong("producer.next_seq begins with 1");
  if (options.unacked_messages_max == 0 || options.unacked_messages_max > kUnackedMessagesMax) {
    return wrong("unacked_messages_max must be from 1 to " + std::to_string(kUnackedMessagesMax));
  }
  if (options.unacked_bytes_max == 0) return wrong("unacked_bytes_max must be above 0");
  const Reconnect& reconnect = options.reconnect;
  if (reconnect.floor.count() < 1) return wrong("reconnect.floor must be above 0: a client never comes back at once");
  if (reconnect.first < reconnect.floor || reconnect.most < reconnect.first) {
    return wrong("reconnect must have floor <= first <= most");
  }
  if (options.connect_timeout.count() < 1 || options.ping_interval.count() < 1 || options.pong_timeout.count() < 1) {
    return wrong("connect_timeout, ping_interval and pong_timeout must be above 0");
  }
  return std::nullopt;
}

// Path and query of the connection.
std::expected<std::string, client::Error> target_of(const client::Url& url, const ClientOptions& options) {
  if (!options.raw) return url.base_path + "/ws";
  std::string query;
  const auto add = [&query](std::string_view parameter) { (query += query.empty() ? "" : "&") += parameter; };
  if (!options.raw->subscribes) add("mode=pub");
  if (options.raw->last_values) add("last=1");
  if (!options.raw->echo) add("echo=0");
  return client::topic_target(url, options.raw->filter, query);
}

Clock::time_point after(std::chrono::milliseconds timeout) {
  const auto far = std::chrono::hours{24 * 365};  // a time point has an end
  return Clock::now() + std::min<std::chrono::milliseconds>(timeout, far);
}

Mailbox::Wait wait_of(const PublishOptions& options) {
  if (!options.wait_max) return {};
  return {.until = after(*options.wait_max)};
}

constexpr Mailbox::Wait kNoWait{.until = Clock::time_point{}};  // long ago

// Why a closed client takes nothing: what ended it, where that was not its own program.
ClientError why_closed(Client::Impl& impl) {
  return impl.mailbox().status().error.value_or(ClientError{.text = "the client is closed", .remedy = {}});
}

PublishResult not_taken(Client::Impl& impl, Mailbox::Admission admission) {
  if (admission == Mailbox::Admission::full) return {.status = PublishStatus::full, .text = "the window is full"};
  return {.status = PublishStatus::not_sent, .text = why_closed(impl).text};
}

enum class IfFull : std::uint8_t { wait, give_up };

// Hands a publish to the client's thread, or tells `done` at once why not. False, and nothing is told, when the window
// is full and that is no reason to wait.
bool post(Client::Impl& impl, std::string_view topic, std::string_view payload, const PublishOptions& options,
          Completion done, IfFull if_full) {
  Outgoing message;
  message.done = std::move(done);
  auto refusal = impl.prepare(topic, payload, options, message);
  if (!refusal) {
    const bool waits = if_full == IfFull::wait;
    const auto admission = impl.mailbox().post_publish(message, waits ? wait_of(options) : kNoWait);
    if (admission == Mailbox::Admission::taken) return true;
    if (admission == Mailbox::Admission::full && !waits) return false;
    refusal = not_taken(impl, admission);
  }
  message.done(*refusal);
  return true;
}

}  // namespace

// ---- Subscription ----

Subscription::Subscription(Subscription&& other) noexcept
    : client_(std::exchange(other.client_, nullptr)), id_(other.id_) {
  if (client_ != nullptr) static_cast<Client::Impl*>(client_)->hold(id_, this);
}

Subscription& Subscription::operator=(Subscription&& other) noexcept {
  if (this == &other) return *this;
  unsubscribe();
  client_ = std::exchange(other.client_, nullptr);
  id_ = other.id_;
  if (client_ != nullptr) static_cast<Client::Impl*>(client_)->hold(id_, this);
  return *this;
}

Subscription::~Subscription() {
  unsubscribe();
}

void Subscription::unsubscribe() {
  auto* const impl = static_cast<Client::Impl*>(std::exchange(client_, nullptr));
  if (impl == nullptr) return;
  impl->release(id_);
  impl->mailbox().end_subscription(id_);
}

void Subscription::detach() noexcept {
  auto* const impl = static_cast<Client::Impl*>(std::exchange(client_, nullptr));
  if (impl != nullptr) impl->release(id_);
}

// ---- Client ----

std::expected<Client, ClientError> Client::open(ClientOptions options) {
  if (auto wrong = check(options)) return std::unexpected(*std::move(wrong));
  auto place = client::open_place(
      options.url, {.ca = options.tls.ca, .certificate = options.tls.certificate, .key = options.tls.key});
  if (!place) return std::unexpected(to_public(place.error()));
  auto target = target_of(place->url, options);
  if (!target) return std::unexpected(to_public(target.error()));
  return Client(std::make_unique<Impl>(std::move(options), *std::move(place), *std::move(target)));
}

Client::Client(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
Client::Client(Client&& other) noexcept = default;
Client& Client::operator=(Client&& other) noexcept = default;
Client::~Client() = default;

std::future<PublishResult> Client::publish(std::string_view topic, std::string_view payload,
                                           const PublishOptions& options) {
  std::promise<PublishResult> promise;
  auto result = promise.get_future();
  (void)post(*impl_, topic, payload, options, Completion(std::move(promise)), IfFull::wait);
  return result;
}

void Client::publish(std::string_view topic, std::string_view payload, const PublishOptions& options,
                     PublishCallback done) {
  (void)post(*impl_, topic, payload, options, Completion(std::move(done)), IfFull::wait);
}

std::optional<std::future<PublishResult>> Client::try_publish(std::string_view topic, std::string_view payload,
                                                              const PublishOptions& options) {
  std::promise<PublishResult> promise;
  auto result = promise.get_future();
  if (!post(*impl_, topic, payload, options, Completion(std::move(promise)), IfFull::give_up)) return std::nullopt;
  return result;
}

bool Client::try_publish(std::string_view topic, std::string_view payload, const PublishOptions& options,
                         PublishCallback done) {
  return post(*impl_, topic, payload, options, Completion(std::move(done)), IfFull::give_up);
}

std::expected<Subscription, ClientError> Client::subscribe(std::string filter, SubscribeOptions options,
                                                           MessageCallback on_message,
                                                           SubscriptionEventCallback on_event) {
  if (auto wrong = impl_->check_filter(filter, options)) return std::unexpected(*std::move(wrong));
  const auto id = impl_->mailbox().post_subscribe({.filter = std::move(filter),
                                                   .options = std::move(options),
                                                   .on_message = std::move(on_message),
                                                   .on_event = std::move(on_event)});
  if (!id) return std::unexpected(why_closed(*impl_));
  Subscription subscription;
  subscription.client_ = impl_.get();
  subscription.id_ = *id;
  impl_->hold(*id, &subscription);
  return subscription;
}

bool Client::wait_connected(std::chrono::milliseconds timeout) {
  return impl_->mailbox().wait_connected(after(timeout));
}

bool Client::flush(std::chrono::milliseconds timeout) {
  return impl_->mailbox().wait_answered(after(timeout));
}

bool Client::close(std::chrono::milliseconds timeout) {
  return impl_->close(after(timeout));
}

Status Client::status() const {
  return impl_->mailbox().status();
}

Counters Client::counters() const {
  return impl_->mailbox().counters();
}

}  // namespace ringcast
