"""Loads: processes of their own, so that what they use is not counted as the server's."""

import json
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from tests.load.measured_process import ROOT

T = TypeVar("T")
_LONGER_S = 120
"""Than its load may a process take."""


def run_load(
    command: Sequence[str], environment: Mapping[str, str], seconds: float, used: Callable[[], T]
) -> tuple[dict[str, Any], T, T]:
    """Run a load, which prints GO when it begins and one JSON object when it has ended.

    Returns that object, and what `used` says at both moments. Raises RuntimeError.
    """
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        if process.stdout is None or process.stdout.readline().strip() != "GO":
            raise RuntimeError(f"the load did not start: {process.communicate(timeout=_LONGER_S)[1][-2000:]}")
        before = used()
        out, errors = process.communicate(timeout=seconds + _LONGER_S)
        after = used()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode != 0:
        raise RuntimeError(f"the load failed: {errors[-2000:]}")
    return json.loads(out.strip().splitlines()[-1]), before, after
