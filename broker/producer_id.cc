#include "broker/producer_id.h"

#include <array>
#include <cstdio>

#include "frame/hex.h"

namespace ringcast::broker {

namespace {

constexpr std::size_t kNumberDigits = 16;

std::uint64_t keyed(topics::HashKey key, std::string_view purpose, std::string_view what) {
  return topics::hash_name(key, std::string(purpose) + std::string(what));
}

}  // namespace

std::string hexadecimal(std::uint64_t value) {
  std::array<char, kNumberDigits + 1> text{};
  (void)std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(value));
  return text.data();
}

std::uint64_t new_producer(topics::HashKey key, std::uint32_t shard, std::uint64_t count) {
  return keyed(key, "new producer ", hexadecimal(shard) + hexadecimal(count));
}

std::string producer_text(topics::HashKey key, std::string_view subject, std::uint64_t producer) {
  const std::string number = hexadecimal(producer);
  return number + hexadecimal(keyed(key, "producer's proof ", number + std::string(subject)));
}

std::optional<std::uint64_t> read_producer(topics::HashKey key, std::string_view subject, std::string_view text) {
  if (text.size() != 2 * kNumberDigits) return std::nullopt;
  std::uint64_t producer = 0;
  for (const char c : text.substr(0, kNumberDigits)) {
    const int digit = frame::hex_value(c);
    if (digit < 0) return std::nullopt;
    producer = producer << 4 | static_cast<std::uint64_t>(digit);
  }
  if (producer_text(key, subject, producer) != text) return std::nullopt;
  return producer;
}

}  // namespace ringcast::broker
