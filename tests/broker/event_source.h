// EventSource: what a browser makes of the bytes of an event stream, by the letter of the standard (WHATWG HTML §9.2.6,
// "Interpreting an event stream"). Written without a look at the broker's side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ringcast::broker::test {

struct StreamEvent {
  std::string type = "message";
  std::string data;
  std::string last_event_id;

  friend bool operator==(const StreamEvent&, const StreamEvent&) = default;
};

class EventSource {
 public:
  // Takes some of the stream, cut anywhere.
  void feed(std::string_view bytes) {
    for (const char c : bytes) take(c);
  }

  [[nodiscard]] std::vector<StreamEvent> take_events() { return std::exchange(events_, {}); }
  [[nodiscard]] const std::string& last_event_id() const noexcept { return last_event_id_; }
  [[nodiscard]] std::optional<std::uint64_t> reconnection_time_ms() const noexcept { return retry_ms_; }
  [[nodiscard]] std::size_t comments() const noexcept { return comments_; }
  [[nodiscard]] std::size_t ids() const noexcept { return ids_; }  // blocks that set the id
  // True if nothing is begun: the next byte is the first of a block.
  [[nodiscard]] bool between_blocks() const noexcept {
    return line_.empty() && data_.empty() && type_.empty() && !id_set_;
  }

 private:
  void take(char c) {
    if (at_start_ && line_ == "\xef\xbb" && c == '\xbf') {  // one byte order mark, at the start of the stream
      line_.clear();
      at_start_ = false;
      return;
    }
    if (c == '\n' && after_carriage_return_) {
      after_carriage_return_ = false;
      return;
    }
    after_carriage_return_ = c == '\r';
    if (c != '\r' && c != '\n') {
      line_ += c;
      return;
    }
    at_start_ = false;
    process(std::exchange(line_, {}));
  }

  void process(const std::string& line) {
    if (line.empty()) return dispatch();
    if (line.front() == ':') {
      ++comments_;
      return;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) return field(line, "");
    std::string value = line.substr(colon + 1);
    if (value.starts_with(' ')) value.erase(0, 1);
    field(line.substr(0, colon), value);
  }

  void field(const std::string& name, const std::string& value) {
    if (name == "event") type_ = value;
    if (name == "data") data_ += value + "\n";
    if (name == "id" && value.find('\0') == std::string::npos) {
      id_buffer_ = value;
      id_set_ = true;
    }
    if (name == "retry" && !value.empty() && value.find_first_not_of("0123456789") == std::string::npos) {
      retry_ms_ = std::stoull(value);
    }
  }

  void dispatch() {
    last_event_id_ = id_buffer_;
    if (id_set_) ++ids_;
    id_set_ = false;
    const std::string data = std::exchange(data_, {});
    const std::string type = std::exchange(type_, {});
    if (data.empty()) return;
    events_.push_back({.type = type.empty() ? "message" : type,
                       .data = data.substr(0, data.size() - 1),
                       .last_event_id = last_event_id_});
  }

  std::string line_;
  std::string data_;
  std::string type_;
  std::string id_buffer_;
  std::string last_event_id_;
  std::optional<std::uint64_t> retry_ms_;
  std::vector<StreamEvent> events_;
  std::size_t comments_ = 0;
  std::size_t ids_ = 0;
  bool id_set_ = false;
  bool at_start_ = true;
  bool after_carriage_return_ = false;
};

}  // namespace ringcast::broker::test
