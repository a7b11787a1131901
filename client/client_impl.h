// Client::Impl: a client's thread, what it shares with the others, and the handles of its subscriptions.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "client/driver.h"
#include "client/mailbox.h"
#include "client/ringcast.h"

namespace ringcast {

class Client::Impl {
 public:
  Impl(ClientOptions options, client::Place place, std::string target);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl();

  // Why this publish can never be taken; nothing: it can. Then the message is ready to be posted.
  [[nodiscard]] std::optional<PublishResult> prepare(std::string_view topic, std::string_view payload,
                                                     const PublishOptions& options, client::Outgoing& message) const;
  // Why this subscription can never be taken.
  [[nodiscard]] std::optional<ClientError> check_filter(std::string_view filter, const SubscribeOptions& options) const;

  // As Client::close().
  bool close(std::chrono::steady_clock::time_point deadline);

  // A handle tells where it is, and that it goes: the client may end first.
  void hold(std::uint64_t id, Subscription* handle);
  void release(std::uint64_t id);

  [[nodiscard]] client::Mailbox& mailbox() noexcept { return mailbox_; }

 private:
  [[nodiscard]] client::Engine::Options engine_options(ClientOptions options, const client::Url& url,
                                                       std::string target);

  const std::optional<RawTopic> raw_;
  const std::unique_ptr<client::Tls> tls_;  // outlives the driver; null: plain
  client::Mailbox mailbox_;
  client::Driver driver_;
  std::uint64_t abandoned_ = 0;  // publishes that ended without the broker's answer; the client's thread, until it ends
  std::mutex handles_mutex_;
  std::map<std::uint64_t, Subscription*> handles_;
  std::thread thread_;
};

}  // namespace ringcast
