"""The list of system calls."""

import os

from services.pool.launcher import seccomp

# What no model server needs and what would be a way out or a way into another process.
NEVER = (
    "accept_module add_key bpf chroot clone3 delete_module finit_module fsmount fsopen init_module "
    "io_setup io_uring_enter io_uring_register io_uring_setup ioperm iopl kcmp kexec_load keyctl "
    "memfd_secret migrate_pages mount move_mount move_pages mq_open msgget name_to_handle_at "
    "open_by_handle_at open_tree perf_event_open pidfd_getfd pivot_root process_madvise "
    "process_vm_readv process_vm_writev ptrace quotactl reboot request_key semget seccomp "
    "setdomainname sethostname setns shmat shmget swapon syslog umount2 unshare userfaultfd vmsplice "
    "socket socketpair clone ioctl personality "
)


def test_nothing_dangerous_is_allowed_whatever_its_arguments() -> None:
    assert not set(NEVER.split()) & set(seccomp.allowed_names())


def test_no_call_is_listed_twice() -> None:
    names = seccomp.allowed_names()
    assert len(names) == len(set(names))


def test_the_filter_compiles_to_whole_instructions() -> None:
    descriptor = seccomp.export_filter()
    try:
        size = os.fstat(descriptor).st_size
        assert size > 0
        # struct sock_filter of linux/filter.h has 8 bytes.
        assert size % 8 == 0
        assert os.lseek(descriptor, 0, os.SEEK_CUR) == 0
    finally:
        os.close(descriptor)
