"""What the collector leaves out, and when."""

import asyncio
import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest

from services.chassis import garbage
from services.chassis.process import run_until_signal


class Knot:
    """Keeps itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_modules_are_imported_without_a_collection() -> None:
    script = (
        "import gc, services; before = gc.get_stats()[0]['collections']; import services.chassis.server; "
    )
    script += "print(gc.get_stats()[0]['collections'] - before)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"0\n"


def test_what_the_start_leaves_is_collected_and_what_lives_is_left_out() -> None:
    garbage.put_off()
    living, lost = Knot(), weakref.ref(Knot())
    frozen = gc.get_freeze_count()
    garbage.settle()
    assert lost() is None
    assert gc.get_freeze_count() > frozen
    assert not any(each is living for each in gc.get_objects())


def test_afterwards_it_runs_as_often_as_python_has_it() -> None:
    script = "import gc; usual = gc.get_threshold(); import services; from services.chassis import garbage; "
    script += "assert gc.get_threshold() != usual; garbage.settle(); assert gc.get_threshold() == usual"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_what_modules_lost_stays_and_what_comes_later_does_not() -> None:
    gc.disable()
    try:
        kept = weakref.ref(Knot())
        garbage.leave_modules_out()
        lost = weakref.ref(Knot())
        garbage.settle()
        assert kept() is not None
        assert lost() is None
    finally:
        gc.enable()
        gc.unfreeze()
        gc.collect()
    assert kept() is None


class Server:
    """Ends as soon as it has started."""

    def __init__(self) -> None:
        self.failed = asyncio.Event()

    async def start(self) -> None:
        self.failed.set()

    async def stop(self) -> None:
        """Nothing is open."""


def test_a_server_settles_once_it_has_started() -> None:
    garbage.put_off()
    assert run_until_signal(Server) == 1
    assert gc.get_threshold()[0] < garbage.PUT_OFF
