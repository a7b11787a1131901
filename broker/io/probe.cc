#include "broker/io/probe.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "broker/io/text_file.h"
#include "broker/io/uring.h"

namespace ringcast::io {
namespace {

// "Name:\tvalue" of /proc/self/status.
std::string_view status_field(std::string_view status, std::string_view name) {
  for (std::size_t at = 0; at < status.size();) {
    const std::size_t end = std::min(status.find('\n', at), status.size());
    std::string_view line = status.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with(":")) continue;
    line.remove_prefix(name.size() + 1);
    while (line.starts_with('\t') || line.starts_with(' ')) line.remove_prefix(1);
    return line;
  }
  return {};
}

// Whether `release` is below `major.minor`; one that cannot be read is not.
bool older_than(std::string_view release, unsigned major, unsigned minor) {
  unsigned found_major = 0;
  unsigned found_minor = 0;
  const auto [dot, error] = std::from_chars(release.begin(), release.end(), found_major);
  if (error != std::errc{} || dot == release.end() || *dot != '.') return false;
  if (std::from_chars(dot + 1, release.end(), found_minor).ec != std::errc{}) return false;
  return std::pair(found_major, found_minor) < std::pair(major, minor);
}

// 1: only for CAP_SYS_ADMIN (and members of kernel.io_uring_group); 2: for nobody.
bool disabled_by_sysctl(const Evidence& evidence) {
  constexpr std::uint64_t kCapSysAdmin = std::uint64_t{1} << 21;
  if (evidence.io_uring_disabled.starts_with('2')) return true;
  if (!evidence.io_uring_disabled.starts_with('1')) return false;
  const std::string_view text = status_field(evidence.status, "CapEff");
  std::uint64_t capabilities = 0;
  std::from_chars(text.data(), text.data() + text.size(), capabilities, 16);
  return (capabilities & kCapSysAdmin) == 0;
}

Cause cause_of(const Evidence& evidence) {
  const bool filtered = status_field(evidence.status, "Seccomp") == "2";
  switch (evidence.code) {
    case EPERM:
      // A filter answers before the sysctl is asked, but lifting it alone would not help: the sysctl is named first.
      if (disabled_by_sysctl(evidence)) return Cause::sysctl;
      return filtered ? Cause::seccomp : Cause::security;
    case ENOSYS:
      // io_uring came with 5.1. Podman's filter says ENOSYS where Docker's says EPERM.
      if (older_than(evidence.release, 5, 1)) return Cause::kernel;
      return filtered ? Cause::seccomp : Cause::kernel;
    case EACCES:
      return Cause::security;
    case ENOMEM:
      return Cause::memory;
    case EMFILE:
    case ENFILE:
      return Cause::descriptors;
    // Flags that kernels before 6.1 do not know, or features that they lack.
    case EINVAL:
    case EOPNOTSUPP:
      return evidence.doing.starts_with("io_uring") ? Cause::kernel : Cause::operation;
    default:
      return evidence.doing.starts_with("io_uring") ? Cause::other : Cause::operation;
  }
}

std::string reason_of(Cause cause, const Evidence& evidence) {
  switch (cause) {
    case Cause::seccomp:
      return "a seccomp filter forbids it, as the default profile of container runtimes does";
    case Cause::sysctl: {
      const bool filtered = status_field(evidence.status, "Seccomp") == "2";
      return "kernel.io_uring_disabled is " + evidence.io_uring_disabled.substr(0, 1) +
             (filtered ? ", and a seccomp filter is active too" : "");
    }
    case Cause::security:
      return "a security module forbids it";
    case Cause::memory:
      return "no memory for rings; RLIMIT_MEMLOCK is " + std::to_string(evidence.memlock_bytes / 1024) +
             " KiB for all processes of this user on the machine";
    case Cause::kernel:
      return "kernel " + evidence.release + " has no io_uring or an older one than 6.1's";
    case Cause::operation:
      return evidence.doing + " does not work on kernel " + evidence.release;
    case Cause::descriptors:
      return "the limit of open files is reached";
    case Cause::other:
      return evidence.doing + " failed";
  }
  std::unreachable();
}

std::string remedy_of(Cause cause, const Evidence& evidence) {
  switch (cause) {
    case Cause::seccomp:
      return "allow io_uring_setup, io_uring_enter and io_uring_register in its seccomp profile (docker run "
             "--security-opt seccomp=…, Kubernetes seccompProfile type Localhost)";
    case Cause::sysctl:
      return "sysctl kernel.io_uring_disabled=0, or 1 and our group in kernel.io_uring_group";
    case Cause::security:
      return "allow io_uring in its policy (SELinux, AppArmor)";
    case Cause::memory:
      return "raise it (LimitMEMLOCK=, ulimit -l, --ulimit memlock) or use fewer --shards";
    case Cause::kernel:
      return "run on kernel 6.1 or newer";
    case Cause::operation:
      return "run on a Linux kernel 6.1 or newer, not an emulation of one";
    case Cause::descriptors:
      return "raise it (ulimit -n, LimitNOFILE=)";
    case Cause::other:
      return "report this with the output of `uname -r` (errno " + std::to_string(evidence.code) + ")";
  }
  std::unreachable();
}

std::string release_of_kernel() {
  utsname name{};
  return ::uname(&name) == 0 ? name.release : "unknown";
}

// A listener without a name of its own choosing, and a connection to it: no port, no network, nothing on disk.
struct Loop {
  Descriptor listener;
  Descriptor client;
};

std::optional<Loop> open_loop() {
  Loop loop{Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)),
            Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (::bind(loop.listener.get(), any, sizeof address.sun_family) < 0) return std::nullopt;  // the kernel picks a name
  if (::listen(loop.listener.get(), 1) < 0) return std::nullopt;
  if (::getsockname(loop.listener.get(), any, &size) < 0) return std::nullopt;
  if (::connect(loop.client.get(), any, size) < 0) return std::nullopt;
  return loop;
}

