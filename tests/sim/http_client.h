// HttpClient: POST, GET and DELETE of topics over one kept connection, with what came of each.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "frame/http_body.h"
#include "frame/response_parser.h"
#include "tests/sim/client.h"
#include "tests/sim/payload.h"

namespace ringcast::sim {

// A request and its answer.
struct Exchange {
  enum class Method : std::uint8_t { post, get, remove };

  Method method = Method::get;
  std::string topic;
  Key key;                      // POST, and DELETE: whose number it is
  std::uint64_t known_seq = 0;  // GET: sent as If-None-Match, unless 0
  Positions low;                // when it was asked
  Positions high;               // when it was answered
  std::uint16_t status = 0;     // 0: no answer
  std::uint64_t seq = 0;        // in the answer
  std::string body;
};

class HttpClient final : public Client {
 public:
  HttpClient(const World& world, std::uint32_t id, int listener) : Client(world, id, listener) {}

  void post(const std::string& topic, std::size_t size);
  void get(const std::string& topic);
  void remove(const std::string& topic);
  // Asks no more and closes its side: what it has asked is still to be answered.
  void finish_asking();
  // Asks that the connection be closed after the answer to a last GET.
  void say_goodbye(const std::string& topic);

  [[nodiscard]] std::string name() const override { return "asker " + std::to_string(id()); }
  // True while it may be asked more.
  [[nodiscard]] bool open() const noexcept { return !gone() && !last_asked_; }
  [[nodiscard]] std::size_t unanswered() const noexcept { return waiting_.size(); }
  [[nodiscard]] const std::vector<Exchange>& answered() const noexcept { return answered_; }
  // Asked, and cut off before the answer.
  [[nodiscard]] const std::deque<Exchange>& waiting() const noexcept { return waiting_; }
  // Told that it is not served, before it asked anything.
  [[nodiscard]] bool turned_away() const noexcept { return turned_away_; }

 private:
  void received(std::span<std::uint8_t> bytes) override;
  void ended() override {}
  std::size_t read_some(std::span<const std::uint8_t> bytes);
  void begin_answer();
  void end_answer_if_done();
  void ask(Exchange exchange, const std::string& head, const std::string& body);

  frame::ResponseParser response_;
  std::optional<frame::BodyReader> body_;
  std::deque<Exchange> waiting_;
  std::vector<Exchange> answered_;
  std::uint32_t next_number_ = 0;
  std::uint64_t last_seq_ = 0;  // that a GET of `last_topic_` gave
  std::string last_topic_;
  bool last_asked_ = false;
  bool turned_away_ = false;
  bool keep_alive_ = true;
};

}  // namespace ringcast::sim
