"""The audit service, its witness and what records on disks that are full, or fail a sync."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from tests.campaigns.campaign import Campaign, Finding
from tests.fault.audit.failing_disks import Disk, in_a_namespace
from tests.fault.audit.failpoints import FIRST, POINTS

_DISKS = 4
_SMALL = {"audit": (40, 2000), "recorder": (4, 160)}
"""KiB, from where the process cannot start to where its load has just no room."""
_UNREACHED = {"spool continues a segment"}
"""Failpoints that a first life does not come to."""
_LATEST = 12
_AT_95_PERCENT = 3


class AuditDisksCampaign(Campaign):
    """One case is some installations, each with one bad disk."""

    name = "audit-disks"
    summary = (
        f"{_DISKS} times a case one process of an installation under load has a bad disk: a tmpfs of some "
        "size below the audit service's database and log, or below a recorder's spool, that is full before "
        "the load ends and has room again afterwards; or one of the three whose every sync ends with EIO "
        "from a pass of a failpoint on, until the process ends, as it must. Then all is judged as in "
        "audit-kills: every acknowledged event is in the log once, no effect is without its intent, fsck is "
        "clean."
    )
    fault = "a recorder that acknowledges events while they wait for their commit."
    sources = (
        "services/audit",
        "services/chassis",
        "services/kms",
        "services/witness",
        "tlog",
        "tests/campaigns/audit_disks.py",
        "tests/fault/audit/failing_disks.py",
        "tests/fault/audit/failpoints.py",
        "tests/fault/audit/kill_judge.py",
        "tests/fault/audit/kill_roles.py",
        "tests/fault/audit/kill_stage.py",
        "tests/fakes/audit_server.py",
    )
    units = (_DISKS, "disks")
    from_disk = True
    planted_bound = 5
    niceness = 0

    def __init__(self) -> None:
        self._fault = ""
        self._counted: Counter[str] = Counter()

    def case(self, seed: int, index: int) -> None:
        """Draw disks, live with them, look."""
        random = self.random(seed, index)
        disks = [_drawn(random, failing=number == _DISKS - 1) for number in range(_DISKS)]
        if self._fault:
            disks = [Disk("recorder", kib=each) for each in (12, 32)]
        for disk, outcome in zip(disks, in_a_namespace(disks, self._fault), strict=True):
            if outcome.problems:
                raise Finding(f"{disk}: {'; '.join(outcome.problems[:3])}")
            if self._fault:
                continue
            kind = "small" if disk.kib else "failing"
            self._counted[f"{kind} of {disk.role}"] += 1
            self._counted[f"{kind}, met"] += outcome.met
            self._counted["acknowledged"] += outcome.acknowledged
            self._counted["lost"] += outcome.lost
            self._counted["all"] += 1

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Run a faulty recorder on small disks."""
        self._fault = "early"
        try:
            yield
        finally:
            self._fault = ""

    def measured(self) -> tuple[str, ...]:
        """Say which disks there were, and what became of the events."""
        counted = self._counted
        if not counted["all"]:
            return ()
        kinds = [f"{counted[name]} {name}" for name in sorted(counted) if " of " in name]
        return (
            f"{counted['lost']} of {counted['acknowledged']:,} acknowledged events lost on {counted['all']} "
            f"disks: at most {_AT_95_PERCENT / counted['all']:.1e} of disks lose any at 95 %",
            f"disks: {', '.join(kinds)}; {counted['small, met']} of the small ones were full under load, and "
            f"{counted['failing, met']} of the failing ones ended their process",
        )


def _drawn(random: Random, *, failing: bool) -> Disk:
    if not failing:
        role = random.choice(sorted(_SMALL))
        return Disk(role, kib=random.randint(*_SMALL[role]) // 4 * 4)
    role = random.choice(("audit", "recorder", "witness"))
    point = random.choice(sorted(set(POINTS[role]) - set(FIRST[role]) - _UNREACHED))
    return Disk(role, point=point, hit=random.randint(1, min(POINTS[role][point].most, _LATEST)))
