// The contract of broker/io/backend.h, third part: waiting, waking, many sockets, and more completions than fit.
// Labelled `threads`: wake() is called by other threads.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <string>
#include <thread>

#include "broker/io/text_file.h"
#include "tests/io/harness.h"

namespace ringcast::io::test {
namespace {

using Clock = std::chrono::steady_clock;

std::int64_t elapsed_ms(Clock::time_point since) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - since).count();
}

std::int64_t thread_cpu_us() {
  timespec used{};
  REQUIRE(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) == 0);
  return used.tv_sec * 1'000'000 + used.tv_nsec / 1000;
}

// Whether a thread of ours comes to sleep in the kernel, as /proc says, before the test's patience is over.
bool falls_asleep(pid_t thread) {
  const std::string path = "/proc/self/task/" + std::to_string(thread) + "/stat";
  for (const Clock::time_point start = Clock::now(); elapsed_ms(start) < 10'000; std::this_thread::yield()) {
    const std::string stat = read_text_file(path);  // "TID (name) S …"
    const std::size_t name_end = stat.rfind(')');
    if (name_end != std::string::npos && stat.substr(name_end, 4) == ") S ") return true;
  }
  return false;
}

bool has_wake(std::span<const Completion> completions) {
  return std::ranges::any_of(completions, [](const Completion& one) { return one.kind == OperationKind::wake; });
}

bool all_are(const std::vector<Seen>& all, OperationKind kind) {
  return std::ranges::all_of(all, [kind](const Seen& one) { return one.kind == kind; });
}

}  // namespace

TEST_CASE("reap without a time returns at once, and with one waits about that long") {
  on_each_backend([](Backend& backend) {
    CHECK(backend.reap(0).empty());
    const Clock::time_point start = Clock::now();
    int returns = 0;  // a signal may end a wait early
    for (; elapsed_ms(start) < 30; ++returns) CHECK(backend.reap(30 - elapsed_ms(start)).empty());
    CHECK(returns <= 5);
    CHECK(elapsed_ms(start) < 5000);
  });
}

