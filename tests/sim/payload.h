// Key and payload: every simulated message says who published it and as which, so that whoever gets it can be checked.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace ringcast::sim {

struct Key {
  std::uint32_t client = 0;
  std::uint32_t number = 0;  // of the client's messages, from 0

  friend auto operator<=>(const Key&, const Key&) = default;
};

// A payload of about `size` bytes that follows from the key: "7.3:" and filling.
[[nodiscard]] std::string payload_of(Key key, std::size_t size);

// Whose payload that is, in JSON's quotes or not; nothing if a byte of it is not what payload_of() gave.
[[nodiscard]] std::optional<Key> key_of(std::string_view payload);

// Whether the message of this key is published as text.
[[nodiscard]] constexpr bool is_text(Key key) noexcept {
  return key.number % 3 != 0;
}

[[nodiscard]] std::string text(Key key);
// What text() gave.
[[nodiscard]] std::optional<Key> read_key(std::string_view text);

}  // namespace ringcast::sim
