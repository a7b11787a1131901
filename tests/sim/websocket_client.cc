#include "tests/sim/websocket_client.h"

#include "frame/url.h"

namespace ringcast::sim {

namespace {

std::string target_of(const WebSocketClient::Options& options) {
  std::string target = "/topics/" + frame::encode_path(options.filter) + "?";
  if (!options.echo) target += "&echo=0";
  if (options.last) target += "&last=1";
  if (options.publish_only) target += "&mode=pub";
  if (options.latest) target += "&delivery=latest";
  if (options.rate_hz > 0) target += "&rate=" + std::to_string(options.rate_hz);
  return target;
}

}  // namespace

WebSocketClient::WebSocketClient(const World& world, std::uint32_t id, int listener, const Options& options)
    : FramedClient(world, id, listener, target_of(options), ""), options_(options) {}

std::string WebSocketClient::name() const {
  return "client " + std::to_string(id()) + " (" + options_.filter + (options_.last ? ", last=1" : "") +
         (options_.echo ? "" : ", echo=0") + (options_.latest ? ", latest)" : ")");
}

void WebSocketClient::publish(std::size_t size) {
  const Key key{id(), next_number_++};
  write_message(is_text(key) ? frame::Opcode::text : frame::Opcode::binary, payload_of(key, size));
}

void WebSocketClient::message(const frame::Event& event) {
  const auto key = key_of(frame::as_text(event.payload));
  expect(key.has_value(), [&] { return "client " + std::to_string(id()) + " got a message that nobody published"; });
  expect((event.kind == frame::Event::Kind::text) == is_text(*key),
         [&] { return text(*key) + " changed between text and binary"; });
  keys_.push_back(*key);
  received_ms_.push_back(world_.now.monotonic.ms);
}

}  // namespace ringcast::sim
