"""What a process that holds keys asks of the kernel: no core files, no inspection, no swapping.

See docs/adr/0023-memory-of-the-key-service.md for what each of these does, and what none of them does.
"""

import ctypes
import resource
from pathlib import Path

_PR_SET_DUMPABLE = 4
"""linux/prctl.h"""
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
"""asm-generic/mman.h"""

_SWAPS = Path("/proc/swaps")
_CGROUPS = Path("/sys/fs/cgroup")
_OWN_CGROUP = Path("/proc/self/cgroup")


class HardeningError(RuntimeError):
    """The kernel does not give what the process needs; the message says what would help."""


def forbid_inspection() -> None:
    """Write no core file, and let nobody attach or read /proc/PID/mem who has no CAP_SYS_PTRACE.

    The own uid has it no more than others. Raises HardeningError.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A core_pattern that is a pipe ignores RLIMIT_CORE for some values (core(5)), and never this.
    if _libc().prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        raise HardeningError("the kernel refuses PR_SET_DUMPABLE")


def keep_out_of_swap() -> str:
    """Keep this process's memory off swap devices. Returns what is in the way; nothing when it is kept off.

    Locked where the limit permits everything: with a lower one, a later allocation beyond it would fail. Else
    it suffices that there is no swap, or that the control group may use none.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if (soft == resource.RLIM_INFINITY or _may_lock_all()) and _lock_all():
        return ""
    if not swap_devices(_SWAPS.read_text()) or swap_forbidden(_OWN_CGROUP.read_text(), _CGROUPS):
        return ""
    return (
        "there is swap, and memory cannot be locked: run with RLIMIT_MEMLOCK unlimited, in a control group "
        "with memory.swap.max 0, or without swap"
    )


def swap_devices(swaps: str) -> list[str]:
    """Return the devices in the text of /proc/swaps."""
    return [line.split()[0] for line in swaps.splitlines()[1:] if line.strip()]


def swap_forbidden(own: str, root: Path) -> bool:
    """Whether this process's control group (version 2), or one above it, may swap nothing.

    `own` is the text of /proc/self/cgroup, `root` where the hierarchy is mounted.
    """
    path = next((line.removeprefix("0::") for line in own.splitlines() if line.startswith("0::")), None)
    if path is None:
        return False
    group = root / path.lstrip("/")
    for each in (group, *group.parents):
        if not each.is_relative_to(root):
            break
        limit = each / "memory.swap.max"
        if limit.is_file() and limit.read_text().strip() == "0":
            return True
    return False


def _may_lock_all() -> bool:
    """Whether CAP_IPC_LOCK lifts the limit (capabilities(7))."""
    cap_ipc_lock = 1 << 14
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) & cap_ipc_lock)
    return False


def _lock_all() -> bool:
    # Pages are locked as they are touched: a process maps far more than it uses.
    return bool(_libc().mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
