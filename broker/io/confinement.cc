#include "broker/io/confinement.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace ringcast::io {
namespace {

struct Released {
  void operator()(void* filter) const noexcept { ::seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, Released>;

// What a running broker, its allocator, OpenSSL and the threads it ends with ask of the kernel.
constexpr int kAllowed[] = {SCMP_SYS(accept4),
                            SCMP_SYS(brk),
                            SCMP_SYS(clock_gettime),
                            SCMP_SYS(clock_nanosleep),
                            SCMP_SYS(close),
                            SCMP_SYS(connect),
                            SCMP_SYS(epoll_create1),
                            SCMP_SYS(epoll_ctl),
                            SCMP_SYS(epoll_pwait),
                            SCMP_SYS(epoll_pwait2),
                            SCMP_SYS(epoll_wait),
                            SCMP_SYS(eventfd2),
                            SCMP_SYS(exit),
                            SCMP_SYS(exit_group),
                            SCMP_SYS(fcntl),
                            SCMP_SYS(fstat),
                            SCMP_SYS(futex),
                            SCMP_SYS(getcpu),
                            SCMP_SYS(getdents64),
                            SCMP_SYS(getegid),
                            SCMP_SYS(geteuid),
                            SCMP_SYS(getgid),
                            SCMP_SYS(getpeername),
                            SCMP_SYS(getpid),
                            SCMP_SYS(getrandom),
                            SCMP_SYS(getrusage),
                            SCMP_SYS(getsockname),
                            SCMP_SYS(getsockopt),
                            SCMP_SYS(gettid),
                            SCMP_SYS(gettimeofday),
                            SCMP_SYS(getuid),
                            SCMP_SYS(io_uring_enter),
                            SCMP_SYS(io_uring_register),
                            SCMP_SYS(lseek),
                            SCMP_SYS(madvise),
                            SCMP_SYS(membarrier),
                            SCMP_SYS(mremap),
                            SCMP_SYS(munmap),
                            SCMP_SYS(nanosleep),
                            SCMP_SYS(newfstatat),
                            SCMP_SYS(poll),
                            SCMP_SYS(ppoll),
                            SCMP_SYS(pread64),
                            SCMP_SYS(read),
                            SCMP_SYS(readlink),
                            SCMP_SYS(readv),
                            SCMP_SYS(recvfrom),
                            SCMP_SYS(recvmsg),
                            SCMP_SYS(restart_syscall),
                            SCMP_SYS(rseq),
                            SCMP_SYS(rt_sigaction),
                            SCMP_SYS(rt_sigprocmask),
                            SCMP_SYS(rt_sigreturn),
                            SCMP_SYS(rt_sigtimedwait),
                            SCMP_SYS(sched_getaffinity),
                            SCMP_SYS(sched_yield),
                            SCMP_SYS(sendmsg),
                            SCMP_SYS(sendto),
                            SCMP_SYS(set_robust_list),
                            SCMP_SYS(setsockopt),
                            SCMP_SYS(shutdown),
                            SCMP_SYS(sigaltstack),
                            SCMP_SYS(stat),
                            SCMP_SYS(statx),
                            SCMP_SYS(sysinfo),
                            SCMP_SYS(tgkill),
                            SCMP_SYS(uname),
                            SCMP_SYS(write),
                            SCMP_SYS(writev)};

// A call that is allowed with some arguments: where `argument`, of it the bits of `mask`, is `value`.
struct Restricted {
  int call;
  unsigned argument;
  scmp_datum_t mask;
  scmp_datum_t value;
};

constexpr scmp_datum_t kAll = ~scmp_datum_t{0};
constexpr scmp_datum_t kWrites = O_ACCMODE | O_CREAT | O_TRUNC;  // of a file

constexpr Restricted kRestricted[] = {
    {SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD},  // threads, no processes
    {SCMP_SYS(mmap), 2, PROT_EXEC, 0},
    {SCMP_SYS(mprotect), 2, PROT_EXEC, 0},
    {SCMP_SYS(open), 1, kWrites, O_RDONLY},
    {SCMP_SYS(openat), 2, kWrites, O_RDONLY},
    {SCMP_SYS(prlimit64), 2, kAll, 0},     // asked for, not set
    {SCMP_SYS(socket), 0, kAll, AF_UNIX},  // the service manager's
};

int add(void* filter, std::uint32_t action, const Restricted& rule) {
  const scmp_arg_cmp where{.arg = rule.argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = rule.mask, .datum_b = rule.value};
  return ::seccomp_rule_add_array(filter, action, rule.call, 1, &where);
}

// 0, or -errno. A call that this architecture does not have is none that needs a rule.
int add_rules(void* filter) {
  int failed = 0;
  const auto note = [&](int result) {
    if (result < 0 && result != -EDOM && failed == 0) failed = result;
  };
  for (const int call : kAllowed) note(::seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 0, nullptr));
  for (const Restricted& rule : kRestricted) note(add(filter, SCMP_ACT_ALLOW, rule));
  const auto self = static_cast<scmp_datum_t>(::getpid());
  note(add(filter, SCMP_ACT_ALLOW, {.call = SCMP_SYS(kill), .argument = 0, .mask = kAll, .value = self}));
  // What its arguments point to no filter can see; glibc then makes threads with clone().
  note(::seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0, nullptr));
  return failed;
}

}  // namespace

std::expected<void, Error> become_user(const std::string& name) {
  if (::geteuid() != 0)
    return std::unexpected(Error{0, "user " + name + ": only root can become another user; leave it out"});
  errno = 0;
  const passwd* const user = ::getpwnam(name.c_str());
  if (user == nullptr) return std::unexpected(Error{errno, "user " + name + ": there is no such user on this machine"});
  const bool became = ::initgroups(name.c_str(), user->pw_gid) == 0 &&
                      ::setresgid(user->pw_gid, user->pw_gid, user->pw_gid) == 0 &&
                      ::setresuid(user->pw_uid, user->pw_uid, user->pw_uid) == 0;
  if (!became) return std::unexpected(system_error(errno, "user " + name));
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // as of any process: the kernel has taken it for one that has been root
  return {};
}

void forbid_dumps() noexcept {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

std::expected<void, Error> confine() {
  const auto failed = [](int result) { return std::unexpected(system_error(-result, "sandbox: seccomp")); };
  const Filter filter(::seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (filter == nullptr) return failed(-ENOMEM);
  if (const int result = ::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1); result < 0) return failed(result);
  if (const int result = add_rules(filter.get()); result < 0) return failed(result);
  // PR_SET_NO_NEW_PRIVS is set by this, too: without it only root may load a filter.
  if (const int result = ::seccomp_load(filter.get()); result < 0) return failed(result);
  return {};
}

}  // namespace ringcast::io
