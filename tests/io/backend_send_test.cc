// The contract of broker/io/backend.h, first part: sends, armed sends and poll_out. Each claim is made of every
// backend.
#include <dirent.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>

#include "tests/io/harness.h"

namespace ringcast::io::test {
namespace {

Send send_of(const Descriptor& socket, SlotId slot, const std::string& text) {
  return {.fd = socket.get(), .slot = slot, .data = bytes(text)};
}

Operation armed(const Descriptor& socket, const std::string& text) {
  return {.kind = OperationKind::send, .fd = socket.get(), .slot = kSlot, .data = bytes(text)};
}

// Reads all that an armed send of `size` bytes brings, while the backend runs.
std::string read_while_reaping(Backend& backend, const Descriptor& peer, std::size_t size, std::vector<Seen>& seen) {
  std::string got;
  while (got.size() < size || seen.empty()) {
    got += read_now(peer);
    for (const Completion& one : backend.reap(1)) seen.push_back({one.kind, one.more, one.result, one.slot, {}});
    REQUIRE(seen.size() <= 1);
    if (!seen.empty() && seen[0].result < 0) break;
  }
  return got + read_now(peer);
}

std::size_t threads_of_process() {
  std::size_t count = 0;
  DIR* const tasks = ::opendir("/proc/self/task");
  REQUIRE(tasks != nullptr);
  while (const dirent* entry = ::readdir(tasks)) count += entry->d_name[0] != '.' ? 1 : 0;
  ::closedir(tasks);
  return count;
}

}  // namespace

TEST_CASE("send delivers to each of more sockets than any queue holds, and names none") {
  on_each_backend([](Backend& backend) {
    std::vector<Pair> pairs(700);
    std::vector<std::string> texts;
    std::vector<Send> sends(pairs.size());
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      pairs[i] = unix_pair();
      texts.push_back(pattern(128, static_cast<std::uint32_t>(i)));
    }
    for (std::uint32_t i = 0; i < pairs.size(); ++i) sends[i] = send_of(pairs[i].ours, {i, i}, texts[i]);
    CHECK(backend.send(sends).empty());
    for (std::size_t i = 0; i < pairs.size(); ++i) CHECK(same(read_now(pairs[i].theirs), texts[i]));
    CHECK(reap_now(backend).empty());
  });
}

TEST_CASE("send is finished with the memory when it returns") {
  on_each_backend([](Backend& backend) {
    const Pair pair = tcp_pair();
    std::string scratch;
    for (std::uint32_t round = 0; round < 50; ++round) {
      scratch = pattern(1000, round);
      const Send one = send_of(pair.ours, kSlot, scratch);
      CHECK(backend.send({&one, 1}).empty());
      scratch.assign(1000, '*');
      CHECK(same(read_exactly(pair.theirs, 1000), pattern(1000, round)));
    }
  });
}

TEST_CASE("send names a socket that takes only a part, with the bytes taken, and a full one with EAGAIN") {
  on_each_backend([](Backend& backend) {
    const Pair pair = unix_pair();
    shrink_buffers(pair.ours);
    const std::string text = pattern(1 << 20);
    const Send one = send_of(pair.ours, kSlot, text);
    const auto first = backend.send({&one, 1});
    REQUIRE(first.size() == 1);
    CHECK(first[0].slot == kSlot);
    REQUIRE(first[0].result > 0);
    REQUIRE(first[0].result < static_cast<std::int32_t>(text.size()));
    const auto taken = static_cast<std::size_t>(first[0].result);

    const auto second = backend.send({&one, 1});
    REQUIRE(second.size() == 1);
    CHECK(second[0].slot == kSlot);
    CHECK(second[0].result == -EAGAIN);
    CHECK(same(read_now(pair.theirs), text.substr(0, taken)));
    CHECK(reap_now(backend).empty());
  });
}

TEST_CASE("send names the short ones in the order of the list, each with its own result") {
  on_each_backend([](Backend& backend) {
    std::vector<Pair> pairs(300);
    std::vector<std::int32_t> expected;
    std::vector<Send> sends(pairs.size());
    const std::string small = pattern(100);
    const std::string large = pattern(1 << 20);
    for (std::uint32_t i = 0; i < pairs.size(); ++i) {
      pairs[i] = unix_pair();
      // Healthy, gone, full, partial, over and over.
      const bool gone = i % 4 == 1;
      const bool full = i % 4 == 2;
      if (gone) pairs[i].theirs.reset();
      if (full) static_cast<void>(fill(backend, pairs[i].ours));
      expected.push_back(gone ? -EPIPE : full ? -EAGAIN : 0);
    }
    for (std::uint32_t i = 0; i < pairs.size(); ++i) {
      sends[i] = send_of(pairs[i].ours, {i, 1000 + i}, i % 4 == 3 ? large : small);
    }
    const auto shorts = backend.send(sends);
    REQUIRE(shorts.size() == pairs.size() / 4 * 3);
    for (std::uint32_t n = 0; n < shorts.size(); ++n) {
      const std::uint32_t i = n / 3 * 4 + n % 3 + 1;
      CAPTURE(i);
      CHECK(shorts[n].slot == SlotId{i, 1000 + i});
      if (i % 4 == 3) {
        CHECK(shorts[n].result > 0);
        CHECK(same(read_now(pairs[i].theirs), large.substr(0, static_cast<std::size_t>(shorts[n].result))));
      } else {
        CHECK(shorts[n].result == expected[i]);
      }
    }
    for (std::size_t i = 0; i < pairs.size(); i += 4) CHECK(same(read_now(pairs[i].theirs), small));
  });
}

