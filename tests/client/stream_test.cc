#include "client/stream.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/client/peer.h"

using namespace ringcast;
using namespace ringcast::client;
using ringcast::test::Peer;

namespace {

constexpr std::size_t kWhole = ~std::size_t{0};

Stream make_stream(Random& random, std::vector<std::string> protocols = {}) {
  return Stream({.host = "localhost:8080", .target = "/topics/a?mode=pub", .protocols = std::move(protocols)}, random);
}

void write_to(Stream& stream, Peer& peer) {
  peer.take(stream.output());
  stream.written(stream.output().size());
}

// What the stream says to the bytes, in pieces of at most `piece`, as lines.
std::vector<std::string> read_from(Stream& stream, std::vector<std::uint8_t> bytes, std::size_t piece = kWhole) {
  std::vector<std::string> said;
  for (std::size_t at = 0; at < bytes.size();) {
    std::size_t left = std::min(piece, bytes.size() - at);
    for (;;) {
      const auto step = stream.next(std::span(bytes).subspan(at, left));
      if (!step) {
        said.push_back("error " + step.error().text);
        return said;
      }
      at += step->consumed;
      left -= step->consumed;
      const std::string payload(frame::as_text(step->event.payload));
      if (step->event.kind == Event::Kind::need_more) break;
      if (step->event.kind == Event::Kind::opened) said.push_back("opened " + payload);
      if (step->event.kind == Event::Kind::text) said.push_back("text " + payload);
      if (step->event.kind == Event::Kind::binary) said.push_back("binary " + std::to_string(payload.size()));
      if (step->event.kind == Event::Kind::closed) {
        said.push_back("closed " + std::to_string(step->event.code) + ' ' + payload);
      }
    }
  }
  return said;
}

// A stream whose handshake is done.
Stream open_stream(Random& random, Peer& peer) {
  Stream stream = make_stream(random);
  write_to(stream, peer);
  REQUIRE(read_from(stream, peer.release()) == std::vector<std::string>{"opened "});
  return stream;
}

}  // namespace

TEST_CASE("Stream opens, and what was sent before the handshake was done arrives behind it") {
  Random random;
  Peer peer;
  peer.protocol = "b";
  Stream stream = make_stream(random, {"a", "b"});
  stream.send(MessageKind::text, frame::as_bytes("early"));
  CHECK(stream.state() == Stream::State::opening);
  write_to(stream, peer);
  CHECK(peer.target == "/topics/a?mode=pub");
  CHECK(peer.heard == std::vector<std::string>{"text early"});
  CHECK(read_from(stream, peer.release()) == std::vector<std::string>{"opened b"});
  CHECK(stream.state() == Stream::State::open);
}

TEST_CASE("Stream gathers many messages into one output, each masked by a key of its own") {
  Random random;
  Peer peer;
  Stream stream = open_stream(random, peer);
  stream.send(MessageKind::text, frame::as_bytes("one"));
  const std::size_t first = stream.output().size();
  stream.send(MessageKind::text, frame::as_bytes("one"));
  const std::vector<std::uint8_t> both(stream.output().begin(), stream.output().end());
  CHECK(both.size() == 2 * first);
  CHECK_FALSE(std::equal(both.begin(), both.begin() + static_cast<std::ptrdiff_t>(first),
                         both.begin() + static_cast<std::ptrdiff_t>(first)));
  stream.send(MessageKind::binary, std::vector<std::uint8_t>(70000));
  write_to(stream, peer);
  CHECK(peer.heard == std::vector<std::string>{"text one", "text one", "binary 70000"});
}

TEST_CASE("Stream's output survives being written in pieces of any size") {
  Random random;
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 100U}) {
    Peer peer;
    Stream stream = open_stream(random, peer);
    std::vector<std::string> expected;
    for (int i = 0; i < 20; ++i) {
      const std::string text(static_cast<std::size_t>(i * 3), 'x');
      stream.send(MessageKind::text, frame::as_bytes(text));
      expected.push_back("text " + text);
      const std::size_t size = std::min(piece, stream.output().size());
      peer.take(stream.output().first(size));
      stream.written(size);
    }
    while (!stream.output().empty()) {
      const std::size_t size = std::min(piece, stream.output().size());
      peer.take(stream.output().first(size));
      stream.written(size);
    }
    CHECK(peer.heard == expected);
  }
}

