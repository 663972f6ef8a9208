"""What is revoked is closed when that is acknowledged: every kind of it, under load, on a whole stack.

The long form, at 500 calls a second, is the campaign `revocation`.
"""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.load.revocation.kinds import Kind
from tests.load.revocation.stage import SERVED_BY, Stage

RATE = 30.0
"""What is left of a machine that runs other tests as well. Half of these calls are of those whose access is
taken away."""
AT_ONCE = 5
LIMIT_S = 20.0
"""A deadline; the campaign holds acknowledgements to what is promised."""


@pytest.fixture(scope="module")
def stage(stack: Any) -> Iterator[Stage]:
    made = Stage(stack, RATE, 20261121)
    with made.open(1):
        # Services that an earlier test has killed count as alive for a while.
        made.settle()
        yield made


@pytest.mark.timeout(600)
def test_every_kind_of_revocation_under_load(stage: Stage) -> None:
    kinds = list(stage.kinds)
    random.Random(1).shuffle(kinds)
    streamed = next(kind for kind in kinds if "runtime" in kind.principal.ways)
    for kind in kinds:
        stage.healthy(kind, stream=kind is streamed)
    measured = stage.measured
    assert len(measured.healthy) + 1 == len(kinds) >= 20
    assert len(measured.streaming) == len(measured.streams) == 1
    print(f"{len(kinds)} acknowledged after {max(measured.healthy):.3f} s at most, {stage.load.calls} calls")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("service", sorted(SERVED_BY))
def test_a_stopped_enforcement_point_is_waited_for(stage: Stage, service: str) -> None:
    kinds: list[Kind] = random.Random(service).sample(stage.kinds, AT_ONCE)
    stage.stopped(kinds, service, LIMIT_S)
    print(f"{service} stopped: acknowledged after {max(stage.measured.stopped[-AT_ONCE:]):.2f} s at most")
