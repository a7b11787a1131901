// ConnectionKind: what a connection is, as operators see it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "broker/encoding.h"

namespace ringcast::broker {

enum class ConnectionKind : std::uint8_t {
  http,  // requests and answers, and whatever has not upgraded yet
  raw,   // the others are open: WebSockets of these protocols,
  proto,
  json,
  sse,  // and event streams
};
inline constexpr std::size_t kConnectionKinds = 5;

[[nodiscard]] constexpr std::string_view name(ConnectionKind kind) noexcept {
  constexpr std::array<std::string_view, kConnectionKinds> kNames{"http", "raw", "proto", "json", "sse"};
  return kNames[static_cast<std::size_t>(kind)];
}

// Of a connection whose opening handshake is complete.
[[nodiscard]] constexpr ConnectionKind kind_of(Protocol protocol) noexcept {
  if (is_event_stream(protocol)) return ConnectionKind::sse;
  if (protocol == Protocol::raw) return ConnectionKind::raw;
  return protocol == Protocol::proto ? ConnectionKind::proto : ConnectionKind::json;
}

}  // namespace ringcast::broker
