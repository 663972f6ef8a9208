"""A campaign of numbers, with files and settings of its own: what tests of the framework run."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.campaigns.campaign import Campaign, Finding
from tests.campaigns.evidence import EvidenceFile, Subject
from tests.campaigns.runner import Settings

A, B = "a" * 64, "b" * 64
SUBJECT = Subject("numbers", "Numbers are small.", "a number that is large.", ("numbers.py",))


class Shared(list[int]):
    """A list that stays one when what holds it is copied."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "Shared":
        return self


class Numbers(Campaign):
    """A campaign of numbers: remembers which cases ran, finds those it is told to."""

    name = "numbers"
    summary, fault, sources = SUBJECT.summary, SUBJECT.fault, SUBJECT.sources
    planted_bound = 10

    def __init__(self, bad: tuple[int, ...] = (), planted_at: int = 2, crash: bool = False) -> None:
        self.ran: list[int] = []
        self.all_ran = Shared()
        """Also those of its copies."""
        self.bad = bad
        self.planted_at = planted_at
        self.crash = crash
        self._planted = False

    def case(self, seed: int, index: int) -> None:
        if self._planted:
            if self.crash:
                raise AttributeError("the plant does not fit")
            if index == self.planted_at:
                raise Finding("planted")
            return
        self.ran.append(index)
        self.all_ran.append(index)
        if index in self.bad:
            raise Finding(f"{index} | is\nbad")

    @contextmanager
    def planted(self) -> Iterator[None]:
        self._planted = True
        try:
            yield
        finally:
            self._planted = False


class Seconds:
    """A clock that moves by a tenth of a second whenever it is read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.1
        return self.now


def file_in(folder: Path) -> EvidenceFile:
    return EvidenceFile(folder / "evidence/numbers.md", folder / "locks", SUBJECT)


def settings(seconds: float = 10.0, **changes: Any) -> Settings:
    plain = Settings(
        seed=1,
        seconds=seconds,
        digest=A,
        machine="a machine",
        date=lambda: "2026-01-02",
        clock=Seconds(),
        watch=lambda _: None,
        stopped=lambda: False,
        unchanged=lambda: True,
    )
    return replace(plain, **changes)
