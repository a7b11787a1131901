#include "broker/queue.h"

#include <doctest/doctest.h>

#include <thread>

#include "broker/mesh.h"

namespace ringcast::broker {

TEST_CASE("a queue: first in, first out, seen after flush, full at its capacity and no sooner") {
  Queue<int> queue(4);
  for (int i = 0; i < 4; ++i) CHECK(queue.push(i));
  CHECK(!queue.push(4));
  CHECK(queue.front() == nullptr);  // nothing was flushed
  CHECK(queue.flush());
  CHECK(!queue.flush());
  for (int i = 0; i < 4; ++i) {
    REQUIRE(queue.front() != nullptr);
    CHECK(*queue.front() == i);
    queue.pop();
  }
  CHECK(queue.front() == nullptr);
}

TEST_CASE("a queue: an entry stays the producer's to free until it was reclaimed, each once, in order") {
  Queue<int> queue(4);
  for (int i = 0; i < 3; ++i) CHECK(queue.push(i));
  queue.flush();
  (void)queue.front();
  queue.pop();
  queue.pop();
  int freed = 0;
  queue.reclaim([&](int&) { ++freed; });
  CHECK(freed == 0);  // passed, but not released
  CHECK(!queue.release());
  queue.reclaim([&](int& entry) { CHECK(entry == freed++); });
  CHECK(freed == 2);
  CHECK(queue.room() == 3);
}

TEST_CASE("a queue: a producer that waits for room is told once, and not when there is room already") {
  Queue<int> queue(2);
  CHECK(queue.push(1));
  CHECK(queue.push(2));
  queue.flush();
  CHECK(queue.ask_for_room());  // still full
  (void)queue.front();
  queue.pop();
  CHECK(queue.release());
  (void)queue.front();
  queue.pop();
  CHECK(!queue.release());  // it asked once
  CHECK(!queue.ask_for_room());
}

TEST_CASE("a doorbell rings once for each sleep") {
  Doorbell bell;
  CHECK(!bell.ring());
  bell.announce_sleep();
  CHECK(bell.ring());
  CHECK(!bell.ring());
  bell.announce_sleep();
  bell.rise();
  CHECK(!bell.ring());
}

TEST_CASE("a queue between two threads loses nothing, doubles nothing and frees everything") {
  constexpr std::uint64_t kCount = 200'000;
  Queue<std::uint64_t> queue(64);
  std::uint64_t freed = 0;
  std::jthread producer([&] {
    const auto free = [&](std::uint64_t& entry) { freed += entry; };
    for (std::uint64_t i = 1; i <= kCount;) {
      queue.reclaim(free);
      while (i <= kCount && queue.push(i)) ++i;
      queue.flush();
      std::this_thread::yield();
    }
    while (freed < kCount * (kCount + 1) / 2) {
      queue.reclaim(free);
      std::this_thread::yield();
    }
  });
  for (std::uint64_t expected = 1; expected <= kCount;) {
    for (std::uint64_t* entry = queue.front(); entry != nullptr; entry = queue.front()) {
      REQUIRE(*entry == expected++);
      queue.pop();
    }
    (void)queue.release();
    std::this_thread::yield();
  }
  producer.join();
  CHECK(freed == kCount * (kCount + 1) / 2);
}

}  // namespace ringcast::broker
