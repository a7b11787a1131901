// Publish to deliver makes no heap allocation in the steady state: counted, in a binary of its own.
#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "broker/shard.h"
#include "frame/deflate.h"
#include "tests/topics/count_allocations.h"

namespace ringcast::broker {

namespace {

constexpr Now kNow{.monotonic = {1'000}, .utc_us = 1'000'000};

// Two shards on one thread, whose sockets take everything at once.
struct TwoShards {
  Config config;
  Mesh mesh{{.shards = 2, .requests_capacity = 64, .deliveries_capacity = 64}};
  std::array<std::unique_ptr<Shard>, 2> shards;
  std::uint64_t delivered_bytes = 0;
  std::vector<std::uint8_t> scratch;
  Now now = kNow;

  TwoShards() {
    const Process process{.config = config, .mesh = mesh, .hash_key = {1, 2}};
    for (std::uint32_t i = 0; i < 2; ++i) shards[i] = std::make_unique<Shard>(process, i);
  }

  ~TwoShards() {
    for (auto& shard : shards) {
      for (std::uint32_t i = 0; i < shard->sessions().index_end(); ++i) {
        const SlotId slot = shard->sessions().id(shard->sessions().at(i), i);
        if (shard->sessions().find(slot) == nullptr) continue;
        shard->peer_lost(slot);
        shard->sessions().doomed().clear();
        shard->released(slot);
      }
    }
    settle();
  }

  void settle() {
    for (int i = 0; i < 4; ++i) {
      for (auto& shard : shards) {
        (void)shard->turn(now);
        SessionTable& sessions = shard->sessions();
        for (const SlotId slot : sessions.dirty()) {
          Session* session = sessions.find(slot);
          if (session == nullptr) continue;
          session->dirty = false;
          delivered_bytes += session->outbox.owed_bytes();
          session->outbox.consume(session->outbox.owed_bytes(), sessions.outboxes());
        }
        sessions.dirty().clear();
        sessions.resumed().clear();
        sessions.doomed().clear();
        shard->flushed();
      }
    }
  }

  SlotId connect(std::uint32_t shard, std::string_view target, std::string_view protocol = "ringcast.v1.raw",
                 std::string_view extensions = "x-none") {
    std::string request = "GET " + std::string(target) +
                          " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Protocol: " +
                          std::string(protocol) + "\r\nSec-WebSocket-Extensions: " + std::string(extensions) +
                          "\r\n"
                          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    const SlotId slot = shards[shard]->opened({}, kNow.monotonic);
    (void)shards[shard]->received(slot, {reinterpret_cast<std::uint8_t*>(request.data()), request.size()},
                                  kNow.monotonic);
    settle();
    REQUIRE(shards[shard]->sessions().find(slot)->phase == Phase::websocket);
    return slot;
  }

  // Until pools, rings and segments have their size.
  static void warm_up(const auto& publish) {
    for (int i = 0; i < 3'000; ++i) publish();
  }
  // How often so many calls of `publish` allocate; `delivered_bytes` is theirs.
  std::uint64_t allocations_of(int times, const auto& publish) {
    delivered_bytes = 0;
    const std::uint64_t before = topics::test::allocations();
    for (int i = 0; i < times; ++i) publish();
    return topics::test::allocations() - before;
  }
};

}  // namespace

TEST_CASE("publish to deliver, over two shards and 20 subscribers, allocates nothing in the steady state") {
  TwoShards broker;
  const SlotId publisher = broker.connect(0, "/topics/t/a?mode=pub");
  for (std::uint32_t i = 0; i < 20; ++i) {
    const std::array<std::string_view, 3> filters = {"/topics/t/a", "/topics/t/+", "/topics/%23"};
    (void)broker.connect(i % 2, filters[i % 3]);
  }
  constexpr std::size_t kPayload = 100;
  std::vector<std::uint8_t> frame = {0x82, 0x80 | kPayload, 0, 0, 0, 0};
  frame.resize(frame.size() + kPayload, 'x');
  const auto publish = [&] {
    REQUIRE(broker.shards[0]->received(publisher, frame, kNow.monotonic) == frame.size());
    broker.settle();
  };
  TwoShards::warm_up(publish);
  CHECK(broker.allocations_of(3'000, publish) == 0);
  CHECK(broker.delivered_bytes == 3'000ULL * 20 * (2 + kPayload));
}

TEST_CASE("newest values, shared at ticks or each on its own, allocate nothing in the steady state") {
  TwoShards broker;
  const SlotId publisher = broker.connect(0, "/topics/t/a?mode=pub");
  for (std::uint32_t i = 0; i < 20; ++i) {
    const std::array<std::string_view, 4> targets = {
        "/topics/t/a?delivery=latest&rate=10", "/topics/%23?delivery=latest&rate=20&echo=0",
        "/topics/t/+?delivery=latest&rate=10", "/topics/t/a?delivery=latest"};
    const std::array<std::string_view, 3> protocols = {"ringcast.v1.json", "ringcast.v1.proto", "ringcast.v1.raw"};
    (void)broker.connect(i % 2, targets[i % 4], protocols[i % 3]);
  }
  std::vector<std::uint8_t> frame = {0x82, 0x80 | 100, 0, 0, 0, 0};
  frame.resize(frame.size() + 100, 'x');
  const auto publish = [&] {
    REQUIRE(broker.shards[0]->received(publisher, frame, broker.now.monotonic) == frame.size());
    broker.now.monotonic = broker.now.monotonic + 5;  // in all less than after which they are pinged
    broker.settle();
  };
  TwoShards::warm_up(publish);
  const std::uint64_t sent = broker.shards[0]->latest().counters().sent;
  CHECK(broker.allocations_of(1'000, publish) == 0);
  CHECK(broker.shards[0]->latest().counters().sent - sent == 500);
  CHECK(broker.delivered_bytes > 5 * 1'000ULL * 100);
}

TEST_CASE("compressing for subscribers of three windows, and inflating, allocates nothing in the steady state") {
  TwoShards broker;
  const SlotId publisher = broker.connect(0, "/topics/t/a?mode=pub", "ringcast.v1.raw", "permessage-deflate");
  for (std::uint32_t i = 0; i < 20; ++i) {
    const std::array<std::string_view, 4> offers = {"permessage-deflate", "x-none",
                                                    "permessage-deflate; server_max_window_bits=9",
                                                    "permessage-deflate; server_max_window_bits=12"};
    const std::array<std::string_view, 3> protocols = {"ringcast.v1.json", "ringcast.v1.proto", "ringcast.v1.raw"};
    (void)broker.connect(i % 2, i < 12 ? "/topics/t/a" : "/topics/t/+", protocols[i % 3], offers[i / 2 % 4]);
  }
  frame::Deflater deflater({});
  for (const std::size_t size : {1'000UL, 3'900UL}) {  // as JSON 5,200: in base64
    const std::string payload(size, 'x');
    const Bytes deflated = deflater.deflate({reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()});
    REQUIRE(deflated.size() <= 125);
    std::vector<std::uint8_t> frame = {0xc2, static_cast<std::uint8_t>(0x80 | deflated.size()), 0, 0, 0, 0};
    frame.insert(frame.end(), deflated.begin(), deflated.end());
    const auto publish = [&] {
      REQUIRE(broker.shards[0]->received(publisher, frame, kNow.monotonic) == frame.size());
      broker.settle();
    };
    TwoShards::warm_up(publish);
    CHECK(broker.allocations_of(1'000, publish) == 0);
    CHECK(broker.delivered_bytes > 1'000 * 5 * size);             // the five without compression
    CHECK(broker.delivered_bytes < 1'000 * (5 * size + 10'000));  // and the others
  }
  CHECK(broker.shards[0]->compressor().counters().messages > 2'000);
}

TEST_CASE("an acknowledged publish of the full protocol, in either form, allocates nothing in the steady state") {
  struct Row {
    std::string_view protocol;
    std::uint8_t opcode;
    std::vector<std::uint8_t> publish;
  };
  const std::string json = R"({"publish":{"topic":"t/a","text":"twenty-five bytes or so!!"}})";
  const std::string_view proto = "\x22\x0c\x12\x03t/a\x20\x01\x3a\x03xyz";  // publish, topic, format, payload
  const Row rows[] = {{"ringcast.v1.json", 0x81, {json.begin(), json.end()}},
                      {"ringcast.v1.proto", 0x82, {proto.begin(), proto.end()}}};
  for (const Row& row : rows) {
    CAPTURE(row.protocol);
    TwoShards broker;
    const SlotId publisher = broker.connect(0, "/ws", row.protocol);
    for (std::uint32_t i = 0; i < 12; ++i) {
      const std::array<std::string_view, 3> protocols = {"ringcast.v1.json", "ringcast.v1.proto", "ringcast.v1.raw"};
      (void)broker.connect(i % 2, i < 6 ? "/topics/t/a" : "/topics/t/+", protocols[i % 3]);
    }
    std::vector<std::uint8_t> frame = {row.opcode, static_cast<std::uint8_t>(0x80 | row.publish.size()), 0, 0, 0, 0};
    frame.insert(frame.end(), row.publish.begin(), row.publish.end());
    const auto publish = [&] {
      std::vector<std::uint8_t>& sent = broker.scratch;
      sent = frame;  // the parser unmasks in place
      REQUIRE(broker.shards[0]->received(publisher, sent, kNow.monotonic) == sent.size());
      broker.settle();
    };
    TwoShards::warm_up(publish);
    CHECK(broker.allocations_of(1'000, publish) == 0);
    CHECK(broker.delivered_bytes > 1'000ULL * 12 * 5);
  }
}

}  // namespace ringcast::broker