TEST_CASE("send to a peer that reset the connection is an error and no signal") {
  on_each_backend([](Backend& backend) {
    Pair pair = tcp_pair();
    reset(pair.theirs);
    const std::string text = "late";
    const Send one = send_of(pair.ours, kSlot, text);
    std::int32_t results[2];
    for (std::int32_t& result : results) {
      const auto shorts = backend.send({&one, 1});
      REQUIRE(shorts.size() == 1);
      result = shorts[0].result;
    }
    CHECK(results[0] == -ECONNRESET);
    CHECK(results[1] == -EPIPE);
  });
}

TEST_CASE("what completes while send runs is kept for the next reap") {
  on_each_backend([](Backend& backend) {
    const Pair listening = unix_pair();
    std::vector<Pair> others(8);
    for (Pair& other : others) other = unix_pair();
    submit(backend, on(listening.ours, OperationKind::receive));
    CHECK(reap_now(backend).empty());
    write_all(listening.theirs, "meanwhile");
    const std::string text = "x";
    std::vector<Send> sends(others.size());
    for (std::uint32_t i = 0; i < sends.size(); ++i) sends[i] = send_of(others[i].ours, {i, 1}, text);
    for (int i = 0; i < 100; ++i) CHECK(backend.send(sends).empty());
    const auto kept = reap_at_once(backend);
    REQUIRE(kept.size() == 1);
    CHECK(kept[0].data == "meanwhile");
    CHECK(kept[0].slot == kSlot);
    CHECK(kept[0].more);
  });
}

TEST_CASE("an armed send completes once, with its whole size, after a peer that lagged has read") {
  on_each_backend([](Backend& backend) {
    const Pair pair = tcp_pair();
    shrink_buffers(pair.ours);
    const std::string before = fill(backend, pair.ours);
    const std::string text = pattern(1 << 20, 5);
    submit(backend, armed(pair.ours, text));
    CHECK(reap_now(backend).empty());
    std::vector<Seen> seen;
    const std::string got = read_while_reaping(backend, pair.theirs, before.size() + text.size(), seen);
    CHECK(same(got, before + text));
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].kind == OperationKind::send);
    CHECK(seen[0].result == static_cast<std::int32_t>(text.size()));
    CHECK(seen[0].slot == kSlot);
    CHECK_FALSE(seen[0].more);
    CHECK(reap_now(backend).empty());
  });
}

TEST_CASE("a large armed send to a slow reader never becomes a thread of the kernel") {
  on_each_backend([](Backend& backend) {
    const Pair pair = unix_pair();
    shrink_buffers(pair.ours);
    const std::string text = pattern(4 << 20, 6);
    const std::size_t threads = threads_of_process();
    submit(backend, armed(pair.ours, text));
    std::vector<Seen> seen;
    std::string got;
    std::size_t threads_most = 0;
    while (seen.empty()) {
      got += read_now(pair.theirs);
      for (const Completion& one : backend.reap(1)) seen.push_back({one.kind, one.more, one.result, one.slot, {}});
      threads_most = std::max(threads_most, threads_of_process());
    }
    got += read_now(pair.theirs);
    CHECK(threads_most == threads);
    CHECK(same(got, text));
    CHECK(seen[0].result == static_cast<std::int32_t>(text.size()));
  });
}

