// The contract of broker/io/backend.h, second part: receives.
#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>

#include "tests/io/harness.h"

namespace ringcast::io::test {
namespace {

// Reaps until `size` bytes of `slot` are there, arming again whenever a receive ended for want of buffers.
std::string receive_all(Backend& backend, const Descriptor& socket, SlotId slot, std::size_t size) {
  std::string got;
  static_cast<void>(reap_until(backend, [&, looked = std::size_t{0}](const std::vector<Seen>& all) mutable {
    for (; looked < all.size(); ++looked) {
      const Seen& one = all[looked];
      CHECK(one.kind == OperationKind::receive);
      CHECK(one.slot == slot);
      CHECK((one.result > 0 || one.result == -ENOBUFS));
      CHECK(one.data.size() == static_cast<std::size_t>(std::max(one.result, 0)));
      got += one.data;
      if (!one.more) submit(backend, on(socket, OperationKind::receive, slot));
    }
    return got.size() >= size;
  }));
  return got;
}

}  // namespace

TEST_CASE("a receive hands over the stream in order, stays armed, and returns its slot untouched") {
  on_each_backend([](Backend& backend) {
    const Pair pair = tcp_pair();
    submit(backend, on(pair.ours, OperationKind::receive));
    CHECK(reap_now(backend).empty());
    for (std::uint32_t round = 0; round < 100; ++round) {
      const std::string text = pattern(1 + round * 37, round);
      write_all(pair.theirs, text);
      std::string got;
      static_cast<void>(reap_until(backend, [&](const std::vector<Seen>& all) {
        got.clear();
        for (const Seen& one : all) {
          CHECK(one.kind == OperationKind::receive);
          CHECK(one.slot == kSlot);
          CHECK(one.more);
          CHECK(one.result == static_cast<std::int32_t>(one.data.size()));
          got += one.data;
        }
        return got.size() >= text.size();
      }));
      CHECK(same(got, text));
    }
  });
}

TEST_CASE("a reap that never waits finds what has come") {
  on_each_backend([](Backend& backend) {
    const Pair pair = tcp_pair();
    submit(backend, on(pair.ours, OperationKind::receive));
    CHECK(reap_now(backend).empty());
    for (int round = 0; round < 10; ++round) {
      write_all(pair.theirs, "now");
      const auto seen = reap_now(backend);
      REQUIRE(seen.size() == 1);
      CHECK(seen[0].data == "now");
    }
  });
}

TEST_CASE("a receive that is armed after the data has come gets it") {
  on_each_backend([](Backend& backend) {
    const Pair pair = tcp_pair();
    write_all(pair.theirs, "early");
    submit(backend, on(pair.ours, OperationKind::receive));
    CHECK(reap_count(backend, 1)[0].data == "early");
  });
}

TEST_CASE("data larger than all buffers arrives whole and in order, with two buffers and with many") {
  for (const unsigned buffers : {2U, 16U, 1024U}) {
    CAPTURE(buffers);
    on_each_backend(
        [](Backend& backend) {
          const Pair pair = unix_pair();
          const std::string text = pattern(150'000);  // less than the socket holds, more than 16 buffers
          write_all(pair.theirs, text);
          submit(backend, on(pair.ours, OperationKind::receive));
          CHECK(same(receive_all(backend, pair.ours, kSlot, text.size()), text));
        },
        {.receive_buffers = buffers});
  }
}

TEST_CASE("with fewer buffers than sockets that have data, nothing is lost and nobody starves") {
  on_each_backend(
      [](Backend& backend) {
        constexpr std::uint32_t kCount = 40;
        std::vector<Pair> pairs(kCount);
        std::vector<std::string> got(kCount);
        for (std::uint32_t i = 0; i < kCount; ++i) {
          pairs[i] = unix_pair();
          write_all(pairs[i].theirs, pattern(20'000, i));
          submit(backend, on(pairs[i].ours, OperationKind::receive, {i, i}));
        }
        std::size_t total = 0;
        static_cast<void>(reap_until(backend, [&, looked = std::size_t{0}](const std::vector<Seen>& all) mutable {
          for (; looked < all.size(); ++looked) {
            const std::uint32_t i = all[looked].slot.index;
            got[i] += all[looked].data;
            total += all[looked].data.size();
            if (!all[looked].more) submit(backend, on(pairs[i].ours, OperationKind::receive, {i, i}));
          }
          return total >= std::size_t{kCount} * 20'000;
        }));
        for (std::uint32_t i = 0; i < kCount; ++i) CHECK(same(got[i], pattern(20'000, i)));
      },
      {.receive_buffers = 4});
}

TEST_CASE("received bytes may be changed in place and stay until the next reap") {
  on_each_backend([](Backend& backend) {
    std::vector<Pair> pairs(50);
    for (std::uint32_t i = 0; i < pairs.size(); ++i) {
      pairs[i] = unix_pair();
      submit(backend, on(pairs[i].ours, OperationKind::receive, {i, 1}));
      write_all(pairs[i].theirs, pattern(300, i));
    }
    std::size_t seen = 0;
    for (int turn = 0; turn < 100 && seen < pairs.size(); ++turn) {
      const auto reaped = backend.reap(100);
      for (const Completion& one : reaped) {
        for (std::uint8_t& byte : one.data) byte ^= 0x55;
      }
      const std::string other = "noise";  // sends and arming must not touch what was handed over
      const Send send{.fd = pairs[0].theirs.get(), .slot = {99, 0}, .data = bytes(other)};
      CHECK(backend.send({&send, 1}).empty());
      for (const Completion& one : reaped) {
        if (one.slot.index == 0 && seen > 0) continue;  // the noise itself
        const std::string expected = pattern(300, one.slot.index);
        REQUIRE(one.data.size() >= expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) CHECK((one.data[i] ^ 0x55) == expected[i]);
        ++seen;
      }
    }
    CHECK(seen >= pairs.size());
  });
}

TEST_CASE("the end of the stream is one completion of zero bytes, and the last") {
  on_each_backend([](Backend& backend) {
    Pair pair = tcp_pair();
    submit(backend, on(pair.ours, OperationKind::receive));
    write_all(pair.theirs, "last words");
    pair.theirs.reset();
    const auto seen =
        reap_until(backend, [](const std::vector<Seen>& all) { return !all.empty() && !all.back().more; });
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].data == "last words");
    CHECK(seen[0].more);
    CHECK(seen[1].result == 0);
    CHECK(seen[1].data.empty());
    CHECK(reap_now(backend).empty());
  });
}

TEST_CASE("a reset ends a receive with ECONNRESET") {
  on_each_backend([](Backend& backend) {
    Pair pair = tcp_pair();
    submit(backend, on(pair.ours, OperationKind::receive));
    CHECK(reap_now(backend).empty());
    reset(pair.theirs);
    const auto seen = reap_count(backend, 1);
    CHECK(seen[0].kind == OperationKind::receive);
    CHECK(seen[0].result == -ECONNRESET);
    CHECK_FALSE(seen[0].more);
    CHECK(reap_now(backend).empty());
  });
}

TEST_CASE("cancel_receive ends the receive with ECANCELED, and what comes then waits for the next one") {
  on_each_backend([](Backend& backend) {
    const Pair pair = tcp_pair();
    for (int round = 0; round < 3; ++round) {
      submit(backend, on(pair.ours, OperationKind::receive));
      CHECK(reap_now(backend).empty());
      submit(backend, on(pair.ours, OperationKind::cancel_receive));
      const auto cancelled = reap_at_once(backend);
      REQUIRE(cancelled.size() == 1);
      CHECK(cancelled[0].kind == OperationKind::receive);
      CHECK(cancelled[0].result == -ECANCELED);
      CHECK(cancelled[0].slot == kSlot);
      CHECK_FALSE(cancelled[0].more);
    }
    write_all(pair.theirs, "kept");
    CHECK(reap_now(backend).empty());
    submit(backend, on(pair.ours, OperationKind::receive));
    CHECK(reap_count(backend, 1)[0].data == "kept");
  });
}

TEST_CASE("a receive cancelled in the turn that arms it completes once") {
  on_each_backend([](Backend& backend) {
    const Pair pair = tcp_pair();
    const Operation both[] = {on(pair.ours, OperationKind::receive), on(pair.ours, OperationKind::cancel_receive)};
    backend.submit(both);
    const auto seen = reap_count(backend, 1);
    CHECK(seen[0].result == -ECANCELED);
    CHECK_FALSE(seen[0].more);
    CHECK(reap_now(backend).empty());
  });
}

TEST_CASE("cancel_receive after the receive has ended, of another slot or of an earlier tenant, does nothing") {
  on_each_backend([](Backend& backend) {
    Pair pair = tcp_pair();
    const Pair other = tcp_pair();
    submit(backend, on(pair.ours, OperationKind::receive));
    submit(backend, on(other.ours, OperationKind::receive, {3, 4}));
    pair.theirs.reset();
    CHECK(reap_count(backend, 1)[0].result == 0);
    submit(backend, on(pair.ours, OperationKind::cancel_receive));
    submit(backend, on(other.ours, OperationKind::cancel_receive, {3, 3}));
    submit(backend, on(other.ours, OperationKind::cancel_receive, {4, 4}));
    CHECK(reap_now(backend).empty());
    write_all(other.theirs, "still armed");
    CHECK(reap_count(backend, 1)[0].data == "still armed");
  });
}

}  // namespace ringcast::io::test
