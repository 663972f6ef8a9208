"""Where control groups are made, for the layouts that machines have."""

from pathlib import Path

import pytest

from services.pool.launcher.cgroups import Cgroup, Limits, find_folders
from services.pool.launcher.errors import LauncherError

VERSION_1 = """\
30 23 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw
31 30 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
32 30 0:28 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids
33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
"""
OWN = "8:pids:/\n4:memory:/tenant/a\n0::/\n"


def test_version_1_is_made_below_the_own_groups_so_that_a_cap_above_holds() -> None:
    assert find_folders(VERSION_1, OWN) == (
        Path("/sys/fs/cgroup/memory/tenant/a"),
        Path("/sys/fs/cgroup/pids"),
    )


def test_a_mount_that_shows_only_a_part_is_respected() -> None:
    mounts = VERSION_1.replace("0:27 / ", "0:27 /tenant ")
    assert find_folders(mounts, OWN)[0] == Path("/sys/fs/cgroup/memory/a")


def test_version_2_needs_both_controllers(tmp_path: Path) -> None:
    mounts = f"30 23 0:26 / {tmp_path} rw - cgroup2 cgroup2 rw\n"
    assert find_folders(mounts, "0::/\n") == ()
    (tmp_path / "cgroup.controllers").write_text("cpu pids")
    assert find_folders(mounts, "0::/\n") == ()
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids")
    assert find_folders(mounts, "0::/\n") == (tmp_path,)


def test_without_groups_the_sandbox_is_refused() -> None:
    with pytest.raises(LauncherError):
        Cgroup.create("a", Limits(1, 1), "30 23 0:26 / / rw - ext4 /dev/vda rw\n", "0::/\n")
