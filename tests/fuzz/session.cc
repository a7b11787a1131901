// A whole session: the stream of one client through HTTP, upgrade, WebSocket and protocol, in a World of two shards.
//
// Input: a byte that says how (kinds of opening, how it is cut, how it ends), a seed, then the stream: as it is, or, so
// that what is changed or moved stays a frame, as records between kSeparator, each of a letter and a payload.
#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "frame/deflate.h"
#include "frame/inflate.h"
#include "frame/parser.h"
#include "proto/json_form.h"
#include "proto/proto_form.h"
#include "tests/fuzz/property.h"
#include "tests/fuzz/session_world.h"

namespace ringcast::fuzz {

namespace {

constexpr std::string_view kSeparator = "\xff\xfe";  // in no UTF-8

struct How {
  std::size_t opening = 0;  // of kOpenings
  bool records = false;
  bool rough = false;  // full sockets and time that passes, in place of comparing
  bool settles = false;
  enum class End : std::uint8_t { finish, reset, idle, drain } end = End::finish;
  std::uint8_t seed = 0;
};

struct Opening {
  std::string_view target;  // empty: nothing is opened
  std::string_view protocol;
  std::string_view first;  // message
  bool deflate = false;    // permessage-deflate is offered
};

constexpr std::array<Opening, 8> kOpenings{{
    {},
    {"/topics/g?last=1", "", "", true},
    {"/topics/%23?last=1", "", "", true},
    {"/ws", "ringcast.v1.json", ""},
    {"/ws", "ringcast.v1.proto", ""},
    {"/topics/g", "ringcast.v1.json", "", true},
    {"/ws", "ringcast.v1.json",
     R"({"hello":{"id":1,"features":["credit","cumulative_acks"],"producer_id":"00000000000000000000000000000001"}})"},
    {"/topics/g/%23", "ringcast.v1.proto", ""},
}};

How read_how(Bytes& input) {
  const std::uint8_t byte = take_byte(input);
  return {.opening = byte % 8U,
          .records = (byte & 0x08) != 0,
          .rough = (byte & 0x10) != 0,
          .settles = (byte & 0x20) != 0,
          .end = static_cast<How::End>(byte >> 6),
          .seed = take_byte(input)};
}

std::string text_frame(std::string_view payload) {
  return client_frame({.opcode = frame::Opcode::text, .payload_size = payload.size()}, payload);
}

// Compressed text; `times` over, so that it is more than there is.
std::string compressed(std::string_view payload, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text.append(payload);
  frame::Deflater deflater(frame::Deflater::Options{});
  const std::string deflated(frame::as_text(deflater.deflate(frame::as_bytes(text))));
  return client_frame({.opcode = frame::Opcode::text, .rsv1 = true, .payload_size = deflated.size()}, deflated);
}

// One record as what goes over the wire.
std::string record(std::string_view text) {
  if (text.empty()) return {};
  std::string_view payload = text.substr(1);
  frame::Header header;
  switch (text.front()) {
    case 't':
    case 'T':
      header.opcode = frame::Opcode::text;
      break;
    case 'b':
    case 'B':
      header.opcode = frame::Opcode::binary;
      break;
    case 'c':
    case 'C':
      header.opcode = frame::Opcode::continuation;
      break;
    case 'p':
      header.opcode = frame::Opcode::ping;
      break;
    case 'q':
      header.opcode = frame::Opcode::pong;
      break;
    case 'x':
      header.opcode = frame::Opcode::close;
      break;
    case 'z':
      return compressed(payload, 1);
    case 'Z':
      return compressed(payload, 2'000);
    case 'r':
      header.opcode = frame::Opcode::binary;
      header.rsv1 = true;
      break;
    default:
      return std::string(payload);  // bytes as they are
  }
  header.fin = text.front() != 't' && text.front() != 'b' && text.front() != 'c';  // small: more fragments follow
  if (header.opcode >= frame::Opcode::close) payload = payload.substr(0, frame::kControlPayloadSizeMax);
  header.payload_size = payload.size();
  return client_frame(header, payload);
}

std::string stream_of(const How& how, std::string_view rest) {
  std::string stream;
  const Opening& opening = kOpenings[how.opening];
  if (!opening.target.empty()) {
    stream = "GET " + std::string(opening.target) +
             " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    if (!opening.protocol.empty()) stream.append("Sec-WebSocket-Protocol: ").append(opening.protocol).append("\r\n");
    if (opening.deflate) stream.append("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
    stream.append("\r\n");
    if (!opening.first.empty()) stream.append(text_frame(opening.first));
  }
  if (!how.records) return stream.append(rest);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(kSeparator), rest.size());
    stream.append(record(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + kSeparator.size(), rest.size()));
  }
  return stream;
}

// What a client of the broker makes of all it was sent.
struct Seen {
  std::string http;                   // up to and with a 101, or all of it
  std::vector<std::string> messages;  // of a raw session
  std::vector<std::string> pongs;
  std::multiset<std::string> answers;  // of the full protocol, but for those that one turn makes one of
  std::uint64_t acked_up_to = 0;
  std::optional<std::string> close;           // code and reason
  std::map<std::string, std::uint64_t> live;  // topic -> last seq
};

// Checks what the broker tells a client of the full protocol, and keeps what does not depend on when.
class Events {
 public:
  Events(Seen& seen, const Truth& truth) : seen_(seen), truth_(truth) {}

