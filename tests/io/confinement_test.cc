#include "broker/io/confinement.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <functional>
#include <thread>
#include <vector>

#include "tests/io/in_child.h"

namespace ringcast::io {
namespace {

// Whether `body` holds where confine() does.
bool able_when_confined(const std::function<bool()>& body) {
  const int code = in_child([&] { return !confine() ? 2 : body() ? 0 : 1; });
  REQUIRE(code <= 1);
  return code == 0;
}

bool refused(long result) {
  return result < 0 && errno == EPERM;
}

}  // namespace

TEST_CASE("who is confined can do nothing that a broker has no need of") {
  const std::function<bool()> attempts[] = {
      [] { return refused(::execl("/bin/true", "true", nullptr)); },
      [] { return refused(::fork()); },
      [] { return refused(::open("/tmp/ringcast-confined", O_WRONLY | O_CREAT, 0600)); },
      [] { return refused(::open("/dev/null", O_RDWR)); },
      [] { return refused(::unlink("/tmp/ringcast-confined")); },
      [] { return refused(::socket(AF_INET, SOCK_STREAM, 0)); },
      [] { return refused(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)); },
      [] { return refused(::kill(::getppid(), 0)); },
      [] { return refused(::setuid(0)); },
      [] { return refused(::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)); },
      [] {
        void* const page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        return page != MAP_FAILED && refused(::mprotect(page, 4096, PROT_READ | PROT_EXEC));
      },
  };
  for (std::size_t i = 0; i < std::size(attempts); ++i) {
    CAPTURE(i);
    CHECK(able_when_confined(attempts[i]));
  }
}

TEST_CASE("who is confined can read files, wait, make threads, and signal itself") {
  CHECK(able_when_confined([] {
    const int file = ::open("/proc/self/stat", O_RDONLY);
    char text[16];
    return file >= 0 && ::read(file, text, sizeof text) > 0 && ::close(file) == 0;
  }));
  CHECK(able_when_confined([] {
    std::atomic<bool> ran = false;
    std::thread([&] { ran = true; }).join();
    return ran.load();
  }));
  CHECK(able_when_confined([] { return ::kill(::getpid(), 0) == 0; }));
  CHECK(able_when_confined([] { return ::socket(AF_UNIX, SOCK_DGRAM, 0) >= 0; }));
  CHECK(able_when_confined([] { return !std::vector<char>(64 << 20, 'x').empty(); }));
}

TEST_CASE("all threads are confined, not only the one that asked") {
  const int code = in_child([] {
    std::atomic<int> state = 0;
    std::thread other([&] {
      state = 1;
      state.notify_one();
      state.wait(1);
      state = refused(::socket(AF_INET, SOCK_STREAM, 0)) ? 3 : 4;
    });
    state.wait(0);
    if (!confine()) ::_exit(2);
    state = 2;
    state.notify_one();
    other.join();
    return state == 3 ? 0 : 1;
  });
  CHECK(code == 0);
}

TEST_CASE("become_user names who does not exist, and who is not root") {
  const auto stranger = become_user("nobody-is-called-so");
  REQUIRE(!stranger);
  const bool root = ::geteuid() == 0;
  CHECK(stranger.error().text == (root ? "user nobody-is-called-so: there is no such user on this machine"
                                       : "user nobody-is-called-so: only root can become another user; leave it out"));
}

TEST_CASE("become_user takes root away for good, and gives it to nobody who has it not") {
  const bool root = ::geteuid() == 0;
  const int code = in_child([&] {
    const bool became = become_user("nobody").has_value();
    const bool powerless = ::geteuid() != 0 && ::getegid() != 0 && ::setresuid(0, 0, 0) < 0;
    const bool dumpable = ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 1;
    return became == root && powerless && dumpable ? 0 : 1;
  });
  CHECK(code == 0);
}

TEST_CASE("forbid_dumps leaves nothing to dump") {
  const int code = in_child([] {
    forbid_dumps();
    return ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
  });
  CHECK(code == 0);
}

}  // namespace ringcast::io
