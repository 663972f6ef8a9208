"""kill -9 of the audit service, its witness and what records, at failpoints and at random moments."""

import statistics
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.campaigns.campaign import Campaign, Finding
from tests.fault.audit.failpoints import FIRST, POINTS
from tests.fault.audit.kill_stage import KillError, drawn, folder, play

KILLS = {"audit": 13, "recorder": 11, "witness": 4}
"""Of a case, besides one more where a first life has failpoints of its own."""
_ALL = sum(KILLS.values()) + sum(1 for role in KILLS if FIRST[role])
_IN_A_LINE = 8
"""Failpoints."""
_AT_95_PERCENT = 3
"""A zero in N bounds a share by 3/N: https://en.wikipedia.org/wiki/Rule_of_three_(statistics)"""


class AuditKillsCampaign(Campaign):
    """One case is an installation with its deaths, until all that was recorded is in the log."""

    name = "audit-kills"
    summary = (
        f"{_ALL} times a case one of three processes under load is killed by SIGKILL while the other two go "
        "on: the audit service over SQLite and the log's files, its witness, and a service's spool, recorder "
        "and shipper, over mTLS and with the real kms. Each dies at one of "
        f"{sum(map(len, POINTS.values()))} failpoints or at a random moment. When the rest is shipped, files "
        "and databases are looked through: every acknowledged event is in the log once, no effect is without "
        "its intent, fsck is clean, spools are whole, and every checkpoint that was published or witnessed "
        "on the way is one of this log."
    )
    fault = "a recorder that acknowledges events while they wait for their commit."
    sources = (
        "services/audit",
        "services/chassis",
        "services/kms",
        "services/witness",
        "tlog",
        "tests/campaigns/audit_kills.py",
        "tests/fault/audit/failpoints.py",
        "tests/fault/audit/kill_judge.py",
        "tests/fault/audit/kill_roles.py",
        "tests/fault/audit/kill_stage.py",
        "tests/fakes/audit_server.py",
    )
    units = (_ALL, "kills")
    from_disk = True
    planted_bound = 10
    niceness = 0

    def __init__(self) -> None:
        self._fault = ""
        self._counted: Counter[str] = Counter()
        self._deaths: Counter[str] = Counter()
        self._lives_s: list[float] = []

    def case(self, seed: int, index: int) -> None:
        """Die, go on, look."""

        def random_of(what: str) -> Random:
            return Random(f"{self.name}/{seed}/{what}")

        deaths = {role: drawn(random_of, role, index, kills) for role, kills in KILLS.items()}
        with folder(Path(tempfile.mkdtemp(prefix="audit-kills-"))) as home:
            try:
                verdict, died, lives_s = play(home, deaths, self._fault)
            except KillError as error:
                raise Finding(str(error)) from error
        if verdict.problems:
            raise Finding("; ".join(verdict.problems[:3]))
        if not self._fault:
            self._deaths.update(died)
            self._lives_s += lives_s
            self._counted.update(
                {
                    "entries of logs": verdict.entries,
                    "acknowledged events": verdict.acknowledged,
                    "effects": verdict.effects,
                    "checkpoints seen": verdict.checkpoints,
                    "lost": verdict.lost,
                }
            )

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Run a faulty recorder."""
        self._fault = "early"
        try:
            yield
        finally:
            self._fault = ""

    def measured(self) -> tuple[str, ...]:
        """Say what was killed where, and what became of the events."""
        kills, counted = self._deaths["kills"], self._counted
        if not kills:
            return ()
        least = min(self._deaths[f"{role}: {name}"] for role in POINTS for name in POINTS[role])
        return (
            f"{counted['lost']} of {counted['acknowledged events']:,} acknowledged events lost, "
            f"{counted['effects']:,} effects and 0 of them without an event, {counted['entries of logs']:,} "
            f"entries of logs, each event once, {counted['checkpoints seen']:,} checkpoints seen, in "
            f"{kills:,} kills: at most {_AT_95_PERCENT / kills:.1e} of kills lose any at 95 %",
            "kills: " + ", ".join(f"{self._deaths[f'kills of {role}']:,} of {role}" for role in sorted(KILLS))
            + f"; lives: median {statistics.median(self._lives_s):.2f} s",
            "at a random moment: "
            + ", ".join(f"{role} {self._deaths[f'{role}: at a random time']}" for role in sorted(KILLS))
            + f"; the rest at failpoints, of which each was hit {least} times at least",
            *(line for role in sorted(POINTS) for line in self._hits(role)),
        )  # fmt: skip

    def _hits(self, role: str) -> list[str]:
        """Say how often each failpoint of a role was hit, in lines that a cell of the table has room for."""
        hits = [f"{name} {self._deaths[f'{role}: {name}']}" for name in sorted(POINTS[role])]
        parts = [hits[start : start + _IN_A_LINE] for start in range(0, len(hits), _IN_A_LINE)]
        return [f"failpoints of {role}: {', '.join(part)}" for part in parts]