TEST_CASE("a wait costs no CPU, whatever is armed") {
  on_each_backend([](Backend& backend) {
    const Pair idle = tcp_pair();
    const Pair full = tcp_pair();
    Pair ended = tcp_pair();
    const Descriptor listening = listener();
    static_cast<void>(fill(backend, full.ours));
    const std::string text = "later";
    const Operation operations[] = {
        {.kind = OperationKind::accept, .fd = listening.get(), .slot = {1, 0}, .data = {}},
        {.kind = OperationKind::receive, .fd = idle.ours.get(), .slot = {2, 0}, .data = {}},
        {.kind = OperationKind::receive, .fd = full.ours.get(), .slot = {3, 0}, .data = {}},
        {.kind = OperationKind::send, .fd = full.ours.get(), .slot = {3, 0}, .data = bytes(text)},
        {.kind = OperationKind::receive, .fd = ended.ours.get(), .slot = {4, 0}, .data = {}},
    };
    backend.submit(operations);
    reset(ended.theirs);
    CHECK(reap_count(backend, 1)[0].slot.index == 4);
    backend.wake();
    CHECK(reap_count(backend, 1)[0].kind == OperationKind::wake);
    const std::int64_t before_us = thread_cpu_us();
    const Clock::time_point start = Clock::now();
    int returns = 0;
    for (; elapsed_ms(start) < 150; ++returns) CHECK(backend.reap(150).empty());
    CHECK(returns <= 3);
    CHECK(thread_cpu_us() - before_us < 20'000);
  });
}

TEST_CASE("wake before the wait ends it") {
  on_each_backend([](Backend& backend) {
    backend.wake();
    const auto seen = reap_count(backend, 1);
    CHECK(seen[0].kind == OperationKind::wake);
    CHECK(reap_now(backend).empty());
    backend.wake();
    CHECK(reap_count(backend, 1)[0].kind == OperationKind::wake);
  });
}

TEST_CASE("wake from another thread ends a wait without end, a thousand times") {
  on_each_backend([](Backend& backend) {
    constexpr int kRounds = 1000;
    std::atomic<int> asked = 0;
    std::thread waker([&] {
      for (int round = 1; round <= kRounds; ++round) {
        int seen = asked.load(std::memory_order_acquire);
        while (seen < round) {
          asked.wait(seen, std::memory_order_acquire);
          seen = asked.load(std::memory_order_acquire);
        }
        backend.wake();
      }
    });
    for (int round = 1; round <= kRounds; ++round) {
      asked.store(round, std::memory_order_release);
      asked.notify_one();
      while (!has_wake(backend.reap(-1))) {
      }
    }
    waker.join();
    CHECK(all_are(reap_now(backend), OperationKind::wake));
  });
}

TEST_CASE("a wait without end sleeps until it is woken") {
  on_each_backend([](Backend& backend) {
    static_cast<void>(backend.reap(0));
    const pid_t thread = ::gettid();
    std::atomic<bool> waits = false;
    bool slept = false;
    std::thread waker([&] {
      waits.wait(false, std::memory_order_acquire);
      slept = falls_asleep(thread);
      backend.wake();
    });
    waits.store(true, std::memory_order_release);
    waits.notify_one();
    int returns = 1;
    while (!has_wake(backend.reap(-1))) ++returns;
    waker.join();
    CHECK(slept);
    CHECK(returns <= 5);  // a signal may end a wait early
  });
}

TEST_CASE("wakes of many threads at once never get lost") {
  on_each_backend([](Backend& backend) {
    constexpr int kThreads = 3;
    constexpr int kWakes = 500;
    std::atomic<int> announced = 0;
    std::vector<std::thread> wakers;
    wakers.reserve(kThreads);
    for (int i = 0; i < kThreads; ++i) {
      wakers.emplace_back([&] {
        for (int n = 0; n < kWakes; ++n) {
          announced.fetch_add(1, std::memory_order_release);
          backend.wake();
        }
      });
    }
    // Each wait is ended by a wake that came after the last look, or the look sees all: a lost one would hang here.
    int seen = 0;
    while (seen < kThreads * kWakes) {
      static_cast<void>(backend.reap(-1));
      seen = announced.load(std::memory_order_acquire);
    }
    for (std::thread& waker : wakers) waker.join();
    CHECK(seen == kThreads * kWakes);
  });
}

TEST_CASE("wakes while completions come spoil neither") {
  on_each_backend([](Backend& backend) {
    const Pair pair = unix_pair();
    const std::string text = pattern(400'000);
    submit(backend, {.kind = OperationKind::receive, .fd = pair.ours.get(), .slot = {1, 2}, .data = {}});
    std::thread writer([&] {
      for (std::size_t at = 0; at < text.size(); at += 1000) {
        write_all(pair.theirs, text.substr(at, 1000));
        backend.wake();
      }
    });
    std::string got;
    while (got.size() < text.size()) {
      for (const Completion& one : backend.reap(-1)) {
        if (one.kind == OperationKind::wake) continue;
        CHECK(one.kind == OperationKind::receive);
        got.append(one.data.begin(), one.data.end());
        if (!one.more)
          submit(backend, {.kind = OperationKind::receive, .fd = pair.ours.get(), .slot = {1, 2}, .data = {}});
      }
    }
    writer.join();
    CHECK(same(got, text));
  });
}

TEST_CASE("a thousand sockets receive in a few turns, not in fifty") {
  on_each_backend([](Backend& backend) {
    constexpr std::uint32_t kCount = 1000;
    std::vector<Pair> pairs(kCount);
    std::vector<Operation> operations;
    for (std::uint32_t i = 0; i < kCount; ++i) {
      pairs[i] = unix_pair();
      operations.push_back({.kind = OperationKind::receive, .fd = pairs[i].ours.get(), .slot = {i, i * 3}, .data = {}});
    }
    backend.submit(operations);
    CHECK(reap_now(backend).empty());
    for (std::uint32_t i = 0; i < kCount; ++i) write_all(pairs[i].theirs, pattern(100, i));
    std::vector<int> times(kCount);
    for (int turn = 0; turn < 5; ++turn) {
      for (const Completion& one : backend.reap(10)) {
        REQUIRE(one.slot.index < kCount);
        CHECK(one.slot.generation == one.slot.index * 3);
        CHECK(same({one.data.begin(), one.data.end()}, pattern(100, one.slot.index)));
        ++times[one.slot.index];
      }
    }
    CHECK(std::ranges::count(times, 1) == kCount);
  });
}

TEST_CASE("more completions at once than the queue holds all arrive") {
  on_each_backend([](Backend& backend) {
    constexpr std::uint32_t kCount = 5000;
    static_assert(kCount > 4096);
    const Pair pair = unix_pair();
    const std::string filled = fill(backend, pair.ours);
    std::vector<Descriptor> copies;
    std::vector<Operation> operations;
    for (std::uint32_t i = 0; i < kCount; ++i) {
      copies.emplace_back(::fcntl(pair.ours.get(), F_DUPFD_CLOEXEC, 3));
      REQUIRE(copies.back().valid());
      operations.push_back({.kind = OperationKind::poll_out, .fd = copies.back().get(), .slot = {i, 9}, .data = {}});
    }
    backend.submit(operations);
    CHECK(reap_now(backend).empty());
    CHECK(same(read_now(pair.theirs), filled));
    std::vector<int> times(kCount);
    for (const Seen& one : reap_now(backend)) {
      REQUIRE(one.slot.index < kCount);
      CHECK(one.slot.generation == 9);
      ++times[one.slot.index];
    }
    CHECK(std::ranges::count(times, 1) == kCount);
    CHECK(reap_now(backend).empty());
  });
}

TEST_CASE("completions that overflowed are found by a reap that never waits") {
  on_each_backend(
      [](Backend& backend) {
        constexpr std::uint32_t kCount = 16;  // more than the queue holds, fewer than a kernel handles per entry
        std::vector<Pair> pairs(kCount);
        for (std::uint32_t i = 0; i < kCount; ++i) {
          pairs[i] = unix_pair();
          submit(backend, {.kind = OperationKind::receive, .fd = pairs[i].ours.get(), .slot = {i, 1}, .data = {}});
        }
        CHECK(reap_now(backend).empty());
        for (const Pair& pair : pairs) write_all(pair.theirs, "!");
        CHECK(reap_now(backend).size() == kCount);
      },
      {.receive_buffers = 1024, .queue_entries = 8});
}

TEST_CASE("receives that a full queue ended say so, and no byte is lost") {
  on_each_backend(
      [](Backend& backend) {
        constexpr std::uint32_t kCount = 200;
        std::vector<Pair> pairs(kCount);
        std::vector<std::string> got(kCount);
        std::vector<std::string> sent(kCount);
        std::vector<bool> ended(kCount, false);
        const auto arm = [&](std::uint32_t i) {
          submit(backend, {.kind = OperationKind::receive, .fd = pairs[i].ours.get(), .slot = {i, 1}, .data = {}});
        };
        for (std::uint32_t i = 0; i < kCount; ++i) {
          pairs[i] = unix_pair();
          arm(i);
        }
        CHECK(reap_now(backend).empty());
        for (std::uint32_t round = 0; round < 5; ++round) {
          for (std::uint32_t i = 0; i < kCount; ++i) {
            const std::string text = pattern(10 + i, round);
            write_all(pairs[i].theirs, text);
            sent[i] += text;
          }
          backend.wake();
          bool woken = false;
          static_cast<void>(reap_until(backend, [&, looked = std::size_t{0}](const std::vector<Seen>& all) mutable {
            for (; looked < all.size(); ++looked) {
              const Seen& one = all[looked];
              woken = woken || one.kind == OperationKind::wake;
              if (one.kind != OperationKind::receive) continue;
              got[one.slot.index] += one.data;
              ended[one.slot.index] = !one.more;
              if (!one.more) arm(one.slot.index);
            }
            return got == sent && woken;
          }));
        }
        CHECK(got == sent);
      },
      {.receive_buffers = 1024, .queue_entries = 8});
}

TEST_CASE("sends that fail while the queue is full are all named") {
  on_each_backend(
      [](Backend& backend) {
        constexpr std::uint32_t kCount = 100;
        std::vector<Pair> pairs(kCount);
        std::vector<Send> sends;
        const std::string text = "x";
        for (std::uint32_t i = 0; i < kCount; ++i) {
          pairs[i] = unix_pair();
          submit(backend, {.kind = OperationKind::receive, .fd = pairs[i].ours.get(), .slot = {i, 1}, .data = {}});
        }
        CHECK(reap_now(backend).empty());
        for (std::uint32_t i = 0; i < kCount; ++i) {
          pairs[i].theirs.reset();
          sends.push_back({.fd = pairs[i].ours.get(), .slot = {i, 1}, .data = bytes(text)});
        }
        const auto shorts = backend.send(sends);
        REQUIRE(shorts.size() == kCount);
        for (std::uint32_t i = 0; i < kCount; ++i) {
          CHECK(shorts[i].slot == SlotId{i, 1});
          CHECK(shorts[i].result == -EPIPE);
        }
        CHECK(reap_count(backend, kCount).size() == kCount);
      },
      {.receive_buffers = 1024, .queue_entries = 8});
}

TEST_CASE("one peer that floods does not keep the others waiting") {
  on_each_backend([](Backend& backend) {
    const Pair flood = tcp_pair();
    std::vector<Pair> quiet(20);
    submit(backend, {.kind = OperationKind::receive, .fd = flood.ours.get(), .slot = {100, 0}, .data = {}});
    for (std::uint32_t i = 0; i < quiet.size(); ++i) {
      quiet[i] = tcp_pair();
      submit(backend, {.kind = OperationKind::receive, .fd = quiet[i].ours.get(), .slot = {i, 0}, .data = {}});
    }
    CHECK(reap_now(backend).empty());
    const std::string block = pattern(1 << 16);
    std::size_t heard = 0;
    int turns = 0;
    for (std::uint32_t i = 0; i < quiet.size(); ++i) write_all(quiet[i].theirs, "me too");
    for (; heard < quiet.size() && turns < 100; ++turns) {
      while (::send(flood.theirs.get(), block.data(), block.size(), MSG_DONTWAIT | MSG_NOSIGNAL) > 0) {
      }
      for (const Completion& one : backend.reap(100)) {
        heard += one.slot.index < 100 && one.result > 0 ? 1 : 0;
        if (!one.more)
          submit(backend, {.kind = OperationKind::receive, .fd = flood.ours.get(), .slot = {100, 0}, .data = {}});
      }
    }
    CHECK(heard == quiet.size());
    CHECK(turns <= 5);
  });
}

}  // namespace ringcast::io::test
