// Outgoing: a publish as the client took it from its user, on its way through Mailbox, Window and Engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <future>
#include <string>
#include <utility>
#include <variant>

#include "client/ringcast.h"

namespace ringcast::client {

// Whom to tell the result.
class Completion {
 public:
  Completion() = default;
  explicit Completion(PublishCallback callback) : target_(std::move(callback)) {}
  explicit Completion(std::promise<PublishResult> promise) : target_(std::move(promise)) {}

  // Once.
  void operator()(const PublishResult& result) {
    if (auto* promise = std::get_if<std::promise<PublishResult>>(&target_)) promise->set_value(result);
    if (auto* callback = std::get_if<PublishCallback>(&target_); callback != nullptr && *callback) (*callback)(result);
  }

 private:
  std::variant<std::monostate, PublishCallback, std::promise<PublishResult>> target_;
};

struct Outgoing {
  std::string topic;
  std::string payload;
  std::string content_type;
  std::string headers;  // encoded, as proto/headers.h has them
  Op op = Op::set;
  Format format = Format::binary;
  Completion done;

  // What it counts for in the window.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return topic.size() + payload.size() + content_type.size() + headers.size();
  }
};

}  // namespace ringcast::client