  void operator()(const proto::Welcome& it) const { keep("welcome", it.id); }
  void operator()(const proto::Subscribed& it) const { keep("subscribed", it.id, it.filter); }
  void operator()(const proto::Unsubscribed& it) const { keep("unsubscribed", it.id, std::to_string(it.subscription)); }
  void operator()(const proto::Changed& it) const { keep("changed", it.id, std::to_string(it.subscription)); }
  void operator()(const proto::Refreshed& it) const { keep("refreshed", it.id, std::to_string(it.token_expires_us)); }
  void operator()(const proto::Ack& it) const {
    require(it.up_to == 0 || it.up_to >= seen_.acked_up_to);
    seen_.acked_up_to = std::max(seen_.acked_up_to, it.up_to);
    if (it.up_to == 0) keep(it.duplicate ? "duplicate" : "ack", it.id, std::to_string(it.seq));
  }
  void operator()(const proto::Error& it) const {
    keep("error", it.id, std::to_string(std::to_underlying(it.code)) + " " + std::string(it.field));
  }
  void operator()(const proto::Message& it) const {
    const auto topic = truth_.find(it.topic);
    require(topic != truth_.end());
    require(std::ranges::count(topic->second, it.seq, &Heard::seq) == 1);
    if (it.mark != proto::Mark::live) return;
    std::uint64_t& last = seen_.live[std::string(it.topic)];
    require(it.seq > last);
    last = it.seq;
  }
  void operator()(const proto::Credit&) const {}
  void operator()(const proto::SnapshotEnd&) const {}
  void operator()(const proto::Checkpoint&) const {}
  void operator()(const proto::Lag&) const {}
  void operator()(const proto::GoAway&) const {}

 private:
  void keep(std::string_view what, std::uint64_t id, std::string_view more = {}) const {
    seen_.answers.insert(std::string(what) + " " + std::to_string(id) + " " + std::string(more));
  }

