#include "client/operators_port.h"

#include <utility>

#include "client/deadline.h"
#include "client/http.h"

namespace ringcast::client {

namespace {

// The "message" of an error's body, which has no quotes in it; or what there is, if it is one line.
std::string_view sentence_of(std::string_view body) {
  constexpr std::string_view kMember = "\"message\":\"";
  if (const std::size_t at = body.find(kMember); at != std::string_view::npos) {
    body.remove_prefix(at + kMember.size());
    return body.substr(0, body.find('"'));
  }
  return body.substr(0, body.find_first_of("\r\n"));
}

}  // namespace

std::expected<std::string, Error> ask_operators_port(const Url& url, std::string_view method, std::string_view path,
                                                     std::int64_t timeout_ms) {
  const std::string target = url.base_path + std::string(path);
  auto answer = request(
      url, {.method = method, .target = target, .content_type = method == "GET" ? "" : "application/json", .body = {}},
      Deadline::in_ms(timeout_ms));
  if (!answer && answer.error().failure == Failure::unreachable) {
    return std::unexpected(Error{Failure::unreachable, answer.error().text, "the operators' port: --admin-url"});
  }
  if (!answer) return std::unexpected(answer.error());
  if (answer->ok()) return std::move(answer->body);
  std::string text = "the operators' port answered " + std::to_string(answer->status) + " to " + target;
  if (const std::string_view sentence = sentence_of(answer->body); !sentence.empty()) (text += ": ") += sentence;
  return std::unexpected(Error{.failure = Failure::refused,
                               .text = std::move(text),
                               .remedy = answer->status == 404 ? "is that the operators' port (--admin)?" : ""});
}

}  // namespace ringcast::client
