// HttpBench: one connection that is asked for things by HTTP, over a ConnectionsBench.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/broker/connections_bench.h"

namespace ringcast::broker::test {

inline constexpr std::int64_t kUtcUs = 784'111'777'000'000;  // RFC 9110 §5.6.7's example

inline std::string request(std::string_view line, std::string_view fields = "", std::string_view body = "") {
  return std::string(line) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

inline std::string post(std::string_view target, std::string_view body, std::string_view fields = "") {
  const std::string length = "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return request("POST " + std::string(target), length + std::string(fields), body);
}

// The value of a field in the first head of `response`; "-" if it is not there.
inline std::string field(std::string_view response, std::string_view name) {
  const std::string_view head = response.substr(0, response.find("\r\n\r\n") + 2);
  const std::size_t at = head.find("\r\n" + std::string(name) + ": ");
  if (at == std::string_view::npos) return "-";
  const std::size_t begin = at + name.size() + 4;
  return std::string(head.substr(begin, head.find("\r\n", begin) - begin));
}

inline std::string body_of(std::string_view response) {
  return std::string(response.substr(response.find("\r\n\r\n") + 4));
}

class HttpBench : public ConnectionsBench {
 public:
  explicit HttpBench(const Config& options = {}) : ConnectionsBench({.config = options}) {
    now.utc_us = kUtcUs;
    slot = connect();
    settle();
  }

  std::string ask(std::string_view bytes) {
    receive(slot, bytes);
    settle();
    return take_sent();
  }
  std::string ask_byte_by_byte(std::string_view bytes) {
    for (const char byte : bytes) {
      receive(slot, {&byte, 1});
      settle();
    }
    return take_sent();
  }
  [[nodiscard]] bool goes_on() const { return count(io::OperationKind::shutdown_write) == 0; }
  void pass_ms(std::int64_t ms) {
    now.monotonic = now.monotonic + ms;
    now.utc_us += ms * 1000;
    settle();
  }

  SlotId slot;
};

}  // namespace ringcast::broker::test
