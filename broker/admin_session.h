// AdminSession: one connection of the operators' port, from bytes to requests and from answers to bytes. Pure.
//
// One request at a time; what follows it waits, unread. Limits are those of the clients' port: a head's bytes and time,
// the time between two requests; besides, the bytes of a body and the time that an answer takes to be read.
// Thread: the operators'.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "broker/admin_request.h"
#include "broker/config.h"
#include "broker/instant.h"
#include "broker/static_file.h"
#include "broker/token_keys.h"
#include "frame/http_body.h"
#include "frame/http_request.h"
#include "frame/http_response.h"

namespace ringcast::broker {

struct AdminAnswer {
  std::uint16_t status = 200;
  std::string content_type = "application/json";
  std::string body;
};

// The answer of an error, as the clients' port gives it.
[[nodiscard]] AdminAnswer admin_error(std::uint16_t status, std::string_view name, std::string_view message);

class AdminSession {
 public:
  static constexpr std::size_t kUnreadBytesMax = 64 * 1024;  // that wait behind a request: then no more is received
  static constexpr std::int64_t kAnswerMs = 10'000;          // that an answer may take to be read

  // `config` outlives this. `find_file`: the dashboard, which is at /dashboard/ here.
  // `secret`: what requests are to bring as Authorization: Bearer, but for probes' and for the dashboard's files; null:
  // nothing.
  AdminSession(const Config& config, bool reached_by_loopback, const Now& now, FindFile find_file = nullptr,
               const Secret* secret = nullptr);

  // Bytes have come. Requires: wants_bytes().
  void received(std::string_view bytes, const Now& now);
  // The peer sends no more.
  void peer_finished() noexcept { peer_finished_ = true; }
  [[nodiscard]] bool wants_bytes() const noexcept {
    return !ended_ && !peer_finished_ && unread_.size() < kUnreadBytesMax;
  }

  // The request that is to be answered, once.
  [[nodiscard]] std::optional<AdminRequest> take_request() { return std::exchange(request_, std::nullopt); }
  [[nodiscard]] bool has_request() const noexcept { return request_.has_value(); }
  void answer(const AdminAnswer& answer, const Now& now);

  // What is to be sent; sent() says how much was.
  [[nodiscard]] std::string_view output() const noexcept { return std::string_view{output_}.substr(sent_); }
  void sent(std::size_t bytes, const Now& now);

  // All was said: the connection is to be closed, after what output() holds.
  [[nodiscard]] bool ended() const noexcept { return ended_ || (peer_finished_ && !answering_ && output().empty()); }
  // When it takes too long; then late().
  [[nodiscard]] Instant deadline() const noexcept { return deadline_; }
  void late(const Now& now);

 private:
  void read(const Now& now);
  [[nodiscard]] bool read_head(const Now& now);
  [[nodiscard]] bool read_body(const Now& now);
  void request_came(const Now& now);
  void write(std::uint16_t status, std::string_view content_type, std::string_view body, const frame::Field& field,
             const Now& now);
  void refuse(const HttpRefusal& refusal, const Now& now);
  [[nodiscard]] const StaticFile* dashboard_file() const;
  [[nodiscard]] std::optional<HttpRefusal> check_secret() const;

  const Config& config_;
  const bool reached_by_loopback_;
  const FindFile find_file_;
  const Secret* const secret_;
  frame::RequestParser parser_;
  std::optional<frame::BodyReader> body_reader_;
  std::string body_;
  std::string unread_;
  std::optional<AdminRequest> request_;
  std::string granted_origin_;  // a page that may read the answer
  std::string output_;
  std::size_t sent_ = 0;
  bool answering_ = false;  // a request is being answered
  bool head_only_ = false;
  bool keep_alive_ = true;
  bool peer_finished_ = false;
  bool ended_ = false;
  Instant deadline_;
};

}  // namespace ringcast::broker