TEST_CASE("sends, armed sends and sends again keep their order") {
  on_each_backend([](Backend& backend) {
    const Pair pair = tcp_pair();
    std::string expected = fill(backend, pair.ours);
    std::string got;
    for (std::uint32_t round = 0; round < 20; ++round) {
      const std::string text = pattern(70'000, round);
      const std::string tail = pattern(10, round + 50);
      submit(backend, armed(pair.ours, text));
      expected += text;
      std::vector<Seen> seen;
      got += read_while_reaping(backend, pair.theirs, expected.size() - got.size(), seen);
      const Send one = send_of(pair.ours, kSlot, tail);
      CHECK(backend.send({&one, 1}).empty());
      expected += tail;
    }
    got += read_exactly(pair.theirs, expected.size() - got.size());
    CHECK(same(got, expected));
  });
}

TEST_CASE("armed sends of many slots complete for the right ones") {
  on_each_backend([](Backend& backend) {
    constexpr std::uint32_t kCount = 300;
    std::vector<Pair> pairs(kCount);
    std::vector<std::string> texts;
    std::vector<std::string> before;
    std::vector<Operation> operations(kCount);
    for (std::uint32_t i = 0; i < kCount; ++i) {
      pairs[i] = unix_pair();
      shrink_buffers(pairs[i].ours);
      before.push_back(fill(backend, pairs[i].ours));
      texts.push_back(pattern(1000 + i, i));
    }
    for (std::uint32_t i = 0; i < kCount; ++i) {
      operations[i] = {
          .kind = OperationKind::send, .fd = pairs[i].ours.get(), .slot = {i, i + 5}, .data = bytes(texts[i])};
    }
    backend.submit(operations);
    CHECK(reap_now(backend).empty());
    for (std::uint32_t i = 0; i < kCount; i += 2) CHECK(read_now(pairs[i].theirs).starts_with(before[i]));
    const auto seen = reap_count(backend, kCount / 2);
    CHECK(seen.size() == kCount / 2);
    for (const Seen& one : seen) {
      CHECK(one.slot.index % 2 == 0);
      CHECK(one.slot.generation == one.slot.index + 5);
      CHECK(one.result == static_cast<std::int32_t>(1000 + one.slot.index));
    }
    for (std::uint32_t i = 1; i < kCount; i += 2) pairs[i].theirs.reset();
    const auto failed = reap_count(backend, kCount / 2);
    CHECK(failed.size() == kCount / 2);
    for (const Seen& one : failed) {
      CHECK(one.slot.index % 2 == 1);
      CHECK(one.result == -EPIPE);
    }
  });
}

TEST_CASE("an armed send to a peer that resets fails, also after a part was taken") {
  on_each_backend([](Backend& backend) {
    for (const bool part_taken : {false, true}) {
      CAPTURE(part_taken);
      Pair pair = tcp_pair();
      shrink_buffers(pair.ours);
      const std::string before = fill(backend, pair.ours);
      const std::string text = pattern(4 << 20);
      submit(backend, armed(pair.ours, text));
      CHECK(reap_now(backend).empty());
      if (part_taken) {
        std::string got;
        while (got.size() < before.size() + (1 << 18)) {
          got += read_now(pair.theirs);
          CHECK(backend.reap(1).empty());
        }
      }
      reset(pair.theirs);
      const auto seen = reap_count(backend, 1);
      CHECK(seen[0].kind == OperationKind::send);
      CHECK((seen[0].result == -ECONNRESET || seen[0].result == -EPIPE));
      CHECK(reap_now(backend).empty());
    }
  });
}

TEST_CASE("poll_out completes at once where there is room") {
  on_each_backend([](Backend& backend) {
    const Pair pair = tcp_pair();
    submit(backend, on(pair.ours, OperationKind::poll_out));
    const auto seen = reap_count(backend, 1);
    CHECK(seen[0].kind == OperationKind::poll_out);
    CHECK(seen[0].result >= 0);
    CHECK(seen[0].slot == kSlot);
    CHECK_FALSE(seen[0].more);
    CHECK(reap_now(backend).empty());  // one completion for one poll_out
  });
}

TEST_CASE("poll_out on a full socket completes when the peer has read, not before") {
  on_each_backend([](Backend& backend) {
    const Pair pair = tcp_pair();
    const std::string before = fill(backend, pair.ours);
    submit(backend, on(pair.ours, OperationKind::poll_out));
    CHECK(reap_now(backend).empty());
    CHECK(same(read_exactly(pair.theirs, before.size()), before));
    const auto seen = reap_count(backend, 1);
    CHECK(seen[0].kind == OperationKind::poll_out);
    const std::string text = "room";
    const Send one = send_of(pair.ours, kSlot, text);
    CHECK(backend.send({&one, 1}).empty());
  });
}

TEST_CASE("poll_out completes when the peer resets") {
  on_each_backend([](Backend& backend) {
    Pair pair = tcp_pair();
    static_cast<void>(fill(backend, pair.ours));
    submit(backend, on(pair.ours, OperationKind::poll_out));
    CHECK(reap_now(backend).empty());
    reset(pair.theirs);
    CHECK(reap_count(backend, 1)[0].kind == OperationKind::poll_out);
    CHECK(reap_now(backend).empty());
  });
}

}  // namespace ringcast::io::test
