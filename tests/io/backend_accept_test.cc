// The contract of broker/io/backend.h, fourth part: accept, shutdown and close.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>

#include <cerrno>
#include <map>
#include <string>
#include <vector>

#include "tests/io/harness.h"

namespace ringcast::io::test {
namespace {

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

}  // namespace

TEST_CASE("shutdown_both ends a receive and an armed send, each with a completion") {
  on_each_backend([](Backend& backend) {
    const Pair pair = tcp_pair();
    static_cast<void>(fill(backend, pair.ours));
    const std::string text = pattern(1000);
    submit(backend, on(pair.ours, OperationKind::receive));
    submit(backend, {.kind = OperationKind::send, .fd = pair.ours.get(), .slot = kSlot, .data = bytes(text)});
    CHECK(reap_now(backend).empty());
    submit(backend, on(pair.ours, OperationKind::shutdown_both));
    std::map<OperationKind, int> count;
    for (const Seen& one : reap_count(backend, 2)) {
      ++count[one.kind];
      CHECK(one.slot == kSlot);
      CHECK_FALSE(one.more);
      if (one.kind == OperationKind::receive) CHECK(one.result == 0);
      if (one.kind == OperationKind::send) CHECK(one.result == -EPIPE);
    }
    CHECK(count[OperationKind::receive] == 1);
    CHECK(count[OperationKind::send] == 1);
    CHECK(reap_now(backend).empty());
  });
}

TEST_CASE("shutdown_both ends poll_out, and operations armed in the same turn") {
  on_each_backend([](Backend& backend) {
    const Pair pair = tcp_pair();
    static_cast<void>(fill(backend, pair.ours));
    const Operation all[] = {on(pair.ours, OperationKind::poll_out), on(pair.ours, OperationKind::receive),
                             on(pair.ours, OperationKind::shutdown_both)};
    backend.submit(all);
    std::map<OperationKind, int> count;
    for (const Seen& one : reap_count(backend, 2)) ++count[one.kind];
    CHECK(count[OperationKind::receive] == 1);
    CHECK(count[OperationKind::poll_out] == 1);
    CHECK(reap_now(backend).empty());
  });
}

TEST_CASE("a receive armed after shutdown_both or after the end of the stream completes at once, again and again") {
  on_each_backend([](Backend& backend) {
    const Pair pair = tcp_pair();
    submit(backend, on(pair.ours, OperationKind::shutdown_both));
    for (int i = 0; i < 3; ++i) {
      submit(backend, on(pair.ours, OperationKind::receive));
      const auto seen = reap_count(backend, 1);
      CHECK(seen.size() == 1);
      CHECK(seen[0].result == 0);
      CHECK_FALSE(seen[0].more);
    }
  });
}

TEST_CASE("shutdown_write lets what was sent arrive before the end, and still receives") {
  on_each_backend([](Backend& backend) {
    const Pair pair = tcp_pair();
    submit(backend, on(pair.ours, OperationKind::receive));
    const std::string text = pattern(100'000);
    const Send one{.fd = pair.ours.get(), .slot = kSlot, .data = bytes(text)};
    CHECK(backend.send({&one, 1}).empty());
    submit(backend, on(pair.ours, OperationKind::shutdown_write));
    CHECK(same(read_exactly(pair.theirs, text.size() + 1), text));
    write_all(pair.theirs, "answer");
    CHECK(reap_count(backend, 1)[0].data == "answer");
  });
}

TEST_CASE("close closes the descriptor, and the peer sees the end") {
  on_each_backend([](Backend& backend) {
    Pair pair = tcp_pair();
    submit(backend, on(pair.ours, OperationKind::receive));
    submit(backend, on(pair.ours, OperationKind::shutdown_both));
    CHECK(reap_count(backend, 1)[0].result == 0);
    const int fd = pair.ours.get();
    submit(backend, on(pair.ours, OperationKind::close));
    static_cast<void>(pair.ours.release());
    CHECK_FALSE(is_open(fd));
    CHECK(read_exactly(pair.theirs, 1).empty());
    CHECK(reap_now(backend).empty());
  });
}

TEST_CASE("a descriptor and an index that are used again belong to the new generation") {
  on_each_backend([](Backend& backend) {
    for (std::uint32_t generation = 1; generation <= 20; ++generation) {
      Pair pair = unix_pair();
      submit(backend, on(pair.ours, OperationKind::receive, {5, generation}));
      write_all(pair.theirs, std::to_string(generation));
      const auto seen = reap_count(backend, 1);
      CHECK(seen[0].slot == SlotId{5, generation});
      CHECK(seen[0].data == std::to_string(generation));
      submit(backend, on(pair.ours, OperationKind::shutdown_both, {5, generation}));
      CHECK(reap_count(backend, 1)[0].slot == SlotId{5, generation});
      submit(backend, on(pair.ours, OperationKind::close, {5, generation}));
      static_cast<void>(pair.ours.release());
    }
  });
}

TEST_CASE("accept hands over every connection, blocking and closed on exec, until it is cancelled") {
  on_each_backend([](Backend& backend) {
    const Descriptor listening = listener();
    submit(backend, on(listening, OperationKind::accept));
    constexpr std::size_t kCount = 300;
    std::vector<Descriptor> clients(kCount);
    std::vector<Descriptor> accepted;
    for (Descriptor& client : clients) client = connect_to(listening);
    for (const Seen& one : reap_count(backend, kCount)) {
      CHECK(one.kind == OperationKind::accept);
      CHECK(one.slot == kSlot);
      CHECK(one.more);
      REQUIRE(one.result >= 0);
      accepted.emplace_back(one.result);
      CHECK(::fcntl(one.result, F_GETFD) == FD_CLOEXEC);
      CHECK((::fcntl(one.result, F_GETFL) & O_NONBLOCK) == 0);
    }
    CHECK(accepted.size() == kCount);
    write_all(clients[0], "?");
    submit(backend, on(listening, OperationKind::cancel_accept));
    const auto last = reap_count(backend, 1);
    CHECK(last.size() == 1);
    CHECK(last[0].kind == OperationKind::accept);
    CHECK(last[0].result == -ECANCELED);
    CHECK_FALSE(last[0].more);
    const Descriptor late = connect_to(listening);
    CHECK(reap_now(backend).empty());
    submit(backend, on(listening, OperationKind::accept));
    const auto again = reap_count(backend, 1);
    CHECK(again[0].result >= 0);
    accepted.emplace_back(again[0].result);
  });
}

TEST_CASE("accept without a free descriptor ends with EMFILE, and goes on when armed again") {
  on_each_backend([](Backend& backend) {
    const Descriptor listening = listener();
    const Descriptor client = connect_to(listening);
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit none{.rlim_cur = 3, .rlim_max = before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    submit(backend, on(listening, OperationKind::accept));
    const auto seen = reap_count(backend, 1);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(seen[0].result == -EMFILE);
    CHECK_FALSE(seen[0].more);
    CHECK(reap_now(backend).empty());
    submit(backend, on(listening, OperationKind::accept));
    const auto again = reap_count(backend, 1);
    CHECK(again[0].result >= 0);
    CHECK(again[0].more);
    const Descriptor accepted(again[0].result);
  });
}

}  // namespace ringcast::io::test
