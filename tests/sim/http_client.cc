#include "tests/sim/http_client.h"

#include <charconv>

#include "frame/bytes.h"
#include "frame/url.h"

namespace ringcast::sim {

namespace {

std::string path_of(const std::string& topic) {
  return "/topics/" + frame::encode_path(topic);
}

std::uint64_t number_after(std::string_view text, std::string_view before) {
  const std::size_t at = text.find(before);
  expect(at != std::string_view::npos, [&] { return "an answer lacks " + std::string(before); });
  std::uint64_t number = 0;
  std::from_chars(text.data() + at + before.size(), text.data() + text.size(), number);
  return number;
}

}  // namespace

void HttpClient::ask(Exchange exchange, const std::string& head, const std::string& body) {
  exchange.low = world_.positions;
  waiting_.push_back(std::move(exchange));
  std::string request = head + " HTTP/1.1\r\nHost: localhost\r\n";
  if (last_asked_) request += "Connection: close\r\n";
  if (waiting_.back().known_seq > 0) {
    request +=
        "If-None-Match: \"" + epoch_text(world_.epoch) + "-" + std::to_string(waiting_.back().known_seq) + "\"\r\n";
  }
  if (waiting_.back().method != Exchange::Method::post) return write(request + "\r\n");
  if (!is_text(waiting_.back().key)) request += "Content-Type: application/octet-stream\r\n";
  if (world_.random.percent(70)) {
    return write(request + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  request += "Transfer-Encoding: chunked\r\n\r\n";
  for (std::string_view rest = body; !rest.empty();) {
    const std::string_view chunk = rest.substr(0, world_.random.between(1, rest.size()));
    rest.remove_prefix(chunk.size());
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, chunk.size(), 16).ptr;
    request += std::string(digits, end) + "\r\n" + std::string(chunk) + "\r\n";
  }
  write(request + "0\r\n\r\n");
}

void HttpClient::post(const std::string& topic, std::size_t size) {
  const Key key{id(), next_number_++};
  ask({.method = Exchange::Method::post, .topic = topic, .key = key, .low = {}, .high = {}, .body = {}},
      "POST " + path_of(topic), payload_of(key, size));
}

void HttpClient::get(const std::string& topic) {
  const std::uint64_t known = topic == last_topic_ && world_.random.percent(50) ? last_seq_ : 0;
  ask({.method = Exchange::Method::get, .topic = topic, .known_seq = known, .low = {}, .high = {}, .body = {}},
      "GET " + path_of(topic), "");
}

void HttpClient::remove(const std::string& topic) {
  const Key key{id(), next_number_++};
  ask({.method = Exchange::Method::remove, .topic = topic, .key = key, .low = {}, .high = {}, .body = {}},
      "DELETE " + path_of(topic), "");
}

void HttpClient::say_goodbye(const std::string& topic) {
  if (last_asked_) return;
  last_asked_ = true;
  get(topic);
}

void HttpClient::finish_asking() {
  last_asked_ = true;
  half_close();
}

void HttpClient::received(std::span<std::uint8_t> bytes) {
  std::span<const std::uint8_t> rest = bytes;
  while (!rest.empty()) rest = rest.subspan(read_some(rest));
}

std::size_t HttpClient::read_some(std::span<const std::uint8_t> bytes) {
  if (waiting_.empty()) {
    turned_away_ = last_asked_ = true;
    return bytes.size();
  }
  if (!body_) {
    expect(keep_alive_, "an answer after the last one");
    const frame::ResponseParser::Step step = response_.next(bytes);
    expect(step.kind != frame::ResponseParser::Step::Kind::failed, "an answer is not HTTP");
    if (step.kind == frame::ResponseParser::Step::Kind::done) begin_answer();
    return step.consumed;
  }
  const frame::BodyReader::Step step = body_->next(bytes);
  expect(step.kind != frame::BodyReader::Step::Kind::failed, "an answer's body is broken");
  if (step.kind == frame::BodyReader::Step::Kind::data) waiting_.front().body += frame::as_text(step.data);
  end_answer_if_done();
  return step.consumed;
}

void HttpClient::begin_answer() {
  const frame::Response& response = response_.response();
  Exchange& exchange = waiting_.front();
  exchange.status = response.status;
  if (const auto etag = response.fields.get("ETag")) {
    exchange.seq = number_after(*etag, "\"" + epoch_text(world_.epoch) + "-");
  }
  keep_alive_ = response.keep_alive;
  body_.emplace(response.framing, std::uint64_t{1} << 30);
  end_answer_if_done();
}

// Asked after each piece: no byte comes to say that it was the last.
void HttpClient::end_answer_if_done() {
  if (body_->next({}).kind != frame::BodyReader::Step::Kind::done) return;
  Exchange exchange = std::move(waiting_.front());
  waiting_.pop_front();
  exchange.high = world_.positions;
  if (exchange.method != Exchange::Method::get && exchange.status == 200) {
    exchange.seq = number_after(exchange.body, "\"seq\":");
  }
  if (exchange.method == Exchange::Method::get && exchange.status == 200) {
    last_topic_ = exchange.topic;
    last_seq_ = exchange.seq;
  }
  answered_.push_back(std::move(exchange));
  body_.reset();
  response_.release();
  if (!keep_alive_) finish();
}

}  // namespace ringcast::sim