  Seen& seen_;
  const Truth& truth_;
};

template <typename Form>
void read_event(Seen& seen, const Truth& truth, Bytes payload) {
  Form form;
  const auto event = form.read_event(payload);
  require(event.has_value());
  std::visit(Events(seen, truth), *event);
}

Seen see(std::string_view got, const Truth& truth) {
  Seen seen;
  const std::size_t upgrade = got.find("HTTP/1.1 101 ");
  const std::size_t end = upgrade == std::string_view::npos ? upgrade : got.find("\r\n\r\n", upgrade);
  if (end == std::string_view::npos) {
    // Of an event stream only what is before: its ids come once a turn.
    seen.http = got.substr(0, got.find("Content-Type: text/event-stream"));
    return seen;
  }
  seen.http = got.substr(0, end + 4);
  const std::string_view head = got.substr(upgrade, end - upgrade);
  const bool json = head.contains("ringcast.v1.json");
  const bool proto = head.contains("ringcast.v1.proto");
  std::string rest(got.substr(end + 4));
  frame::Parser parser(
      frame::Parser::Options{.role = frame::Role::client, .compression = head.contains("permessage-deflate")});
  frame::Inflater inflater(frame::Inflater::Options{});
  frame::MutableBytes bytes{reinterpret_cast<std::uint8_t*>(rest.data()), rest.size()};
  for (;;) {
    const frame::Step step = parser.next(bytes, &inflater);
    bytes = bytes.subspan(step.consumed);
    const std::string payload(frame::as_text(step.event.payload));
    switch (step.event.kind) {
      case frame::Event::Kind::need_more:
        return seen;
      case frame::Event::Kind::failed:
        require(false);
        return seen;
      case frame::Event::Kind::pong:
        seen.pongs.push_back(payload);
        break;
      case frame::Event::Kind::ping:
        break;
      case frame::Event::Kind::close:
        seen.close = std::to_string(step.event.code) + " " + payload;
        require(bytes.empty());  // nothing comes after a close frame (RFC 6455 §5.5.1)
        return seen;
      case frame::Event::Kind::text:
      case frame::Event::Kind::binary:
        if (json) {
          read_event<proto::JsonForm>(seen, truth, step.event.payload);
        } else if (proto) {
          read_event<proto::ProtoForm>(seen, truth, step.event.payload);
        } else {
          seen.messages.push_back((step.event.kind == frame::Event::Kind::text ? "t" : "b") + payload);
        }
        break;
    }
  }
}

bool begins_one_another(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const std::size_t size = std::min(a.size(), b.size());
  return std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(size), b.begin());
}

bool includes_one_another(const std::multiset<std::string>& a, const std::multiset<std::string>& b) {
  return std::ranges::includes(a, b) || std::ranges::includes(b, a);
}

// The same stream in other pieces has the same answers. A close frame may take the place of what is still owed.
void require_same(const Seen& a, const Seen& b) {
  require(a.http == b.http);
  const bool too_slow = (a.close && a.close->starts_with("4008")) || (b.close && b.close->starts_with("4008"));
  if (too_slow) return;  // what waits at once depends on what comes at once
  require(a.close == b.close);
  if (a.close) {
    require(begins_one_another(a.messages, b.messages));
    require(begins_one_another(a.pongs, b.pongs));
    require(includes_one_another(a.answers, b.answers));
    return;
  }
  require(a.messages == b.messages);
  require(a.pongs == b.pongs);
  require(a.answers == b.answers);
  require(a.acked_up_to == b.acked_up_to);
}

struct Outcome {
  std::string got;
  Truth truth;
};

// Sends nothing more, in one of the ways there are, and waits until the connection is gone.
void leave(World& world, How::End end, std::size_t bytes) {
  switch (end) {
    case How::End::finish:
      world.guest().finished = true;
      break;
    case How::End::reset:
      world.guest().reset = true;
      break;
    case How::End::idle:
      for (int i = 0; i < 12 && !world.guest().closed; ++i) {
        world.pass_time(9'000);
        world.settle(bytes);
      }
      break;
    case How::End::drain:
      world.drain();
      break;
  }
  world.settle(bytes);
}

// Runs the stream in pieces of these sizes.
template <typename PieceSize>
Outcome run(World& world, const How& how, std::string_view stream, PieceSize piece_size) {
  world.publish();
  world.settle(0);
  const std::size_t bytes = stream.size();
  while (!stream.empty()) {
    const std::size_t size = piece_size(stream.size());
    world.guest().sending.emplace_back(stream.substr(0, size));
    stream.remove_prefix(size);
    if (how.settles) {
      world.settle(bytes);
    } else {
      (void)world.turn();
    }
  }
  world.settle(bytes);
  world.publish();
  world.settle(bytes);
  world.check_invariants();
  Outcome outcome{.got = world.guest().got, .truth = world.truth()};  // what comes of the end depends on when it comes
  leave(world, how.end, bytes);
  world.require_heard();
  (void)see(world.guest().got, world.truth());
  world.end();
  return outcome;
}

// As a bad network would: the socket is full now and then, and time passes.
void run_rough(const How& how, std::string_view stream) {
  World world({.outbox_max_bytes = 80 * broker::kKiB, .ring_slots = 8});
  Cuts cuts(how.seed);
  world.guest().room = 0;
  const std::size_t bytes = stream.size();
  while (!stream.empty()) {
    const std::size_t size = std::max<std::size_t>(1, cuts.next(stream.size()));
    world.guest().sending.emplace_back(stream.substr(0, size));
    stream.remove_prefix(size);
    world.publish();
    world.guest().room += cuts.next(1000);
    if (cuts.next(100) > 50) world.pass_time(static_cast<std::int64_t>(cuts.next(3'000)));
    if (how.settles) {
      world.settle(bytes);
    } else {
      (void)world.turn();
    }
  }
  world.check_invariants();
  leave(world, how.end, 4 * bytes);
  world.guest().room = SIZE_MAX;
  world.settle(4 * bytes);
  world.require_heard();
  (void)see(world.guest().got, world.truth());
  world.end();
}

}  // namespace

void check_session(Bytes input) {
  const How how = read_how(input);
  const std::string stream = stream_of(how, frame::as_text(input));
  if (how.rough) return run_rough(how, stream);
  World world({});
  const Outcome whole = run(world, how, stream, [](std::size_t left) { return left; });
  Cuts cuts(how.seed);
  World other({});
  const bool fine = how.seed % 2 != 0;  // a few bytes each, so that short streams are cut everywhere
  const Outcome cut = run(other, how, stream, [&](std::size_t left) {
    return std::max<std::size_t>(1, cuts.next(fine ? std::min<std::size_t>(left, 7) : left));
  });
  require(whole.truth == cut.truth);
  if (whole.got != cut.got) require_same(see(whole.got, whole.truth), see(cut.got, cut.truth));
}

}  // namespace ringcast::fuzz