constexpr std::int64_t kPatienceMs = 1000;  // for each operation, on sockets that are ready
constexpr SlotId kProbeSlot{1, 1};
constexpr SlotId kSlot{2, 1};

// Runs each operation of a shard once. The name of the first that misbehaves, with its errno.
class Trial {
 public:
  explicit Trial(Uring& uring) : uring_(uring) {}

  std::expected<void, Error> run() {
    auto loop = open_loop();
    if (!loop) return std::unexpected(Error{errno, "a local socket"});
    submit({.kind = OperationKind::accept, .fd = loop->listener.get(), .slot = kProbeSlot, .data = {}});
    const auto accepted = next("accept", OperationKind::accept);
    if (!accepted) return std::unexpected(accepted.error());
    const Descriptor ours(accepted->result);
    submit({.kind = OperationKind::receive, .fd = ours.get(), .slot = kSlot, .data = {}});

    static constexpr std::array<std::uint8_t, 4> kPing{'p', 'i', 'n', 'g'};
    std::array<Send, Uring::kPlainSendsMax + 1> direct;  // enough that they go through the ring
    direct.fill({.fd = loop->client.get(), .slot = kSlot, .data = kPing});
    if (!uring_.send(direct).empty()) return std::unexpected(Error{EIO, "send"});
    const auto received = next("receive", OperationKind::receive);
    if (!received) return std::unexpected(received.error());
    if (received->data.empty() || !received->more) return std::unexpected(Error{EIO, "receive"});
    submit({.kind = OperationKind::send, .fd = loop->client.get(), .slot = kProbeSlot, .data = kPing});
    if (const auto sent = next("armed send", OperationKind::send); !sent) return std::unexpected(sent.error());
    uring_.wake();
    if (const auto woken = next("wake", OperationKind::wake); !woken) return std::unexpected(woken.error());
    return {};
  }

 private:
  void submit(const Operation& operation) { uring_.submit({&operation, 1}); }

  // The next completion of `kind`, good; others that come meanwhile are passed over.
  std::expected<Completion, Error> next(const char* doing, OperationKind kind) {
    for (std::int64_t waited_ms = 0; waited_ms < kPatienceMs; waited_ms += kPatienceMs / 10) {
      for (const Completion& completion : uring_.reap(kPatienceMs / 10)) {
        if (completion.kind != kind) continue;
        if (completion.result < 0) return std::unexpected(Error{-completion.result, doing});
        return completion;
      }
    }
    return std::unexpected(Error{ETIME, doing});
  }

  Uring& uring_;
};

}  // namespace

Refusal judge(const Evidence& evidence) {
  const Cause cause = cause_of(evidence);
  const char* const name = ::strerrorname_np(evidence.code);
  return {.cause = cause,
          .code = evidence.code,
          .reason = std::string(name != nullptr ? name : "?") + ": " + reason_of(cause, evidence),
          .remedy = remedy_of(cause, evidence)};
}

Refusal judge_now(const Error& error) {
  rlimit memlock{};
  ::getrlimit(RLIMIT_MEMLOCK, &memlock);
  return judge({.code = error.code,
                .doing = error.text.substr(0, error.text.find(':')),
                .status = read_text_file("/proc/self/status"),
                .io_uring_disabled = read_text_file("/proc/sys/kernel/io_uring_disabled"),
                .release = release_of_kernel(),
                .memlock_bytes = memlock.rlim_cur});
}

std::expected<void, Refusal> probe_uring() {
  // First the bare ring: Uring takes a refusal of a ring that it was given for a mistake of ours.
  {
    Ring ring;
    if (const auto opened = ring.open({.submission_entries = 4, .completion_entries = 8}); !opened) {
      return std::unexpected(judge_now(opened.error()));
    }
    if (const auto enabled = ring.enable(); !enabled) {
      return std::unexpected(judge_now(enabled.error()));
    }
  }
  auto uring = Uring::create(
      {.ring = {.submission_entries = 8, .completion_entries = 16}, .receive_buffers = {.count = 4, .size = 256}});
  if (!uring) return std::unexpected(judge_now(uring.error()));
  if (auto done = Trial(**uring).run(); !done) {
    return std::unexpected(judge_now(done.error()));
  }
  return {};
}

}  // namespace ringcast::io
