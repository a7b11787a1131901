#include "perf/nats.h"

#include <charconv>
#include <string>

#include "frame/bytes.h"
#include "perf/stamp.h"

namespace ringcast::perf {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

void append_text(std::vector<std::uint8_t>& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
}

// "MSG subject sid size", without the end of the line.
NatsPacket read_message(std::string_view line, std::size_t seen) noexcept {
  using Kind = NatsPacket::Kind;
  const std::size_t space = line.rfind(' ');
  std::size_t payload_size = 0;
  const char* const end = line.data() + line.size();
  const auto [stop, error] = std::from_chars(line.data() + space + 1, end, payload_size);
  if (error != std::errc{} || stop != end) return {.kind = Kind::bad};
  NatsPacket packet{.kind = Kind::short_message, .payload_at = line.size() + kLineEnd.size(), .size = 0};
  packet.size = packet.payload_at + payload_size + kLineEnd.size();
  if (payload_size < kStampSize) return packet;
  if (seen < packet.payload_at + kStampSize) return {};
  packet.kind = Kind::message;
  return packet;
}

}  // namespace

NatsPacket read_nats(Bytes front) noexcept {
  using Kind = NatsPacket::Kind;
  const std::string_view text = frame::as_text(front);
  if (text.size() < 4) return {};
  if (text.starts_with("MSG ")) {
    const std::size_t end = text.find(kLineEnd);
    return end == std::string_view::npos ? NatsPacket{} : read_message(text.substr(0, end), text.size());
  }
  if (text.starts_with("PONG")) return {.kind = Kind::pong};
  if (text.starts_with("-ERR")) return {.kind = Kind::error};
  const bool known = text.starts_with("INFO") || text.starts_with("PING") || text.starts_with("+OK\r");
  return {.kind = known ? Kind::other : Kind::bad};
}

void append_nats_connect(std::vector<std::uint8_t>& out) {
  append_text(out,
              "CONNECT {\"verbose\":false,\"pedantic\":false,\"lang\":\"load\",\"version\":\"1\",\"protocol\":1}\r\n");
}

void append_nats_subscribe(std::vector<std::uint8_t>& out, std::string_view subject, std::uint32_t sid) {
  append_text(out, "SUB " + std::string(subject) + ' ' + std::to_string(sid) + "\r\n");
}

void append_nats_publish(std::vector<std::uint8_t>& out, std::string_view subject, Bytes payload) {
  append_text(out, "PUB " + std::string(subject) + ' ' + std::to_string(payload.size()) + "\r\n");
  out.insert(out.end(), payload.begin(), payload.end());
  append_text(out, kLineEnd);
}

void append_nats_ping(std::vector<std::uint8_t>& out) {
  append_text(out, "PING\r\n");
}

}  // namespace ringcast::perf
