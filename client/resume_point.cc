// The functions of ResumePoint.
#include <algorithm>
#include <charconv>
#include <utility>

#include "client/ringcast.h"

namespace ringcast {
namespace {

constexpr std::size_t kOriginsMax = 64;  // as the broker takes them

// Takes a number and the character behind it off the front of `text`; an end without one counts as '\0'.
std::optional<std::pair<std::uint64_t, char>> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  const char next = text.empty() ? '\0' : text.front();
  if (!text.empty()) text.remove_prefix(1);
  return std::pair{number, next};
}

std::string_view take_word(std::string_view& text) {
  const std::size_t space = text.find(' ');
  const std::string_view word = text.substr(0, space);
  text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  return word;
}

}  // namespace

void ResumePoint::add(const Message& message) {
  if (!message.resumable) return;
  const auto found = std::ranges::find(received, message.origin, &OriginPosition::origin);
  if (found == received.end()) {
    if (received.size() < kOriginsMax) received.push_back({.origin = message.origin, .position = message.position});
  } else {
    found->position = std::max(found->position, message.position);
  }
}

void ResumePoint::add(const SubscriptionEvent& event) {
  if (event.kind != SubscriptionEvent::Kind::checkpoint) return;
  if (event.epoch != epoch) received.clear();
  epoch = event.epoch;
  token = event.token;
}

std::string ResumePoint::to_text() const {
  if (token.empty()) return {};
  std::string text = epoch + ' ' + token;
  for (std::size_t i = 0; i < received.size(); ++i) {
    text += i == 0 ? ' ' : ',';
    text += std::to_string(received[i].origin) + ':' + std::to_string(received[i].position);
  }
  return text;
}

std::optional<ResumePoint> ResumePoint::from_text(std::string_view text) {
  ResumePoint point;
  point.epoch = take_word(text);
  point.token = take_word(text);
  if (point.epoch.empty() || point.token.empty()) return std::nullopt;
  while (!text.empty()) {
    const auto origin = take_number(text);
    if (!origin || origin->second != ':' || origin->first >= kOriginsMax) return std::nullopt;
    const auto position = take_number(text);
    if (!position || (position->second != ',') != text.empty()) return std::nullopt;
    point.received.push_back({.origin = static_cast<std::uint32_t>(origin->first), .position = position->first});
  }
  if (point.received.size() > kOriginsMax) return std::nullopt;
  return point;
}

}  // namespace ringcast
