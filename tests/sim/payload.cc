#include "tests/sim/payload.h"

#include <charconv>

namespace ringcast::sim {

std::string text(Key key) {
  return std::to_string(key.client) + "." + std::to_string(key.number);
}

std::string payload_of(Key key, std::size_t size) {
  std::string payload = text(key) + ":";
  payload.reserve(size);
  while (payload.size() < size) payload += static_cast<char>('a' + (key.client + key.number + payload.size()) % 26);
  return payload;
}

std::optional<Key> key_of(std::string_view payload) {
  Key key;
  const char* const end = payload.data() + payload.size();
  const auto client = std::from_chars(payload.data(), end, key.client);
  if (client.ec != std::errc{} || client.ptr == end || *client.ptr != '.') return std::nullopt;
  const auto number = std::from_chars(client.ptr + 1, end, key.number);
  if (number.ec != std::errc{} || number.ptr == end || *number.ptr != ':') return std::nullopt;
  if (payload_of(key, payload.size()) != payload) return std::nullopt;
  return key;
}

}  // namespace ringcast::sim
