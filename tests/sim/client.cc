#include "tests/sim/client.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace ringcast::sim {

std::string epoch_text(std::uint64_t epoch) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(epoch));
  return text;
}

bool Client::step() {
  if (gone_) return false;
  const bool wrote = write_some();
  return read_some() || wrote;
}

bool Client::write_some() {
  if (!out_.empty()) {
    const std::size_t most = world_.random.percent(70) ? out_.size() : world_.random.between(1, out_.size());
    const std::int32_t taken = world_.network.write(stream_, Side::client, std::string_view(out_).substr(0, most));
    if (taken == -EAGAIN) return false;
    if (taken < 0) {
      out_.clear();  // nobody listens; reading tells why
    } else {
      out_.erase(0, static_cast<std::size_t>(taken));
    }
    return true;
  }
  if (finishes_) {
    close();
    return true;
  }
  if (!closes_side_ || side_closed_) return false;
  side_closed_ = true;
  world_.network.shutdown_write(stream_, Side::client);
  return true;
}

bool Client::read_some() {
  if (stalled_ || gone_ || !world_.network.readable(stream_, Side::client)) return false;
  std::array<std::uint8_t, 8'192> buffer;
  const std::size_t most = world_.random.percent(50) ? buffer.size() : world_.random.between(1, 300);
  const std::int32_t size = world_.network.read(stream_, Side::client, std::span(buffer).first(most));
  if (size > 0) {
    received(std::span(buffer).first(static_cast<std::size_t>(size)));
    return true;
  }
  ended();
  close();
  return true;
}

bool Client::traces() {
  static const bool wanted = std::getenv("RINGCAST_TRACE") != nullptr;
  return wanted;
}

void Client::trace(const char* way, std::string_view text) const {
  constexpr std::size_t kQuotedMax = 40;  // payloads are long
  std::string shown;
  std::size_t quoted = 0;
  bool quotes = false;
  for (const char c : text) {
    if (c == '"') quotes = !quotes;
    quoted = quotes ? quoted + 1 : 0;
    if (quoted <= kQuotedMax && c != '\r' && c != '\n') shown += c;
  }
  std::fprintf(stderr, "%u %s %s\n", id_, way, shown.c_str());
}

void Client::close() {
  if (gone_) return;
  gone_ = true;
  world_.network.close(stream_, Side::client);
}

void Client::reset() {
  excused_ = gone_ = true;
  world_.network.reset(stream_, Side::client);
}

}  // namespace ringcast::sim
