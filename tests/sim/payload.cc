#include "tests/sim/payload.h"

#include <charconv>

namespace ringcast::sim {

std::string text(Key key) {
  return std::to_string(key.client) + "." + std::to_string(key.number);
}

std::string payload_of(Key key, std::size_t size) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
  std::string payload = text(key) + ":";
  payload.reserve(size);
  for (std::size_t from = (key.client + key.number + payload.size()) % kLetters.size(); payload.size() < size;
       from = 0) {
    payload += kLetters.substr(from, size - payload.size());
  }
  return payload;
}

std::optional<Key> read_key(std::string_view text) {
  Key key;
  const char* const end = text.data() + text.size();
  const auto client = std::from_chars(text.data(), end, key.client);
  if (client.ec != std::errc{} || client.ptr == end || *client.ptr != '.') return std::nullopt;
  const auto number = std::from_chars(client.ptr + 1, end, key.number);
  if (number.ec != std::errc{} || number.ptr != end) return std::nullopt;
  return key;
}

std::optional<Key> key_of(std::string_view payload) {
  if (payload.size() >= 2 && payload.front() == '"' && payload.back() == '"') {
    payload = payload.substr(1, payload.size() - 2);
  }
  const auto key = read_key(payload.substr(0, payload.find(':')));
  if (!key || payload_of(*key, payload.size()) != payload) return std::nullopt;
  return key;
}

}  // namespace ringcast::sim
