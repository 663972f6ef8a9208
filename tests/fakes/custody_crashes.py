"""Break off an operation of a custody at every single step, each time in a process of its own.

    python -m tests.fakes.custody_crashes KIND FOLDER OPERATION

The process forks a child a step. The child ends, as by kill -9, at its n-th call in an adapter (of Python, of
the system or of the device's library). If it has written anything, another one looks at what is left and
prepares the next step. Ends with status 0 and prints the number of steps when none of them left anything but
a usable custody.
"""

import gc
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from services.kms.adapters import file_custody
from services.kms.adapters.first_boot import first_boot_mark
from services.kms.ports import CustodyError, RootCustody, WrapKind
from tests.fakes.custodies import BOUND, MATERIAL, Place

_ADAPTERS = str(Path(file_custody.__file__).parent)
_CRASHED, _MANY_STEPS = 77, 2000
_ROOT, _SHRED = WrapKind.ROOT, WrapKind.SHRED


def _crash_at(step: int) -> None:
    left = step

    def count(frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal left
        if event in ("call", "c_call") and frame.f_code.co_filename.startswith(_ADAPTERS):
            left -= 1
            if left == 0:
                os._exit(_CRASHED)

    sys.setprofile(count)


def _in_a_child(work: Callable[[], None]) -> int:
    """Return the exit status of a child that does `work`; 0 when it came to the end."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            sys.setprofile(None)
            os._exit(0)
        except BaseException:
            sys.setprofile(None)
            import traceback

            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _opens(custody: RootCustody, generation: int, wrapped: bytes) -> bool:
    try:
        return custody.unwrap(_SHRED, generation, wrapped, BOUND) == MATERIAL
    except CustodyError:
        return False


class Attempt:
    """One operation, from a custody with one generation of each kind to one with one generation again."""

    def __init__(self, place: Place, operation: str) -> None:
        self._place = place
        self._operation = operation
        self._notes = place.folder / "wrapped"

    def begin(self) -> None:
        """End the first boot, and prepare the first step."""
        custody = self._place.open()
        custody.complete_first_boot()
        self._prepare(custody)

    def _prepare(self, custody: RootCustody) -> None:
        """Bring custody into the state before the operation and keep something wrapped."""
        newest = custody.generations(_SHRED)[-1]
        custody.destroy_before(_SHRED, newest)
        if self._operation == "destroy":
            custody.add_generation(_SHRED)
        blobs = [
            f"{each} {custody.wrap(_SHRED, each, MATERIAL, BOUND).hex()}"
            for each in custody.generations(_SHRED)
        ]
        self._notes.write_text("\n".join(blobs))

    def crash(self, step: int) -> None:
        """Do the operation and die of it."""
        custody = self._place.open()
        newest = custody.generations(_SHRED)[-1]
        _crash_at(step)
        if self._operation == "destroy":
            custody.destroy_before(_SHRED, newest)
        else:
            custody.add_generation(_SHRED)

    def check(self) -> None:
        """See that custody is usable and that the operation can be done again; prepare the next step."""
        lines = [line.split() for line in self._notes.read_text().splitlines()]
        kept = [(int(generation), bytes.fromhex(blob)) for generation, blob in lines]
        custody = self._place.open()
        newest = kept[-1][0]
        assert _opens(custody, *kept[-1]), "what was wrapped under the living key opens no more"
        if self._operation == "destroy":
            assert custody.generations(_SHRED)[-1] == newest
            custody.destroy_before(_SHRED, newest)
            assert list(custody.generations(_SHRED)) == [newest]
            assert not _opens(custody, *kept[0]), "what was destroyed opens"
        else:
            last = custody.generations(_SHRED)[-1]
            assert last in (newest, newest + 1)
            assert _opens(custody, last, custody.wrap(_SHRED, last, MATERIAL, BOUND))
        left = {each.name for each in self._place.file.parent.iterdir()}
        assert left == {self._place.file.name}, f"left over: {left}"
        self._prepare(custody)


class FirstOpening:
    """The first boot, from the mark to an open custody."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def begin(self) -> None:
        """Nothing is there but the mark (and the file that a passphrase has from the start)."""

    def crash(self, step: int) -> None:
        """Open for the first time and die of it."""
        _crash_at(step)
        self._place.open()

    def check(self) -> None:
        """See that the boot can be repeated."""
        assert first_boot_mark(self._place.file).exists()
        if self._place.kind == "file" and self._place.file.exists():
            # A file that is there is whole. The next step begins without one again.
            assert Place(self._place.kind, self._place.folder).open().first_boot
            self._place.file.unlink()


def _written(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def main() -> None:
    """Try every step."""
    kind, folder, operation = sys.argv[1:]
    place = Place(kind, Path(folder))
    os.environ |= place.environment()
    if kind == "pkcs11":
        # Else every child would import it, which takes longer than what it does with it.
        importlib.import_module("services.kms.adapters.pkcs11_custody")
    # What the children share is not copied for each of them because their collector looks at it.
    gc.freeze()
    attempt = FirstOpening(place) if operation == "open" else Attempt(place, operation)
    assert _in_a_child(attempt.begin) == 0, "begin"
    for step in range(1, _MANY_STEPS):
        before = _written(place.folder)
        status = _in_a_child(lambda step=step: attempt.crash(step))  # type: ignore[misc]
        assert status in (0, _CRASHED), f"step {step} failed"
        if step > 1 and status == _CRASHED and _written(place.folder) == before:
            continue
        assert _in_a_child(attempt.check) == 0, f"after a crash at step {step}"
        if status == 0:
            print(step)
            return
    raise SystemExit("it never came to an end")


if __name__ == "__main__":
    main()
