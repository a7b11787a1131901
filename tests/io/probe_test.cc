#include "broker/io/probe.h"

#include <doctest/doctest.h>

#include <cerrno>

namespace ringcast::io {

namespace {

const std::string kUnconfined = "Name:\tringcast\nCapEff:\t0000000000000000\nSeccomp:\t0\nSeccomp_filters:\t0\n";
const std::string kWithFilter = "Name:\tringcast\nCapEff:\t00000000a80425fb\nSeccomp:\t2\nSeccomp_filters:\t1\n";
const std::string kAdministrator = "CapEff:\t000001ffffffffff\nSeccomp:\t2\n";
const std::string kKernelToday = "6.18.1-amd64";

struct RefusedRow {
  const char* why;
  Evidence evidence;
  Cause cause;
  const char* reason;
  const char* remedy;
};

const RefusedRow kRefused[] = {
    {"Docker",
     {EPERM, "io_uring_setup", kWithFilter, "0\n", kKernelToday, 0},
     Cause::seccomp,
     "EPERM: a seccomp filter",
     "seccomp="},
    {"Docker, before 6.6",
     {EPERM, "io_uring_setup", kWithFilter, "", kKernelToday, 0},
     Cause::seccomp,
     "EPERM: a seccomp filter",
     "seccomp="},
    {"Podman",
     {ENOSYS, "io_uring_setup", kWithFilter, "0\n", kKernelToday, 0},
     Cause::seccomp,
     "ENOSYS: a seccomp filter",
     "seccomp="},
    {"a filter of io_uring_enter alone",
     {EPERM, "io_uring_enter", kWithFilter, "0\n", kKernelToday, 0},
     Cause::seccomp,
     "EPERM",
     "seccomp="},
    {"sysctl 2",
     {EPERM, "io_uring_setup", kUnconfined, "2\n", kKernelToday, 0},
     Cause::sysctl,
     "kernel.io_uring_disabled is 2",
     "sysctl kernel.io_uring_disabled=0"},
    {"sysctl 1",
     {EPERM, "io_uring_setup", kUnconfined, "1\n", kKernelToday, 0},
     Cause::sysctl,
     "kernel.io_uring_disabled is 1",
     "io_uring_group"},
    {"both",
     {EPERM, "io_uring_setup", kWithFilter, "2\n", kKernelToday, 0},
     Cause::sysctl,
     "is 2, and a seccomp filter is active too",
     "sysctl"},
    {"sysctl 1 does not hold for an administrator",
     {EPERM, "io_uring_setup", kAdministrator, "1\n", kKernelToday, 0},
     Cause::seccomp,
     "EPERM: a seccomp",
     "seccomp="},
    {"sysctl 2 does",
     {EPERM, "io_uring_setup", kAdministrator, "2\n", kKernelToday, 0},
     Cause::sysctl,
     "is 2",
     "sysctl"},
    {"SELinux",
     {EPERM, "io_uring_setup", kUnconfined, "0\n", kKernelToday, 0},
     Cause::security,
     "EPERM: a security module",
     "SELinux"},
    {"SELinux",
     {EACCES, "io_uring_setup", kWithFilter, "0\n", kKernelToday, 0},
     Cause::security,
     "EACCES: a security module",
     "SELinux"},
    {"memlock",
     {ENOMEM, "io_uring_setup", kUnconfined, "0\n", kKernelToday, 65536},
     Cause::memory,
     "ENOMEM: no memory for rings; RLIMIT_MEMLOCK is 64 KiB",
     "LimitMEMLOCK="},
    {"memlock, buffer ring",
     {ENOMEM, "io_uring buffer ring", kUnconfined, "0\n", kKernelToday, 8388608},
     Cause::memory,
     "8192 KiB",
     "--shards"},
    {"CentOS 7",
     {ENOSYS, "io_uring_setup", kUnconfined, "", "3.10.0-1160.el7", 0},
     Cause::kernel,
     "kernel 3.10.0-1160.el7",
     "6.1 or newer"},
    {"CentOS 7 in a container",
     {ENOSYS, "io_uring_setup", kWithFilter, "", "5.0.9", 0},
     Cause::kernel,
     "kernel 5.0.9",
     "6.1 or newer"},
    {"the first with io_uring, filtered",
     {ENOSYS, "io_uring_setup", kWithFilter, "", "5.1.0", 0},
     Cause::seccomp,
     "ENOSYS",
     "seccomp="},
    {"built without",
     {ENOSYS, "io_uring_setup", kUnconfined, "", kKernelToday, 0},
     Cause::kernel,
     "ENOSYS",
     "6.1 or newer"},
    {"Ubuntu 22.04",
     {EINVAL, "io_uring_setup", kWithFilter, "", "5.15.0-91-generic", 0},
     Cause::kernel,
     "EINVAL: kernel 5.15.0-91-generic",
     "6.1 or newer"},
    {"flags but no features",
     {EOPNOTSUPP, "io_uring features", kUnconfined, "", kKernelToday, 0},
     Cause::kernel,
     "EOPNOTSUPP",
     "6.1 or newer"},
    {"gVisor",
     {EINVAL, "receive", kUnconfined, "", "4.4.0", 0},
     Cause::operation,
     "EINVAL: receive does not work on kernel 4.4.0",
     "not an emulation"},
    {"an operation that never completes",
     {ETIME, "wake", kUnconfined, "", kKernelToday, 0},
     Cause::operation,
     "ETIME: wake does not work",
     "not an emulation"},
    {"open files",
     {EMFILE, "io_uring_setup", kUnconfined, "", kKernelToday, 0},
     Cause::descriptors,
     "EMFILE: the limit of open files",
     "ulimit -n"},
    {"open files",
     {ENFILE, "io_uring_setup", kUnconfined, "", kKernelToday, 0},
     Cause::descriptors,
     "ENFILE",
     "ulimit -n"},
    {"who knows",
     {EIO, "io_uring_setup", kUnconfined, "", kKernelToday, 0},
     Cause::other,
     "EIO: io_uring_setup failed",
     "report this"},
    {"nothing can be read", {EPERM, "io_uring_setup", "", "", "", 0}, Cause::security, "EPERM", "SELinux"},
    {"nothing can be read", {ENOSYS, "io_uring_setup", "Seccomp:", "", "six", 0}, Cause::kernel, "ENOSYS", "6.1"},
    {"no such errno", {99999, "io_uring_setup", "", "", "", 0}, Cause::other, "?: io_uring_setup failed", "report"},
};

}  // namespace

TEST_CASE("judge tells the causes apart by errno, filter, sysctl and kernel, and names a remedy for each") {
  for (const RefusedRow& row : kRefused) {
    INFO(std::string(row.why));
    const Refusal refusal = judge(row.evidence);
    CHECK(refusal.cause == row.cause);
    CHECK(refusal.code == row.evidence.code);
    CHECK(refusal.reason.contains(row.reason));
    CHECK(refusal.remedy.contains(row.remedy));
    CHECK_FALSE((refusal.reason + refusal.remedy).contains('\n'));
  }
}

}  // namespace ringcast::io
