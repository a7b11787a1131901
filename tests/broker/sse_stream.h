// Stream: the client's side of an event stream, over a FullBench.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frame/bytes.h"
#include "frame/http_body.h"
#include "tests/broker/event_source.h"
#include "tests/broker/full_bench.h"
#include "tests/broker/full_json.h"

namespace ringcast::broker::test {

// Takes the answer apart as it comes.
class Stream {
 public:
  explicit Stream(Client& client) : client_(client) { read(); }

  [[nodiscard]] const std::string& head() const noexcept { return head_; }
  [[nodiscard]] bool ended() const noexcept { return ended_; }  // the body has its end
  EventSource& source() {
    read();
    return source_;
  }
  std::vector<StreamEvent> take() { return source().take_events(); }
  // The data of the messages since; notices are left out.
  Texts messages() {
    Texts texts;
    for (const StreamEvent& event : take()) {
      if (event.type == "message") texts.push_back(event.data);
    }
    return texts;
  }
  const std::string& id() { return source().last_event_id(); }

 private:
  void read() {
    bytes_ += std::exchange(client_.head, {});
    if (head_.empty()) {
      const std::size_t end = bytes_.find("\r\n\r\n");
      if (end == std::string::npos) return;
      head_ = bytes_.substr(0, end + 4);
      bytes_.erase(0, end + 4);
      chunked_ = head_.find("Transfer-Encoding: chunked\r\n") != std::string::npos;
    }
    if (!chunked_) return source_.feed(std::exchange(bytes_, {}));
    std::string_view rest = bytes_;
    while (!rest.empty()) {
      const auto step = body_.next(frame::as_bytes(rest));
      REQUIRE(step.kind != frame::BodyReader::Step::Kind::failed);
      REQUIRE(step.consumed > 0);
      source_.feed(frame::as_text(step.data));
      rest.remove_prefix(step.consumed);
    }
    ended_ = body_.next({}).kind == frame::BodyReader::Step::Kind::done;
    bytes_.clear();
  }

  Client& client_;
  std::string bytes_;
  std::string head_;
  bool chunked_ = false;
  bool ended_ = false;
  frame::BodyReader body_{{.kind = frame::Framing::Kind::chunked, .length = 0}, 1 << 24};
  EventSource source_;
};

// A request for a stream, and a field of one that comes back.
inline std::string get(std::string_view target, std::string_view fields = "", std::string_view version = "1.1") {
  return "GET " + std::string(target) + " HTTP/" + std::string(version) +
         "\r\nHost: localhost\r\nAccept: text/event-stream\r\n" + std::string(fields) + "\r\n";
}
inline std::string with_id(const std::string& id) {
  return "Last-Event-ID: " + id + "\r\n";
}

inline Texts types(const std::vector<StreamEvent>& events) {
  Texts types;
  for (const StreamEvent& event : events) types.push_back(event.type);
  return types;
}

}  // namespace ringcast::broker::test
