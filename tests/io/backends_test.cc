#include "broker/io/backends.h"

#include <doctest/doctest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "tests/io/harness.h"

namespace ringcast::io::test {
namespace {

using broker::IoBackend;

constexpr std::array<int, 3> kAllCalls{SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register};

// Lets these system calls fail with `code`, as a container's profile does, for the rest of this process.
bool forbid(std::span<const int> calls, int code) {
  std::vector<sock_filter> program{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const int call : calls) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(call), 0, 1));
    program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(code)));
  }
  program.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog filter{.len = static_cast<unsigned short>(program.size()), .filter = program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// Opens two shards' backends, has the first of them wake itself, and says what came of it.
std::string outcome(IoBackend io) {
  auto backends = open_backends({.io = io, .count = 2, .receive_buffers = {}, .memory_patience_ms = 0});
  if (!backends) return "error: " + backends.error().text;
  Backend& first = *backends->shards[0];
  first.wake();
  const auto reaped = first.reap(1000);
  if (backends->shards.size() != 2 || reaped.empty()) return "a backend that does not work";
  if (std::string(first.name()) != backends->shards[1]->name()) return "two kinds of backends";
  return std::string(first.name()) + (backends->as_hoped ? " info: " : " warning: ") + backends->line;
}

// What `body` returns in a child process, whose limits and filters stay its own.
template <typename Body>
std::string told_by_child(Body&& body) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const std::string text = body();
    ::_exit(::write(ends[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  ::close(ends[1]);
  std::string text;
  char piece[1024];
  for (ssize_t size = 0; (size = ::read(ends[0], piece, sizeof piece)) > 0;) {
    text.append(piece, static_cast<std::size_t>(size));
  }
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  return text;
}

Uring::Options sizes_of(unsigned submissions, unsigned completions, unsigned buffers) {
  return {.ring = {.submission_entries = submissions, .completion_entries = completions},
          .receive_buffers = {.count = buffers}};
}

}  // namespace

TEST_CASE("epoll is used where it is asked for, without a warning") {
  CHECK(outcome(IoBackend::epoll) == "epoll info: epoll, as configured");
}

TEST_CASE("io_uring is used where it is allowed") {
  if (const auto probed = probe_uring(); !probed) {
    MESSAGE("NOT TESTED: " << probed.error().reason);
    return;
  }
  CHECK(outcome(IoBackend::automatic) == "io_uring info: io_uring");
  CHECK(outcome(IoBackend::uring) == "io_uring info: io_uring");
}

TEST_CASE("a seccomp filter means epoll and one clear line, or an error where io_uring was demanded") {
  struct Row {
    std::span<const int> calls;
    int code;
    const char* name;
  };
  const Row rows[] = {
      {kAllCalls, EPERM, "EPERM"},                             // Docker, containerd 2
      {kAllCalls, ENOSYS, "ENOSYS"},                           // Podman
      {std::span(kAllCalls).subspan(1, 1), EPERM, "EPERM"},    // half a profile: io_uring_enter forgotten
      {std::span(kAllCalls).subspan(2, 1), ENOSYS, "ENOSYS"},  // io_uring_register forgotten
  };
  for (const Row& row : rows) {
    CAPTURE(row.code);
    for (const IoBackend io : {IoBackend::automatic, IoBackend::uring}) {
      const std::string said =
          told_by_child([&] { return forbid(row.calls, row.code) ? outcome(io) : std::string("no filter"); });
      const std::string expected =
          "io_uring is unavailable (" + std::string(row.name) +
          ": a seccomp filter forbids it, as the default profile of container runtimes does; remedy: allow "
          "io_uring_setup, io_uring_enter and io_uring_register in its seccomp profile (docker run --security-opt "
          "seccomp=…, Kubernetes seccompProfile type Localhost))";
      if (io == IoBackend::automatic) CHECK(said == "epoll warning: epoll: " + expected);
      if (io == IoBackend::uring) CHECK(said == "error: " + expected + "; --io auto would use epoll");
    }
  }
}

TEST_CASE("too little lockable memory means smaller rings, or epoll, and names the limit") {
  if (!probe_uring()) return;  // said above
  const auto with_memlock = [](rlim_t bytes) {
    return told_by_child([bytes] {
      const rlimit limit{.rlim_cur = bytes, .rlim_max = bytes};
      if (::setrlimit(RLIMIT_MEMLOCK, &limit) < 0) return std::string("no limit");
      // Root's CAP_IPC_LOCK is above the limit. A user of our own, since what others hold would count too.
      if (::getuid() == 0 && ::setuid(54321) < 0) return std::string("no user");
      return outcome(IoBackend::automatic);
    });
  };
  const std::string none = with_memlock(0);
  INFO(none);
  CHECK(none.starts_with(
      "epoll warning: epoll: io_uring is unavailable (ENOMEM: no memory for rings; RLIMIT_MEMLOCK is 0 KiB"));
  CHECK(none.contains("LimitMEMLOCK="));
  const std::string some = with_memlock(140 << 10);
  INFO(some);
  CHECK(some.starts_with("io_uring warning: io_uring with only "));
  CHECK(some.contains("RLIMIT_MEMLOCK is 140 KiB"));
}

TEST_CASE("without descriptors nothing opens, and the error says so") {
  const std::string said = told_by_child([] {
    const rlimit none{.rlim_cur = 3, .rlim_max = 3};
    if (::setrlimit(RLIMIT_NOFILE, &none) < 0) return std::string("no limit");
    return outcome(IoBackend::automatic);
  });
  CHECK(said.starts_with("error: "));
  CHECK(said.contains("open files"));
}

TEST_CASE("next_step waits for memory, then halves while it can, and gives up at once on anything else") {
  const Uring::Options full = sizes_of(256, 4096, 1024);
  const Uring::Options least = sizes_of(64, 512, 64);
  CHECK(next_step(Cause::memory, 0, 2000, full) == NextStep::wait);
  CHECK(next_step(Cause::memory, 1999, 2000, full) == NextStep::wait);
  CHECK(next_step(Cause::memory, 2000, 2000, full) == NextStep::halve);
  CHECK(next_step(Cause::memory, 1999, 2000, least) == NextStep::wait);
  CHECK(next_step(Cause::memory, 2000, 2000, least) == NextStep::give_up);
  CHECK(next_step(Cause::memory, 2000, 2000, sizes_of(64, 512, 128)) == NextStep::halve);
  for (const Cause cause : {Cause::seccomp, Cause::sysctl, Cause::security, Cause::kernel, Cause::operation,
                            Cause::descriptors, Cause::other}) {
    CHECK(next_step(cause, 0, 2000, full) == NextStep::give_up);
  }
}

TEST_CASE("halved halves to the least and stays there, also from below it") {
  Uring::Options sizes = sizes_of(256, 4096, 1024);
  sizes = halved(sizes);
  CHECK(sizes.ring.submission_entries == 128);
  CHECK(sizes.ring.completion_entries == 2048);
  CHECK(sizes.receive_buffers.count == 512);
  for (int i = 0; i < 10; ++i) sizes = halved(sizes);
  CHECK(sizes.ring.submission_entries == 64);
  CHECK(sizes.ring.completion_entries == 512);
  CHECK(sizes.receive_buffers.count == 64);
  const Uring::Options tiny = halved(sizes_of(8, 16, 4));
  CHECK(tiny.ring.submission_entries == 8);
  CHECK(tiny.ring.completion_entries == 16);
  CHECK(tiny.receive_buffers.count == 4);
}

}  // namespace ringcast::io::test
