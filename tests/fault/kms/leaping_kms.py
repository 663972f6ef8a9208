"""kms itself, under a clock that a test moves and with a death that a test orders: a process to be killed.

    python -m tests.fault.kms.leaping_kms --config FILE --days FILE [--die-after N --in WHERE] [--fault]

`days` holds a number of days by which the wall clock is ahead; it is read again whenever kms asks for the
time, and what is due is looked for 20 times a second. With --die-after the process kills itself by SIGKILL at
the N-th call of a function of kms's own, counted from the first one in WHERE: "changes" (of the store) or
"deletions". With --fault a deletion destroys the shred key before anything hangs on the new one.
"""

import argparse
import functools
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from services.chassis.clock import SystemClock
from services.chassis.config import load
from services.chassis.server import run
from services.kms import wiring
from services.kms.config import KmsConfig
from services.kms.operations.schedule import Schedule
from services.kms.operations.shredding import Shredder
from services.kms.ports import WrapKind

_KMS = str(Path(wiring.__file__).parent)
_PAUSE_S = 0.05
LAST_WORDS = "killed at a call, as ordered\n"
"""On standard error, so that this end can be told from others whoever collects the exit status."""
_BEGINNINGS = {"changes": ("transaction", "verified_store.py"), "deletions": ("_delete", "shredding.py")}


class LeapingClock(SystemClock):
    """The machine's clocks, the wall clock ahead by days."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        """Wall-clock time, ahead."""
        return super().now() + timedelta(days=int(self._file.read_text() or "0"))


def die_after(count: int, where: str) -> None:
    """Kill this process at the count-th call of kms's functions after the first one of `where` began."""
    name, file = _BEGINNINGS[where]
    counted = -1

    def profile(frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal counted
        code = frame.f_code
        if event not in ("call", "c_call") or not code.co_filename.startswith(_KMS):
            return
        if counted < 0 and code.co_name == name and code.co_filename.endswith(file):
            counted = 0
        if counted >= 0:
            counted += 1
            if counted >= count:
                os.write(2, LAST_WORDS.encode())
                os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(profile)
    sys.setprofile(profile)


def plant_fault() -> None:
    """Have deletions destroy the shred key too early: a crash before the commit loses every key."""
    original: Callable[..., Any] = Shredder._delete

    async def deletes_too_early(self: Any, *arguments: Any) -> Any:
        add = self._custody.add_generation

        def adds_and_destroys(kind: WrapKind) -> int:
            generation: int = add(kind)
            if kind is WrapKind.SHRED:
                # Root keys may be changed meanwhile.
                self._custody.destroy_before(kind, generation)
            return generation

        self._custody.add_generation = adds_and_destroys
        try:
            return await original(self, *arguments)
        finally:
            self._custody.add_generation = add

    Shredder._delete = deletes_too_early  # type: ignore[method-assign, assignment]


def main() -> int:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--days", type=Path, required=True)
    parser.add_argument("--die-after", type=int, default=0)
    parser.add_argument("--in", dest="where", choices=sorted(_BEGINNINGS), default="changes")
    parser.add_argument("--fault", action="store_true")
    arguments = parser.parse_args()
    os.umask(0o077)
    vars(wiring)["Schedule"] = functools.partial(Schedule, pause_s=_PAUSE_S)
    if arguments.fault:
        plant_fault()
    if arguments.die_after:
        die_after(arguments.die_after, arguments.where)
    config = load(arguments.config, KmsConfig)
    return run(lambda: wiring.build(config, LeapingClock(arguments.days)))


if __name__ == "__main__":
    sys.exit(main())
