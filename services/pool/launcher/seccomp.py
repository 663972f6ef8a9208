"""The system calls that code inside the sandbox may make.

An allow list: whatever is not on it fails with ENOSYS, so that libraries fall back to what they did before
the call existed, and a call that a future kernel adds is closed until somebody opens it here. What namespaces
and missing capabilities do not close, this list does: address families that no network namespace covers
(AF_VSOCK), io_uring (which would open sockets behind the filter's back), key rings, performance counters,
userfaultfd, memfd_secret, reading another process' memory, System V and POSIX message queues, new namespaces.
"""

import errno
import os
import socket
from collections.abc import Sequence
from typing import Any

from services.pool.launcher.errors import LauncherError

FILES = """
access faccessat faccessat2 chdir fchdir chmod fchmod fchmodat chown fchown fchownat lchown close
close_range copy_file_range creat open openat dup dup2 dup3 fallocate fadvise64 fcntl flock fstat fstatfs
fsync fdatasync ftruncate truncate getcwd getdents getdents64 getxattr lgetxattr fgetxattr link linkat
lseek lstat mkdir mkdirat mknod newfstatat pipe pipe2 pread64 preadv preadv2 pwrite64 pwritev pwritev2
read readahead readlink readlinkat readv rename renameat renameat2 rmdir sendfile splice stat statfs
statx symlink symlinkat sync_file_range tee umask unlink unlinkat utime utimensat utimes futimesat write
writev memfd_create
"""
MEMORY = """
brk madvise mincore mlock mlock2 mmap mprotect mremap msync munlock munmap membarrier mbind get_mempolicy
set_mempolicy pkey_alloc pkey_free pkey_mprotect
"""
PROCESSES = """
alarm arch_prctl capget execve exit exit_group fork vfork getegid geteuid getgid getgroups getpgid
getpgrp getpid getppid getpriority getresgid getresuid getrlimit getrusage getsid gettid getuid kill
prctl prlimit64 rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity
sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_setaffinity sched_yield
set_robust_list get_robust_list set_tid_address setpgid setpriority setrlimit setsid sigaltstack signalfd
signalfd4 sysinfo tgkill times tkill uname wait4 waitid getcpu pidfd_open pidfd_send_signal
"""
TIME = """
clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep pause restart_syscall
setitimer time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create
timerfd_gettime timerfd_settime
"""
WAITING = """
epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 futex
futex_waitv poll ppoll pselect6 select getrandom
"""
SOCKETS = """
accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg sendmmsg
sendmsg sendto setsockopt shutdown
"""

# From asm-generic/ioctls.h: terminal size and settings (isatty), bytes that wait, blocking and close-on-exec.
# Nothing that feeds a terminal (TIOCSTI) or configures a device.
IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)

# CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET of linux/sched.h.
NAMESPACE_FLAGS = 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | 0x40000000
# personality(2): read the current one, or set the plain one.
PERSONALITIES = (0x0, 0xFFFFFFFF)


def allowed_names() -> Sequence[str]:
    """Names of the calls that are allowed whatever their arguments."""
    return " ".join((FILES, MEMORY, PROCESSES, TIME, WAITING, SOCKETS)).split()


def export_filter() -> int:
    """Compile the filter for this machine's architecture; return a memfd of BPF, as bwrap --seccomp reads it.

    Raises LauncherError when libseccomp is missing or refuses the filter: the sandbox must not start without.
    """
    try:
        import pyseccomp
    except (ImportError, RuntimeError) as error:
        raise LauncherError("libseccomp is missing: apt-get install libseccomp2") from error
    descriptor = os.memfd_create("seccomp", os.MFD_CLOEXEC)
    try:
        _fill(pyseccomp, descriptor)
        os.lseek(descriptor, 0, os.SEEK_SET)
    except (OSError, ValueError) as error:
        os.close(descriptor)
        raise LauncherError(f"libseccomp refused the system call filter: {error}") from error
    return descriptor


def _fill(seccomp: Any, descriptor: int) -> None:
    rules = seccomp.SyscallFilter(seccomp.ERRNO(errno.ENOSYS))
    # A call in another architecture's numbering (i386, x32) has no business here at all.
    rules.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.KILL_PROCESS)
    for name in allowed_names():
        number = seccomp.resolve_syscall(seccomp.Arch.NATIVE, name)
        if number >= 0:  # negative: this architecture never had the call
            rules.add_rule(seccomp.ALLOW, number)
    for call in ("socket", "socketpair"):
        rules.add_rule(seccomp.ALLOW, call, seccomp.Arg(0, seccomp.EQ, int(socket.AF_UNIX)))
        rules.add_rule(
            seccomp.ERRNO(errno.EAFNOSUPPORT), call, seccomp.Arg(0, seccomp.NE, int(socket.AF_UNIX))
        )
    for request in IOCTLS:
        rules.add_rule(seccomp.ALLOW, "ioctl", seccomp.Arg(1, seccomp.EQ, request))
    for value in PERSONALITIES:
        rules.add_rule(seccomp.ALLOW, "personality", seccomp.Arg(0, seccomp.EQ, value))
    # glibc makes threads and processes with clone when clone3, whose flags a filter cannot see, is missing.
    rules.add_rule(seccomp.ALLOW, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, NAMESPACE_FLAGS, 0))
    rules.export_bpf(_File(descriptor))


class _File:
    """What pyseccomp wants of a file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def fileno(self) -> int:
        return self._descriptor
