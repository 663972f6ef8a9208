"""What hangs on the seal of a process, in memory: for tests of sealing and of who calls it."""

from pathlib import Path
from typing import Any

from services.chassis.randomness import SystemRandomness
from services.chassis.secret import SecretBytes
from services.kms.operations.custody import Seal
from services.kms.ports import CustodyError, Installation
from tests.fakes.custodies import Place
from tests.fakes.records import MemoryRecords


class Crash(BaseException):
    """The process is gone."""


class Installations:
    """The installation record in memory."""

    def __init__(self) -> None:
        self.record: Installation | None = None
        self.holds_keys = False
        self.crash: str = ""

    def load(self) -> Installation | None:
        return self.record

    def save(self, installation: Installation) -> None:
        if self.record is None and self.holds_keys:
            raise CustodyError("not empty")
        if self.crash == "before":
            raise Crash
        self.record = installation
        if self.crash == "after":
            raise Crash


class Store(MemoryRecords):
    """A store that is open or not."""

    epoch, anchored_epoch = 7, 6

    def __init__(self) -> None:
        super().__init__()
        self.key: SecretBytes | None = None
        self.opened_as_new: list[bool] = []
        self.refuses: list[BaseException] = []

    async def open(self, store_key: SecretBytes, *, first_boot: bool = False) -> None:
        self.opened_as_new.append(first_boot)
        if self.refuses:
            raise self.refuses.pop()
        self.key = store_key

    async def close(self) -> None:
        self.key = None


class Everything:
    """A seal, and what hangs on it."""

    def __init__(self, folder: Path, kind: str = "file") -> None:
        self.place = Place(kind, folder)
        self.place.mark()
        self.installations, self.store = Installations(), Store()
        self.custody: Any = self.place.open_sealed()
        self.seal = Seal(self.custody, self.installations, self.store, SystemRandomness())
        self.seen: list[str] = []
        for name in ("pages", "cache"):
            self.seal.on_unseal(lambda name=name: self.open(name))
            self.seal.on_seal(lambda name=name: self.seen.append(f"-{name}"))

    async def open(self, name: str) -> None:
        assert self.store.key is not None
        assert self.seal.sealed
        self.seen.append(f"+{name}")
