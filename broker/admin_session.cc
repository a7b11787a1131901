#include "broker/admin_session.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "broker/origin.h"
#include "frame/http_date.h"

namespace ringcast::broker {

namespace {

constexpr std::string_view kDashboardPath = "/dashboard/";  // by which the page knows where it is

std::span<const std::uint8_t> as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

AdminAnswer admin_error(std::uint16_t status, std::string_view name, std::string_view message) {
  return {.status = status, .body = frame::error_body(status, name, message)};
}

AdminSession::AdminSession(const Config& config, bool reached_by_loopback, const Now& now, FindFile find_file,
                           const Secret* secret)
    : config_(config),
      reached_by_loopback_(reached_by_loopback),
      find_file_(find_file),
      secret_(secret),
      parser_({.head_size_max = static_cast<std::uint32_t>(config.http_head_max_bytes)}),
      deadline_(now.monotonic + config.handshake_timeout_ms) {}

void AdminSession::received(std::string_view bytes, const Now& now) {
  unread_ += bytes;
  read(now);
}

// Until a request is complete, or nothing is left.
void AdminSession::read(const Now& now) {
  while (!answering_ && !ended_ && !unread_.empty() && output().empty()) {
    if (body_reader_ ? !read_body(now) : !read_head(now)) return;
  }
}

// False when more bytes are needed.
bool AdminSession::read_head(const Now& now) {
  if (!parser_.in_progress()) deadline_ = now.monotonic + config_.handshake_timeout_ms;
  const frame::RequestParser::Step step = parser_.next(as_bytes(unread_));
  unread_.erase(0, step.consumed);
  switch (step.kind) {
    case frame::RequestParser::Step::Kind::need_more:
      return false;
    case frame::RequestParser::Step::Kind::failed:
      output_ += frame::error_response(step.error);
      ended_ = true;
      deadline_ = now.monotonic + kAnswerMs;
      return false;
    case frame::RequestParser::Step::Kind::done:
      break;
  }
  const frame::Request& request = parser_.request();
  keep_alive_ = request.keep_alive;
  head_only_ = request.method == "HEAD";
  body_reader_.emplace(request.framing, kAdminBodyBytesMax);
  return read_body(now);
}

// False when more bytes are needed.
bool AdminSession::read_body(const Now& now) {
  for (;;) {
    const frame::BodyReader::Step step = body_reader_->next(as_bytes(unread_));
    if (!step.data.empty()) body_.append(reinterpret_cast<const char*>(step.data.data()), step.data.size());
    unread_.erase(0, step.consumed);
    switch (step.kind) {
      case frame::BodyReader::Step::Kind::need_more:
        return false;
      case frame::BodyReader::Step::Kind::data:
        continue;
      case frame::BodyReader::Step::Kind::done:
        request_came(now);
        return true;
      case frame::BodyReader::Step::Kind::failed:
        keep_alive_ = false;  // what follows cannot be told from the body
        refuse({frame::http_status(step.error), frame::name(step.error), std::string(frame::text(step.error))}, now);
        return true;
    }
  }
}

void AdminSession::request_came(const Now& now) {
  const frame::Request& request = parser_.request();
  answering_ = true;
  deadline_ = Instant::never();  // the desk answers in its own time, which is bounded
  if (const auto refusal = check_admin_origin(request, reached_by_loopback_)) return refuse(*refusal, now);
  granted_origin_ = request.fields.get("Origin").value_or("");
  if (const StaticFile* const file = dashboard_file()) {
    const std::string_view bytes{reinterpret_cast<const char*>(file->bytes.data()), file->bytes.size()};
    return write(200, file->content_type, bytes, {"Content-Security-Policy", kPagePolicy}, now);
  }
  if (const auto refusal = check_secret()) return refuse(*refusal, now);
  auto read = read_admin_request(request, body_);
  if (!read) return refuse(read.error(), now);
  request_ = *std::move(read);
}

std::optional<HttpRefusal> AdminSession::check_secret() const {
  const frame::Request& request = parser_.request();
  if (secret_ == nullptr || is_probe(request.parts.path)) return std::nullopt;
  const HttpRefusal refusal{401,
                            "token_missing",
                            "the operators' port asks for its token: Authorization: Bearer …",
                            {"WWW-Authenticate", "Bearer"}};
  const auto value = request.fields.get("Authorization");
  if (!value || request.fields.count("Authorization") > 1) return refusal;
  const std::size_t space = std::min(value->find(' '), value->size());
  if (!frame::equals_ignoring_case(value->substr(0, space), "Bearer")) return refusal;
  if (is_secret(*secret_, frame::trim_spaces(value->substr(space)))) return std::nullopt;
  return refusal;
}

// What is asked for of the dashboard; null: something else is, or there is no such file.
const StaticFile* AdminSession::dashboard_file() const {
  const frame::Request& request = parser_.request();
  const std::string_view path = request.parts.path;
  if (find_file_ == nullptr || !path.starts_with(kDashboardPath)) return nullptr;
  if (request.method != "GET" && request.method != "HEAD") return nullptr;
  return find_file_(path.substr(kDashboardPath.size() - 1));
}

void AdminSession::refuse(const HttpRefusal& refusal, const Now& now) {
  answering_ = true;
  write(refusal.status, "application/json", frame::error_body(refusal.status, refusal.name, refusal.message),
        refusal.field, now);
}

void AdminSession::answer(const AdminAnswer& answer, const Now& now) {
  assert(answering_);
  write(answer.status, answer.content_type, answer.body, {}, now);
}

void AdminSession::write(std::uint16_t status, std::string_view content_type, std::string_view body,
                         const frame::Field& field, const Now& now) {
  frame::ResponseBuilder builder(status);
  builder.field("Date", frame::http_date(now.utc_us / 1'000'000).text());
  builder.field("Cache-Control", "no-store").field("X-Content-Type-Options", "nosniff");
  if (!field.name.empty()) builder.field(field.name, field.value);
  if (!granted_origin_.empty()) {
    builder.field("Access-Control-Allow-Origin", granted_origin_).field("Vary", "Origin");
  }
  builder.field("Connection", keep_alive_ ? "keep-alive" : "close");
  output_ += head_only_ ? builder.head_only(content_type, body.size()) : builder.body(content_type, body);
  deadline_ = now.monotonic + kAnswerMs;
  answering_ = false;
  ended_ = !keep_alive_;
  granted_origin_.clear();
  body_.clear();
  body_reader_.reset();
  parser_.release();
}

void AdminSession::sent(std::size_t bytes, const Now& now) {
  sent_ += bytes;
  if (sent_ < output_.size()) return;
  output_.clear();
  sent_ = 0;
  if (ended_ || answering_) return;
  deadline_ = now.monotonic + config_.http_idle_timeout_ms;
  read(now);  // the next request may have come already
}

void AdminSession::late(const Now& now) {
  if (output().empty() && parser_.in_progress()) {
    keep_alive_ = false;
    return refuse({408, "request_timeout", "the request did not come in time"}, now);
  }
  ended_ = true;
  output_.clear();
  sent_ = 0;
}

}  // namespace ringcast::broker
