"""kill -9 of kms while keys are made, renewed and deleted."""

import asyncio
import shutil
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.campaigns.campaign import Campaign, Finding
from tests.fault.kms.endurance import KINDS_OF_DEATH, EnduranceError, endure

_KILLS = 5


class KmsKillsCampaign(Campaign):
    """One case is the life of an installation with five deaths."""

    name = "kms-kills"
    summary = (
        f"{_KILLS} times a case a kms in a process of its own, over SQLite and a custody file, is killed by "
        "SIGKILL while keys are made, renewed and deleted and root keys changed: at a random moment, or at a "
        "random call of its own functions in the middle of changes and deletions. After each, database and "
        "custody are looked through by hand, and kms starts again: every key it acknowledged is whole and "
        "opens what it sealed, none is half-made, none that is said to be deleted is there, and custody has "
        "the keys that pages hang on."
    )
    fault = "a deletion that destroys the shred key before anything hangs on the new one."
    sources = (
        "services/chassis",
        "services/kms",
        "tests/campaigns/kms_kills.py",
        "tests/fault/kms",
        "docs/examples",
    )
    units = (_KILLS, "kills")
    from_disk = True
    planted_bound = 12
    niceness = 0

    def __init__(self) -> None:
        self._fault = False
        self._counted: Counter[str] = Counter()
        self._starts_s: list[float] = []

    def case(self, seed: int, index: int) -> None:
        """Die, and look."""
        random = self.random(seed, index)
        deaths = (
            ["deletions"] * _KILLS if self._fault else random.choices(KINDS_OF_DEATH, (2, 1, 2), k=_KILLS)
        )
        home = Path(tempfile.mkdtemp(prefix="kms-kills-"))
        try:
            counted, starts_s = asyncio.run(endure(home, random, deaths, fault=self._fault))
        except EnduranceError as error:
            raise Finding(str(error)) from error
        finally:
            shutil.rmtree(home)
        if not self._fault:
            self._counted.update(counted)
            self._starts_s += starts_s

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Run a faulty kms, and kill it in its deletions."""
        self._fault = True
        try:
            yield
        finally:
            self._fault = False

    def measured(self) -> tuple[str, ...]:
        """Say what happened in the cases of this run, and how long starts took."""
        if not self._starts_s:
            return ()
        ordered = sorted(self._starts_s)
        high = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
        return (
            ", ".join(f"{count:,} {what}" for what, count in sorted(self._counted.items())),
            f"{len(ordered)} starts, from the process to serving: p50 {statistics.median(ordered):.2f} s, "
            f"p99 {high:.2f} s, longest {ordered[-1]:.2f} s",
        )
