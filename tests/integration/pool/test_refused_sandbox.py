"""A sandbox that bwrap refuses: the launcher says why in bwrap's words."""

import os
import subprocess
from typing import Any

import pytest

from services.pool.launcher import command
from services.pool.launcher.errors import LauncherError
from tests.fakes import bare_sandbox, pool_home
from tests.fakes.pool_home import PoolHome

WORDS = "bwrap: No permissions to create new namespace"


def test_what_bwrap_said_is_kept_however_soon_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here before the launcher has given it its input."""
    start = subprocess.Popen

    def started_and_ended(*arguments: Any, **options: Any) -> Any:
        process = start(*arguments, **options)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        return process

    monkeypatch.setattr(command, "bubblewrap", lambda *_: ["sh", "-c", f"echo '{WORDS}'; exit 1"])
    with pool_home.folder() as folder:
        home = PoolHome(folder)
        monkeypatch.setattr(subprocess, "Popen", started_and_ended)
        with pytest.raises(LauncherError, match=WORDS), bare_sandbox.running(home):
            raise AssertionError("it runs")
