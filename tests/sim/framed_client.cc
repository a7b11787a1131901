#include "tests/sim/framed_client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "frame/deflate.h"
#include "frame/header.h"
#include "frame/mask.h"

namespace ringcast::sim {

namespace {

constexpr frame::Nonce kNonce{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

}  // namespace

FramedClient::FramedClient(const World& world, std::uint32_t id, int listener, std::string target, std::string protocol)
    : Client(world, id, listener),
      target_(std::move(target)),
      protocol_(std::move(protocol)),
      protocols_{std::string_view(protocol_)} {
  if (world_.compression && world_.random.percent(60)) {
    static const std::vector<std::uint8_t> kBits{9, 11, 12, 15};
    offer_ = frame::DeflateOffer{.server_window_bits_max = world_.random.of(kBits)};
    extensions_ = frame::deflate_offer(*offer_);
  }
  if (traces()) trace(">", target_);
  write(frame::upgrade_request(request()));
}

frame::UpgradeRequest FramedClient::request() const {
  return {.host = "localhost",
          .target = target_,
          .nonce = kNonce,
          .protocols = std::span(protocols_).first(protocol_.empty() ? 0 : 1),
          .extensions = extensions_,
          .fields = {}};
}

void FramedClient::write_message(frame::Opcode opcode, std::string_view payload) {
  frame::Header header{.opcode = opcode};
  std::string deflated;
  if (deflate_ && world_.random.percent(50)) {
    frame::Deflater deflater({.window_bits = deflate_->client_window_bits});
    const frame::Bytes bytes = deflater.deflate(frame::as_bytes(payload));
    deflated.assign(bytes.begin(), bytes.end());
    payload = deflated;
    header.rsv1 = true;
  }
  const std::size_t fragments = world_.random.percent(80) ? 1 : world_.random.between(2, 4);
  for (std::size_t left = fragments; left > 0; --left) {
    const std::string_view part = left == 1 ? payload : payload.substr(0, world_.random.below(payload.size() + 1));
    payload.remove_prefix(part.size());
    header.fin = left == 1;
    write_frame(header, part);
    header.opcode = frame::Opcode::continuation;
    header.rsv1 = false;
    if (left > 1 && world_.random.percent(20)) ping();
  }
}

void FramedClient::ping() {
  pings_.push_back("ping " + std::to_string(next_ping_++));
  write_frame({.opcode = frame::Opcode::ping}, pings_.back());
}

void FramedClient::say_goodbye() {
  if (said_goodbye_) return;
  said_goodbye_ = true;
  write_frame({.opcode = frame::Opcode::close}, "\x03\xe8");
}

void FramedClient::misbehave() {
  struct Offence {
    frame::Header header;
    std::string_view payload;
    std::uint16_t code;
  };
  static const std::vector<Offence> kOffences{
      {{.opcode = static_cast<frame::Opcode>(3)}, "reserved opcode", 1'002},
      {{.opcode = frame::Opcode::text, .rsv1 = true}, "compressed, though nobody agreed to it", 1'002},
      {{.opcode = frame::Opcode::continuation}, "of nothing", 1'002},
      {{.opcode = frame::Opcode::text}, "not UTF-8: \xff", 1'007},
      {{.opcode = frame::Opcode::close}, "\x03\xed", 1'002},  // 1005 is never sent
  };
  if (said_goodbye_) return;
  const Offence& offence = world_.random.of(kOffences);
  // With compression the second is no DEFLATE.
  expect_close(offence.header.rsv1 && deflate_ ? 1'007 : offence.code);
  write_frame(offence.header, offence.payload);
}

void FramedClient::expect_close(std::uint16_t code) noexcept {
  said_goodbye_ = true;
  code_expected_ = code;
}

void FramedClient::write_frame(frame::Header header, std::string_view payload) {
  const std::uint64_t word = world_.random.word();
  header.masked = true;
  header.mask = {static_cast<std::uint8_t>(word), static_cast<std::uint8_t>(word >> 8),
                 static_cast<std::uint8_t>(word >> 16), static_cast<std::uint8_t>(word >> 24)};
  header.payload_size = payload.size();
  std::array<std::uint8_t, frame::kHeaderSizeMax> head{};
  const std::size_t head_size = frame::encode_header(header, head);
  std::string bytes(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(head_size));
  bytes += payload;
  frame::mask({reinterpret_cast<std::uint8_t*>(bytes.data()) + head_size, payload.size()}, header.mask);
  write(bytes);
}

void FramedClient::received(std::span<std::uint8_t> bytes) {
  std::size_t taken = state_ == State::handshake ? read_response(bytes) : 0;
  while (state_ == State::open && taken < bytes.size()) {
    const frame::Step step = parser_.next(bytes.subspan(taken), inflater_ ? &*inflater_ : nullptr);
    taken += step.consumed;
    handle(step.event);
  }
  expect(!close_code_ || taken == bytes.size(), [&] { return name() + " got something after the close frame"; });
}

std::size_t FramedClient::read_response(std::span<std::uint8_t> bytes) {
  const frame::ResponseParser::Step step = response_.next(bytes);
  expect(step.kind != frame::ResponseParser::Step::Kind::failed, "the answer to a handshake is not HTTP");
  if (step.kind != frame::ResponseParser::Step::Kind::done) return step.consumed;
  if (response_.response().status != 101) {
    refused_ = response_.response().status;
    state_ = State::closed;
    finish();
    return bytes.size();
  }
  const auto granted = frame::check_upgrade_response(response_.response(), request());
  expect(granted.has_value(), "the 101 does not answer the handshake");
  if (offer_) negotiated(granted->extensions);
  response_.release();
  state_ = State::open;
  high_ = world_.positions;
  return step.consumed;
}

void FramedClient::negotiated(std::string_view extensions) {
  const auto agreed = frame::check_deflate_answer(extensions, *offer_);
  expect(agreed.has_value(), "the answer to an offer of compression is not right");
  if (!*agreed) return;
  deflate_ = **agreed;
  inflater_.emplace(frame::Inflater::Options{.window_bits = deflate_->server_window_bits});
  parser_ = frame::Parser({.role = frame::Role::client, .message_size_max = std::size_t{1} << 24, .compression = true});
}

void FramedClient::handle(const frame::Event& event) {
  switch (event.kind) {
    case frame::Event::Kind::need_more:
      return;
    case frame::Event::Kind::text:
    case frame::Event::Kind::binary:
      return message(event);
    case frame::Event::Kind::ping:
      return write_frame({.opcode = frame::Opcode::pong}, frame::as_text(event.payload));
    case frame::Event::Kind::pong: {
      // Those of a socket that was full may be left out, but none comes before its elders.
      const auto answered = std::ranges::find(pings_, std::string(frame::as_text(event.payload)));
      expect(answered != pings_.end(), "a pong that answers no ping, or comes out of order");
      pings_.erase(pings_.begin(), answered + 1);
      return;
    }
    case frame::Event::Kind::close:
      return closed_by(event);
    case frame::Event::Kind::failed:
      throw Failure("the broker broke RFC 6455: " + std::string(frame::text(event.error)));
  }
}

void FramedClient::closed_by(const frame::Event& event) {
  close_code_ = event.code;
  state_ = State::closed;
  if (!said_goodbye_) write_frame({.opcode = frame::Opcode::close}, "\x03\xe8");
  // Some clients close at once, others wait for the broker to do it.
  if (world_.random.percent(30)) finish();
}

}  // namespace ringcast::sim