TEST_CASE("Stream says the same whole, byte by byte and cut at every place") {
  Random random;
  const auto run = [&random](std::size_t cut, std::size_t piece) {
    Peer peer;
    Stream stream = make_stream(random);
    write_to(stream, peer);
    peer.send(frame::Opcode::text, "hello");
    peer.send(frame::Opcode::ping, "p");
    peer.send(frame::Opcode::binary, "ab", false);
    peer.send(frame::Opcode::continuation, "cd");
    peer.send(frame::Opcode::close, "\x03\xf4gone");
    std::vector<std::uint8_t> bytes = peer.release();
    std::vector<std::string> said;
    if (cut > 0 && cut < bytes.size()) {
      said = read_from(stream, {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(cut)});
      bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(cut));
    }
    for (std::string& line : read_from(stream, bytes, piece)) said.push_back(std::move(line));
    write_to(stream, peer);
    said.insert(said.end(), peer.heard.begin(), peer.heard.end());
    return said;
  };
  const std::vector<std::string> whole = run(0, kWhole);
  CHECK(whole ==
        std::vector<std::string>{"opened ", "text hello", "binary 4", "closed 1012 gone", "pong p", "close 1012 "});
  CHECK(run(0, 1) == whole);
  for (std::size_t cut = 1; cut < 170; ++cut) REQUIRE(run(cut, kWhole) == whole);
}

TEST_CASE("Stream closes with a code and waits for the peer's close") {
  Random random;
  Peer peer;
  peer.echo = true;
  Stream stream = open_stream(random, peer);
  stream.close(1000, "done");
  stream.close(1001, "not twice");
  CHECK(stream.state() == Stream::State::closing);
  write_to(stream, peer);
  CHECK(peer.heard == std::vector<std::string>{"close 1000 done"});
  CHECK(read_from(stream, peer.release()) == std::vector<std::string>{"closed 1000 "});
  CHECK(stream.state() == Stream::State::closed);
  CHECK(stream.output().empty());
  stream.send(MessageKind::text, frame::as_bytes("nobody hears this"));
  CHECK(stream.output().empty());
}

TEST_CASE("Stream tells a close without a code from one with it") {
  Random random;
  Peer peer;
  Stream stream = open_stream(random, peer);
  peer.send(frame::Opcode::close, "");
  CHECK(read_from(stream, peer.release()) == std::vector<std::string>{"closed 1005 "});
  write_to(stream, peer);
  CHECK(peer.heard == std::vector<std::string>{"close 1005 "});
}

TEST_CASE("Stream ends a connection whose server breaks RFC 6455, and says so to both sides") {
  Random random;
  Peer peer;
  Stream stream = open_stream(random, peer);
  peer.send_raw("\x81\x81zzzzz");  // masked, §5.1
  CHECK(read_from(stream, peer.release())[0].starts_with("error the server broke the WebSocket protocol: "));
  write_to(stream, peer);
  REQUIRE(peer.heard.size() == 1);
  CHECK(peer.heard[0].starts_with("close 1002 "));
}

TEST_CASE("Stream turns every answer but a good upgrade into an error that says what came") {
  struct Case {
    const char* answer;
    Failure failure;
    const char* text;
  };
  const Case cases[] = {
      {"HTTP/1.1 400 Bad Request\r\nContent-Length: 58\r\n\r\n"
       "{\"status\":400,\"error\":\"bad_topic\",\"message\":\"say \\\"why\\\"\"}",
       Failure::usage, "refused with 400 Bad Request: say \"why\""},
      {"HTTP/1.1 404 Not Found\r\nContent-Length: 6\r\n\r\nnope\n\n", Failure::usage,
       "refused with 404 Not Found: nope"},
      {"HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n", Failure::refused,
       "refused with 503 Service Unavailable: no"},
      {"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n", Failure::refused,
       "refused with 429 Too Many Requests"},
      {"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", Failure::usage,
       "refused with 403 Forbidden"},
      {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
       "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
       Failure::protocol, "a bad upgrade: "},
      {"SSH-2.0-OpenSSH_9.2\r\n", Failure::protocol, "no HTTP/1.1 answer: "},
  };
  Random random;
  for (const Case& c : cases) {
    CAPTURE(c.answer);
    const std::string answer = c.answer;
    for (std::size_t cut = 0; cut < answer.size(); ++cut) {
      Stream stream = make_stream(random);
      std::optional<Error> error;
      for (std::string part : {answer.substr(0, cut), answer.substr(cut)}) {
        std::vector<std::uint8_t> bytes(part.begin(), part.end());
        const auto step = stream.next(bytes);
        if (!step) {
          error = step.error();
          break;
        }
        REQUIRE(step->consumed == bytes.size());
      }
      REQUIRE(error.has_value());
      REQUIRE(error->failure == c.failure);
      REQUIRE(error->text.starts_with(c.text));
    }
  }
}

TEST_CASE("Stream says what the end of the connection means in each state") {
  Random random;
  Stream opening = make_stream(random);
  CHECK(opening.ended().text == "the server ended the connection instead of answering");
  std::string answer = "HTTP/1.1 500 Oops\r\n\r\nbecause";  // a body that ends with the connection
  std::vector<std::uint8_t> bytes(answer.begin(), answer.end());
  CHECK(opening.next(bytes).has_value());
  CHECK(opening.ended().text == "refused with 500 Internal Server Error: because");
  Peer peer;
  CHECK(open_stream(random, peer).ended().text == "the connection ended without a close frame");
}
