#include "tests/sim/trial.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <type_traits>

namespace ringcast::sim {

namespace {

constexpr unsigned kPlanSecondsMax = 20;  // of one world; the longest take two, sanitized on a busy machine

// What both processes see.
struct Shared {
  std::uint64_t seed = 0;
  Simulation::Tally tally;
  bool failed = false;
  char text[1'000] = {};

  void fail(const char* what) {
    failed = true;
    std::strncpy(text, what, sizeof text - 1);
  }
};
static_assert(std::is_trivially_copyable_v<Simulation::Tally>);

class SharedMemory {
 public:
  SharedMemory() {
    void* const at = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert(at != MAP_FAILED);
    shared_ = new (at) Shared;
  }
  ~SharedMemory() { ::munmap(shared_, sizeof(Shared)); }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  Shared& operator*() noexcept { return *shared_; }
  Shared* operator->() noexcept { return shared_; }

 private:
  Shared* shared_ = nullptr;
};

enum class Output : std::uint8_t { shown, hidden };

std::string ending(int status) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) return "never ends";
  if (WIFSIGNALED(status)) return "killed by signal " + std::to_string(WTERMSIG(status));
  return "ended with status " + std::to_string(WEXITSTATUS(status));
}

// What went wrong with `run` in another process.
std::optional<std::string> apart(Shared& shared, Output output, unsigned seconds, const std::function<void()>& run) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  assert(child >= 0);
  if (child == 0) {
    ::signal(SIGABRT, SIG_DFL);  // doctest's handler is for the parent
    if (output == Output::hidden) {
      const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
      ::dup2(null, STDOUT_FILENO);
      ::dup2(null, STDERR_FILENO);
    }
    if (seconds > 0) ::alarm(seconds);
    try {
      run();
    } catch (const std::exception& failure) {
      shared.fail(failure.what());
    }
    if (shared.failed) ::_exit(1);
    std::exit(0);  // by the leak checker
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
  }
  if (shared.failed) return std::string(shared.text);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return std::nullopt;
  return ending(status);
}

}  // namespace

std::optional<std::string> try_plan(const Plan& plan) {
  SharedMemory shared;
  return apart(*shared, Output::hidden, kPlanSecondsMax, [&] { (void)Simulation(plan).run(); });
}

std::optional<Failed> try_seeds(std::uint64_t first, std::uint64_t last, Simulation::Tally& tally) {
  SharedMemory shared;
  auto text = apart(*shared, Output::shown, 0, [&] {
    for (shared->seed = first; shared->seed <= last; ++shared->seed) {
      shared->tally += Simulation(Plan{.seed = shared->seed, .actions = {}, .values = {}}).run();
    }
  });
  tally += shared->tally;
  if (!text) return std::nullopt;
  return Failed{.seed = std::min(shared->seed, last), .text = *text};
}

}  // namespace ringcast::sim
