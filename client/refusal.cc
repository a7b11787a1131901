#include "client/refusal.h"

#include <cstddef>
#include <string>
#include <utility>

#include "frame/http_response.h"

namespace ringcast::client {
namespace {

// The member "message" of the broker's error answers, or the whole body: enough for a person to see what is wrong.
std::string message_of(std::string_view body) {
  constexpr std::string_view kMember = "\"message\":\"";
  const std::size_t begin = body.find(kMember);
  if (begin == std::string_view::npos) return std::string(body.substr(0, body.find('\n')));
  std::string message;
  for (std::size_t i = begin + kMember.size(); i < body.size() && body[i] != '"'; ++i) {
    if (body[i] == '\\' && i + 1 < body.size()) ++i;
    message += body[i];
  }
  return message;
}

}  // namespace

Error refusal_error(std::uint16_t status, std::string_view body) {
  const std::string message = message_of(body);
  std::string text = "refused with " + std::to_string(status) + ' ' + std::string(frame::reason_phrase(status));
  if (!message.empty()) text += ": " + message;
  // A 4xx is about what was asked for; asking again changes nothing. 429 and 5xx are about now.
  const bool usage = status >= 400 && status < 500 && status != 429;
  return {.failure = usage ? Failure::usage : Failure::refused, .text = std::move(text), .remedy = {}};
}

}  // namespace ringcast::client
