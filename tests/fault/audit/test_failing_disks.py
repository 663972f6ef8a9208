"""Full disks below the audit service and below a spool, and disks that fail a sync: a short campaign.

`make campaign NAME=audit-disks` is the long one. test_spool_faults.py has every byte and every call.
"""

import pytest

from tests.fault.audit.failing_disks import Disk, in_a_namespace


@pytest.mark.parametrize("role", ["audit", "recorder"])
def test_a_disk_of_any_size_loses_nothing(role: str) -> None:
    sizes = {"audit": (100, 400, 700), "recorder": (8, 32)}[role]
    outcomes = in_a_namespace([Disk(role, kib=kib) for kib in sizes])
    acknowledged = sum(outcome.acknowledged for outcome in outcomes)
    print(f"{len(sizes)} disks of {role}: {sum(each.lost for each in outcomes)} of {acknowledged} lost")
    assert [outcome.problems for outcome in outcomes] == [[]] * len(sizes)
    assert outcomes[0].met
    assert acknowledged > 0


@pytest.mark.parametrize(
    "disk",
    [
        Disk("audit", point="batch inserted, not committed", hit=2),
        Disk("recorder", point="chunk written, not synced", hit=10),
        Disk("witness", point="checkpoint judged, not remembered"),
    ],
    ids=lambda disk: str(disk.role),
)
def test_a_sync_that_fails_ends_the_process_and_loses_nothing(disk: Disk) -> None:
    (outcome,) = in_a_namespace([disk])
    assert outcome.problems == []
    assert outcome.ended == 1
    assert outcome.acknowledged > 0


def test_the_judge_finds_a_recorder_that_does_not_wait_for_its_disk() -> None:
    (outcome,) = in_a_namespace([Disk("recorder", kib=8)], "early")
    assert outcome.lost > 0
