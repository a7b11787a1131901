// permessage-deflate through whole shards: what is agreed to, who gets which bytes, what is read (RFC 7692).
#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "frame/deflate.h"
#include "tests/broker/full_bench.h"

namespace ringcast::broker::test {

namespace {

using Texts = std::vector<std::string>;

constexpr std::string_view kOffer = "permessage-deflate; client_max_window_bits";
constexpr std::string_view kRaw = "ringcast.v1.raw";
constexpr std::string_view kJson = "ringcast.v1.json";
constexpr std::string_view kProto = "ringcast.v1.proto";

// The value of Sec-WebSocket-Extensions in the head of an answer; "" without one.
std::string extensions_of(const std::string& head) {
  constexpr std::string_view kName = "Sec-WebSocket-Extensions: ";
  const std::size_t at = head.find(kName);
  if (at == std::string::npos) return "";
  return head.substr(at + kName.size(), head.find("\r\n", at) - at - kName.size());
}

std::string words(std::size_t size) {
  std::mt19937 random(static_cast<unsigned>(size));
  constexpr std::string_view kWords[] = {"price ", "19.2 ", "quantity ", "AAPL ", "0 ", "venue ", "14 "};
  std::string out;
  while (out.size() < size) out += kWords[random() % std::size(kWords)];
  out.resize(size);
  return out;
}

std::string deflated(std::string_view payload) {
  frame::Deflater deflater({});
  const Bytes out = deflater.deflate({reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()});
  return {out.begin(), out.end()};
}

constexpr frame::Header kCompressedText{.opcode = frame::Opcode::text, .rsv1 = true};
constexpr frame::Header kBinary{.opcode = frame::Opcode::binary};

// Publishes as raw binary message.
void publish(FullBench& bench, Client& publisher, std::string_view payload) {
  bench.send(publisher, kBinary, payload);
}

}  // namespace

TEST_CASE("compression: what a client offers, and what it is answered, on every URL and protocol") {
  struct Row {
    std::string_view offer;
    std::string_view answer;
  };
  constexpr std::string_view kAnswer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  const Row rows[] = {
      {"permessage-deflate", kAnswer},
      {kOffer, kAnswer},
      {"permessage-deflate; server_no_context_takeover", kAnswer},
      {"permessage-deflate; server_max_window_bits=12",
       "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12"},
      // Nothing that can be kept to: the connection opens without.
      {"permessage-deflate; server_max_window_bits=8", ""},
      {"permessage-deflate; server_max_window_bits=16", ""},
      {"permessage-deflate; unknown", ""},
      {"x-webkit-deflate-frame", ""},
      // The first that can.
      {"permessage-deflate; server_max_window_bits=8, permessage-deflate", kAnswer},
      {"bbf-usp-protocol, permessage-deflate; x=1, permessage-deflate; server_max_window_bits=\"9\"",
       "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9"},
  };
  struct Place {
    std::string_view target;
    std::string_view protocol;
  };
  for (const Place& place : {Place{"/topics/a", kRaw}, Place{"/topics/a", kJson}, Place{"/topics/%23", kProto},
                             Place{"/topics/a?mode=pub", kRaw}, Place{"/ws", kJson}, Place{"/ws", kProto}}) {
    FullBench bench;
    for (const Row& row : rows) {
      CAPTURE(place.target);
      CAPTURE(row.offer);
      const std::string head = bench.try_connect_offering(row.offer, place.target, place.protocol);
      CHECK(head.starts_with("HTTP/1.1 101 "));
      CHECK(extensions_of(head) == row.answer);
    }
    // RFC 6455 §9.1: what is not even a list fails the handshake.
    for (const std::string_view offer : {"permessage-deflate;;", "=", "permessage-deflate; a=\"b c\""}) {
      CAPTURE(offer);
      CHECK(bench.try_connect_offering(offer, place.target, place.protocol).starts_with("HTTP/1.1 400 "));
    }
  }
}

TEST_CASE("compression: off, nothing is agreed to, and a list that is none still fails the handshake") {
  Config config;
  config.compression = Toggle::off;
  FullBench bench({.config = config});
  const std::string head = bench.try_connect_offering(kOffer, "/topics/a", kRaw);
  CHECK(head.starts_with("HTTP/1.1 101 "));
  CHECK(extensions_of(head).empty());
  CHECK(bench.try_connect_offering("permessage-deflate;;", "/topics/a", kRaw).starts_with("HTTP/1.1 400 "));
  CHECK(bench.shard(0).sessions().compressions() == compression_bit(Compression::none));
}

TEST_CASE("compression: subscribers of one topic get the same, each with the window that it agreed to or without") {
  FullBench bench;
  Client& publisher = bench.connect(0, "/topics/t?mode=pub", kRaw);
  struct Subscriber {
    Client& client;
    bool compresses;
  };
  std::vector<Subscriber> subscribers;
  for (std::uint32_t shard = 0; shard < 2; ++shard) {
    for (const unsigned bits : {0U, 9U, 10U, 12U, 15U}) {
      const std::string offer = "permessage-deflate; server_max_window_bits=" + std::to_string(bits);
      Client& client =
          bits == 0 ? bench.connect(shard, "/topics/t", kRaw) : bench.connect_offering(offer, shard, "/topics/t", kRaw);
      if (bits != 0) client.inflater = frame::Inflater({.window_bits = static_cast<std::uint8_t>(bits)});
      subscribers.push_back({client, bits != 0});
    }
  }
  for (const std::size_t size : {255U, 256U, 512U, 513U, 1024U, 4097U, 40000U, 65536U, 65537U, 300000U, 1048576U}) {
    CAPTURE(size);
    const std::string payload = words(size);
    publish(bench, publisher, payload);
    for (const Subscriber& subscriber : subscribers) {
      CHECK(bench.take(subscriber.client) == Texts{payload});
      const bool compressed = std::exchange(subscriber.client.compressed, 0) == 1;
      CHECK(compressed == (subscriber.compresses && size >= 256));
    }
  }
}

TEST_CASE("compression: a message is compressed once per window, whatever the number of subscribers") {
  FullBench bench({.shards = 1});
  Client& publisher = bench.connect(0, "/topics/t?mode=pub", kRaw);
  std::vector<Client*> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(&bench.connect_offering(kOffer, 0, "/topics/t", kRaw));
  for (int i = 0; i < 5; ++i) {
    clients.push_back(&bench.connect_offering("permessage-deflate; server_max_window_bits=13", 0, "/topics/%23", kRaw));
  }
  const auto compressed = [&] { return bench.shard(0).compressor().counters().messages; };
  publish(bench, publisher, words(1'000));
  CHECK(compressed() == 1);  // it fits into the smaller window
  publish(bench, publisher, words(10'000));
  CHECK(compressed() == 3);
  for (Client* client : clients) CHECK(client->compressed == 2);
  for (Client* client : clients) bench.lose(*client);
  bench.settle();
  publish(bench, publisher, words(1'000));
  CHECK(compressed() == 3);
  CHECK(bench.shard(0).compressor().open_windows() == 0);  // nobody is left who would need them
}

TEST_CASE("compression: what does not become smaller is sent as it is, also between compressed messages") {
  FullBench bench;
  Client& publisher = bench.connect(0, "/topics/t?mode=pub", kRaw);
  Client& client = bench.connect_offering(kOffer, 0, "/topics/t", kRaw);
  std::mt19937 random(7);
  std::string noise(3'000, 0);
  for (char& byte : noise) byte = static_cast<char>(random());
  const Texts sent = {words(1'000), noise, words(2'000), "small"};
  for (const std::string& payload : sent) publish(bench, publisher, payload);
  CHECK(bench.take(client) == sent);
  CHECK(client.compressed == 2);
}

TEST_CASE("compression: an empty message and an empty threshold go together") {
  Config config;
  config.compress_min_bytes = 0;
  FullBench bench({.config = config});
  Client& publisher = bench.connect(0, "/topics/t?mode=pub", kRaw);
  Client& client = bench.connect_offering(kOffer, 0, "/topics/t", kRaw);
  publish(bench, publisher, "");
  publish(bench, publisher, std::string(30, 'a'));
  CHECK(bench.take(client) == Texts{"", std::string(30, 'a')});
  CHECK(client.compressed == 1);
}

TEST_CASE("compression: all protocols get the same message, live, as last value and in a replay") {
  Config config;
  config.history = 10;
  FullBench bench({.config = config});
  Client& publisher = bench.connect_offering(kOffer, 0, "/ws", kJson);
  const std::string text = words(2'000);
  const std::string publish_text = R"({"publish":{"topic":"t","text":")" + text + R"("}})";
  bench.say(publisher, publish_text);
  Client& raw = bench.connect_offering(kOffer, 1, "/topics/t?last=1", kRaw);
  Client& json = bench.connect_offering(kOffer, 1, "/ws", kJson);
  Client& proto = bench.connect_offering(kOffer, 1, "/topics/%23?last=1", kProto);
  bench.say(json, R"({"subscribe":{"id":1,"filter":"t","start":"last_n","last_count":5}})");
  bench.say(publisher, publish_text);
  const auto with_text = [&](Client& client) {
    std::size_t count = 0;
    for (const std::string& heard : bench.take(client)) count += heard.find(text) != std::string::npos ? 1U : 0U;
    return count;
  };
  for (Client* client : {&raw, &json, &proto}) {
    CHECK(with_text(*client) == 2);
    CHECK(client->compressed == 2);
    CHECK(client->bytes < text.size() * 2);
  }
}

TEST_CASE("compression: what clients send compressed is published as they meant it, cut anywhere, in fragments") {
  FullBench bench;
  Client& publisher = bench.connect_offering(kOffer, 0, "/topics/t?mode=pub", kRaw);
  Client& plain = bench.connect(1, "/topics/t", kRaw);
  const std::string text = words(5'000);
  const std::string small = deflated(text);
  bench.send(publisher, kCompressedText, small);
  bench.send(publisher, {.opcode = frame::Opcode::text}, "uncompressed");
  bench.send(publisher, {.opcode = frame::Opcode::text, .fin = false, .rsv1 = true}, small.substr(0, 7));
  bench.send(publisher, {.opcode = frame::Opcode::ping}, "between");
  bench.send(publisher, {.opcode = frame::Opcode::continuation, .fin = false}, small.substr(7, 1));
  bench.send(publisher, {.opcode = frame::Opcode::continuation}, small.substr(8));
  CHECK(bench.take(plain) == Texts{text, "uncompressed", text});
  CHECK(plain.compressed == 0);

  Client& json = bench.connect_offering(kOffer, 0, "/ws", kJson);
  bench.send(json, kCompressedText, deflated(R"({"publish":{"id":7,"topic":"t","text":"from json"}})"));
  CHECK(bench.take(plain) == Texts{"from json"});
  CHECK(json.heard.size() == 1);  // the ack, uncompressed
  CHECK(json.compressed == 0);
}

TEST_CASE("compression: broken data, bombs and reserved bits end the connection with the code of the RFC") {
  struct Row {
    std::string_view what;
    frame::Header header;
    std::string payload;
    std::uint16_t code;
  };
  Config config;
  config.max_message_bytes = 64 * kKiB;
  const Row rows[] = {
      {"no DEFLATE", kCompressedText, "\xff\xff\xff\xff", 1'007},
      {"cut short", kCompressedText, deflated(words(1'000)).substr(0, 100), 1'007},
      {"not UTF-8", kCompressedText, deflated(std::string(500, '\xff')), 1'007},
      {"a bomb", kCompressedText, deflated(std::string(100 * 1024 * 1024 / 10, 'a')), 1'009},
      {"one byte too many", kCompressedText, deflated(std::string(64 * 1024 + 1, 'a')), 1'009},
      {"RSV1 on a continuation", {.opcode = frame::Opcode::continuation, .rsv1 = true}, "", 1'002},
      {"RSV1 on a ping", {.opcode = frame::Opcode::ping, .rsv1 = true}, "", 1'002},
  };
  FullBench bench({.config = config});
  Client& plain = bench.connect(1, "/topics/t", kRaw);
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Client& client = bench.connect_offering(kOffer, 0, "/topics/t", kRaw);
    bench.send(client, row.header, row.payload);
    CHECK(client.close_code == row.code);
  }
  CHECK(plain.heard.empty());
  Client& client = bench.connect_offering(kOffer, 0, "/topics/t?mode=pub", kRaw);
  bench.send(client, kCompressedText, deflated(std::string(64 * 1024, 'a')));  // on the limit
  CHECK(bench.take(plain) == Texts{std::string(64 * 1024, 'a')});
  Client& uncompressed = bench.connect(0, "/topics/t", kRaw);
  bench.send(uncompressed, kCompressedText, deflated("x"));
  CHECK(uncompressed.close_code == 1'002);  // RSV1, though nobody agreed to it
}

TEST_CASE("compression: a large message is compressed in steps, for all protocols, and others do not wait for it") {
  FullBench bench;
  const auto topic_of = [](std::uint32_t home) {
    for (char c = 'a';; ++c) {
      if (topics::owner(topics::hash_name({1, 2}, std::string(1, c)), 2) == home) return std::string(1, c);
    }
  };
  Client& large_publisher = bench.connect(0, "/topics/" + topic_of(0) + "?mode=pub", kRaw);
  Client& small_publisher = bench.connect(0, "/topics/" + topic_of(1) + "?mode=pub", kRaw);
  Client& raw = bench.connect_offering(kOffer, 0, "/topics/%23", kRaw);
  Client& raw9 = bench.connect_offering("permessage-deflate; server_max_window_bits=9", 0, "/topics/%23", kRaw);
  Client& json = bench.connect_offering(kOffer, 0, "/topics/%23", kJson);
  Client& proto = bench.connect_offering(kOffer, 0, "/topics/%23", kProto);
  Client& plain = bench.connect(1, "/topics/%23", kRaw);
  for (Client* client : {&raw, &raw9, &json, &proto}) (void)bench.take(*client);
  const std::string large = words(1024 * 1024);
  constexpr frame::Header kText{.opcode = frame::Opcode::text};
  bench.write(large_publisher, kText, large);
  for (int i = 0; i < 3; ++i) (void)bench.turn();
  bench.write(small_publisher, kText, "small");
  std::size_t turns = 0;
  while (raw.heard.size() < 2 && turns < 10'000) {
    (void)bench.turn();
    ++turns;
  }
  CHECK(raw.heard == Texts{"small", large});
  CHECK(turns > 3 * large.size() / (16 * 1024 * Compressor::kBytesPerAppend));
  bench.settle();
  CHECK(raw9.heard == raw.heard);
  CHECK(std::ranges::count(plain.heard, large) == 1);
  for (Client* client : {&raw, &raw9, &json, &proto}) {
    CHECK(client->heard.size() == 2);
    CHECK(client->compressed == 1);
    CHECK(client->bytes < large.size() / 2);
    CHECK(client->heard.back().find(large) != std::string::npos);
  }
  CHECK(bench.shard(0).compressor().counters().messages == 4);
}

TEST_CASE("compression: who comes or goes while a large message is compressed changes nothing for the others") {
  FullBench bench({.shards = 1});
  Client& publisher = bench.connect(0, "/topics/t?mode=pub", kRaw);
  Client& stays = bench.connect_offering(kOffer, 0, "/topics/t", kRaw);
  Client& goes = bench.connect_offering("permessage-deflate; server_max_window_bits=9", 0, "/topics/t", kRaw);
  const std::string large = words(1024 * 1024);
  bench.write(publisher, kBinary, large);
  for (int i = 0; i < 4; ++i) (void)bench.turn();
  bench.lose(goes);
  Client& comes = bench.connect_offering("permessage-deflate; server_max_window_bits=12", 0, "/topics/t?last=1", kRaw);
  bench.settle();
  CHECK(bench.take(stays) == Texts{large});
  CHECK(bench.take(comes) == Texts{large});
  bench.lose(stays);
  bench.lose(comes);
  bench.write(publisher, kBinary, large);
  bench.settle();
  publish(bench, publisher, "small");
  CHECK(bench.shard(0).compressor().counters().messages == 1);
}

TEST_CASE("compression: a turn compresses a bounded number of bytes, and everything comes") {
  FullBench bench({.shards = 1, .requests_capacity = 256, .deliveries_capacity = 256});
  Client& publisher = bench.connect(0, "/topics/t?mode=pub", kRaw);
  Client& client = bench.connect_offering(kOffer, 0, "/topics/t", kRaw);
  const std::string payload = words(30'000);
  for (int i = 0; i < 10; ++i) bench.whisper(publisher, payload);
  Shard& shard = bench.shard(0);
  std::uint64_t before = 0;
  std::uint64_t most = 0;
  for (int i = 0; i < 1'000 && shard.compressor().counters().messages < 10; ++i) {
    (void)shard.turn(bench.now);
    shard.flushed();
    const std::uint64_t bytes = shard.compressor().counters().bytes_before;
    most = std::max(most, bytes - std::exchange(before, bytes));
  }
  CHECK(most >= payload.size());
  CHECK(most <= 16 * 1024 * 3 + 2 * payload.size());  // the budget of a turn, and what was begun within it
  bench.settle();
  CHECK(bench.take(client) == Texts(10, payload));
}

}  // namespace ringcast::broker::test
