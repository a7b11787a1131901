#include "broker/requester.h"

#include <doctest/doctest.h>
#include <string>
#include <vector>

using namespace ringcast;
using namespace ringcast::broker;

namespace {

// Shard 0, which asks home 1; the test works the home's half of the ring.
struct Bench {
  explicit Bench(std::uint32_t requests = 8)
      : mesh({.shards = 2, .requests_capacity = requests, .deliveries_capacity = 2}) {}

  topics::Message* message(std::size_t payload_size, char fill = 'x') {
    const std::vector<std::uint8_t> payload(payload_size, static_cast<std::uint8_t>(fill));
    return pool.make({.topic = "a", .payload = payload});
  }
  // The publish of a new message; false, and nothing kept, when there is no room.
  bool publish(std::size_t payload_size) {
    topics::Message* const made = message(payload_size);
    if (requester.publish(1, {.kind = Request::Kind::publish, .message = made})) return true;
    pool.release(made);
    return false;
  }
  // What lies unread at the home, by ticket; reads it. Moved messages become the home's, and go.
  std::vector<std::uint32_t> take(std::size_t count_max = 100) {
    (void)requester.flush();
    std::vector<std::uint32_t> tickets;
    Queue<Request>& ring = mesh.requests(0, 1);
    for (Request* request = ring.front(); request != nullptr && tickets.size() < count_max; request = ring.front()) {
      tickets.push_back(request->ticket);
      if (request->kind == Request::Kind::publish && !request->sender_releases) {
        home_pool.release(home_pool.adopt(request->message).message);
      }
      ring.pop();
    }
    woke = ring.release();
    return tickets;
  }

  Mesh mesh;
  topics::MessagePool pool;
  topics::MessagePool home_pool;
  Requester requester{mesh, 0, pool};
  bool woke = false;
};

constexpr std::size_t kMiB = 1024 * 1024;

}  // namespace

TEST_CASE("a small message stays the sender's until the home has passed it, a large one moves at once") {
  Bench bench;
  REQUIRE(bench.publish(100));
  CHECK(bench.pool.live() == 1);
  REQUIRE(bench.publish(10'000));
  CHECK(bench.pool.live() == 1);
  CHECK(bench.take().size() == 2);
  CHECK(bench.pool.live() == 1);
  bench.requester.advance();
  CHECK(bench.pool.live() == 0);
  CHECK(bench.home_pool.live() == 0);
}

TEST_CASE("a publish that finds the ring full is refused, and room is told when the home makes some") {
  Bench bench(2);
  REQUIRE(bench.publish(1));
  REQUIRE(bench.publish(1));
  CHECK_FALSE(bench.publish(1));
  (void)bench.requester.flush();
  CHECK_FALSE(bench.requester.ask_for_room());
  CHECK(bench.take(1).size() == 1);
  CHECK(bench.woke);
  CHECK(bench.requester.ask_for_room());  // there is room: no sleep
  CHECK(bench.requester.advance());
  CHECK(bench.publish(1));
  (void)bench.take();
}

TEST_CASE("eight MiB may lie unread in a ring, and one message always fits") {
  Bench bench;
  REQUIRE(bench.publish(4 * kMiB));
  REQUIRE(bench.publish(4 * kMiB));
  CHECK_FALSE(bench.publish(1));
  CHECK(bench.take().size() == 2);
  CHECK(bench.requester.advance());
  REQUIRE(bench.publish(20 * kMiB));
  CHECK_FALSE(bench.publish(1));
  CHECK(bench.take().size() == 1);
  bench.requester.advance();
}

TEST_CASE("what finds no room waits in order, and nothing overtakes it") {
  Bench bench(2);
  for (std::uint32_t ticket = 0; ticket < 5; ++ticket) {
    bench.requester.send(1, {.kind = Request::Kind::withdraw, .ticket = ticket, .message = bench.message(0)});
  }
  CHECK(bench.requester.waiting() == 3);
  CHECK(bench.take(1) == std::vector<std::uint32_t>{0});
  CHECK_FALSE(bench.publish(1));  // there is room for one, but it is not this one's
  std::vector<std::uint32_t> tickets;
  for (int i = 0; i < 4; ++i) {
    bench.requester.advance();
    bench.requester.send(
        1,
        {.kind = Request::Kind::withdraw, .ticket = 5U + static_cast<std::uint32_t>(i), .message = bench.message(0)});
    for (const std::uint32_t ticket : bench.take()) tickets.push_back(ticket);
  }
  bench.requester.advance();
  for (const std::uint32_t ticket : bench.take()) tickets.push_back(ticket);
  CHECK(tickets == std::vector<std::uint32_t>{1, 2, 3, 4, 5, 6, 7, 8});
  bench.requester.advance();
  CHECK(bench.requester.waiting() == 0);
  CHECK(bench.pool.live() == 0);
}

TEST_CASE("what was sent is unflushed until it is shown") {
  Bench bench;
  CHECK_FALSE(bench.requester.unflushed());
  REQUIRE(bench.publish(1));
  CHECK(bench.requester.unflushed());
  CHECK(bench.requester.flush() == topics::only(1));
  CHECK_FALSE(bench.requester.unflushed());
  CHECK(bench.requester.flush() == 0);
  (void)bench.take();
}

TEST_CASE("a requester that goes frees what waits and what the home has passed") {
  Mesh mesh({.shards = 2, .requests_capacity = 2, .deliveries_capacity = 2});
  topics::MessagePool pool;
  {
    Requester requester(mesh, 0, pool);
    for (int i = 0; i < 4; ++i) {
      requester.send(1, {.kind = Request::Kind::withdraw, .message = pool.make({.topic = "a"})});
    }
    (void)requester.flush();
    while (mesh.requests(0, 1).front() != nullptr) mesh.requests(0, 1).pop();
    (void)mesh.requests(0, 1).release();
  }
  CHECK(pool.live() == 0);
}
